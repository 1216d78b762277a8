from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0020_payments_of_lines"),
    ]

    operations = [
        migrations.AddField(
            model_name="promise",
            name="promised_minor",
            field=models.PositiveBigIntegerField(null=True),
        ),
    ]
