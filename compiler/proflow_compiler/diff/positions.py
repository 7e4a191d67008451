"""Decides for each node that a run of the old design can be waiting at whether the run survives."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types.end import End

from proflow_compiler.design import Node
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.diff.hazards import Before, done_hazard, notes, open_hazard
from proflow_compiler.diff.levels import Levels, Side
from proflow_compiler.diff.wording import changed_activation
from proflow_compiler.graph import BackEdge, Graph
from proflow_compiler.graph.loops import Loop, natural_loops

TEXTS = Texts(
    "diff-positions",
    {
        "start-over": Text(
            "its attempts start over, as other branches run beside it",
            "重试次数会重新计算，因为有其他分支同时运行",
        ),
        "open-too": Text(
            "`{name}` may be open as well: {hazard:raw}",
            "`{name}` 可能也在等待：{hazard:raw}",
        ),
        "ended-item": Text(
            "`{outcome}` of `{name}` may have ended an item, and is drawn now",
            "`{name}` 的 `{outcome}` 可能已结束某一项，而现在有了连线",
        ),
        "would-end": Text(
            "`{outcome}` of `{name}` was drawn, and would end its item now",
            "`{name}` 的 `{outcome}` 原有连线，现在会结束该项",
        ),
        "outcome-read": Text(
            "`outcome` of `{name}` is read, and its rules changed",
            "有表达式读取 `{name}` 的 `outcome`，而它的规则已改变",
        ),
        "item-ends": Text(
            "what ends an item of `{name}` changed, and items may be over",
            "`{name}` 单项的结束方式已改变，有些项可能已结束",
        ),
        "other-part": Text(
            "`{name}` would run in another part of the long program",
            "`{name}` 会在拆分后的另一部分中运行",
        ),
        "other-id": Text(
            "the design is `{new}` now, another function: nobody would go on with runs of `{old}`",
            "设计现在是 `{new}`，属于另一个函数：`{old}` 的运行无人继续",
        ),
        "scope": Text(
            "the `scope` changed, by which waits tell tenants apart",
            "`scope` 已改变，等待无法区分租户",
        ),
        "back-gone": Text(
            "the back edge {drawn:raw} is gone or changed, and may have been taken",
            "返回连线 {drawn:raw} 已移除或改变，而运行可能已走过它",
        ),
        "back-often": Text(
            "the back edge {drawn:raw} may have been taken more than {limit:raw} times",
            "返回连线 {drawn:raw} 可能已执行超过 {limit:raw} 次",
        ),
        "new-in-loop": Text(
            "`{name}` is new in the loop that begins with `{header}`, and an iteration may "
            "have been left by a return without it",
            "`{name}` 是从 `{header}` 开始的循环中新增的节点，某一轮可能已未经过它就返回",
        ),
        "would-stop": Text(
            "the run would stop at `{end}` as soon as it moves on",
            "运行继续后会立即在 `{end}` 停止",
        ),
    },
)


@dataclass(frozen=True)
class Position:
    """A node that a run of the old design can be waiting at.

    Attributes:
        node: The node.
        survives: True if a run that waits there continues as the new design says.
        reason: Why it does not survive.
        path: The nodes of a path to it, through the node that is to blame if that is another one.
        notes: What a run that survives keeps of the old design.
    """

    node: str
    survives: bool
    reason: str | None
    path: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Blame:
    """A reason why a run does not survive at a position."""

    reason: str
    node: str | None = None
    """The node to blame, if it is not the position itself."""


class Positions:
    """Judges the positions of the old design."""

    def __init__(self, old: Side, new: Side) -> None:
        self._levels = Levels(old, new)
        self._old, self._new = old, new
        self._open_hazard = lru_cache(maxsize=None)(self._of_open)
        self._past_hazard = lru_cache(maxsize=None)(self._of_past)
        self._blamed_of: dict[str | None, tuple[int, int]] = {}
        self._stops_of: dict[str | None, list[tuple[str, frozenset[int]]]] = {}

    def all(self) -> Iterator[Position]:
        """Yield all positions, in file order."""
        for name, node in self._old.design.nodes.items():
            if node.kind.instant or node.kind.container:
                continue
            if name in self._old.levels[node.parent].reachable:
                yield self._position(node)

    def _position(self, node: Node) -> Position:
        blame = next(self._blames(node.id), None)
        new = self._new.design.nodes.get(node.id)
        kept = tuple(self._notes(node, new)) if blame is None and new is not None else ()
        path = self._path(node.id, None if blame is None else blame.node)
        return Position(node.id, blame is None, None if blame is None else blame.reason, path, kept)

    def _notes(self, old: Node, new: Node) -> Iterator[str]:
        yield from notes(old, new)
        if old.kind.kind == "step":
            # A run waits at a step only between two attempts. Inngest counts the attempts of a step
            # separately once the step is planned together with others.
            alone, beside = (
                self._levels.pasts(one.parent, old=one is old).open(one.id) for one in (old, new)
            )
            if beside and not alone:
                yield TEXTS("start-over")

    def _path(self, name: str, through: str | None) -> tuple[str, ...]:
        found: list[str] = []
        for one in (*self._old.chain(name), name):
            container = self._old.design.nodes[one].parent
            found += self._levels.pasts(container).path(one, through)
        return tuple(found)

    def _blames(self, name: str) -> Iterator[_Blame]:
        """Yield all reasons against a position, the nearest ones first."""
        if (whole := self._whole) is not None:
            yield _Blame(whole)
            return
        chain = self._old.chain(name)
        for one in (name, *reversed(chain)):
            if (hazard := self._open_hazard(one)) is not None:
                yield _Blame(hazard)
        for one in (name, *reversed(chain)):
            container = self._old.design.nodes[one].parent
            yield from self._around(one, container)
        for container in reversed(chain):
            if not self._is_unlimited(container) and (hazard := self._over_hazard(container)):
                yield _Blame(hazard)
            yield from self._everything(container, as_open=self._is_concurrent(container))

    def _around(self, name: str, container: str | None) -> Iterator[_Blame]:
        """Yield the reasons against a node being open that are in its own level."""
        pasts = self._levels.pasts(container)
        if (hazard := self._activation_hazard(name)) is not None:
            yield _Blame(hazard)
        started, (past, beside) = pasts.started(name), self._blamed(container)
        for other in reversed(list(pasts.names(started & past))):
            yield from self._past(other)
        for other in pasts.names(pasts.open(name) & beside):
            yield from self._beside(other)
        yield from self._ending(name, container, started & ~pasts.bit[name])

    def _blamed(self, container: str | None) -> tuple[int, int]:
        """Return the nodes of a level that are reasons if they are over, and if they are open."""
        if container not in self._blamed_of:
            pasts = self._levels.pasts(container)
            self._blamed_of[container] = (
                sum(pasts.bit[one] for one in pasts.order if any(self._past(one))),
                sum(pasts.bit[one] for one in pasts.order if any(self._beside(one))),
            )
        return self._blamed_of[container]

    def _past(self, name: str) -> Iterator[_Blame]:
        """Yield the reasons against a node, or a node inside it, being over."""
        if (hazard := self._past_hazard(name)) is not None:
            yield _Blame(hazard, name)
        if name in self._old.levels:
            yield from self._everything(name, as_open=False)

    def _beside(self, name: str) -> Iterator[_Blame]:
        """Yield the reasons against a node, or a node inside it, being open as well."""
        if (hazard := self._open_hazard(name)) is not None:
            yield _Blame(TEXTS("open-too", name=name, hazard=hazard), name)
        if name in self._old.levels:
            yield from self._everything(name, as_open=True)

    def _everything(self, container: str, *, as_open: bool) -> Iterator[_Blame]:
        """Yield the reasons against any node in a container being over or, if `as_open`, open."""
        level = self._old.levels[container]
        for name, at in level.nodes.items():
            if at.entry or name not in level.reachable:
                continue
            yield from self._past(name)
            if as_open:
                yield from self._beside(name)

    def _is_concurrent(self, container: str) -> bool:
        """Return True if several items may be open at the same time."""
        config = self._old.design.nodes[container].config
        return getattr(config, "max_concurrency", 1) != 1

    def _is_unlimited(self, container: str) -> bool:
        """Return True if all items start at once, so that none waits for another."""
        return getattr(self._old.design.nodes[container].config, "max_concurrency", 1) is None

    # --- single nodes

    def _of_open(self, name: str) -> str | None:
        at = self._level(name).nodes[name]
        if not at.drawn or at.node.kind.instant:
            return None
        return open_hazard(self._before(at.node)) or self._function_hazard(name)

    def _of_past(self, name: str) -> str | None:
        at = self._level(name).nodes[name]
        if not at.drawn:
            return self._loop_hazards.get(name)
        return (
            done_hazard(self._before(at.node))
            or self._activation_hazard(name)
            or self._read_hazard(name)
            or self._over_hazard(name)
            or self._ended_hazard(name)
            or self._function_hazard(name)
            or self._loop_hazards.get(name)
        )

    def _ended_hazard(self, name: str) -> str | None:
        """Return the reason if an outcome ended items and is drawn now, or vice versa."""
        level = self._level(name)
        other = self._new.levels.get(level.container)
        if level.container is None or other is None or name not in other.nodes:
            return None
        was, now = set(level.undrawn(name)), set(other.undrawn(name))
        if changed := sorted(was - now):
            return TEXTS("ended-item", outcome=changed[0], name=name)
        if changed := sorted(now - was):
            return TEXTS("would-end", outcome=changed[0], name=name)
        return None

    def _before(self, node: Node) -> Before:
        return Before(
            node,
            self._new.design.nodes.get(node.id),
            self._old.reading,
            self._new.reading,
            read=node.id in self._new.read,
            final=self._final(node.id),
        )

    def _final(self, name: str) -> tuple[str, ...]:
        """Return the outcomes that ended the run; inside a container they only end an item."""
        level = self._level(name)
        return level.undrawn(name) if level.container is None else ()

    def _level(self, name: str) -> Graph:
        return self._old.level_of[name]

    def _activation_hazard(self, name: str) -> str | None:
        """Return how the activation condition of a step or container differs, if it does."""
        at = self._level(name).nodes[name]
        container = self._level(name).container
        if at.entry or at.instant:
            return None
        new = self._new.design.nodes.get(name)
        if new is None or new.parent != at.node.parent or container not in self._new.levels:
            return None  # gone or moved, which is reported as such
        if name not in self._new.levels[container].reachable:
            return None
        before = self._levels.activations(container, old=True)
        after = self._levels.activations(container, old=False)
        if before.into[name] == after.into[name]:
            return None
        return changed_activation(name, before, after, self._levels)

    def _read_hazard(self, name: str) -> str | None:
        """Return the reason if the outcome of a condition is read, and its rules changed."""
        level = self._level(name)
        if not level.nodes[name].ruled or name not in self._new.read:
            return None
        container = level.container
        other = self._new.levels.get(container)
        if other is None or name not in other.nodes:
            return None
        return (
            None
            if self._outcomes(level, name, self._old) == self._outcomes(other, name, self._new)
            else TEXTS("outcome-read", name=name)
        )

    def _outcomes(self, level: Graph, name: str, side: Side) -> list[object]:
        return [
            (one.outcome, None if one.when is None else side.reading.key(one.when))
            for one in level.exits[name]
        ]

    def _over_hazard(self, name: str) -> str | None:
        """Return the reason if something else ends the items of a container."""
        if name not in self._old.levels or name not in self._new.levels:
            return None
        before = self._levels.activations(name, old=True).over
        if before == self._levels.activations(name, old=False).over:
            return None
        return TEXTS("item-ends", name=name)

    def _function_hazard(self, name: str) -> str | None:
        if self._old.functions.get(name) == self._new.functions.get(name):
            return None
        return TEXTS("other-part", name=name)

    # --- whole designs

    @cached_property
    def _whole(self) -> str | None:
        old, new = self._old.design, self._new.design
        if old.id != new.id:
            return TEXTS("other-id", new=new.id, old=old.id)
        if old.settings.scope != new.settings.scope:
            return TEXTS("scope")
        return None

    @cached_property
    def _loop_hazards(self) -> dict[str, str]:
        """Loop header → the reason if a back edge is gone or may be taken fewer times."""
        found: dict[str, str] = {}
        for container, level in self._old.levels.items():
            for loop in natural_loops(level):
                if (hazard := self._loop_hazard(container, loop)) is not None:
                    found.setdefault(loop.header, hazard)
        return found

    def _loop_hazard(self, container: str | None, loop: Loop) -> str | None:
        limits: dict[object, int] = {}
        for key, limit in self._back_edges(container, old=False).values():
            limits[key] = min(limit, limits.get(key, limit))
        known = self._back_edges(container, old=True)
        for back in loop.back:
            edge = back.edge
            drawn = f"{ticks(self._drawn(edge.source))} → {ticks(self._drawn(edge.target))}"
            key, _ = known[edge.source, edge.outcome, edge.target]
            if key not in limits:
                return TEXTS("back-gone", drawn=drawn)
            if limits[key] < back.limit:
                return TEXTS("back-often", drawn=drawn, limit=limits[key])
        if any(self._at_once(self._old.levels[container], back) for back in loop.back):
            return self._left_hazard(container, loop)
        return None

    def _left_hazard(self, container: str | None, loop: Loop) -> str | None:
        """Return the reason if a loop whose iterations a return may have left has new steps."""
        new = self._new.levels[container]
        known = self._old.design.nodes
        for other in natural_loops(new):
            for name in sorted(other.nodes if other.header == loop.header else ()):
                at = new.nodes[name]
                if at.drawn and name not in known and not at.node.kind.instant:
                    return TEXTS("new-in-loop", name=name, header=self._drawn(loop.header))
        return None

    @staticmethod
    def _at_once(level: Graph, back: BackEdge) -> bool:
        """Return True if a back edge ends an iteration in which other branches may be running."""
        return back.at_once and any(
            loop.header == back.edge.target and any(map(level.forks, loop.nodes))
            for loop in natural_loops(level)
        )

    def _back_edges(
        self, container: str | None, *, old: bool
    ) -> dict[tuple[str, str, str], tuple[object, int]]:
        """Return the back edges of a level: (a key that is comparable across designs, limit)."""
        side = self._old if old else self._new
        if container not in side.levels:
            return {}
        level, activations = side.levels[container], self._levels.activations(container, old=old)
        found: dict[tuple[str, str, str], tuple[object, int]] = {}
        for back in level.back:
            edge = back.edge
            target = level.nodes[edge.target]
            passed = target.ruled or target.node.kind.passes
            to = activations.into[edge.target] if passed else edge.target
            # A return at once is memoised by the name of the loop's first node.
            header = edge.target if self._at_once(level, back) else None
            key = (activations.by[edge.source, edge.outcome], to, header)
            found[edge.source, edge.outcome, edge.target] = (key, back.limit)
        return found

    def _drawn(self, name: str) -> str:
        return self._level(name).nodes[name].node.id

    def _ending(self, name: str, container: str | None, past: int) -> Iterator[_Blame]:
        """Yield new ends that would stop the run as soon as it continues."""
        bit, vocabulary = self._levels.pasts(container).bit, self._levels.vocabulary
        for end, into in self._stops(container):
            for term in into:
                steps = vocabulary.steps(term)
                beside = not steps or any(bit.get(step, 0) & past for step in steps)
                if beside and not self._is_ruled_out(term, name, container):
                    yield _Blame(TEXTS("would-stop", end=end))
                    return

    def _stops(self, container: str | None) -> list[tuple[str, frozenset[int]]]:
        """Return ends that stop the run only in the new design, or are reached differently."""
        if container not in self._stops_of:
            level = self._new.levels.get(container)
            into = {} if level is None else self._levels.activations(container, old=False).into
            self._stops_of[container] = [
                (name, self._levels.vocabulary.any_of(terms))
                for name, terms in into.items()
                if _stops(self._new.design.nodes.get(name))
                and not self._is_as_before(name, container, terms)
            ]
        return self._stops_of[container]

    def _is_as_before(self, end: str, container: str | None, into: frozenset[int]) -> bool:
        level = self._old.levels[container]
        if end not in level.reachable or not _stops(self._old.design.nodes.get(end)):
            return False
        return self._levels.activations(container, old=True).into[end] == into

    def _is_ruled_out(self, term: int, name: str, container: str | None) -> bool:
        """Return True if the term is an outcome that no run which waits at `name` has taken."""
        tag, *rest = self._levels.vocabulary.term(term)
        if tag != "step":
            return False
        step, outcome = rest
        level = self._old.levels[container]
        if step not in level.reachable:
            return step not in self._old.design.nodes
        if not level.dominator_tree.dominates(step, name):
            return outcome in level.undrawn(step)
        pasts = self._levels.pasts(container)
        for exit_ in level.exits[step]:
            if exit_.outcome == outcome:
                leads = {edge.target for edge in exit_.edges}
                return not any(one == name or pasts.bit[one] & pasts.before[name] for one in leads)
        return True


def _stops(node: Node | None) -> bool:
    """Return True if a node is an end that stops the whole run."""
    return (
        node is not None
        and isinstance(node.config, End)
        and (node.config.terminate or node.config.fail)
    )
