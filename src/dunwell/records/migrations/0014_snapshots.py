import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0013_charges_and_rates"),
    ]

    operations = [
        migrations.AddField(
            model_name="entity",
            name="measured_on",
            field=models.DateField(null=True),
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField()),
                ("currency", models.CharField(max_length=3)),
                ("not_due_minor", models.BigIntegerField()),
                ("days_1_30_minor", models.BigIntegerField()),
                ("days_31_60_minor", models.BigIntegerField()),
                ("days_61_90_minor", models.BigIntegerField()),
                ("days_over_90_minor", models.BigIntegerField()),
                ("no_due_date_minor", models.BigIntegerField()),
                ("charges_minor", models.BigIntegerField()),
                ("unapplied_minor", models.BigIntegerField()),
                ("disputed_minor", models.BigIntegerField()),
                ("invoiced_minor", models.BigIntegerField()),
                ("credited_minor", models.BigIntegerField()),
                ("received_minor", models.BigIntegerField()),
                ("promised_minor", models.BigIntegerField()),
                ("open_count", models.BigIntegerField()),
                ("notices_count", models.BigIntegerField()),
                ("promises_count", models.BigIntegerField()),
                (
                    "entity",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("entity", "on", "currency"), name="snapshot_day")],
            },
        ),
    ]
