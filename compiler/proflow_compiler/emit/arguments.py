"""Writes the decorators of generated functions: calls with keyword arguments, as source."""

import keyword
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from proflow_schemas.definition import (
    CronTrigger,
    Definition,
    InnerList,
    RetryPolicy,
    TaskOp,
    blocks,
    walk,
)
from proflow_schemas.expressions import compared_paths

from proflow_compiler.emit.literals import Source, literal
from proflow_compiler.emit.rendering import macro

Arguments = dict[str, Any]


def create_function(definition: Definition) -> Source:
    """Return `client.create_function(…)` for a definition."""
    settings = definition.settings
    arguments: Arguments = {"fn_id": definition.id}
    if definition.name and definition.name != definition.id:
        arguments["name"] = definition.name
    triggers = _triggers(definition)
    arguments["trigger"] = triggers[0] if len(triggers) == 1 else _list(triggers)
    arguments["retries"] = settings.retries
    if settings.concurrency:
        arguments["concurrency"] = _list([_one("concurrency", one) for one in settings.concurrency])
    if settings.throttle is not None:
        arguments["throttle"] = _one("throttle", settings.throttle)
    if settings.priority is not None:
        arguments["priority"] = _call("inngest.Priority", {"run": settings.priority})
    if settings.timeouts is not None:
        arguments["timeouts"] = _one("timeouts", settings.timeouts)
    cancel = [_one("cancel", one) for one in settings.cancel_on]
    if settings.ends_with_parent:
        cancel.append(Source("WITH_PARENT"))
    if settings.ends_with_call:
        cancel.append(Source("WITH_CALL"))
    arguments["cancel"] = _list(cancel)
    if settings.idempotency is not None:
        arguments["idempotency"] = settings.idempotency
    if definition.on_failure is not None:
        arguments["on_failure"] = Source(f"on_failure({handler_source(definition.on_failure)})")
    return _call("client.create_function", arguments)


def inner_lists(lists: Sequence[InnerList]) -> Source | None:
    """Return the lists of an item as a tuple of `InnerList(…)`; None if no list is nested in it."""
    if not lists:
        return None
    found: list[str] = []
    for one in lists:
        arguments: Arguments = {}
        if one.alias is not None:
            arguments["alias"] = one.alias
        if one.item_steps:
            arguments["item_steps"] = one.item_steps
        if one.least_steps:
            arguments["least_steps"] = one.least_steps
        if one.times != 1:
            arguments["times"] = one.times
        if one.certain:
            arguments["certain"] = True
        if (inner := inner_lists(one.lists)) is not None:
            arguments["lists"] = inner
        positional = Source(f"{literal(one.node)}, {literal(one.items)}")
        found.append(_call("InnerList", arguments, positional))
    return Source(f"({', '.join(found)},)")


def create_part(definition: Definition, part: str) -> Source:
    """Return `client.create_function(…)` for a part."""
    event = _call("inngest.TriggerEvent", {"event": f"{definition.id}/{part}"})
    return _call(
        "client.create_function",
        {
            "fn_id": f"{definition.id}-{part}",
            "trigger": event,
            "retries": definition.settings.retries,
            "cancel": Source("[WITH_PARENT]"),
        },
    )


def part_body(bodies: str, keeps: Sequence[str]) -> Source:
    """Return `<bodies>.part(…)`.

    Args:
        bodies: The variable that holds the result of `workflow(…)`.
        keeps: The nodes of the part that are read outside.
    """
    return _call(f"{bodies}.part", {"keeps": list(keeps)} if keeps else {})


