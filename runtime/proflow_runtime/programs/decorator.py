"""The decorator `@workflow`, which turns the body of a run into a handler that Inngest can call."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal, TypeAlias

import inngest

from proflow_runtime import status
from proflow_runtime.context import clock
from proflow_runtime.context.tenant import required_tenant
from proflow_runtime.flow import Flow, memos
from proflow_runtime.flow.callees import CompiledCallees
from proflow_runtime.flow.parts import Handed
from proflow_runtime.flow.scope import Workflow
from proflow_runtime.handlers.channels import OF_THE_PROCESS
from proflow_runtime.values import JSON
from proflow_runtime.values.results import Failed, Result, Stopped

log = logging.getLogger("proflow.runs")
Body: TypeAlias = Callable[[Flow], Awaitable[Result | None]]
InngestHandler: TypeAlias = Callable[[inngest.Context], Awaitable[JSON]]


def workflow(
    *,
    digest: str = "",
    id: str | None = None,
    version: str | None = None,
    max_attempts: int = 5,
    scope: Literal["tenant", "system"] = "tenant",
    initiator: str | None = None,
    timezone: str | None = None,
    channels: Sequence[str] = (),
    compared: Sequence[str] = (),
) -> Bodies:
    """Turn the body of a workflow into an Inngest handler.

    Generated modules apply it below `client.create_function`. The handler returns
    `{"result", "output", "outcomes"}`: the run's status, its output, and the outcomes of its nodes.

    Args:
        digest: The digest of the definition that the body was compiled from.
        id: The workflow's id; by default the body's name with hyphens.
        version: The version of the design.
        max_attempts: The maximum number of attempts of a step without a retry policy.
        scope: `system` for a workflow whose runs belong to no tenant.
        initiator: The CEL expression of the person who started the run.
        timezone: The time zone of times without an offset; by default `PROFLOW_TIMEZONE`, else UTC.
        channels: The channels that the body's notifications name literally. If one is not registered,
            the first replay logs a warning, and the nodes that need it fail at once. (The import does
            not, because hosts may register channels after it.)
        compared: The paths in the trigger that Inngest compares to find the runs that an event
            cancels. A run that could never be found fails at once.

    Returns:
        A decorator, which is given the body: an async function of a `Flow`.
    """
    known = Workflow(
        id or "", digest, version, max_attempts, scope, initiator, timezone, tuple(compared)
    )
    return Bodies(known, channels)


class Bodies:
    """Makes Inngest handlers from the body of a workflow and from the bodies of its parts."""

    def __init__(self, known: Workflow, channels: Sequence[str]) -> None:
        memos.install()
        self._workflow, self._channels = known, channels
        self._warned = False

    def __call__(self, body: Body) -> InngestHandler:
        known = self._workflow
        if not known.id:
            name = getattr(body, "__name__", "workflow").replace("_", "-")
            known = replace(known, id=name)

        @functools.wraps(body)
        async def handler(ctx: inngest.Context) -> JSON:
            return await replay_run(self._flow(ctx, known), body)

        return handler

    def part(self, keeps: Sequence[str] = ()) -> Callable[[Body], InngestHandler]:
        """Turn the body of a part into an Inngest handler.

        Args:
            keeps: The nodes of the part whose results are read elsewhere.

        Returns:
            A decorator of bodies.
        """

        def decorate(body: Body) -> InngestHandler:
            @functools.wraps(body)
            async def handler(ctx: inngest.Context) -> JSON:
                handed = Handed.of(ctx.event)
                own = replace(ctx, run_id=handed.run_id, event=handed.event)
                return await replay_part(self._flow(own, self._workflow), body, handed, keeps)

            return handler

        return decorate

    def _warn_of_missing(self) -> None:
        """Log once that channels are missing; only the nodes that need them fail."""
        missing = [name for name in self._channels if name not in OF_THE_PROCESS]
        if missing and not self._warned:
            self._warned = True
            listed = ", ".join(f"`{name}`" for name in missing)
            log.warning(
                "`%s` needs channels that are not registered: %s", self._workflow.id, listed
            )

    def _flow(self, ctx: inngest.Context, known: Workflow) -> Flow:
        tenant_id = required_tenant(ctx.event.data) if known.scope == "tenant" else None
        if self._channels:
            self._warn_of_missing()
        callees = CompiledCallees()
        return Flow(ctx, known, tenant_id, recorders=status.OF_THE_PROCESS, callees=callees)


async def replay_run(flow: Flow, body: Body) -> JSON:
    """Replay a run.

    Returns:
        `{"result", "output", "outcomes"}`. When this function returns or fails, the run has ended; if
        steps are open, the SDK ends the replay by an exception of its own.

    Raises:
        NonRetriableError: If the run has failed.
    """
    return await _handled(flow, partial(_whole, flow, body), final=True)


async def replay_part(flow: Flow, body: Body, handed: Handed, keeps: Sequence[str]) -> JSON:
    """Replay a part of a run.

    Args:
        flow: The replay.
        body: The body of the part.
        handed: What the run has passed to the part.
        keeps: The nodes of the part whose results are read elsewhere.

    Returns:
        The result of the part, for the run.

    Raises:
        NonRetriableError: If the part has failed.
    """
    flow.take(handed)
    return await _handled(flow, partial(_partly, flow, body, keeps), final=False)


async def _whole(flow: Flow, body: Body) -> dict[str, JSON]:
    """Return the result of a run."""
    flow.check_trigger()
    try:
        result = flow.concluded(await body(flow))
    except Stopped as stopped:
        result = stopped.result
    return {"result": result.status, "output": result.output, "outcomes": flow.outcomes}


async def _partly(flow: Flow, body: Body, keeps: Sequence[str]) -> dict[str, JSON]:
    """Return the result of a part."""
    try:
        return flow.handed_back(await body(flow), False, keeps)
    except Stopped as stopped:
        return flow.handed_back(stopped.result, True, keeps)


async def _handled(
    flow: Flow, answering: Callable[[], Awaitable[dict[str, JSON]]], *, final: bool
) -> JSON:
    """Run a replay and send its snapshot; `final` is True if its end is the end of the run."""
    answer: dict[str, JSON] | None = None
    failure: Failed | None = None
    try:
        answer = await answering()
    except Failed as failed:
        failure = failed
        raise inngest.NonRetriableError(str(failed)) from None
    finally:
        # Most replays end by an exception of the SDK, which must be left alone.
        if flow.states is not None:
            over = (answer, failure) if final else (None, None)
            await flow.recorders.hand_over(_snapshot(flow, *over))
    return answer


def _snapshot(flow: Flow, answer: dict[str, Any] | None, failure: Failed | None) -> status.Snapshot:
    return status.Snapshot(
        run_id=flow.run_id,
        workflow_id=flow.workflow.id,
        version=flow.workflow.version,
        digest=flow.workflow.digest,
        tenant_id=flow.tenant_id,
        at=clock.now(),
        status="failed" if failure else "running" if answer is None else "completed",
        nodes=flow.states or {},
        items=flow.item_states,
        result=answer,
        error=None if failure is None else str(failure),
        view=flow.view,
        attempt=flow.attempt,
        part=flow.part_name,
        results=flow.results.to_keep,
        step_attempts=tuple(flow.step_attempts),
        resumed=tuple(flow.resumed),
        called=tuple(flow.called),
    )
