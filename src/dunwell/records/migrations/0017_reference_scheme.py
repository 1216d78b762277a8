from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0016_bank_statements"),
    ]

    operations = [
        migrations.AddField(
            model_name="entity",
            name="reference_scheme",
            field=models.CharField(blank=True, default="", max_length=20),
        ),
    ]
