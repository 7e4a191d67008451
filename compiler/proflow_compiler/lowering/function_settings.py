"""Translates the settings of a design into the arguments of an Inngest function.

Keys and conditions become CEL expressions, which Inngest evaluates: `event` is the event that
started the run, `async` one that arrived later. Unless the scope of the design is `system`,
every key starts with the tenant, so that limits and idempotency are separate for each tenant.
"""

from collections.abc import Iterable
from typing import TypeVar

from proflow_schemas.configs import CronTrigger as DrawnCron
from proflow_schemas.configs import Trigger, retry_policy, whole_seconds
from proflow_schemas.definition import (
    Cancellation,
    Concurrency,
    CronTrigger,
    EventTrigger,
    FunctionSettings,
    RetryPolicy,
    Throttle,
    Timeouts,
)
from proflow_schemas.expressions import for_inngest, same_id
from proflow_schemas.node_types.start import Start
from proflow_schemas.settings import (
    CancelSetting,
    ConcurrencySetting,
    PrioritySetting,
    Settings,
    TimeoutsSetting,
)

from proflow_compiler.design import Design

TENANT = "event.data.tenant_id"
_T = TypeVar("_T")
FEWEST_RETRIES = 4
"""The minimum of retries: a restart of the host uses up attempts too, and must not fail the run."""


def triggers_of(design: Design, start: Start) -> list[EventTrigger | CronTrigger]:
    """Return the triggers of the start node, else of the design, else the event `<id>/start`."""
    drawn = start.trigger if start.trigger is not None else design.settings.trigger
    triggers: list[Trigger] = _as_list(drawn)
    zone = design.settings.timezone
    return [_trigger(one, zone) for one in triggers] or [EventTrigger(event=f"{design.id}/start")]


def _trigger(trigger: Trigger, timezone: str | None) -> EventTrigger | CronTrigger:
    if isinstance(trigger, DrawnCron):
        return CronTrigger(cron=trigger.cron, timezone=trigger.timezone or timezone)
    condition = None if trigger.condition is None else for_inngest(trigger.condition)
    return EventTrigger.model_validate({"event": trigger.event, "if": condition})


def default_policy(settings: Settings) -> RetryPolicy:
    """Return the retry policy of steps that have none of their own: by default, 5 attempts."""
    return retry_policy(settings.retry, settings.retries) or RetryPolicy(max_attempts=5)


def function_settings(settings: Settings, policies: Iterable[RetryPolicy]) -> FunctionSettings:
    """Return the settings of the Inngest function.

    Args:
        settings: The settings of the design.
        policies: The retry policies of all steps; the function allows the most retries among them.
    """
    tenant = None if settings.scope == "system" else TENANT
    retries = max((policy.max_attempts - 1 for policy in policies), default=0)
    throttle, priority = settings.throttle, settings.priority
    ranked = priority.run if isinstance(priority, PrioritySetting) else priority
    return FunctionSettings(
        retries=max(FEWEST_RETRIES, retries),
        concurrency=[
            Concurrency(limit=one.limit, key=_key(tenant, one.key), scope=one.scope)
            for one in _concurrency(settings)
        ],
        throttle=None
        if throttle is None
        else Throttle(
            limit=throttle.limit,
            period=whole_seconds(throttle.period) or 1,
            burst=throttle.burst,
            key=_key(tenant, throttle.key),
        ),
        priority=for_inngest(ranked) if isinstance(ranked, str) else ranked,
        timeouts=_timeouts(settings.timeouts),
        cancel_on=[_cancellation(tenant, one) for one in _as_list(settings.cancel_on)],
        idempotency=settings.idempotency and _key(tenant, settings.idempotency),
    )


def _concurrency(settings: Settings) -> list[ConcurrencySetting]:
    drawn = settings.concurrency
    if isinstance(drawn, int):
        return [ConcurrencySetting(limit=drawn)]
    return _as_list(drawn)


def _key(tenant: str | None, key: str | None) -> str | None:
    """Join tenant and key; the colon keeps tenant `1`, key `23` apart from tenant `12`, key `3`."""
    if key is None or tenant is None:
        return tenant if key is None else for_inngest(key)
    return f'string({tenant}) + ":" + string({for_inngest(key)})'


def _timeouts(timeouts: TimeoutsSetting | None) -> Timeouts | None:
    if timeouts is None:
        return None
    return Timeouts(start=whole_seconds(timeouts.start), finish=whole_seconds(timeouts.finish))


def _cancellation(tenant: str | None, setting: CancelSetting) -> Cancellation:
    conditions = [f"{tenant} == {_of_later_event(tenant)}"] if tenant else []
    if setting.match:
        conditions.append(same_id(f"event.{setting.match}", f"async.{setting.match}"))
    if setting.condition:
        condition = for_inngest(setting.condition)
        conditions.append(f"({condition})" if conditions else condition)
    return Cancellation.model_validate(
        {
            "event": setting.event,
            "if": " && ".join(conditions) or None,
            "timeout": whole_seconds(setting.timeout),
        }
    )


def _of_later_event(path: str) -> str:
    """Return the path in the later event that corresponds to a path in the starting event."""
    return path.replace("event.", "async.", 1)


def _as_list(value: _T | list[_T] | None) -> list[_T]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
