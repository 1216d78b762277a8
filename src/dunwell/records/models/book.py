"""The book: entities, accounts, items, and what stands between an item and its notice.

A null means what it means in the engine: unknown. Amounts are minor units and never negative; only the
allocation ledger is signed.
"""

from django.db import models
from django.db.models import F, Q

from dunwell.engine.book import ATTRIBUTE_TYPES, DEBTOR_CLASSES, EVENTS, KINDS


class Entity(models.Model):
    """A creditor company, the scope of every query, with what its letters show of it.

    `run_at`: the local time from which on workers begin a run each day, and with `run_posts` post it. `ran_on`: the
    day of the last one. `measured_on`: the day on which the figures of the days before were last kept.
    `reference_scheme`: of the references that payments are to quote, one of engine.references.SCHEMES or empty.
    `cash`: what matching may do by itself, where that is not the usual.
    """

    id = models.AutoField(primary_key=True)
    code = models.CharField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    country = models.CharField(max_length=2, blank=True, default="")
    language = models.CharField(max_length=20, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    address_lines = models.TextField(blank=True, default="")
    email = models.CharField(max_length=320, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    iban = models.CharField(max_length=34, blank=True, default="")
    bic = models.CharField(max_length=11, blank=True, default="")
    bank_name = models.CharField(max_length=200, blank=True, default="")
    footer_lines = models.TextField(blank=True, default="")
    reference_scheme = models.CharField(max_length=20, blank=True, default="")
    promise_tolerance_days = models.PositiveSmallIntegerField(default=0)
    run_at = models.TimeField(null=True)
    run_posts = models.BooleanField(default=False)
    ran_on = models.DateField(null=True)
    measured_on = models.DateField(null=True)
    cash = models.JSONField(default=dict)
    journal = models.JSONField(default=dict)  # its ledger accounts and VAT codes, where they are its own


class Account(models.Model):
    """A debtor of one entity; `parent` pays for it where there is one."""

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    code = models.CharField(max_length=200)
    name = models.CharField(max_length=400, blank=True, default="")
    parent = models.ForeignKey("self", models.PROTECT, null=True, db_index=False, related_name="children")
    country = models.CharField(max_length=2, null=True)
    language = models.CharField(max_length=20, null=True)
    time_zone = models.CharField(max_length=64, null=True)
    debtor_class = models.CharField(max_length=20, null=True)
    segment = models.CharField(max_length=200, null=True)
    credit_limit_minor = models.BigIntegerField(null=True)
    customer_since_on = models.DateField(null=True)
    risk = models.FloatField(null=True)
    legal = models.BooleanField(default=False)
    intercompany = models.BooleanField(default=False)
    max_stage = models.CharField(max_length=100, null=True)
    attributes = models.JSONField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["entity", "code"], name="account_code"),
            models.CheckConstraint(
                condition=Q(debtor_class__isnull=True) | Q(debtor_class__in=DEBTOR_CLASSES), name="account_class"
            ),
        )
        indexes = (models.Index(fields=["parent"], name="account_parent", condition=Q(parent__isnull=False)),)


class AttributeType(models.Model):
    """What type a custom attribute has, and so its `attr_*` column."""

    subject = models.CharField(max_length=10)
    name = models.CharField(max_length=60)
    type = models.CharField(max_length=10)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["subject", "name"], name="attribute_name"),
            models.CheckConstraint(condition=Q(subject__in=["item", "account"]), name="attribute_subject"),
            models.CheckConstraint(condition=Q(type__in=sorted(ATTRIBUTE_TYPES)), name="attribute_type"),
            # It becomes part of a column's name, `attr_*`, in frames and in policies.
            models.CheckConstraint(condition=Q(name__regex=r"^[a-z][a-z0-9_]*$"), name="attribute_identifier"),
        )


