from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0005_run_states"),
    ]

    operations = [
        migrations.AddField(
            model_name="entity",
            name=name,
            field=field,
        )
        for name, field in (
            ("address_lines", models.TextField(blank=True, default="")),
            ("email", models.CharField(blank=True, default="", max_length=320)),
            ("phone", models.CharField(blank=True, default="", max_length=40)),
            ("iban", models.CharField(blank=True, default="", max_length=34)),
            ("bic", models.CharField(blank=True, default="", max_length=11)),
            ("bank_name", models.CharField(blank=True, default="", max_length=200)),
            ("footer_lines", models.TextField(blank=True, default="")),
        )
    ]
