"""Every table of the first release."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """As `makemigrations` wrote it."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entity",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=100, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("currency", models.CharField(max_length=3)),
                ("country", models.CharField(blank=True, default="", max_length=2)),
                ("language", models.CharField(default="en", max_length=20)),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                ("promise_tolerance_days", models.PositiveSmallIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Item",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(blank=True, default="", max_length=200)),
                ("kind", models.CharField(default="invoice", max_length=10)),
                ("currency", models.CharField(max_length=3)),
                ("issued_on", models.DateField(null=True)),
                ("due_on", models.DateField(null=True)),
                ("amount_minor", models.PositiveBigIntegerField()),
                ("open_minor", models.PositiveBigIntegerField()),
                ("disputed_minor", models.PositiveBigIntegerField(default=0)),
                ("in_flight_minor", models.PositiveBigIntegerField(default=0)),
                ("draft", models.BooleanField(default=False)),
                ("attributes", models.JSONField(null=True)),
                ("closed_on", models.DateField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=200)),
                ("name", models.CharField(blank=True, default="", max_length=400)),
                ("country", models.CharField(max_length=2, null=True)),
                ("language", models.CharField(max_length=20, null=True)),
                ("time_zone", models.CharField(max_length=64, null=True)),
                ("debtor_class", models.CharField(max_length=20, null=True)),
                ("segment", models.CharField(max_length=200, null=True)),
                ("credit_limit_minor", models.BigIntegerField(null=True)),
                ("customer_since_on", models.DateField(null=True)),
                ("risk", models.FloatField(null=True)),
                ("legal", models.BooleanField(default=False)),
                ("intercompany", models.BooleanField(default=False)),
                ("attributes", models.JSONField(null=True)),
                (
                    "parent",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="records.account",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AttributeType",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=10)),
                ("name", models.CharField(max_length=60)),
                ("type", models.CharField(max_length=10)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("subject", "name"), name="attribute_name"),
                    models.CheckConstraint(
                        condition=models.Q(("subject__in", ["item", "account"])), name="attribute_subject"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("type__in", ["boolean", "date", "integer", "number", "text"])),
                        name="attribute_type",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name__regex", "^[a-z][a-z0-9_]*$")), name="attribute_identifier"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, default="", max_length=400)),
                ("email", models.CharField(blank=True, default="", max_length=320)),
                ("phone", models.CharField(blank=True, default="", max_length=40)),
                ("address_lines", models.TextField(blank=True, default="")),
                ("chat", models.CharField(blank=True, default="", max_length=400)),
                ("webhook_url", models.TextField(blank=True, default="")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="contacts", to="records.account"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ItemState",
            fields=[
                (
                    "item",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="state",
                        serialize=False,
                        to="records.item",
                    ),
                ),
                ("level", models.PositiveSmallIntegerField(default=0)),
                ("stage", models.CharField(max_length=100, null=True)),
                ("last_notice_on", models.DateField(null=True)),
                ("last_deadline_on", models.DateField(null=True)),
                ("pending_notice_id", models.BigIntegerField(null=True)),
                ("version", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                (
                    "item",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="payment",
                        serialize=False,
                        to="records.item",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("received", "Received"), ("reversed", "Reversed")],
                        default="received",
                        max_length=10,
                    ),
                ),
                ("received_on", models.DateField(null=True)),
                ("external_id", models.CharField(blank=True, default="", max_length=200)),
                ("reference", models.TextField(blank=True, default="")),
            ],
        ),
        migrations.AddField(
            model_name="item",
            name="account",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.account"),
        ),
        migrations.AddField(
            model_name="item",
            name="entity",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
        ),
        migrations.AddField(
            model_name="item",
            name="parent",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="charges",
                to="records.item",
            ),
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_on", models.DateField()),
                ("until_on", models.DateField(null=True)),
                ("released_on", models.DateField(null=True)),
                ("reason", models.TextField(blank=True, default="")),
                (
                    "account",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="records.account"),
                ),
                ("entity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.entity")),
                ("item", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="records.item")),
            ],
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_minor", models.PositiveBigIntegerField(null=True)),
                ("opened_on", models.DateField()),
                ("resolved_on", models.DateField(null=True)),
                ("reason", models.TextField(blank=True, default="")),
                ("entity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.entity")),
                ("item", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.item")),
            ],
        ),
        migrations.CreateModel(
            name="AnchorState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("policy", models.CharField(max_length=100)),
                ("level", models.PositiveSmallIntegerField(default=0)),
                ("stage", models.CharField(max_length=100, null=True)),
                ("last_notice_on", models.DateField(null=True)),
                ("last_deadline_on", models.DateField(null=True)),
                ("pending_notice_id", models.BigIntegerField(null=True)),
                ("version", models.PositiveIntegerField(default=0)),
                ("payer", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.account")),
                (
                    "entity",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
                ),
                (
                    "anchor_item",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="records.item"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Allocation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_minor", models.BigIntegerField()),
                ("pending", models.BooleanField(default=False)),
                ("on", models.DateField()),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="allocations_in", to="records.item"
                    ),
                ),
                (
                    "source_item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="allocations_out", to="records.item"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("policy", models.CharField(max_length=100)),
                ("split", models.TextField(null=True)),
                ("stage", models.CharField(max_length=100)),
                ("level", models.PositiveSmallIntegerField()),
                ("anchored", models.BooleanField(default=False)),
                ("contact", models.BooleanField(default=True)),
                ("as_of", models.DateField()),
                ("deadline_on", models.DateField(null=True)),
                ("due_minor", models.BigIntegerField(default=0)),
                ("charges_minor", models.BigIntegerField(default=0)),
                ("fee_minor", models.BigIntegerField(default=0)),
                ("total_minor", models.BigIntegerField()),
                ("channels", models.TextField(blank=True, default="")),
                ("approvals", models.PositiveSmallIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("excluded", "Excluded"),
                            ("superseded", "Superseded"),
                            ("posted", "Posted"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField(null=True)),
                ("sent_on", models.DateField(null=True)),
                ("contact_before_on", models.DateField(null=True)),
                ("level_before", models.PositiveSmallIntegerField(null=True)),
                ("stage_before", models.CharField(max_length=100, null=True)),
                ("deadline_before_on", models.DateField(null=True)),
                (
                    "entity",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
                ),
                ("payer", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.account")),
            ],
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=20)),
                ("recipient", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("claimed", "Claimed"),
                            ("retrying", "Retrying"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("withdrawn", "Withdrawn"),
                            ("in_doubt", "In Doubt"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("not_before_at", models.DateTimeField(null=True)),
                ("lease_until_at", models.DateTimeField(null=True)),
                ("claimed_by", models.CharField(blank=True, default="", max_length=200)),
                ("sent_at", models.DateTimeField(null=True)),
                ("message_id", models.TextField(blank=True, default="")),
                ("content_path", models.TextField(blank=True, default="")),
                (
                    "notice",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="records.notice",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="NoticeAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("action", models.CharField(max_length=100)),
                (
                    "notice",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="actions",
                        to="records.notice",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="NoticeLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(default="dunned", max_length=10)),
                ("amount_minor", models.BigIntegerField()),
                ("level", models.PositiveSmallIntegerField(null=True)),
                ("stage", models.CharField(max_length=100, null=True)),
                ("level_before", models.PositiveSmallIntegerField(null=True)),
                ("stage_before", models.CharField(max_length=100, null=True)),
                ("deadline_before_on", models.DateField(null=True)),
                ("version", models.PositiveIntegerField(null=True)),
                ("binding", models.BooleanField(default=False)),
                ("item", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.item")),
                (
                    "notice",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="records.notice",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PayerContact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("last_contact_on", models.DateField(null=True)),
                (
                    "entity",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
                ),
                ("payer", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.account")),
            ],
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("text", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("applied_at", models.DateTimeField()),
                ("applied_by", models.CharField(max_length=200)),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "entity",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="records.policy",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Promise",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.PositiveBigIntegerField()),
                ("paid_minor", models.PositiveBigIntegerField(default=0)),
                ("made_on", models.DateField()),
                ("by_on", models.DateField()),
                ("tolerance_days", models.PositiveSmallIntegerField(default=0)),
                ("note", models.TextField(blank=True, default="")),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.account")),
                ("entity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.entity")),
            ],
        ),
        migrations.CreateModel(
            name="PromiseItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("item", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.item")),
                (
                    "promise",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="records.promise",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ProposedCharge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.PositiveBigIntegerField()),
                ("stage", models.CharField(max_length=100)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="records.account"
                    ),
                ),
                (
                    "charge_item",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposal",
                        to="records.item",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="proposed_charges", to="records.item"
                    ),
                ),
                (
                    "notice",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="proposed_charges",
                        to="records.notice",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("as_of", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("approved", "Approved"),
                            ("posted", "Posted"),
                            ("delivering", "Delivering"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                            ("superseded", "Superseded"),
                            ("reversed", "Reversed"),
                        ],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("proposed_at", models.DateTimeField()),
                ("proposed_by", models.CharField(max_length=200)),
                ("posted_at", models.DateTimeField(null=True)),
                ("posted_by", models.CharField(blank=True, default="", max_length=200)),
                ("archive_digest", models.CharField(blank=True, default="", max_length=64)),
                ("policy_digests", models.JSONField(default=list)),
                ("counts", models.JSONField(default=dict)),
                ("reason", models.TextField(blank=True, default="")),
                ("entity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.entity")),
            ],
        ),
        migrations.AddField(
            model_name="notice",
            name="run",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="notices", to="records.run"
            ),
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=60)),
                ("detail", models.TextField(blank=True, default="")),
                ("opened_on", models.DateField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_by", models.CharField(blank=True, default="", max_length=200)),
                (
                    "account",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="records.account"),
                ),
                ("entity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="records.entity")),
                ("item", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="records.item")),
                (
                    "notice",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="records.notice"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, default="", max_length=20)),
                ("error", models.TextField(blank=True, default="")),
                (
                    "delivery",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="records.delivery",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("delivery", "number"), name="attempt_number")],
            },
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(max_length=200)),
                ("action", models.CharField(max_length=100)),
                ("subject_type", models.CharField(max_length=60)),
                ("subject_id", models.BigIntegerField(null=True)),
                ("subject_label", models.TextField(blank=True, default="")),
                ("detail", models.JSONField(default=dict)),
                ("previous_hash", models.CharField(max_length=64, null=True)),
                ("hash", models.CharField(max_length=64, null=True)),
                (
                    "entity",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["subject_type", "subject_id"], name="audit_subject")],
            },
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(condition=models.Q(("parent__isnull", False)), fields=["parent"], name="account_parent"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(fields=("entity", "code"), name="account_code"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("debtor_class__isnull", True),
                    ("debtor_class__in", ("business", "consumer", "public")),
                    _connector="OR",
                ),
                name="account_class",
            ),
        ),
        migrations.AddField(
            model_name="payment",
            name="entity",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="records.entity"),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(condition=models.Q(("closed_on__isnull", True)), fields=["entity"], name="item_open"),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(condition=models.Q(("parent__isnull", False)), fields=["parent"], name="item_parent"),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.UniqueConstraint(
                condition=models.Q(("number", ""), _negated=True),
                fields=("entity", "number", "kind"),
                name="item_number",
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("invoice", "instalment", "charge", "credit", "payment"))),
                name="item_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("account__isnull", True), ("item__isnull", False)),
                    models.Q(("account__isnull", False), ("item__isnull", True)),
                    _connector="OR",
                ),
                name="hold_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="anchorstate",
            constraint=models.UniqueConstraint(
                fields=("entity", "payer", "currency", "policy"), name="anchor_procedure"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "claimed", "retrying"])),
                fields=["state", "id"],
                name="delivery_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("notice", "channel", "recipient"), name="delivery_recipient"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["queued", "claimed", "retrying", "sent", "failed", "withdrawn", "in_doubt"])
                ),
                name="delivery_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="noticeaction",
            constraint=models.UniqueConstraint(fields=("notice", "action"), name="notice_action"),
        ),
        migrations.AddConstraint(
            model_name="noticeline",
            constraint=models.UniqueConstraint(fields=("notice", "item"), name="line_item"),
        ),
        migrations.AddConstraint(
            model_name="noticeline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("binding", True)), fields=("item", "version"), name="line_binding"
            ),
        ),
        migrations.AddConstraint(
            model_name="noticeline",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ("dunned", "charge", "fee"))), name="line_role"
            ),
        ),
        migrations.AddConstraint(
            model_name="noticeline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("binding", False), models.Q(("role", "dunned"), ("version__isnull", False)), _connector="OR"
                ),
                name="line_binding_dunned",
            ),
        ),
        migrations.AddConstraint(
            model_name="payercontact",
            constraint=models.UniqueConstraint(fields=("entity", "payer"), name="payer_contact"),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.UniqueConstraint(fields=("policy", "number"), name="policy_number"),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("entity__isnull", False), ("retired_at__isnull", True)),
                fields=("policy", "entity"),
                name="policy_in_force",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("entity__isnull", True), ("retired_at__isnull", True)),
                fields=("policy",),
                name="policy_in_force_everywhere",
            ),
        ),
        migrations.AddConstraint(
            model_name="promise",
            constraint=models.CheckConstraint(
                condition=models.Q(("by_on__gte", models.F("made_on"))), name="promise_dates"
            ),
        ),
        migrations.AddConstraint(
            model_name="promiseitem",
            constraint=models.UniqueConstraint(fields=("promise", "item"), name="promise_item"),
        ),
        migrations.AddConstraint(
            model_name="proposedcharge",
            constraint=models.UniqueConstraint(fields=("notice", "item"), name="charge_item"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["proposed", "approved"])), fields=("entity",), name="run_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        ["proposed", "approved", "posted", "delivering", "done", "cancelled", "superseded", "reversed"],
                    )
                ),
                name="run_state",
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(condition=models.Q(("state", "posted")), fields=["entity"], name="notice_waiting"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(fields=("run", "number"), name="notice_number"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["proposed", "excluded", "superseded", "posted", "sent", "failed", "withdrawn"])
                ),
                name="notice_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True), ("item__isnull", False)),
                fields=("kind", "item"),
                name="task_item",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True), ("item__isnull", True), ("notice__isnull", False)),
                fields=("kind", "notice"),
                name="task_notice",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("account__isnull", False),
                    ("closed_at__isnull", True),
                    ("item__isnull", True),
                    ("notice__isnull", True),
                ),
                fields=("kind", "account"),
                name="task_account",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                fields=("entity", "external_id"),
                name="payment_external_id",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "received", "reversed"])), name="payment_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "pending"), ("received_on__isnull", False), _connector="OR"),
                name="payment_received_on",
            ),
        ),
    ]
