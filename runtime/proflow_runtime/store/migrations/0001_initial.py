"""Every table, as Tortoise derived it from the models."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.texts import LongText, ShortText


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="AdministrationEntry",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("actor", ShortText(max_length=200)),
                ("act", ShortText(max_length=40)),
                ("subject", ShortText(max_length=200)),
                ("details", JsonText(null=True, generated=False, unique=False)),
                ("address", ShortText(null=True, max_length=100)),
            ],
            options={
                "table": "proflow_administration",
                "app": "proflow",
                "indexes": [Index(fields=["tenant_id", "id"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                ("user", ShortText(max_length=200)),
                ("permissions", JsonText(default=[], generated=False, null=False, unique=False)),
                ("hash", ShortText(unique=True, max_length=64)),
                ("name", ShortText(max_length=100)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "proflow_tokens", "app": "proflow", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("run_id", ShortText(null=True, db_index=True, max_length=64)),
                ("approval_id", fields.BigIntField(null=True, db_index=True)),
                ("actor", ShortText(max_length=200)),
                ("act", ShortText(max_length=40)),
                ("comment", LongText(null=True)),
                ("details", JsonText(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "proflow_audit",
                "app": "proflow",
                "indexes": [Index(fields=["tenant_id", "at"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CronRow",
            fields=[
                ("key", ShortText(primary_key=True, unique=True, db_index=True, max_length=300)),
                ("tick", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "proflow_crons", "app": "proflow", "pk_attr": "key"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Delegation",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                ("user", ShortText(max_length=200)),
                ("stand_in", ShortText(max_length=200)),
                ("workflow", ShortText(null=True, max_length=100)),
                ("starts_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "proflow_delegations",
                "app": "proflow",
                "indexes": [Index(fields=["tenant_id", "user"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Department",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                ("code", ShortText(max_length=200)),
                ("name", ShortText(max_length=255)),
                ("parent", ShortText(null=True, max_length=200)),
                ("head", ShortText(null=True, max_length=200)),
            ],
            options={
                "table": "proflow_departments",
                "app": "proflow",
                "unique_together": (("tenant_id", "code"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Design",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                ("code", ShortText(max_length=100)),
                ("name", ShortText(max_length=255)),
                ("draft", JsonText(generated=False, null=False, unique=False)),
                ("revision", fields.IntField(default=1)),
                ("published_version", fields.IntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_by", ShortText(null=True, max_length=200)),
                ("deleted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "proflow_designs",
                "app": "proflow",
                "unique_together": (("tenant_id", "code"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DesignVersion",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                (
                    "design",
                    fields.ForeignKeyField(
                        "proflow.Design",
                        source_field="design_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="versions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("number", fields.IntField()),
                ("canvas", JsonText(generated=False, null=False, unique=False)),
                ("digest", ShortText(max_length=80)),
                ("published_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("published_by", ShortText(null=True, max_length=200)),
            ],
            options={
                "table": "proflow_versions",
                "app": "proflow",
                "unique_together": (("design", "number"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="InngestTask",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                ("tenant_id", fields.IntField(db_index=True)),
                ("task_type", ShortText(max_length=50)),
                ("business_id", fields.IntField(null=True)),
                ("inngest_function_id", ShortText(max_length=100)),
                ("inngest_run_id", ShortText(null=True, db_index=True, max_length=100)),
                ("status", ShortText(default="pending", max_length=20)),
                ("error_message", LongText(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
            ],
            options={
                "table": "root_inngest_tasks",
                "app": "proflow",
                "indexes": [Index(fields=["task_type", "business_id"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="JournalKey",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("state", fields.TextField(unique=False)),
                ("expires_at", fields.BigIntField(null=True, db_index=True)),
            ],
            options={"table": "proflow_journal_keys", "app": "proflow", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="JournalMemo",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("run_id", fields.CharField(max_length=26)),
                ("step", fields.CharField(max_length=64)),
                ("memo", fields.TextField(unique=False)),
            ],
            options={
                "table": "proflow_journal_memos",
                "app": "proflow",
                "unique_together": (("run_id", "step"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="JournalOwner",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=10),
                ),
                ("epoch", fields.BigIntField()),
                ("process", fields.CharField(max_length=200)),
            ],
            options={"table": "proflow_journal_owner", "app": "proflow", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="JournalRequest",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=26),
                ),
                ("run_id", fields.CharField(db_index=True, max_length=26)),
                ("state", fields.TextField(unique=False)),
            ],
            options={"table": "proflow_journal_requests", "app": "proflow", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="JournalRun",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=26),
                ),
                ("origin", fields.TextField(unique=False)),
                ("progress", fields.TextField(unique=False)),
                ("ended_at", fields.BigIntField(null=True, db_index=True)),
            ],
            options={"table": "proflow_journal_runs", "app": "proflow", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="JournalStep",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=100),
                ),
                ("run_id", fields.CharField(db_index=True, max_length=26)),
                ("state", fields.TextField(unique=False)),
            ],
            options={"table": "proflow_journal_steps", "app": "proflow", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                ("user", ShortText(max_length=200)),
                ("key", ShortText(max_length=64)),
                ("title", ShortText(max_length=255)),
                ("body", LongText()),
                ("link", ShortText(null=True, max_length=500)),
                ("run_id", ShortText(null=True, max_length=64)),
                ("node", ShortText(null=True, max_length=200)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("read_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "proflow_notifications",
                "app": "proflow",
                "unique_together": (("tenant_id", "user", "key"),),
                "indexes": [Index(fields=["tenant_id", "user", "read_at"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OutboxEvent",
            fields=[
                ("id", ShortText(primary_key=True, unique=True, db_index=True, max_length=200)),
                ("tenant_id", fields.IntField()),
                ("name", ShortText(max_length=255)),
                ("data", JsonText(generated=False, null=False, unique=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("effect", ShortText(null=True, max_length=10)),
                ("run_id", ShortText(null=True, max_length=64)),
                ("step", ShortText(null=True, max_length=300)),
                (
                    "due_at",
                    fields.DatetimeField(
                        null=True, db_index=True, auto_now=False, auto_now_add=False
                    ),
                ),
                (
                    "claimed_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("sends", fields.IntField(default=0)),
                (
                    "sent_at",
                    fields.DatetimeField(
                        null=True, db_index=True, auto_now=False, auto_now_add=False
                    ),
                ),
                (
                    "seen_at",
                    fields.DatetimeField(
                        null=True, db_index=True, auto_now=False, auto_now_add=False
                    ),
                ),
                (
                    "failed_at",
                    fields.DatetimeField(
                        null=True, db_index=True, auto_now=False, auto_now_add=False
                    ),
                ),
                ("failure", LongText(null=True)),
            ],
            options={
                "table": "proflow_outbox",
                "app": "proflow",
                "indexes": [Index(fields=["run_id", "effect"]), Index(fields=["step"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Person",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                ("user", ShortText(max_length=200)),
                ("name", ShortText(max_length=255)),
                ("department", ShortText(null=True, max_length=200)),
                ("manager", ShortText(null=True, max_length=200)),
            ],
            options={
                "table": "proflow_people",
                "app": "proflow",
                "unique_together": (("tenant_id", "user"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PersonRole",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                ("user", ShortText(max_length=200)),
                ("role", ShortText(max_length=200)),
            ],
            options={
                "table": "proflow_roles",
                "app": "proflow",
                "unique_together": (("tenant_id", "role", "user"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Run",
            fields=[
                ("id", ShortText(primary_key=True, unique=True, db_index=True, max_length=64)),
                ("tenant_id", fields.IntField()),
                ("workflow", ShortText(max_length=100)),
                ("version", fields.IntField()),
                ("digest", ShortText(max_length=80)),
                ("inngest_run_id", ShortText(null=True, db_index=True, max_length=100)),
                (
                    "task",
                    fields.ForeignKeyField(
                        "proflow.InngestTask",
                        source_field="task_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="runs",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("parent", ShortText(null=True, max_length=64)),
                ("retried_from", ShortText(null=True, max_length=64)),
                ("event", JsonText(generated=False, null=False, unique=False)),
                ("business_id", fields.IntField(null=True)),
                ("started_by", ShortText(null=True, max_length=200)),
                ("status", ShortText(default="pending", max_length=20)),
                ("attempt", fields.IntField(default=1)),
                (
                    "due_at",
                    fields.DatetimeField(
                        null=True, db_index=True, auto_now=False, auto_now_add=False
                    ),
                ),
                ("revision", fields.IntField(default=0)),
                ("result", LongText(null=True)),
                ("output", JsonText(null=True, generated=False, unique=False)),
                ("error", JsonText(null=True, generated=False, unique=False)),
                ("blocked", JsonText(null=True, generated=False, unique=False)),
                (
                    "blocked_at",
                    fields.DatetimeField(
                        null=True, db_index=True, auto_now=False, auto_now_add=False
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("started_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "proflow_runs",
                "app": "proflow",
                "indexes": [
                    Index(fields=["tenant_id", "created_at"]),
                    Index(fields=["tenant_id", "workflow", "status"]),
                    Index(fields=["tenant_id", "ended_at"]),
                    Index(fields=["task_id"]),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                (
                    "run",
                    fields.ForeignKeyField(
                        "proflow.Run",
                        source_field="run_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="approvals",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("workflow", ShortText(max_length=100)),
                ("node", ShortText(max_length=200)),
                ("step", ShortText(max_length=300)),
                ("label", ShortText(max_length=255)),
                ("answer_event", ShortText(max_length=255)),
                ("answer_data", JsonText(generated=False, null=False, unique=False)),
                ("mode", ShortText(max_length=20)),
                ("pass_ratio", ShortText(null=True, max_length=30)),
                ("policy", JsonText(generated=False, null=False, unique=False)),
                ("initiator", ShortText(null=True, max_length=200)),
                ("status", ShortText(default="open", max_length=20)),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "next_reminder_at",
                    fields.DatetimeField(
                        null=True, db_index=True, auto_now=False, auto_now_add=False
                    ),
                ),
                ("reminders_sent", fields.IntField(default=0)),
                ("attempt", fields.IntField(default=1)),
                (
                    "resolved_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("decided_by", ShortText(null=True, max_length=200)),
                ("comment", LongText(null=True)),
            ],
            options={
                "table": "proflow_approvals",
                "app": "proflow",
                "unique_together": (("run", "step"),),
                "indexes": [Index(fields=["tenant_id", "status"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Assignment",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                (
                    "approval",
                    fields.ForeignKeyField(
                        "proflow.Approval",
                        source_field="approval_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="assignments",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("user", ShortText(max_length=200)),
                ("position", fields.IntField()),
                ("origin", ShortText(default="named", max_length=20)),
                ("instead_of", ShortText(null=True, max_length=200)),
                (
                    "before",
                    fields.ForeignKeyField(
                        "proflow.Assignment",
                        source_field="before_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="preceding",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("status", ShortText(default="open", max_length=20)),
                ("comment", LongText(null=True)),
                ("acted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "proflow_assignments",
                "app": "proflow",
                "unique_together": (("approval", "user", "position"),),
                "indexes": [Index(fields=["tenant_id", "user", "status"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="NodeChange",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                (
                    "run",
                    fields.ForeignKeyField(
                        "proflow.Run",
                        source_field="run_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="changes",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("revision", fields.IntField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("node", ShortText(default="", max_length=200)),
                ("items", ShortText(default="", max_length=100)),
                ("round", fields.IntField(default=1)),
                ("status", ShortText(max_length=20)),
                ("outcome", JsonText(null=True, generated=False, unique=False)),
                ("attempts", fields.IntField(null=True)),
                ("error", JsonText(null=True, generated=False, unique=False)),
                ("notes", JsonText(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "proflow_node_changes",
                "app": "proflow",
                "indexes": [Index(fields=["run_id", "id"]), Index(fields=["tenant_id", "at"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="NodeStateRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                (
                    "run",
                    fields.ForeignKeyField(
                        "proflow.Run",
                        source_field="run_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="nodes",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("node", ShortText(max_length=200)),
                ("items", ShortText(default="", max_length=100)),
                ("round", fields.IntField(default=1)),
                ("view", fields.IntField(default=0)),
                ("status", ShortText(max_length=20)),
                ("outcome", JsonText(null=True, generated=False, unique=False)),
                ("attempts", fields.IntField(null=True)),
                ("error", JsonText(null=True, generated=False, unique=False)),
                ("notes", JsonText(null=True, generated=False, unique=False)),
                ("started_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "proflow_node_states",
                "app": "proflow",
                "unique_together": (("run", "node", "items"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RunAttempt",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                (
                    "run",
                    fields.ForeignKeyField(
                        "proflow.Run",
                        source_field="run_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="attempts",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("number", fields.IntField()),
                ("version", fields.IntField()),
                ("inngest_run_id", ShortText(null=True, max_length=100)),
                ("status", ShortText(null=True, max_length=20)),
                ("error", JsonText(null=True, generated=False, unique=False)),
                ("started_by", ShortText(null=True, max_length=200)),
                ("reason", LongText(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("started_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "proflow_run_attempts",
                "app": "proflow",
                "unique_together": (("run", "number"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StepAttemptRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                (
                    "run",
                    fields.ForeignKeyField(
                        "proflow.Run",
                        source_field="run_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="step_attempts",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("run_attempt", fields.IntField()),
                ("node", ShortText(max_length=200)),
                ("step", ShortText(max_length=300)),
                ("number", fields.IntField()),
                ("started_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("error", JsonText(null=True, generated=False, unique=False)),
                ("logs", JsonText(null=True, generated=False, unique=False)),
                ("input", JsonText(null=True, generated=False, unique=False)),
                ("output", JsonText(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "proflow_step_attempts",
                "app": "proflow",
                "indexes": [
                    Index(fields=["run_id", "node", "id"]),
                    Index(fields=["tenant_id", "ended_at"]),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StepResult",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                (
                    "run",
                    fields.ForeignKeyField(
                        "proflow.Run",
                        source_field="run_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="results",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("part", ShortText(default="", max_length=200)),
                ("step", fields.CharField(max_length=64)),
                ("attempt", fields.IntField()),
                ("result", JsonText(generated=False, null=False, unique=False)),
            ],
            options={
                "table": "proflow_step_results",
                "app": "proflow",
                "unique_together": (("run", "part", "step"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StoredDefinition",
            fields=[
                ("digest", ShortText(primary_key=True, unique=True, db_index=True, max_length=80)),
                ("body", JsonText(generated=False, null=False, unique=False)),
            ],
            options={"table": "proflow_definitions", "app": "proflow", "pk_attr": "digest"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TenantSettingsRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField(unique=True)),
                ("body", JsonText(generated=False, null=False, unique=False)),
                ("revision", fields.IntField(default=1)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_by", ShortText(null=True, max_length=200)),
            ],
            options={"table": "proflow_tenant_settings", "app": "proflow", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Trigger",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("tenant_id", fields.IntField()),
                (
                    "design",
                    fields.ForeignKeyField(
                        "proflow.Design",
                        source_field="design_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="triggers",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("workflow", ShortText(max_length=100)),
                ("version", fields.IntField()),
                ("digest", ShortText(max_length=80)),
                ("kind", ShortText(max_length=10)),
                ("key", ShortText(max_length=300)),
                ("condition", LongText(null=True)),
                ("timeout", fields.IntField(null=True)),
                ("idempotency", LongText(null=True)),
                ("cancellable", fields.BooleanField(default=False)),
            ],
            options={
                "table": "proflow_triggers",
                "app": "proflow",
                "indexes": [Index(fields=["kind", "key", "tenant_id"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
    ]
