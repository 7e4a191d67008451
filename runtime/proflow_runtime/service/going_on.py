"""Goes on with runs that have failed or were cancelled, as their next attempt.

Inngest cannot resume such a run. So the attempt is another run there, which finds what the steps of
the earlier attempts have returned in our tables (`dispatch.earlier`); for people it is the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from proflow_compiler.design import Design
from proflow_compiler.diff import compare
from proflow_schemas.definition import Definition, UnknownFormatError
from proflow_schemas.node_types import type_of

from proflow_runtime.context import clock
from proflow_runtime.dispatch.start_request import StartRequest, event_id
from proflow_runtime.flow.subprocess import LINEAGE
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.service.canvases import canvas_of
from proflow_runtime.service.compiling import DesignCompiler
from proflow_runtime.service.given import fits, refuse_other_tenant
from proflow_runtime.service.problems import Problem, refuse_inexact
from proflow_runtime.store import designs, formats, outbox, runs
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.approvals import AuditEntry
from proflow_runtime.store.models.designs import DesignVersion
from proflow_runtime.store.models.runs import NodeStateRow, Run
from proflow_runtime.values import JSON

INITIATOR = "initiator_id"
"""The key of a run's data that holds the id of the user who started the run."""


@dataclass(frozen=True)
class Again:
    """How a run is retried.

    Attributes:
        start: `failure` goes on where the run has failed; `beginning` starts another run.
        version: The version to go on with; by default the run's own. Another one must be safe for
            a run that is where this one is.
        data: The corrected data, in place of that of the run.
        reason: Why the run is retried, for the audit trail.
    """

    start: Literal["failure", "beginning"] = "failure"
    version: int | None = None
    data: Mapping[str, JSON] | None = None
    reason: str | None = None


class GoingOn:
    """Goes on with runs of all tenants."""

    def __init__(self, compiling: DesignCompiler, names: AppNames) -> None:
        self._compiling, self._names = compiling, names

    async def go_on(self, run: Run, again: Again, *, by: str | None) -> None:
        """Begin the next attempt at a run; the caller has the outbox delivered.

        Args:
            run: A run that has failed or was cancelled.
            again: In which version, with which data, and why.
            by: The id of the user who retries the run.

        Raises:
            Problem: If the run cannot go on (409), or the data is not what it takes (422).
        """
        if run.parent is not None:
            text = f"run `{run.parent}` calls it: retry that one, which goes on in this one"
            raise Problem(409, "is-called", text, run=run.parent)
        await _refuse_failed_end(run)
        version, digest = run.version, run.digest
        if again.version is not None and again.version != run.version:
            version = again.version
            digest = await self._safe_version(run, version)
        event = await _event(run, digest, again)
        about = await formats.about(digest)
        following = runs.NextAttempt(
            version,
            digest,
            event,
            by=by,
            reason=again.reason,
            start_timeout=None if about is None else about.start_timeout,
        )
        async with transaction() as client:
            reopened = await runs.reopen(run.tenant_id, run.id, following)
            if reopened is None:
                raise Problem(409, "not-failed", "somebody else has retried the run")
            request = StartRequest(
                *(run.id, run.workflow, digest, version, event, run.business_id, run.started_by),
                attempt=reopened.attempt,
            )
            data = {"tenant_id": run.tenant_id, LINEAGE: request.own()}
            handing = event_id(run.id, reopened.attempt)
            await outbox.put(
                *(client, handing, run.tenant_id, self._names.run, data),
                effect=outbox.Effect("begun", run.id),
            )
            await note_retry(run, again, by, event, attempt=reopened.attempt, version=version)

    async def _safe_version(self, run: Run, number: int) -> str:
        """Return the digest of another version, if the run can go on with it."""
        old = await _version(run, run.version)
        new = await _version(run, number)
        found = compare(await self._side(old, run.workflow), await self._side(new, run.workflow))
        stuck = await _stuck(run)
        judged = {one.node: one for one in found.positions}
        unsafe = [
            one
            for one in found.positions
            if not one.survives and (one.node in stuck or not stuck <= judged.keys())
        ]
        if unsafe:
            positions = [{"node": one.node, "reason": one.reason} for one in unsafe]
            text = f"version {number} is not safe for the run: {unsafe[0].reason}"
            raise Problem(409, "version-unsafe", text, positions=positions)
        return new.digest

    async def _side(self, version: DesignVersion, code: str) -> tuple[Design, Definition]:
        compiled = await self._compiling.compile(version.canvas, code)
        if compiled.design is None or compiled.definition is None:
            text = f"the design of version {version.number} has errors"
            raise Problem(409, "design-refused", text)
        return compiled.design, compiled.definition


