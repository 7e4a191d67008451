"""Triggers and settings: what Inngest needs to know to register the function of a definition."""

from typing import Literal

from pydantic import Field

from proflow_schemas.definition.model import Model, Seconds


class EventTrigger(Model):
    event: str
    condition: str | None = Field(default=None, alias="if")


class CronTrigger(Model):
    cron: str
    timezone: str | None = None

    def with_zone(self) -> str:
        """Return the schedule with its time zone, in Inngest's notation: `TZ=Asia/Shanghai 0 9 * * *`."""
        return f"TZ={self.timezone} {self.cron}" if self.timezone else self.cron


class Concurrency(Model):
    limit: int = Field(ge=1)
    key: str | None = None
    scope: Literal["account", "env", "fn"] | None = None


class Throttle(Model):
    limit: int = Field(ge=1)
    period: Seconds
    burst: int | None = None
    key: str | None = None


class Timeouts(Model):
    start: Seconds | None = None
    finish: Seconds | None = None


class Cancellation(Model):
    event: str
    condition: str | None = Field(default=None, alias="if")
    timeout: Seconds | None = None


MAX_CANCELLATIONS = 5
"""The most cancelling events that Inngest accepts for one function."""


class FunctionSettings(Model):
    """What becomes arguments of `create_function`; keys are already prefixed with the tenant."""

    retries: int = Field(default=4, ge=0, le=20)
    concurrency: list[Concurrency] = Field(default=[], max_length=2)
    throttle: Throttle | None = None
    priority: str | None = None
    timeouts: Timeouts | None = None
    cancel_on: list[Cancellation] = Field(default=[], max_length=MAX_CANCELLATIONS)
    idempotency: str | None = None

    @property
    def ends_with_parent(self) -> bool:
        """True if a run is cancelled when the run that started it ends.

        This needs one cancelling event, which the design must have left free.
        """
        return len(self.cancel_on) < MAX_CANCELLATIONS

    @property
    def ends_with_call(self) -> bool:
        """True if a run is cancelled as soon as the calling item or iteration is over.

        This needs a second cancelling event, besides that of `ends_with_parent`.
        """
        return len(self.cancel_on) < MAX_CANCELLATIONS - 1
