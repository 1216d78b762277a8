from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0005_run_states"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="wire_at",
            field=models.DateTimeField(null=True),
        ),
    ]
