"""The tenant of the current run, and the validation of tenant ids."""

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
    """Return the id of the tenant whose run calls this handler.

    Raises:
        NoTenantError: Outside a handler, or in a run of a `system` design.
    """
    tenant = _current.get()
    if tenant is None:
        raise NoTenantError("there is no current tenant outside a tenant's run")
    return tenant


activate, deactivate = _current.set, _current.reset


def is_tenant(value: Any) -> bool:
    """Return True if a value is a tenant id: a positive integer."""
    return type(value) is int and value > 0


def required_tenant(data: Any) -> int:
    """Return the tenant id in the data of an event.

    Raises:
        NonRetriableError: If there is none, or if it is not a positive integer.
    """
    tenant = data.get("tenant_id")
    if not is_tenant(tenant):
        wrong = "" if tenant is None else f": a positive integer, not {value_shown(tenant)}"
        raise inngest.NonRetriableError(f"tenant_id is required{wrong}")
    return int(tenant)
