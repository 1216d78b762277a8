from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0004_shards_and_schedule"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="run",
            name="run_state",
        ),
        migrations.AlterField(
            model_name="run",
            name="state",
            field=models.CharField(
                choices=[
                    ("deciding", "Deciding"),
                    ("proposed", "Proposed"),
                    ("approved", "Approved"),
                    ("posted", "Posted"),
                    ("done", "Done"),
                    ("cancelled", "Cancelled"),
                    ("superseded", "Superseded"),
                    ("reversed", "Reversed"),
                ],
                default="proposed",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        ["deciding", "proposed", "approved", "posted", "done", "cancelled", "superseded", "reversed"],
                    )
                ),
                name="run_state",
            ),
        ),
    ]
