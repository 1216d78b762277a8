"""A database of an earlier release is brought to this one with what it holds."""

from datetime import UTC, date, datetime

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dunwell.records.models import BankMatch, BankMatchPart, Charge, Entity, Payment, Run, RunShard

ON = date(2026, 4, 3)
AT = datetime(2026, 4, 3, 12, tzinfo=UTC)
BEFORE_SHARDS = [("records", "0003_approvals_and_edits")]
BEFORE_CHARGES = [("records", "0012_listed_and_waived")]
BEFORE_SEVERAL_PAYERS = [("records", "0019_cash_terms")]


def test_runs_of_before_have_one_shard(db: str) -> None:
    MigrationExecutor(connection).migrate(BEFORE_SHARDS)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO records_entity"
            " (id, code, name, currency, country, language, time_zone, promise_tolerance_days)"
            " VALUES (1, 'ACME', 'Acme', 'EUR', '', 'en', 'UTC', 0)"
        )
        columns = (
            "entity_id, as_of, state, proposed_at, proposed_by, posted_at, posted_by, archive_digest, policy_digests,"
            " counts, reason, guard"
        )
        for state, posted in (("proposed", "NULL"), ("done", "'2026-04-03 12:00:00'")):
            cursor.execute(
                f"INSERT INTO records_run ({columns})"
                f" VALUES (1, '2026-04-03', '{state}', '2026-04-03 12:00:00', 'anna', {posted}, '', 'abc', '[]',"
                " '{}', '', '')"
            )
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("records"))
    entity = Entity.objects.get()
    assert (entity.run_at, entity.iban) == (None, "")
    assert set(Run.objects.values_list("shards", "by_workers")) == {(1, False)}
    shards = RunShard.objects.order_by("run").values_list("number", "archive_digest", "is_kept", "is_posted")
    assert list(shards) == [(0, "abc", True, False), (0, "abc", True, True)]


# How a notice stood, and its fee on it and in the book, and when the fee is taken off: each of an account of its own.
FEES_OF_BEFORE = {
    ("sent", "fee", None, 0): None,
    ("sent", "fee", date(2026, 4, 9), 500): None,
    ("posted", "fee", None, 0): None,
    ("sent", "withdrawn", date(2026, 4, 4), 0): date(2026, 4, 4),
    ("sent", "withdrawn", date(2026, 4, 4), 500): None,
    ("withdrawn", "fee", date(2026, 4, 5), 0): date(2026, 4, 5),
    ("failed", "fee", None, 0): date(2026, 4, 3),
}


class Past:
    """A book of before, on 3 April 2026, as the tables were then."""

    def __init__(self, at: list[tuple[str, str]]) -> None:
        executor = MigrationExecutor(connection)
        executor.migrate(at)
        self.models = executor.loader.project_state(at).apps
        self.entity = self.add("Entity", code="ACME", name="Acme", currency="EUR")
        self.run = self.add("Run", entity_id=self.entity, as_of=ON, state="done", proposed_at=AT)

    def add(self, model: str, **fields: object) -> int:
        return int(self.models.get_model("records", model).objects.create(**fields).pk)

    def notice_with_a_fee(self, number: int, state: str, role: str, closed_on: date | None, paid_minor: int) -> int:
        paid = {"currency": "EUR", "amount_minor": 500}
        account = {"account_id": self.add("Account", entity_id=self.entity, code=f"MEYER-{number}", name="Meyer")}
        item = {"entity_id": self.entity, **account, "currency": "EUR"}
        invoice = self.add(
            "Item", number=f"A-{number}", kind="invoice", amount_minor=10000, open_minor=10000, due_on=ON, **item
        )
        fee = self.add(
            "Item", number=f"FEE-{number}", kind="charge", parent_id=invoice, amount_minor=500, open_minor=0,
            closed_on=closed_on, **item,
        )  # fmt: skip
        payment = self.add("Item", number="", kind="payment", amount_minor=500, open_minor=0, **item)
        notice = self.add(
            "Notice", run_id=self.run, number=number, entity_id=self.entity, payer_id=account["account_id"],
            currency="EUR", policy="p", stage="first", level=1, as_of=ON, total_minor=10500, state=state,
        )  # fmt: skip
        self.add("NoticeLine", notice_id=notice, item_id=fee, role=role, amount_minor=0 if role == "withdrawn" else 500)
        given = {"notice_id": notice, "stage": "first", **account, **paid}
        self.add("ProposedCharge", item_id=invoice, charge_item_id=fee, **given)
        self.add("ProposedCharge", item_id=fee, **given)  # proposed alone
        if paid_minor:
            self.add("Allocation", source_item_id=payment, item_id=fee, amount_minor=paid_minor, on=ON)
        return notice


