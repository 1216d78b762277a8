import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0009_plans_and_repeats"),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="calendar",
            field=models.CharField(max_length=40, null=True),
        ),
        migrations.AddField(
            model_name="notice",
            name="contacts_max",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.CreateModel(
            name="NotedContact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField()),
                ("channel", models.CharField(max_length=40)),
                ("note", models.TextField(blank=True, default="")),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.account"),
                ),
                (
                    "entity",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
                ),
                (
                    "payer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="records.account"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="notedcontact",
            index=models.Index(fields=["entity", "on"], name="noted_contact_on"),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("sent_on__isnull", False)), fields=["entity", "sent_on"], name="notice_sent"
            ),
        ),
    ]