def workflow(definition: Definition, name: str) -> Source:
    """Return `workflow(…)` with the arguments that differ from their defaults."""
    arguments: Arguments = {"digest": definition.digest}
    if definition.parts or definition.id != name.replace("_", "-"):
        arguments["id"] = definition.id
    if definition.version is not None:
        arguments["version"] = definition.version
    if definition.max_attempts != 5:
        arguments["max_attempts"] = definition.max_attempts
    if definition.scope != "tenant":
        arguments["scope"] = definition.scope
    if definition.timezone is not None:
        arguments["timezone"] = definition.timezone
    if definition.initiator is not None:
        arguments["initiator"] = definition.initiator
    if channels := _channels(definition):
        arguments["channels"] = channels
    if paths := compared_paths(one.condition for one in definition.settings.cancel_on):
        arguments["compared"] = paths
    return _call("workflow", arguments)


def has_fan_out(definition: Definition) -> bool:
    """Return True if a schedule starts a run for each tenant."""
    return definition.scope == "tenant" and any(
        isinstance(one, CronTrigger) for one in definition.triggers
    )


def has_plain_cron(definition: Definition) -> bool:
    """Return True if a schedule starts the workflow directly, in the default time zone."""
    return definition.scope == "system" and any(
        isinstance(one, CronTrigger) and one.timezone is None for one in definition.triggers
    )


def fan_outs(definition: Definition) -> Iterator[Source]:
    """Yield `fan_out(…)` for every schedule that starts a run for each tenant."""
    if definition.scope != "tenant":
        return
    crons = [one for one in definition.triggers if isinstance(one, CronTrigger)]
    for index, cron in enumerate(crons):
        suffix = f"-{index + 1}" if index else ""
        arguments: Arguments = {"fn_id": f"{definition.id}-fan-out{suffix}", "cron": cron.cron}
        if cron.timezone is not None:
            arguments["timezone"] = cron.timezone
        arguments["event"] = _scheduled(definition)
        arguments["tenants"] = Source("handlers.tenants")
        yield _call("fan_out", arguments, Source("client"))


def handler_source(name: str) -> Source:
    """Return the expression for a handler of the host."""
    if name.isidentifier() and not keyword.iskeyword(name):
        return Source(f"handlers.{name}")
    return Source(f"getattr(handlers, {literal(name)})")


def retry_source(policy: RetryPolicy) -> Source:
    """Return `Retry(…)`."""
    arguments: Arguments = {"max_attempts": policy.max_attempts}
    for name in ("initial_interval", "max_interval"):
        seconds = getattr(policy, name)
        if seconds is not None:
            arguments[name] = timedelta(seconds=seconds)
    if policy.multiplier != 2:
        arguments["multiplier"] = policy.multiplier
    return _call("Retry", arguments)


def _triggers(definition: Definition) -> list[Source]:
    """Return the triggers; for a tenant's workflow, the event of its fan-out replaces schedules."""
    triggers: list[Source] = []
    for one in definition.triggers:
        if isinstance(one, CronTrigger) and definition.scope == "tenant":
            source = _call("inngest.TriggerEvent", {"event": _scheduled(definition)})
        elif isinstance(one, CronTrigger) and one.timezone is None:
            source = _call("cron_trigger", {}, Source(literal(one.cron)))
        else:
            source = _one("trigger", one)
        if source not in triggers:
            triggers.append(source)
    return triggers


def _scheduled(definition: Definition) -> str:
    return f"{definition.id}/scheduled"


def _channels(definition: Definition) -> tuple[str, ...]:
    """Return the notification channels that are named literally, sorted."""
    found = set()
    for block in blocks(definition):
        for op in walk(block):
            if isinstance(op, TaskOp) and op.handler == "proflow:notify":
                channel = op.input.get("channel", "inApp")
                if isinstance(channel, str) and "${" not in channel:
                    found.add(channel)
    return tuple(sorted(found))


def _one(name: str, value: Any) -> Source:
    return Source(macro("function", name, value))


def _call(function: str, arguments: Arguments, *positional: Source) -> Source:
    named = [(Source(key), value) for key, value in arguments.items()]
    return Source(macro("function", "call", Source(function), positional, named))


def _list(items: list[Source]) -> Source:
    return Source(f"[{', '.join(items)}]")