def test_fees_of_before_stand_unless_they_were_taken_off(db: str) -> None:
    past = Past(BEFORE_CHARGES)
    notices = {was: past.notice_with_a_fee(number, *was) for number, was in enumerate(FEES_OF_BEFORE, 1)}
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("records"))
    columns = ("charge", "posted_on", "reversed_on", "first")
    for was, reversed_on in FEES_OF_BEFORE.items():
        charges = Charge.objects.filter(notice_id=notices[was]).order_by("pk").values_list(*columns)
        assert list(charges) == [("fee", ON, reversed_on, False), ("fee", None, None, False)], was


class Cash:
    """Bank lines of before: each was one payment at most, which its match named."""

    def __init__(self) -> None:
        self.past = Past(BEFORE_SEVERAL_PAYERS)
        self.entity = {"entity_id": self.past.entity}
        self.account = self.past.add("Account", code="MEYER", name="Meyer", **self.entity)
        ours = self.past.add("BankAccount", number="DE1", currency="EUR", **self.entity)
        told = {"kind": "statement", "file": "one.sta", "digest": "abc", "imported_at": AT}
        statement = self.past.add("BankStatement", account_id=ours, **told, **self.entity)
        self.told = {"account_id": ours, "statement_id": statement, "occurrence": 0, "part_no": 1, "booked_on": ON}

    def line(self, key: str, state: str) -> int:
        amount = {"entry_minor": 500, "amount_minor": 500, "currency": "EUR"}
        return self.past.add("BankLine", entry_key=key, state=state, **amount, **self.told, **self.entity)

    def item(self, kind: str) -> int:
        amount = {"currency": "EUR", "amount_minor": 500, "open_minor": 0}
        return self.past.add("Item", account_id=self.account, kind=kind, **amount, **self.entity)

    def payment(self, state: str = "received") -> int:
        number = self.item("payment")
        self.past.add("Payment", item_id=number, state=state, received_on=ON, **self.entity)
        return number

    def match(self, line: int, payment: int | None) -> int:
        """A match, with a part: return that."""
        said = {"step": "number", "outcome": "apply", "confidence_permille": 999, "applied_minor": 500, "left_minor": 0}
        self.past.add("BankMatch", line_id=line, payment_id=payment, account_id=self.account, **said, **self.entity)
        part = {"item_id": self.item("invoice"), "amount_minor": 500}
        return self.past.add("BankMatchPart", match_id=line, **part, **self.entity)

    def told_of(self, payment: int, **detail: object) -> None:
        subject = {"subject_type": "account", "subject_id": self.account}
        detail = {"payment": payment, **detail}
        self.past.add("AuditEvent", at=AT, actor="bert", action="payment.received", detail=detail, **subject)


def test_payments_of_before_know_the_lines_that_they_came_with(db: str) -> None:
    cash = Cash()
    applied, waiting = cash.line("a", "applied"), cash.line("b", "proposed")
    standing, noted = cash.payment(), cash.payment()
    taken_back, gone = cash.payment("reversed"), cash.payment("reversed")
    parts = {cash.match(applied, standing): standing, cash.match(waiting, None): None}
    for payment, line in ((standing, applied), (taken_back, waiting), (gone, waiting + 1_000)):
        cash.told_of(payment, line=line)
    cash.told_of(noted)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("records"))
    lines = dict(Payment.objects.values_list("pk", "line"))
    assert lines == {standing: applied, noted: None, taken_back: waiting, gone: None}
    assert dict(BankMatchPart.objects.values_list("pk", "payment")) == parts
    assert BankMatch.objects.count() == 2
