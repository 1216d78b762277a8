from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0014_snapshots"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(("closed_on__isnull", False)), fields=["entity", "closed_on"], name="item_closed"
            ),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(fields=["entity", "issued_on"], name="item_issued"),
        ),
        migrations.AddIndex(
            model_name="allocation",
            index=models.Index(fields=["on"], name="allocation_on"),
        ),
        migrations.AddIndex(
            model_name="paidelsewhere",
            index=models.Index(fields=["on"], name="paid_elsewhere_on"),
        ),
    ]
