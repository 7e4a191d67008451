"""The settings of a function as the server stores them: validated, with compiled expressions.

Settings that the engine does not support are refused here, before anything runs.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import inngest
from proflow_schemas.errors import ProFlowError

from proflow_runtime.protocol.crons import CronTrigger, parse_cron
from proflow_runtime.protocol.matching import BadExpression, Expression, compile_expression

DEFAULT_RETRIES = 4
LONGEST_WAIT = timedelta(days=366)
_APP_URL = "http://local/api/inngest"
_DURATION = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Unsupported(ProFlowError, ValueError):
    """A function has a setting that is wrong, or that the local engine does not support."""


@dataclass(frozen=True, slots=True)
class EventTrigger:
    """An event name, or a prefix ending in `/*` or `.*`, and a condition."""

    name: str
    condition: Expression | None

    def matches(self, name: str) -> bool:
        if self.name.endswith(("/*", ".*")):
            return name.startswith(self.name[:-1])
        return name == self.name


@dataclass(frozen=True, slots=True)
class CancelOn:
    """An event that cancels a run, up to `timeout` after the run was queued."""

    event: str
    condition: Expression | None
    timeout: timedelta | None


@dataclass(frozen=True, slots=True)
class Rate:
    """`limit` runs per `period`; a throttle lets `burst` more start at once."""

    key: Expression | None
    limit: int
    period: timedelta
    burst: int = 0


@dataclass(frozen=True, slots=True)
class Debounced:
    key: Expression | None
    period: timedelta
    timeout: timedelta | None


@dataclass(frozen=True, slots=True)
class Batched:
    key: Expression | None
    condition: Expression | None
    size: int
    timeout: timedelta


@dataclass(frozen=True, slots=True)
class Concurrency:
    """At most `limit` requests at once per `scope` (one function's, or everything's) and key."""

    key: Expression | None
    limit: int
    scope: str


@dataclass(frozen=True, slots=True)
class OnlyOne:
    """One run at a time per key: a second is skipped, or cancels the first."""

    key: Expression | None
    cancels: bool


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """Everything the server knows about one function."""

    id: str
    max_attempts: int
    triggers: tuple[EventTrigger, ...]
    crons: tuple[CronTrigger, ...]
    cancel_on: tuple[CancelOn, ...]
    concurrency: tuple[Concurrency, ...]
    start_timeout: timedelta | None
    finish_timeout: timedelta | None
    idempotency: Expression | None
    throttle: Rate | None
    rate_limit: Rate | None
    debounce: Debounced | None
    batch: Batched | None
    priority: Expression | None
    singleton: OnlyOne | None


def settings_of(function: inngest.Function[Any]) -> list[FunctionSettings]:
    """The settings of a function, and of its `on_failure` function if it has one.

    Raises `Unsupported`.
    """
    config = function.get_config(_APP_URL)
    found = [_settings(config.main)]
    if config.on_failure is not None:
        found.append(_settings(config.on_failure))
    return found


def parse_duration(text: str) -> timedelta:
    """Parse a duration as the SDK writes it, such as `90s` or `2w`. Raises `ValueError`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is not a duration")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _settings(config: Any) -> FunctionSettings:
    # The SDK does not export the class of its function configurations.
    function_id: str = config.id

    def expression(source: str | None, what: str) -> Expression | None:
        if source is None:
            return None
        try:
            return compile_expression(source)
        except BadExpression as error:
            raise Unsupported(f"function `{function_id}`: {what}: {error}") from error

    def checked(parse: Callable[[str], CronTrigger], source: str) -> CronTrigger:
        try:
            return parse(source)
        except ValueError as error:
            raise Unsupported(f"function `{function_id}`: {error}") from error

    def refuse_unless(fine: bool, message: str) -> None:
        if not fine:
            raise Unsupported(f"function `{function_id}`: {message}")

    triggers = [trigger for trigger in config.triggers if hasattr(trigger, "event")]
    crons = [trigger for trigger in config.triggers if not hasattr(trigger, "event")]
    for trigger in triggers:
        refuse_unless("*" not in trigger.event[:-1], "`*` is only understood at the end of a name")
        refuse_unless(
            not trigger.event.endswith("*") or trigger.event.endswith(("/*", ".*")),
            "`*` in an event name follows `/` or `.`",
        )
    refuse_unless(1 <= len(config.triggers) <= 10, "1 to 10 triggers are possible")
    cancels = config.cancel or []
    refuse_unless(len(cancels) <= 5, "at most 5 cancellations are possible")
    limits = config.concurrency or []
    refuse_unless(len(limits) <= 2, "at most 2 concurrency limits are possible")
    for limit in limits:
        refuse_unless(
            limit.scope in (None, "fn") or limit.key is not None,
            f"a concurrency limit of scope `{limit.scope}` needs a key",
        )
    retries = config.steps["step"].retries
    batch, debounce, singleton = config.batch_events, config.debounce, config.singleton
    refuse_unless(batch is None or debounce is None, "batching and debouncing exclude each other")
    refuse_unless(
        singleton is None or singleton.mode in ("skip", "cancel"), "unknown singleton mode"
    )
    return FunctionSettings(
        id=function_id,
        max_attempts=1 + (DEFAULT_RETRIES if retries is None else retries.attempts),
        triggers=tuple(
            EventTrigger(trigger.event, expression(trigger.expression, "trigger"))
            for trigger in triggers
        ),
        crons=tuple(checked(parse_cron, trigger.cron) for trigger in crons),
        cancel_on=tuple(
            CancelOn(item.event, expression(item.if_exp, "cancel"), _span(item.timeout))
            for item in cancels
        ),
        concurrency=tuple(
            Concurrency(expression(item.key, "concurrency"), item.limit, item.scope or "fn")
            for item in limits
            if item.limit > 0
        ),
        start_timeout=_span(config.timeouts.start) if config.timeouts else None,
        finish_timeout=_span(config.timeouts.finish) if config.timeouts else None,
        idempotency=expression(config.idempotency, "idempotency"),
        throttle=_rate(config.throttle, expression, "throttle"),
        rate_limit=_rate(config.rate_limit, expression, "rate limit"),
        debounce=debounce
        and Debounced(
            expression(debounce.key, "debounce"),
            _span(debounce.period) or timedelta(),
            _span(debounce.timeout),
        ),
        batch=batch
        and Batched(
            expression(batch.key, "batch"),
            expression(batch.if_exp, "batch"),
            batch.max_size,
            _span(batch.timeout) or timedelta(seconds=10),
        ),
        priority=expression(config.priority.run, "priority") if config.priority else None,
        singleton=singleton
        and OnlyOne(expression(singleton.key, "singleton"), singleton.mode == "cancel"),
    )


def _rate(
    config: Any, expression: Callable[[str | None, str], Expression | None], what: str
) -> Rate | None:
    if config is None:
        return None
    return Rate(
        key=expression(config.key, what),
        limit=config.limit,
        period=_span(config.period) or timedelta(),
        burst=getattr(config, "burst", 0) or 0,
    )


def _span(value: int | timedelta | None) -> timedelta | None:
    """A duration of the SDK: a `timedelta`, or milliseconds."""
    return timedelta(milliseconds=value) if isinstance(value, int) else value
