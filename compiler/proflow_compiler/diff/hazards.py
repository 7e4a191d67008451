"""Judges a change of a node's config for runs that wait at the node or are past it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from proflow_schemas.configs import Answered, Config, Duration
from proflow_schemas.durations import format_duration, parse_duration
from proflow_schemas.node_types.approval import Approval
from proflow_schemas.node_types.delay import Delay
from proflow_schemas.node_types.foreach import Foreach
from proflow_schemas.node_types.loop import Loop
from proflow_schemas.node_types.set import Set
from proflow_schemas.node_types.subprocess import Subprocess

from proflow_compiler.design import Node
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.diff.activation import Reading, is_total
from proflow_compiler.diff.changes import plain

_BY_TIMEOUT = {"approve": "approved", "reject": "rejected"}


@dataclass(frozen=True)
class Before:
    """A node of the old design, and the same node of the new one.

    Attributes:
        old: The node in the old design.
        new: The node in the new design; None if it is gone.
        old_reading: How the old design reads expressions.
        new_reading: How the new design does.
        read: True if rules of the new design read its values.
        final: Outcomes that ended the run, because they were not drawn.
    """

    old: Node
    new: Node | None
    old_reading: Reading = field(repr=False)
    new_reading: Reading = field(repr=False)
    read: bool = False
    final: Collection[str] = ()

    def same(self, old: str | None, new: str | None) -> bool:
        """Return True if an expression of each design has the same value."""
        if old is None or new is None:
            return old == new
        return self.old_reading.key(old) == self.new_reading.key(new)


def open_hazard(before: Before) -> str | None:
    """Return why a run that waits at the node would not continue as the new design says.

    None if it would.
    """
    name, new = ticks(before.old.id), before.new
    if new is None:
        return f"there is no {name} any more: nothing would receive what it waits for"
    if (other := _other_node(before.old, new)) is not None:
        return other
    if before.old.type == "delay":
        return done_hazard(before)
    match before.old.config, new.config:
        case Answered() as was, Answered() as now if was.event != now.event:
            return (
                f"{name} is armed for the event {ticks(was.event)}, and expects {ticks(now.event)}"
            )
        case Answered() as was, Answered() as now if was.match != now.match:
            return f"{name} is armed with the old `match`"
        case Approval() as was, Approval() as now if _fires(was) and now.timeout_action == "remind":
            return f"the old timeout of {name} would end it, which `remind` never does"
        case Subprocess() as was, Subprocess() as now if was.workflow != now.workflow:
            return f"{name} runs {ticks(was.workflow)} already, and expects {ticks(now.workflow)}"
        case Foreach() as was, Foreach() as now:
            if not before.same(was.items, now.items):
                return f"the items of {name} may be others"
            if now.max_concurrency is not None and now.max_concurrency < (
                was.max_concurrency or float("inf")
            ):
                return f"more items of {name} may be open than its new `maxConcurrency` admits"
        case Loop() as was, Loop() as now:
            if not before.same(was.condition, now.condition):
                return f"the iterations of {name} would be checked again, by another `while`"
            if now.max_iterations < was.max_iterations:
                return f"{name} may have had more iterations than its new `maxIterations`"
    return None


def done_hazard(before: Before) -> str | None:
    """Return why the memoised result of the node would mean something else when it is replayed.

    None if it would not.
    """
    name, new = ticks(before.old.id), before.new
    if new is None:
        return None
    if (other := _other_node(before.old, new)) is not None:
        return other
    match before.old.config, new.config:
        case Approval() as was, Approval() as now if _fires(was) and _timed(was) not in (
            _timed(now),
            *before.final,
        ):
            return f"{name} may have timed out, and a timeout means another decision now"
        case Answered() as was, Answered() as now:
            if was.match != now.match and now.match is not None:
                return f"the new `match` of {name} is looked up in every replay, and may be missing"
        case Delay() as was, Delay() as now if was.until != now.until and now.until is not None:
            return f"the new `until` of {name} is computed in every replay, and may fail"
        case Set() as was, Set() as now:
            return _computed(before, was, now)
        case Foreach() as was, Foreach() as now if not before.same(was.items, now.items):
            return f"the items of {name} may be others"
        case Loop() as was, Loop() as now:
            if not before.same(was.condition, now.condition):
                return f"the iterations of {name} would be checked again, by another `while`"
            if was.max_iterations != now.max_iterations:
                return f"{name} may have had another number of iterations: `maxIterations` changed"
    return None


def _computed(before: Before, was: Set, now: Set) -> str | None:
    keys = dict.fromkeys([*was.values, *now.values])
    changed = [key for key in keys if not before.same(was.values.get(key), now.values.get(key))]
    left = {key: now.values[key] for key in changed if key in now.values}
    if not changed or (not before.read and is_total(left)):
        return None
    return (
        f"{ticks(changed[0])} of {ticks(before.old.id)} is computed in every replay:"
        " its new value may lead elsewhere, or fail"
    )


def _other_node(old: Node, new: Node) -> str | None:
    name = ticks(old.id)
    if not _alike(old, new):
        return f"{name} was of type {old.type}, and is of type {new.type}"
    if old.parent != new.parent:
        return f"{name} has other step ids, as it is no longer where it was"
    return None


def _alike(old: Node, new: Node) -> bool:
    """True if the steps of both are the same: one handler does the work of several types."""
    if old.type == new.type:
        return True
    return old.kind.handler is not None and old.kind.handler == new.kind.handler


def _fires(approval: Approval) -> bool:
    return approval.timeout is not None and approval.timeout_action != "remind"


def _timed(approval: Approval) -> str:
    """Return the outcome of an approval that timed out."""
    return _BY_TIMEOUT.get(approval.timeout_action, "timeout")


def notes(old: Node, new: Node) -> Iterator[str]:
    """Yield what a run that waits at the node, and survives, keeps of the old config."""
    was, now = plain(old.config), plain(new.config)
    changed = [key for key in dict.fromkeys([*was, *now]) if was.get(key) != now.get(key)]
    retried = old.kind.kind != "waits"
    for key in changed:
        if key in ("timeoutAction", "rejectTo"):
            continue
        if retried:
            yield f"its next attempt has the new `{key}`"
        elif key in ("timeout", "duration"):
            yield f"keeps the old `{key}`{_of(old.config, key)}"
        else:
            yield f"began with the old `{key}`"


def _of(config: Config, key: str) -> str:
    value: Duration | None = getattr(config, key)
    return ", which was none" if value is None else f", {format_duration(parse_duration(value))}"
