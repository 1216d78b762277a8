"""What banks say: accounts of a creditor, statements of them, and the lines of these.

Amounts are minor units, positive for what came in and negative for what went out.
"""

from typing import Final

from django.db import models
from django.db.models import Q

from dunwell.records.models.book import Account, Entity, Hold, Item
from dunwell.records.models.money import Payment


class BankAccount(models.Model):
    """A bank account of an entity, by its IBAN, or the number that its bank uses, without blanks."""

    entity = models.ForeignKey(Entity, models.PROTECT, related_name="bank_accounts")
    number = models.CharField(max_length=70, unique=True)
    currency = models.CharField(max_length=3)
    name = models.CharField(max_length=200, blank=True, default="")


class BankStatement(models.Model):
    """A statement, report or advice that was taken in; `kind` as in `sources.bank.pieces`.

    `digest`: the SHA-256 of its file, of a table with its mapping behind it. `lines_count` is what it brought that was
    not there yet.
    """

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    account = models.ForeignKey(BankAccount, models.PROTECT, related_name="statements")
    kind = models.CharField(max_length=10)
    statement_id = models.TextField(blank=True, default="")
    from_on = models.DateField(null=True)
    to_on = models.DateField(null=True)
    opening_minor = models.BigIntegerField(null=True)
    closing_minor = models.BigIntegerField(null=True)
    file = models.TextField()
    digest = models.CharField(max_length=64)
    imported_at = models.DateTimeField()
    lines_count = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = (models.Index(fields=["digest"], name="bank_statement_digest"),)


class BankLineState(models.TextChoices):
    """Not looked at, proposed to a person, applied, set aside as none of ours, or taken back by its bank.

    What a bank took back and the line that says so are both `returned`: together they are nothing.
    """

    OPEN = "open"
    PROPOSED = "proposed"
    APPLIED = "applied"
    SET_ASIDE = "set_aside"
    RETURNED = "returned"


BANK_LINE_WAITS: Final = (BankLineState.OPEN, BankLineState.PROPOSED)
CAME_IN: Final = Q(amount_minor__gt=0, is_reversal=False)  # with a line; the others went out, or take something back


class BankLine(models.Model):
    """A booked movement, or of an entry that is booked in one sum for many, one of them.

    `entry_key` tells one entry from others whatever statement it came in, `occurrence` counts entries that are alike in
    all that their bank says of them. `taken_back`: a person took back what it was applied to, so that it is only
    proposed from then on. `returns`: the earlier line that this one takes back. `hold`: what holds the reminders of
    its payer back until somebody says what it is for.
    """

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    account = models.ForeignKey(BankAccount, models.PROTECT, db_index=False)
    statement = models.ForeignKey(BankStatement, models.PROTECT, related_name="lines")
    entry_key = models.CharField(max_length=32)
    occurrence = models.PositiveIntegerField()
    part_no = models.PositiveIntegerField()
    entry_minor = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    booked_on = models.DateField()
    valued_on = models.DateField(null=True)
    is_reversal = models.BooleanField(default=False)
    code = models.TextField(blank=True, default="")
    entry_ref = models.TextField(blank=True, default="")
    bank_ref = models.TextField(blank=True, default="")
    end_to_end_ref = models.TextField(blank=True, default="")
    mandate_ref = models.TextField(blank=True, default="")
    reference = models.TextField(blank=True, default="")
    text = models.TextField(blank=True, default="")
    documents = models.JSONField(default=list)
    party_name = models.TextField(blank=True, default="")
    party_iban = models.TextField(blank=True, default="")
    party_account = models.TextField(blank=True, default="")
    party_bic = models.TextField(blank=True, default="")
    on_behalf_of = models.TextField(blank=True, default="")
    return_reason = models.TextField(blank=True, default="")
    charges_minor = models.BigIntegerField(default=0)
    instructed_minor = models.BigIntegerField(null=True)
    instructed_currency = models.CharField(max_length=3, blank=True, default="")
    state = models.CharField(max_length=10, choices=BankLineState, default=BankLineState.OPEN)
    taken_back = models.BooleanField(default=False)
    returns = models.OneToOneField("self", models.PROTECT, null=True, related_name="returned_by")
    hold = models.OneToOneField(Hold, models.PROTECT, null=True, related_name="bank_line")

    class Meta:
        constraints = (
            # The second lock: no entry is counted twice, whoever brings it in beside whom.
            models.UniqueConstraint(fields=["account", "entry_key", "occurrence", "part_no"], name="bank_line_once"),
            models.CheckConstraint(condition=Q(state__in=BankLineState.values), name="bank_line_state"),
        )
        indexes = (
            models.Index(
                fields=["entity", "booked_on"],
                name="bank_line_open",
                condition=Q(state__in=[BankLineState.OPEN, BankLineState.PROPOSED]),
            ),
        )