class Contact(models.Model):
    """Where an account is reached; an empty text is a channel that does not reach it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="contacts")
    name = models.CharField(max_length=400, blank=True, default="")
    email = models.CharField(max_length=320, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    address_lines = models.TextField(blank=True, default="")
    chat = models.CharField(max_length=400, blank=True, default="")
    webhook_url = models.TextField(blank=True, default="")


class Item(models.Model):
    """An invoice, instalment, charge, credit or payment; `closed_on` is set while nothing is open.

    `source_open_minor`: what an import last said was open of it, where imports say so. `waivable`: a fee that is
    written off when its item is settled; `waived_minor`: what was. `discount_minor`: what may be taken off it by who
    pays by `discount_until_on`.
    """

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    account = models.ForeignKey(Account, models.PROTECT)
    number = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(max_length=10, default="invoice")
    currency = models.CharField(max_length=3)
    issued_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    amount_minor = models.PositiveBigIntegerField()
    open_minor = models.PositiveBigIntegerField()
    disputed_minor = models.PositiveBigIntegerField(default=0)
    in_flight_minor = models.PositiveBigIntegerField(default=0)
    parent = models.ForeignKey("self", models.PROTECT, null=True, db_index=False, related_name="charges")
    draft = models.BooleanField(default=False)
    max_stage = models.CharField(max_length=100, null=True)
    source_open_minor = models.PositiveBigIntegerField(null=True)
    waivable = models.BooleanField(default=False)
    waived_minor = models.PositiveBigIntegerField(default=0)
    interest_from_on = models.DateField(null=True)
    discount_minor = models.PositiveBigIntegerField(null=True)
    discount_until_on = models.DateField(null=True)
    attributes = models.JSONField(null=True)
    closed_on = models.DateField(null=True)

    class Meta:
        constraints = (
            # A payment may come without a number of its own.
            models.UniqueConstraint(fields=["entity", "number", "kind"], name="item_number", condition=~Q(number="")),
            models.CheckConstraint(condition=Q(kind__in=KINDS), name="item_kind"),
        )
        indexes = (
            # In order of id, so that reading the open items walks through the table once.
            models.Index(fields=["entity"], name="item_open", condition=Q(closed_on__isnull=True)),
            models.Index(fields=["parent"], name="item_parent", condition=Q(parent__isnull=False)),
            models.Index(fields=["entity"], name="item_waivable", condition=Q(waivable=True)),
            models.Index(fields=["entity", "closed_on"], name="item_closed", condition=Q(closed_on__isnull=False)),
            models.Index(fields=["entity", "issued_on"], name="item_issued"),
            models.Index(fields=["entity"], name="item_discount", condition=Q(discount_minor__gt=0)),
        )


class ItemState(models.Model):
    """What dunning changes of an item: a narrow table, since every posting writes it.

    An item without a row was never noticed: level 0, version 0.
    """

    item = models.OneToOneField(Item, models.PROTECT, primary_key=True, related_name="state")
    level = models.PositiveSmallIntegerField(default=0)
    stage = models.CharField(max_length=100, null=True)
    last_notice_on = models.DateField(null=True)
    last_deadline_on = models.DateField(null=True)
    repeats = models.PositiveSmallIntegerField(default=0)
    pending_notice_id = models.BigIntegerField(null=True)
    version = models.PositiveIntegerField(default=0)


class AnchorState(models.Model):
    """State of an account-anchored procedure: one per entity, payer, currency and policy."""

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    payer = models.ForeignKey(Account, models.PROTECT)
    currency = models.CharField(max_length=3)
    policy = models.CharField(max_length=100)
    anchor_item = models.ForeignKey(Item, models.PROTECT, null=True, db_index=False)
    level = models.PositiveSmallIntegerField(default=0)
    stage = models.CharField(max_length=100, null=True)
    last_notice_on = models.DateField(null=True)
    last_deadline_on = models.DateField(null=True)
    repeats = models.PositiveSmallIntegerField(default=0)
    pending_notice_id = models.BigIntegerField(null=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["entity", "payer", "currency", "policy"], name="anchor_procedure"),
        )


class PayerContact(models.Model):
    """When a payer of an entity last had a notice after the due date of something."""

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    payer = models.ForeignKey(Account, models.PROTECT)
    last_contact_on = models.DateField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["entity", "payer"], name="payer_contact"),)


class RateSeries(models.Model):
    """A series of rates that people keep here: one of their own, or what came after the shipped one ends."""

    series = models.CharField(max_length=60, primary_key=True)
    title = models.CharField(max_length=200, blank=True, default="")
    source = models.TextField(blank=True, default="")
    complete_until_on = models.DateField()


class Rate(models.Model):
    """A value of a series from a day on, in millionths of a percent point or of a unit of currency."""

    series = models.ForeignKey(RateSeries, models.PROTECT, db_index=False, related_name="rates")
    from_on = models.DateField()
    value_millionths = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["series", "from_on"], name="rate_from"),)


class Hold(models.Model):
    """A dunning block on one account or one item, through `until_on` or until released."""

    entity = models.ForeignKey(Entity, models.PROTECT)
    account = models.ForeignKey(Account, models.PROTECT, null=True)
    item = models.ForeignKey(Item, models.PROTECT, null=True)
    from_on = models.DateField()
    until_on = models.DateField(null=True)
    released_on = models.DateField(null=True)
    reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(account__isnull=True, item__isnull=False) | Q(account__isnull=False, item__isnull=True),
                name="hold_subject",
            ),
        )


class Dispute(models.Model):
    """A dispute over an item, or over part of it."""

    entity = models.ForeignKey(Entity, models.PROTECT)
    item = models.ForeignKey(Item, models.PROTECT)
    amount_minor = models.PositiveBigIntegerField(null=True)
    opened_on = models.DateField()
    resolved_on = models.DateField(null=True)
    reason = models.TextField(blank=True, default="")


class InstalmentPlan(models.Model):
    """An agreement to pay by instalments, each of which is a promise; it ends with the first that is broken."""

    entity = models.ForeignKey(Entity, models.PROTECT)
    account = models.ForeignKey(Account, models.PROTECT)
    made_on = models.DateField()
    note = models.TextField(blank=True, default="")


class Promise(models.Model):
    """A promise to pay an amount by a date, perhaps as an instalment of a plan.

    `promised_minor`: what it was, where it came to less or ended by itself, since nothing was owed any more.
    """

    entity = models.ForeignKey(Entity, models.PROTECT)
    account = models.ForeignKey(Account, models.PROTECT)
    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveBigIntegerField()
    paid_minor = models.PositiveBigIntegerField(default=0)
    made_on = models.DateField()
    by_on = models.DateField()
    tolerance_days = models.PositiveSmallIntegerField(default=0)
    plan = models.ForeignKey(InstalmentPlan, models.PROTECT, null=True, related_name="instalments")
    ended_on = models.DateField(null=True)
    promised_minor = models.PositiveBigIntegerField(null=True)
    note = models.TextField(blank=True, default="")

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(by_on__gte=F("made_on")), name="promise_dates"),)


class PromiseItem(models.Model):
    """An item that a promise names."""

    promise = models.ForeignKey(Promise, models.PROTECT, db_index=False, related_name="items")
    item = models.ForeignKey(Item, models.PROTECT)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["promise", "item"], name="promise_item"),)


class NotedContact(models.Model):
    """What somebody noted that they told an account, beside its notices; it counts for who was the payer then."""

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    account = models.ForeignKey(Account, models.PROTECT)
    payer = models.ForeignKey(Account, models.PROTECT, related_name="+")
    on = models.DateField()
    channel = models.CharField(max_length=40)
    note = models.TextField(blank=True, default="")

    class Meta:
        indexes = (models.Index(fields=["entity", "on"], name="noted_contact_on"),)


class Closing(models.Model):
    """A payer to whom a late stage was sent: open until the message that closes the procedure is posted."""

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    payer = models.ForeignKey(Account, models.PROTECT)
    policy = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    reached_on = models.DateField()
    is_open = models.BooleanField(default=True)
    notice_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["entity", "payer", "policy"], name="closing_procedure"),)


class Alert(models.Model):
    """What event rules are about, as far as it has come up; `subject_id`: as the engine's table has it."""

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    account = models.ForeignKey(Account, models.PROTECT)
    policy = models.CharField(max_length=100, blank=True, default="")
    event = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    measure = models.CharField(max_length=40, blank=True, default="")
    since_on = models.DateField()
    acted_on = models.DateField(null=True)
    over_on = models.DateField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["entity", "account", "policy", "event", "subject_id", "measure"], name="alert_subject"
            ),
            models.CheckConstraint(condition=Q(event__in=EVENTS), name="alert_event"),
        )
