from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0007_mails"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignInTry",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("until_at", models.DateTimeField()),
            ],
        ),
    ]
