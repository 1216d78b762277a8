from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0011_closings_and_alerts"),
    ]

    operations = [
        migrations.AddField(
            model_name="item",
            name="waivable",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="item",
            name="waived_minor",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(condition=models.Q(("waivable", True)), fields=["entity"], name="item_waivable"),
        ),
        migrations.AddField(
            model_name="proposedcharge",
            name="waivable",
            field=models.BooleanField(default=False),
        ),
        migrations.RemoveConstraint(
            model_name="noticeline",
            name="line_role",
        ),
        migrations.AddConstraint(
            model_name="noticeline",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ("dunned", "charge", "fee", "withdrawn", "listed"))), name="line_role"
            ),
        ),
    ]
