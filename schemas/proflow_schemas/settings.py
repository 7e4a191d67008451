"""The top-level settings of a design: how its function is triggered, limited and retried.

The docstrings of the models are the descriptions in the published JSON Schema.
"""

from typing import Any, Literal

from pydantic import Field

from proflow_schemas.configs import (
    Config,
    Count,
    Duration,
    Expression,
    Name,
    Retried,
    Trigger,
    Whole,
)


class ConcurrencySetting(Config):
    """At most `limit` steps at once, per tenant (and per `key`)."""

    limit: Count
    key: Expression | None = None
    scope: Literal["account", "env", "fn"] | None = None


class ThrottleSetting(Config):
    """At most `limit` new runs per `period`, per tenant (and per `key`)."""

    limit: Count
    period: Duration
    burst: Count | None = None
    key: Expression | None = None


class PrioritySetting(Config):
    run: Expression


class TimeoutsSetting(Config):
    """A run that has not started, or not finished, by then is cancelled."""

    start: Duration | None = None
    finish: Duration | None = None


class CancelSetting(Config):
    """An event that cancels the run; matched on the tenant, and on `match` or `if`."""

    event: Name
    match: Name | None = None
    condition: Expression | None = Field(default=None, alias="if")
    timeout: Duration | None = None


class Settings(Retried):
    """Top-level keys of a design, beside `nodes` and `edges`; all optional."""

    id: Name | None = None
    name: str | None = None
    description: str | None = None
    version: str | Whole | None = None
    trigger: Trigger | list[Trigger] | None = None
    concurrency: ConcurrencySetting | list[ConcurrencySetting] | Count | None = None
    throttle: ThrottleSetting | None = None
    priority: PrioritySetting | Expression | None = None
    timeouts: TimeoutsSetting | None = None
    cancel_on: CancelSetting | list[CancelSetting] | None = None
    idempotency: Expression | None = None
    task_type: str | None = Field(default=None, max_length=50)
    on_failure: Name | None = None
    scope: Literal["tenant", "system"] = "tenant"
    timezone: Name | None = Field(
        default=None,
        examples=["Asia/Shanghai"],
        description="the time zone of crons and times that name none, by its name in the tz database",
    )
    input: dict[str, Any] | None = Field(
        default=None, description="JSON Schema of `event.data`; as on the start node"
    )
