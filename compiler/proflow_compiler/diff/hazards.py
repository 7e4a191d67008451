"""Judges a change of a node's config for runs that wait at the node or are past it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from proflow_schemas.configs import Answered, Config, Duration
from proflow_schemas.durations import format_duration, parse_duration
from proflow_schemas.language import Text, Texts
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

TEXTS = Texts(
    "diff-hazards",
    {
        "gone": Text(
            "there is no {name:raw} any more: nothing would receive what it waits for",
            "{name:raw} 已不存在：它等待的事件无人接收",
        ),
        "event": Text(
            "{name:raw} is armed for the event `{old}`, and expects `{new}`",
            "{name:raw} 已在等待事件 `{old}`，而新版本等待 `{new}`",
        ),
        "match": Text(
            "{name:raw} is armed with the old `match`",
            "{name:raw} 已按旧的 `match` 开始等待",
        ),
        "timeout": Text(
            "the old timeout of {name:raw} would end it, which `remind` never does",
            "{name:raw} 会按旧的超时结束，而 `remind` 不会",
        ),
        "workflow": Text(
            "{name:raw} runs `{old}` already, and expects `{new}`",
            "{name:raw} 已在运行 `{old}`，而新版本运行 `{new}`",
        ),
        "items": Text("the items of {name:raw} may be others", "{name:raw} 的各项可能不同"),
        "more-open": Text(
            "more items of {name:raw} may be open than its new `maxConcurrency` admits",
            "{name:raw} 正在处理的项数可能超过新的 `maxConcurrency`",
        ),
        "while": Text(
            "the iterations of {name:raw} would be checked again, by another `while`",
            "{name:raw} 的各轮会按新的 `while` 重新判断",
        ),
        "more-iterations": Text(
            "{name:raw} may have had more iterations than its new `maxIterations`",
            "{name:raw} 的轮数可能已超过新的 `maxIterations`",
        ),
        "timed-out": Text(
            "{name:raw} may have timed out, and a timeout means another decision now",
            "{name:raw} 可能已超时，而超时的结果已改变",
        ),
        "new-match": Text(
            "the new `match` of {name:raw} is looked up in every replay, and may be missing",
            "每次重放都会读取 {name:raw} 的新 `match`，它可能不存在",
        ),
        "new-until": Text(
            "the new `until` of {name:raw} is computed in every replay, and may fail",
            "每次重放都会计算 {name:raw} 的新 `until`，可能失败",
        ),
        "iterations": Text(
            "{name:raw} may have had another number of iterations: `maxIterations` changed",
            "{name:raw} 的轮数可能不同：`maxIterations` 已改变",
        ),
        "computed": Text(
            "`{key}` of `{node}` is computed in every replay: its new value may lead "
            "elsewhere, or fail",
            "每次重放都会计算 `{node}` 的 `{key}`：新的值可能走向别处，或计算失败",
        ),
        "other-type": Text(
            "{name:raw} was of type {old:raw}, and is of type {new:raw}",
            "{name:raw} 的类型由 {old:raw} 变为 {new:raw}",
        ),
        "other-steps": Text(
            "{name:raw} has other step ids, as it is no longer where it was",
            "{name:raw} 的步骤 ID 已改变，因为它不在原来的位置",
        ),
        "next-attempt": Text(
            "its next attempt has the new `{key:raw}`",
            "下一次尝试使用新的 `{key:raw}`",
        ),
        "keeps": Text("keeps the old `{key:raw}`{value:raw}", "保持旧的 `{key:raw}`{value:raw}"),
        "began": Text("began with the old `{key:raw}`", "已按旧的 `{key:raw}` 开始"),
        "none": Text(", which was none", "（未设置）"),
    },
)

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
        return TEXTS("gone", name=name)
    if (other := _other_node(before.old, new)) is not None:
        return other
    if before.old.type == "delay":
        return done_hazard(before)
    match before.old.config, new.config:
        case Answered() as was, Answered() as now if was.event != now.event:
            return TEXTS("event", name=name, old=was.event, new=now.event)
        case Answered() as was, Answered() as now if was.match != now.match:
            return TEXTS("match", name=name)
        case Approval() as was, Approval() as now if _fires(was) and now.timeout_action == "remind":
            return TEXTS("timeout", name=name)
        case Subprocess() as was, Subprocess() as now if was.workflow != now.workflow:
            return TEXTS("workflow", name=name, old=was.workflow, new=now.workflow)
        case Foreach() as was, Foreach() as now:
            if not before.same(was.items, now.items):
                return TEXTS("items", name=name)
            if now.max_concurrency is not None and now.max_concurrency < (
                was.max_concurrency or float("inf")
            ):
                return TEXTS("more-open", name=name)
        case Loop() as was, Loop() as now:
            if not before.same(was.condition, now.condition):
                return TEXTS("while", name=name)
            if now.max_iterations < was.max_iterations:
                return TEXTS("more-iterations", name=name)
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
            return TEXTS("timed-out", name=name)
        case Answered() as was, Answered() as now:
            if was.match != now.match and now.match is not None:
                return TEXTS("new-match", name=name)
        case Delay() as was, Delay() as now if was.until != now.until and now.until is not None:
            return TEXTS("new-until", name=name)
        case Set() as was, Set() as now:
            return _computed(before, was, now)
        case Foreach() as was, Foreach() as now if not before.same(was.items, now.items):
            return TEXTS("items", name=name)
        case Loop() as was, Loop() as now:
            if not before.same(was.condition, now.condition):
                return TEXTS("while", name=name)
            if was.max_iterations != now.max_iterations:
                return TEXTS("iterations", name=name)
    return None


def _computed(before: Before, was: Set, now: Set) -> str | None:
    keys = dict.fromkeys([*was.values, *now.values])
    changed = [key for key in keys if not before.same(was.values.get(key), now.values.get(key))]
    left = {key: now.values[key] for key in changed if key in now.values}
    if not changed or (not before.read and is_total(left)):
        return None
    return TEXTS("computed", key=changed[0], node=before.old.id)


def _other_node(old: Node, new: Node) -> str | None:
    name = ticks(old.id)
    if not _alike(old, new):
        return TEXTS("other-type", name=name, old=old.type, new=new.type)
    if old.parent != new.parent:
        return TEXTS("other-steps", name=name)
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
            yield TEXTS("next-attempt", key=key)
        elif key in ("timeout", "duration"):
            yield TEXTS("keeps", key=key, value=_of(old.config, key))
        else:
            yield TEXTS("began", key=key)


def _of(config: Config, key: str) -> str:
    value: Duration | None = getattr(config, key)
    return TEXTS("none") if value is None else f", {format_duration(parse_duration(value))}"
