import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0010_calendars_and_contacts"),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="closing",
            field=models.CharField(max_length=10, null=True),
        ),
        migrations.AlterField(
            model_name="task",
            name="kind",
            field=models.CharField(max_length=100),
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("policy", models.CharField(blank=True, default="", max_length=100)),
                ("event", models.CharField(max_length=40)),
                ("subject_id", models.BigIntegerField()),
                ("measure", models.CharField(blank=True, default="", max_length=40)),
                ("since_on", models.DateField()),
                ("acted_on", models.DateField(null=True)),
                ("over_on", models.DateField(null=True)),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.account")),
                (
                    "entity",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("entity", "account", "policy", "event", "subject_id", "measure"), name="alert_subject"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "event__in",
                                (
                                    "promise_broken",
                                    "dispute_overdue",
                                    "delivery_failed",
                                    "credit_limit_exceeded",
                                    "risk_above",
                                    "payment_reversed",
                                ),
                            )
                        ),
                        name="alert_event",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Closing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("policy", models.CharField(max_length=100)),
                ("currency", models.CharField(max_length=3)),
                ("reached_on", models.DateField()),
                ("is_open", models.BooleanField(default=True)),
                ("notice_id", models.BigIntegerField(null=True)),
                (
                    "entity",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
                ),
                ("payer", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.account")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("entity", "payer", "policy"), name="closing_procedure")
                ],
            },
        ),
    ]
