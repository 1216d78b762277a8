import django.db.models.deletion
from django.db import migrations, models

# What was charged before is on record as fees that were posted with their notices, and taken back with them, or taken
# off them before they left; one that was paid by then is off the notice too, and stands. They were closed on that day.
POSTED = """
UPDATE records_charge SET
    posted_on = (SELECT n.as_of FROM records_notice n WHERE n.id = records_charge.notice_id),
    reversed_on = (
        SELECT coalesce(i.closed_on, n.as_of) FROM records_notice n JOIN records_item i ON i.id = charge_item_id
        WHERE n.id = records_charge.notice_id AND (
            n.state NOT IN ('posted', 'sent')
            OR EXISTS (SELECT 1 FROM records_noticeline l
                       WHERE l.notice_id = n.id AND l.item_id = i.id AND l.role = 'withdrawn')
            AND 0 = (SELECT coalesce(sum(a.amount_minor), 0) FROM records_allocation a
                     WHERE a.item_id = i.id AND NOT a.pending)
        )
    )
WHERE charge_item_id IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0012_listed_and_waived"),
    ]

    operations = [
        migrations.RenameModel("ProposedCharge", "Charge"),
        migrations.AlterField(
            "charge",
            "notice",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="raised",
                to="records.notice",
            ),
        ),
        migrations.AlterField(
            "charge",
            "item",
            models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="raised", to="records.item"),
        ),
        migrations.AlterField(
            "charge",
            "charge_item",
            models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="origin", to="records.item"
            ),
        ),
        migrations.AddField("charge", "charge", models.CharField(default="fee", max_length=12)),
        migrations.AddField("charge", "until_on", models.DateField(null=True)),
        migrations.AddField("charge", "first", models.BooleanField(default=False)),
        migrations.AddField("charge", "posted_on", models.DateField(null=True)),
        migrations.AddField("charge", "reversed_on", models.DateField(null=True)),
        migrations.RemoveConstraint("charge", "charge_item"),
        migrations.AddConstraint(
            "charge", models.UniqueConstraint(fields=("notice", "item", "charge"), name="charge_item")
        ),
        migrations.AddConstraint(
            "charge",
            models.CheckConstraint(
                condition=models.Q(("charge__in", ("fee", "interest", "compensation"))), name="charge_kind"
            ),
        ),
        migrations.RunSQL(POSTED, migrations.RunSQL.noop),
        migrations.AddField("item", "interest_from_on", models.DateField(null=True)),
        migrations.AddField("entity", "journal", models.JSONField(default=dict)),
        migrations.AddField(
            "allocation",
            "for_item",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="allocations_for",
                to="records.item",
            ),
        ),
        migrations.AddIndex(
            "allocation",
            models.Index(
                condition=models.Q(("for_item__isnull", False)), fields=["for_item"], name="allocation_for_item"
            ),
        ),
        migrations.CreateModel(
            name="PaidElsewhere",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_minor", models.BigIntegerField()),
                ("on", models.DateField()),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="paid_elsewhere",
                        to="records.item",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RateSeries",
            fields=[
                ("series", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("title", models.CharField(blank=True, default="", max_length=200)),
                ("source", models.TextField(blank=True, default="")),
                ("complete_until_on", models.DateField()),
            ],
        ),
        migrations.CreateModel(
            name="Rate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_on", models.DateField()),
                ("value_millionths", models.BigIntegerField()),
                (
                    "series",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rates",
                        to="records.rateseries",
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("series", "from_on"), name="rate_from")]},
        ),
    ]
