"""What banks say: accounts of a creditor, statements of them, and the lines of these.

Amounts are minor units, positive for what came in and negative for what went out.
"""

from django.db import models
from django.db.models import Q

from dunwell.records.models.book import Entity


class BankAccount(models.Model):
    """A bank account of an entity, by its IBAN, or the number that its bank uses, without blanks."""

    entity = models.ForeignKey(Entity, models.PROTECT, related_name="bank_accounts")
    number = models.CharField(max_length=70, unique=True)
    currency = models.CharField(max_length=3)
    name = models.CharField(max_length=200, blank=True, default="")


class BankStatement(models.Model):
    """A statement, report or advice that was taken in; `kind` as in `sources.bank.pieces`.

    `digest`: the SHA-256 of its file. `lines_count` is what it brought that was not there yet.
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
    """Not looked at, proposed to a person, applied, or set aside as none of ours."""

    OPEN = "open"
    PROPOSED = "proposed"
    APPLIED = "applied"
    SET_ASIDE = "set_aside"


class BankLine(models.Model):
    """A booked movement, or of an entry that is booked in one sum for many, one of them.

    `entry_key` tells one entry from others whatever statement it came in, `occurrence` counts entries that are alike in
    all that their bank says of them.
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
