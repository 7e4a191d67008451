"""Requests approvals from people, counts their votes, and resumes the run with the decision.

A host implements `Resolver` to say which users an approver such as `role:finance` stands for.

Needs the extra `service`. The names exported here are public; all modules of the package are
internal.
"""

from proflow_runtime.context.extras import require

require("service", f"`{__name__}`")

from proflow_runtime.approvals.refusals import ActRefused  # noqa: E402
from proflow_runtime.approvals.resolving import (  # noqa: E402
    ApproverSpec,
    Context,
    Directory,
    Resolver,
    TableResolver,
)
from proflow_runtime.approvals.service import ApprovalService  # noqa: E402

__all__ = [
    "ActRefused",
    "ApprovalService",
    "ApproverSpec",
    "Context",
    "Directory",
    "Resolver",
    "TableResolver",
]
