"""Asks people to decide, takes their votes, and resumes the run once: who, how many, until when."""

from proflow_runtime.approving.refusals import ActRefused
from proflow_runtime.approving.resolving import ApproverSpec, Context, Resolver, TableResolver
from proflow_runtime.approving.service import ApprovalService

__all__ = [
    "ActRefused",
    "ApprovalService",
    "ApproverSpec",
    "Context",
    "Resolver",
    "TableResolver",
]
