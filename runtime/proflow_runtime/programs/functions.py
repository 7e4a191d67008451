"""Makes the Inngest functions of a definition, which are those in `FUNCTIONS` of a generated module."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import inngest
from proflow_schemas.definition import CronTrigger, Definition, EventTrigger, TaskOp, blocks, walk
from proflow_schemas.expressions import compared_paths

from proflow_runtime.flow.parts import function_id, part_event
from proflow_runtime.flow.subprocess import WITH_CALL, WITH_PARENT
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.programs.decorator import workflow
from proflow_runtime.programs.failures import on_failure
from proflow_runtime.programs.interpreter import interpret, require_handlers
from proflow_runtime.programs.schedules import cron_trigger, fan_out

MIN_RETRIES = 4


def functions_of(
    definition: Definition, client: inngest.Inngest, registry: Registry
) -> list[inngest.Function[Any]]:
    """Make the Inngest functions of a definition, to be served like hand-written ones.

    Args:
        definition: A compiled design.
        client: The Inngest client of the application.
        registry: The handlers that the definition names.

    Returns:
        One function per cron that starts a run for each tenant, one per part of the workflow, and
        last the workflow itself.

    Raises:
        UnknownHandlerError: If the definition names a handler that the registry lacks.
        UnknownChannelError: If it names a channel that is not registered.
        MissingExtraError: If it sends e-mail, and the extra `email` is not installed.

    Example:
        ```python
        definition = Definition.model_validate_json(Path("leave.definition.json").read_bytes())
        functions = functions_of(definition, client, Registry.from_module(handlers))
        inngest.fast_api.serve(app, client, functions)
        ```
    """
    fan_outs = list(_fan_outs(definition, client, registry))
    require_handlers(definition, registry)
    program = interpret(definition, registry)
    bodies = workflow(
        digest=definition.digest,
        id=definition.id,
        version=definition.version,
        max_attempts=definition.max_attempts,
        scope=definition.scope,
        initiator=definition.initiator,
        timezone=definition.timezone,
        compared=compared_paths(one.condition for one in definition.settings.cancel_on),
    )
    parts = [
        client.create_function(
            fn_id=function_id(definition.id, name),
            trigger=inngest.TriggerEvent(event=part_event(definition.id, name)),
            retries=retries_of(definition),
            cancel=[WITH_PARENT],
        )(bodies.part(definition.parts[name].keeps)(body))
        for name, body in program.parts.items()
    ]
    create = client.create_function(
        fn_id=definition.id,
        name=definition.name,
        trigger=_triggers(definition),
        retries=retries_of(definition),
        **_limits(definition),
        on_failure=(
            None if definition.on_failure is None else on_failure(registry[definition.on_failure])
        ),
    )
    return [*fan_outs, *parts, create(bodies(program.body))]


def retries_of(definition: Definition) -> int:
    """Return the number of retries of the Inngest function.

    It is enough for every node (`Flow` enforces the nodes' own limits), and at least `MIN_RETRIES`,
    because an attempt is also lost when the app restarts.
    """
    policies = [
        op.retry.max_attempts - 1
        for block in blocks(definition)
        for op in walk(block)
        if isinstance(op, TaskOp) and op.retry is not None
    ]
    return max(MIN_RETRIES, definition.settings.retries, definition.max_attempts - 1, *policies, 0)


def scheduled_event(definition_id: str) -> str:
    """Return the name of the event that starts the run of each tenant at a cron."""
    return f"{definition_id}/scheduled"


def _fan_outs(
    definition: Definition, client: inngest.Inngest, registry: Registry
) -> Iterator[inngest.Function[Any]]:
    if definition.scope == "system":
        return
    crons = [trigger for trigger in definition.triggers if isinstance(trigger, CronTrigger)]
    for number, trigger in enumerate(crons, start=1):
        suffix = "" if number == 1 else f"-{number}"
        yield fan_out(
            client,
            fn_id=f"{definition.id}-fan-out{suffix}",
            cron=trigger.cron,
            timezone=trigger.timezone,
            event=scheduled_event(definition.id),
            tenants=registry.tenants,
        )


def _triggers(definition: Definition) -> list[inngest.TriggerCron | inngest.TriggerEvent]:
    found: list[inngest.TriggerCron | inngest.TriggerEvent] = []
    for trigger in definition.triggers:
        match trigger:
            case EventTrigger():
                found.append(
                    inngest.TriggerEvent(event=trigger.event, expression=trigger.condition)
                )
            case CronTrigger() if definition.scope == "system":
                found.append(cron_trigger(trigger.cron, trigger.timezone))
            case CronTrigger():
                event = inngest.TriggerEvent(event=scheduled_event(definition.id))
                if event not in found:
                    found.append(event)
    return found


def _limits(definition: Definition) -> dict[str, Any]:
    settings = definition.settings
    found: dict[str, Any] = {}
    if settings.concurrency:
        found["concurrency"] = [
            inngest.Concurrency(limit=one.limit, key=one.key, scope=one.scope)
            for one in settings.concurrency
        ]
    if (throttle := settings.throttle) is not None:
        found["throttle"] = inngest.Throttle(
            limit=throttle.limit,
            period=timedelta(seconds=throttle.period),
            key=throttle.key,
            **({} if throttle.burst is None else {"burst": throttle.burst}),
        )
    if settings.priority is not None:
        found["priority"] = inngest.Priority(run=settings.priority)
    if (timeouts := settings.timeouts) is not None:
        found["timeouts"] = inngest.Timeouts(
            start=_seconds(timeouts.start), finish=_seconds(timeouts.finish)
        )
    cancel = [
        inngest.Cancel(event=one.event, if_exp=one.condition, timeout=_seconds(one.timeout))
        for one in settings.cancel_on
    ]
    # Any workflow may be called as a child, and Inngest does not cancel the children of ended runs.
    if settings.ends_with_parent:
        cancel.append(WITH_PARENT)
    if settings.ends_with_call:
        cancel.append(WITH_CALL)
    found["cancel"] = cancel
    if settings.idempotency is not None:
        found["idempotency"] = settings.idempotency
    return found


def _seconds(value: int | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)
