"""The settings of the service of stored designs."""

from __future__ import annotations

from dataclasses import dataclass, field

from proflow_runtime.dispatch.deployment import TENANT_CONCURRENCY
from proflow_runtime.store.outbox import PAUSES
from proflow_runtime.tenants.retention import Retention

MAX_BODY = 2 * 1024 * 1024
MAX_CALL = 16 * 1024 * 1024
MAX_NODES = 10_000


@dataclass(frozen=True)
class ProFlowSettings:
    """Limits, intervals and paths of a service.

    Attributes:
        tenant_concurrency: How many steps of one tenant may run at the same time.
        max_body: The largest body of a request, in bytes.
        max_call: The largest body of a call by Inngest, in bytes: the steps of a run (4 MB; beyond
            that they are fetched) and its events, each twice. It is refused before its signature is
            verified.
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
        origins: The origins of pages that may watch runs over WebSockets, such as
            `https://erp.example.com`, beside the service's own (the `Host` of the request, which a
            proxy must pass on).
        tick: The seconds between two checks for reminders that are due and approvals that have
            expired.
        stuck_after: After how many seconds a run that has not begun, a decision that has not resumed
            its run, an event that is not sent and a cron that has started nothing count as stuck.
        retention: How long things are kept of tenants that have set no time of their own. Attempts
            at steps, with their inputs and outputs, are kept for 90 days, and all else for ever.
        resend_pauses: The seconds before an event that Inngest has accepted is sent again because
            its effect was not seen: the run has not begun, or not gone on. The last one repeats.
    """

    tenant_concurrency: int = TENANT_CONCURRENCY
    max_body: int = MAX_BODY
    max_call: int = MAX_CALL
    max_nodes: int = MAX_NODES
    serve_path: str = "/api/inngest"
    serve_origin: str | None = None
    dashboard: str | None = None
    timezone: str | None = None
    max_keys: int = 200
    urge_pause: float = 600.0
    origins: tuple[str, ...] = ()
    tick: float = 30.0
    stuck_after: float = 60.0
    retention: Retention = field(default_factory=lambda: Retention(steps="90d"))
    resend_pauses: tuple[float, ...] = tuple(one.total_seconds() for one in PAUSES)