async def with_data(
    event: Mapping[str, Any],
    tenant_id: int,
    definition: Definition | None,
    data: Mapping[str, JSON] | None,
) -> dict[str, Any]:
    """Return the event that started a run, with corrected data.

    Args:
        event: The event, `{name, id, ts, data}`.
        tenant_id: The tenant of the run.
        definition: The definition that the run uses from now on.
        data: The corrected data; None keeps that of the run. The tenant and the initiator cannot be
            corrected.

    Raises:
        Problem: If it is not what the workflow takes (422).
    """
    if data is None:
        return dict(event)
    refuse_other_tenant(data, tenant_id)
    given = {key: value for key, value in data.items() if key not in (LINEAGE, INITIATOR)}
    given["tenant_id"] = tenant_id
    if INITIATOR in event["data"]:
        given[INITIATOR] = event["data"][INITIATOR]
    refuse_inexact(given, "/data")
    if definition is not None:
        await fits(given, definition)
    return {**event, "data": given}


async def note_retry(
    old: Run, again: Again, by: str | None, event: Mapping[str, Any], **more: Any
) -> None:
    """Add a retry to the audit trail, with both versions and data if they were changed."""
    details: dict[str, Any] = {"from": again.start, **more}
    if details.get("version") not in (None, old.version):
        details["old_version"] = old.version
    if again.data is not None:
        details["data"] = {"old": old.event["data"], "new": event["data"]}
    await AuditEntry.create(
        tenant_id=old.tenant_id,
        at=clock.now(),
        run_id=old.id,
        actor=by or "system",
        act="retried",
        comment=again.reason,
        details=details,
    )


async def _event(run: Run, digest: str, again: Again) -> dict[str, Any]:
    definition = None
    if again.data is not None:
        try:
            definition = await designs.definition(digest)
        except UnknownFormatError as error:
            raise Problem(409, "older-format", str(error)) from None
    return await with_data(run.event, run.tenant_id, definition, again.data)


async def _refuse_failed_end(run: Run) -> None:
    """Raise `Problem` if a run has come to an end that fails it: no step has to be done again."""
    canvas = await canvas_of(run.digest)
    kinds = {} if canvas is None else {node.id: type_of(node.type).kind for node in canvas.nodes}
    failed = NodeStateRow.filter(run_id=run.id, tenant_id=run.tenant_id, status="failed")
    nodes = await failed.values_list("node", flat=True)
    if nodes and all(kinds.get(str(node)) == "end" for node in nodes):
        text = (
            f"the run has come to `{nodes[0]}`, an end that fails it: retry it from the beginning"
        )
        raise Problem(409, "failed-by-design", text)


async def _stuck(run: Run) -> set[str]:
    """Return the nodes that the run goes on at: those that it has reached and not completed."""
    left = NodeStateRow.filter(run_id=run.id, tenant_id=run.tenant_id)
    canvas = await canvas_of(run.digest)
    inner = {node.id for node in canvas.nodes if type_of(node.type).encloses} if canvas else set()
    found = await left.exclude(status="completed").values_list("node", flat=True)
    return {str(node) for node in found} - inner


async def _version(run: Run, number: int) -> DesignVersion:
    if not 0 < number < 2**31:
        raise Problem(409, "no-version", f"there is no version {number}")
    try:
        return await designs.version(run.tenant_id, run.workflow, number)
    except designs.UnknownDesignError:
        raise Problem(409, "no-version", f"`{run.workflow}` has no version {number}") from None
