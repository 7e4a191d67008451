"""The tenant that a run, and the handler it is executing, belongs to."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import inngest
from proflow_schemas.errors import ProFlowError
from proflow_schemas.expressions import value_shown

_current: ContextVar[int | None] = ContextVar("proflow_tenant", default=None)


class NoTenantError(ProFlowError, LookupError):
    """There is no tenant here: outside a handler, or in the run of a `system` design."""


def current_tenant() -> int:
    """The tenant whose run the calling handler executes for.

    Returns:
        The tenant's id.

    Raises:
        NoTenantError: It is called outside a handler, or in the run of a `system` design.
    """
    tenant = _current.get()
    if tenant is None:
        raise NoTenantError("there is no current tenant outside a tenant's run")
    return tenant


activate, deactivate = _current.set, _current.reset


def is_tenant(value: Any) -> bool:
    """Whether a value is a tenant's id: a positive integer."""
    return type(value) is int and value > 0


def required_tenant(data: Any) -> int:
    """The tenant of an event's data; the run fails at once if there is none."""
    tenant = data.get("tenant_id")
    if not is_tenant(tenant):
        wrong = "" if tenant is None else f": a positive integer, not {value_shown(tenant)}"
        raise inngest.NonRetriableError(f"tenant_id is required{wrong}")
    return int(tenant)
