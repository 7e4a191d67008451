"""How the service of stored designs is set up."""

from __future__ import annotations

from dataclasses import dataclass

from proflow_runtime.dispatch.deployment import TENANT_CONCURRENCY

MAX_BODY = 2 * 1024 * 1024
MAX_NODES = 10_000


@dataclass(frozen=True)
class ProFlowSettings:
    """`tenant_concurrency`: steps of one tenant at once. `max_body`: bytes of a request.

    `serve_path`: where Inngest finds the functions. `serve_origin`: the app's address as Inngest
    sees it, where it is not what requests say. `dashboard`: the address of Inngest's own pages.
    """

    tenant_concurrency: int = TENANT_CONCURRENCY
    max_body: int = MAX_BODY
    max_nodes: int = MAX_NODES
    serve_path: str = "/api/inngest"
    serve_origin: str | None = None
    dashboard: str | None = None
    timezone: str | None = None
    """The time zone of tenants that have set none, such as `Asia/Shanghai`; None: that of
    `PROFLOW_TIMEZONE`, or UTC."""
    max_keys: int = 200
    """Different events and crons of the designs that one tenant has published: each is a function
    of Inngest, unless another tenant uses it too."""
    urge_pause: float = 600.0
    """Seconds between two times that an initiator urges the same approvers, at least."""
    tick: float = 30.0
    """Seconds between two looks for reminders and for approvals that are past their time."""
