"""Internal: the models of the tables. A host adds them to its `Tortoise.init` by `tortoise_app`."""

from proflow_runtime.store.models.administration import AdministrationEntry
from proflow_runtime.store.models.approvals import Approval, Assignment, AuditEntry
from proflow_runtime.store.models.attempts import RunAttempt, StepAttemptRow, StepResult
from proflow_runtime.store.models.crons import CronRow
from proflow_runtime.store.models.designs import Design, DesignVersion, StoredDefinition, Trigger
from proflow_runtime.store.models.journal import (
    JournalKey,
    JournalMemo,
    JournalOwner,
    JournalRequest,
    JournalRun,
    JournalStep,
)
from proflow_runtime.store.models.notifications import Notification
from proflow_runtime.store.models.outbox import OutboxEvent
from proflow_runtime.store.models.people import Delegation, Department, Person, PersonRole
from proflow_runtime.store.models.runs import NodeChange, NodeStateRow, Run
from proflow_runtime.store.models.settings import TenantSettingsRow
from proflow_runtime.store.models.tasks import InngestTask
from proflow_runtime.store.models.tokens import ApiToken

__all__ = [
    "AdministrationEntry",
    "ApiToken",
    "Approval",
    "Assignment",
    "AuditEntry",
    "CronRow",
    "Delegation",
    "Department",
    "Design",
    "DesignVersion",
    "InngestTask",
    "JournalKey",
    "JournalMemo",
    "JournalOwner",
    "JournalRequest",
    "JournalRun",
    "JournalStep",
    "NodeChange",
    "NodeStateRow",
    "Notification",
    "OutboxEvent",
    "Person",
    "PersonRole",
    "Run",
    "RunAttempt",
    "StepAttemptRow",
    "StepResult",
    "StoredDefinition",
    "TenantSettingsRow",
    "Trigger",
]

MODELS = (
    AdministrationEntry,
    *(ApiToken, Approval, Assignment, AuditEntry, CronRow, Delegation, Department, Design),
    DesignVersion,
    *(JournalKey, JournalMemo, JournalOwner, JournalRequest, JournalRun, JournalStep),
    *(
        InngestTask,
        NodeChange,
        NodeStateRow,
        Notification,
        OutboxEvent,
        Person,
        PersonRole,
        Run,
        RunAttempt,
        StepAttemptRow,
        StepResult,
        StoredDefinition,
        TenantSettingsRow,
        Trigger,
    ),
)
for _model in MODELS:
    # Tortoise would use the docstring as the comment of the table. It would become a part of the
    # migrations, and on SQLite a `;` in it would end the statement.
    _model._meta.table_description = ""
