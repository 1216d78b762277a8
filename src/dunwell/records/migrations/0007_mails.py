from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0006_creditor"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="wire_at",
            field=models.DateTimeField(null=True),
        ),
    ]
