"""The settings of the service of stored designs."""

from __future__ import annotations

from dataclasses import dataclass, field

from proflow_runtime.dispatch.deployment import TENANT_CONCURRENCY
from proflow_runtime.tenants.retention import Retention

MAX_BODY = 2 * 1024 * 1024
MAX_NODES = 10_000


@dataclass(frozen=True)
class ProFlowSettings:
    """Limits, intervals and paths of a service.

    Attributes:
        tenant_concurrency: How many steps of one tenant may run at the same time.
        max_body: The largest body of a request, in bytes.
        max_nodes: How many nodes a design may have.
        serve_path: The path at which Inngest calls the functions.
        serve_origin: The application's address as Inngest reaches it, such as
            `https://erp.example.com`. With one, the service registers its functions with Inngest
            itself; None leaves it to Inngest to find them.
        dashboard: The address of Inngest's own web pages, for links to runs.
        timezone: The time zone of tenants that have set none, such as `Asia/Shanghai`. None uses
            `PROFLOW_TIMEZONE`, or else UTC.
        max_keys: How many different events and crons the published designs of one tenant may use
            together. Each is a function of Inngest, unless another tenant uses it too.
        urge_pause: How many seconds the initiator must wait between two reminders (the act `urge`)
            of the same approval.
        tick: The seconds between two checks for reminders that are due and approvals that have
            expired.
        retention: How long things are kept of tenants that have set no time of their own. Attempts
            at steps, with their inputs and outputs, are kept for 90 days, and all else for ever.
    """

    tenant_concurrency: int = TENANT_CONCURRENCY
    max_body: int = MAX_BODY
    max_nodes: int = MAX_NODES
    serve_path: str = "/api/inngest"
    serve_origin: str | None = None
    dashboard: str | None = None
    timezone: str | None = None
    max_keys: int = 200
    urge_pause: float = 600.0
    tick: float = 30.0
    retention: Retention = field(default_factory=lambda: Retention(steps="90d"))
