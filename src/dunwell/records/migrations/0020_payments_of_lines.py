import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# Whose line a payment came with, and which payment an item's part is of, the matches of applied lines say.
PAYMENTS = """
UPDATE records_payment SET
    line_id = (SELECT m.line_id FROM records_bankmatch m WHERE m.payment_id = records_payment.item_id)
WHERE item_id IN (SELECT m.payment_id FROM records_bankmatch m WHERE m.payment_id IS NOT NULL)
"""
PARTS = """
UPDATE records_bankmatchpart SET
    payment_id = (SELECT m.payment_id FROM records_bankmatch m WHERE m.line_id = records_bankmatchpart.match_id)
"""
AT_ONCE = 500


def lines_of_taken_back(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Say of payments that were taken back which line they came with: only the audit trail has kept it."""
    payment, line = (apps.get_model("records", name) for name in ("Payment", "BankLine"))
    event = apps.get_model("records", "AuditEvent")
    reversed_ones = payment.objects.filter(state="reversed").order_by("pk").values_list("pk", "item__account")
    last = 0
    while some := dict(reversed_ones.filter(pk__gt=last)[:AT_ONCE]):
        last = max(some)
        told = event.objects.filter(
            action="payment.received", subject_type="account", subject_id__in=set(some.values())
        ).values_list("detail", flat=True)  # fmt: skip
        said = {
            detail["payment"]: detail["line"]
            for detail in told.iterator(chunk_size=10_000)
            if detail.get("line") and detail.get("payment") in some
        }
        there = set(line.objects.filter(pk__in=set(said.values())).values_list("pk", flat=True))
        for payment_id, line_id in said.items():
            if line_id in there:
                payment.objects.filter(pk=payment_id).update(line=line_id)


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0019_cash_terms"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="line",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="payments",
                to="records.bankline",
            ),
        ),
        migrations.AddField(
            model_name="bankmatchpart",
            name="payment",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="parts",
                to="records.payment",
            ),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(condition=models.Q(("line__isnull", False)), fields=["line"], name="payment_line"),
        ),
        migrations.RunSQL(PAYMENTS, migrations.RunSQL.noop),
        migrations.RunSQL(PARTS, migrations.RunSQL.noop),
        migrations.RunPython(lines_of_taken_back, migrations.RunPython.noop),
        migrations.RemoveField(model_name="bankmatch", name="payment"),
    ]