class KnownPayer(models.Model):
    """Who pays from an IBAN or another account, or under a name, in its plain form: learned, to see and to remove.

    `line`: what it was learned from; it is forgotten when a person takes that back.
    """

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    kind = models.CharField(max_length=10)
    value = models.CharField(max_length=400)
    account = models.ForeignKey(Account, models.PROTECT, related_name="known_payers")
    since_on = models.DateField()
    line = models.ForeignKey(BankLine, models.PROTECT, null=True, related_name="known_payers")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["entity", "kind", "value", "account"], name="known_payer"),
            models.CheckConstraint(condition=Q(kind__in=["iban", "account", "name"]), name="known_payer_kind"),
        )


class BankMatch(models.Model):
    """Whose money a line is, by what the ladder of `cash.match` said last, or by a person.

    `step`, `outcome`, `why` and `guesses` are the ladder's. `account` is null where nobody knows, or where the items
    are of several payers; a person may say whose money such a line is. Once applied, it is the line's `payments`.
    """

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    line = models.OneToOneField(BankLine, models.PROTECT, primary_key=True, related_name="match")
    step = models.CharField(max_length=20)
    outcome = models.CharField(max_length=20)
    confidence_permille = models.PositiveSmallIntegerField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, db_index=False)
    applied_minor = models.BigIntegerField()
    left_minor = models.BigIntegerField()
    why = models.TextField(blank=True, default="")
    guesses = models.JSONField(default=list)


class BankMatchPart(models.Model):
    """How much of a line is for an item, and what is granted beside the money.

    Once it is applied: `payment`, that of the item's payer, and `credit`, of what is granted.
    """

    entity = models.ForeignKey(Entity, models.PROTECT, db_index=False)
    match = models.ForeignKey(BankMatch, models.CASCADE, related_name="parts")
    item = models.ForeignKey(Item, models.PROTECT, db_index=False)
    amount_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    charges_minor = models.BigIntegerField(default=0)
    difference_minor = models.BigIntegerField(default=0)
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, db_index=False, related_name="parts")
    credit = models.OneToOneField(Item, models.PROTECT, null=True, related_name="bank_match_part")


class RemittanceAdvice(models.Model):
    """What a payer says in a file of its own that a payment is for; `line`: the one it was found to go with.

    `documents` as those of a line. `digest`: the SHA-256 of the file, of a table with its mapping behind it; `place`:
    which one of it, from 1.
    """

    entity = models.ForeignKey(Entity, models.PROTECT)
    account = models.ForeignKey(Account, models.PROTECT, null=True, db_index=False)
    payer_name = models.TextField(blank=True, default="")
    reference = models.TextField(blank=True, default="")
    paid_on = models.DateField(null=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    documents = models.JSONField(default=list)
    file = models.TextField()
    digest = models.CharField(max_length=64)
    place = models.PositiveIntegerField(default=1)
    imported_at = models.DateTimeField()
    line = models.OneToOneField(BankLine, models.PROTECT, null=True, related_name="advice")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["entity", "digest", "place"], name="remittance_advice_once"),)
