"""Finds out which designs are unsound by trying every combination of outcomes.

The oracle is written from the definition of the language alone and shares no code with the compiler. A
design is its plain JSON. Each level of a design (the root, or the inside of a container) is judged on its
own. A *run* of a level is a choice of one option for each of its nodes: an outcome, or a set of edges. All
runs of a level are examined together: a fact that holds in some runs is an integer with one bit for each
run.

Where the definition leaves a choice, the oracle reads it as follows. Each reading has a small example.

 1. *Back edges* are not part of a run, which shows one iteration of each loop. A node is judged by the
    runs in which no loop that it is outside of takes a back edge: what follows a loop sees only the last
    iteration. `h → {a, b}; a returned → h; a → j; b → j`: `j` is outside the loop, and never sees `b`
    arrive in an iteration that `a` has ended.
 2. *Back edges into a join*: joins of mode `all`, `one` or none that begin a loop are judged by the edges
    from outside of the loop. `start → j; x → j; j(all) → c; c again → j`: the join has two edges, not
    three.
 3. *A stop counts wherever it is drawn*, also behind the join, if the run reaches it without the join.
    `start → {A, B, D}; A → j or a plain end; B → j; j(all) → k; D → k; k → terminate`: `j` is excused,
    `k` is unclear.
 4. *From leaving to a stop, no time may pass*: the clock starts where the branch leaves, not where it
    began. `p → {f, l} → m; f rejected → terminate` is fine, although the approval takes days;
    `f rejected → notify → terminate` is unclear. `start`, `end`, `set`, `condition`, `inclusive`,
    `parallel` and `join` take no time. Everything else does, even a delay of length zero.
 5. *What stops the run in time* may be on the path of the branch, or anything else that `m` waits for:
    then `m` never begins. `p → {f, g, x}; f → j; g → j; j(all) → m; x → m`, and `rejected` of `g` has no
    edge: nothing is unclear, although the path of `f` itself ends at `j` and stops nothing.
 6. *A starved `all` is a branch that left*: `p → {f, g, x}; f, g → j(all) → m; x → m; g rejected →
    notify → terminate`: `m` may run while the notification is sent, so it is unclear.
 7. *Leaving by a default outcome* is forgiven if that outcome does not lead to `m` at all. If it has
    rules, it is a choice among its edges. `p → {a, b}; a error → m; b error → m` is fine;
    `p → {a, b}; a [x] → m, a [else] → end; b → m` is not.
 8. *If a branch can leave at several places*, one that is not forgiven is enough. `p → {g, b};
    g → {c, d}; c error → m; d [x] → m, d [else] → end; b error → m` is unclear because of `d`.
 9. *An inclusive node* that does not choose an edge towards `m` is forgiven wherever it is, not only at
    the fork. `p → {i, b}; i [x] → m, i [y] → end; b → m` is fine.
10. *The branch may begin with `m` itself*. `p → {m, x}; x → m; x rejected → end` is unclear.
11. *The entries of a container* are siblings: an item starts at all of them at once, as it would at the
    edges of one outcome.
12. *An outcome without an edge that cannot happen* does not matter. A `timeout` with an edge but without
    a setting can happen (after 366 days); a `timeout` that approves, rejects or only reminds cannot.
13. *An `error` of a step without an edge*, and choices in which no rule holds, stop the run like an end.
    Inside an item they end the item; a terminating end and a failure end the item's run as well.
14. *`returned`* is forgiven in a conflict, whichever of the two edges it is: the first one ends the
    iteration. `p → {a, b}; a returned → h; b rejected → h`: no conflict. A return to the fork itself is a
    return to before it. Two edges of one outcome are a conflict all the same: the other one would have no
    effect.
15. *A mishap in a loop* belongs to the loop. A mishap is a node that is reached only by a rejection, a
    timeout, a return or an error, leads only to stops, and is entered only from the loop. An iteration is
    not over before it is. `p → {a, b}; a again → h; b rejected → notify → terminate` is no conflict; with
    `b approved → notify → terminate` it is one. A conflict counts whatever else stops the run.
16. *An edge that leaves a loop* is settled when everything in that iteration is settled; an edge to an
    end that stops the run is settled at once.
17. *Tails*: a node from which a dead end or a plain end can be reached is not a tail. That a join names a
    mode, or that branches ordinarily meet at a node, concerns that node only: the nodes before it may
    still be tails. Back edges count as exits; two edges into a node are compared within one iteration.
    `a → pay, b → pay, pay → terminate` behind a parallel: `pay` waits.
18. *A node that never begins* in a run, since the run has stopped by then, is not judged by that run.
    `p → {d, z}; d → x → y; z → y; d rejected → terminate`: before `y`, `x` ran.
19. *A branch that was skipped* is waited for: `a rejected → end, a → y; z → y`: before `y`, `a` ran.
20. *No durations are known*: a node that takes no time does not run before its sibling.
21. *Any node* with two edges into it is a place where branches may meet, including a condition, or a join
    directly before a plain end. Only the plain end itself is not judged.
22. *The first taken edge of a tail* counts within a loop, if the tail belongs to the loop:
    `h → p → {a, b} → k(all) → c; c again → h; a rejected → notify → terminate`: the notification does not
    wait for `b`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, permutations
from typing import Any

_SPELLINGS = {
    "approval": ("approve", "userTask", "审批"),
    "task": ("service", "action", "serviceTask"),
    "notify": ("message", "push"),
    "cc": ("copy", "抄送"),
    "ai": ("llm",),
    "http": ("webhook",),
    "set": ("transform",),
    "condition": ("switch", "if-else", "decision", "exclusive"),
    "inclusive": ("multi-choice",),
    "parallel": ("fork",),
    "join": ("merge",),
    "delay": ("timer",),
    "wait": ("waitEvent",),
    "emit": ("sendEvent",),
    "subprocess": ("callActivity",),
    "foreach": ("iteration", "batch"),
}
_TYPES = {other: kind for kind, others in _SPELLINGS.items() for other in others}
_STEPS = ("task", "notify", "cc", "ai", "http", "subprocess", "foreach", "loop")
_OUTCOMES = {
    "approval": ("approved", "rejected", "timeout", "returned"),
    "wait": ("received", "timeout"),
    **dict.fromkeys(_STEPS, ("default", "error")),
}
INSTANT = ("start", "end", "set", "condition", "inclusive", "parallel", "join")
_ENTRY = ""
LIMIT = 1 << 18
"""The most runs of one level that are examined."""


class TooLarge(ValueError):
    """Raised when a level has more than `LIMIT` runs."""


@dataclass(frozen=True)
class Node:
    """A drawn node: its id, the canonical name of its type, and its settings."""

    id: str
    kind: str
    config: Mapping[str, Any]

    @property
    def mode(self) -> str | int | None:
        """The mode of a join; None if it has none, and for other nodes."""
        return self.config.get("mode") if self.kind == "join" else None

    @property
    def stops(self) -> bool:
        """True if it is an end that stops the run."""
        return self.kind == "end" and bool(self.config.get("terminate") or self.config.get("fail"))


@dataclass(frozen=True)
class Edge:
    """A drawn edge, with the outcome of its source by which it leaves."""

    index: int
    source: str
    target: str
    outcome: str
    handle: str | None = None
    ruled: bool = False


@dataclass(frozen=True)
class Option:
    """One way in which a node can end: the edges that are taken; an option without edges may stop the run."""

    outcome: str
    edges: frozenset[int]
    stops: bool = False
    chosen: bool = False


@dataclass
class Verdict:
    """What is wrong with a design.

    Attributes:
        starved: Joins of mode `all` that can get some of their edges but not all.
        doubled: Joins of mode `one` that can get two edges.
        unclear: Nodes where a branch can arrive after another one has left.
        conflicting: The first nodes of loops whose iteration can both repeat and leave, or repeat twice.
        irreducible: True if a cycle can be entered at several nodes.
    """

    starved: frozenset[str]
    doubled: frozenset[str]
    unclear: frozenset[str]
    conflicting: frozenset[str]
    irreducible: bool
    never: frozenset[str]
    """Joins of mode `all` that no run reaches, though no join of their level is starved."""
    shown: dict[tuple[str, str], str]
    """Diagnostic code and node → the outcomes of a run that shows the problem."""
    levels: "list[Level]" = field(repr=False)

    @property
    def sound(self) -> bool:
        """True if nothing is wrong."""
        return not (
            self.starved
            or self.doubled
            or self.unclear
            or self.conflicting
            or self.irreducible
            or self.never
        )

    def surely_ran(self, x: str, y: str) -> bool:
        """Return True if, in every run in which y begins, x has run and finished before.

        Raises:
            ValueError: If x and y are not on the same level.
        """
        level = self._level(y)
        if x not in level.nodes:
            raise ValueError(f"{x} and {y} are not on one level")
        return level.surely_ran(x, y)

    def begins(self, y: str) -> bool:
        """Return True if a node begins in any run."""
        return bool(self._level(y).begins(y))

    def _level(self, id: str) -> "Level":
        return next(level for level in self.levels if id in level.nodes)


def judge(design: Mapping[str, Any]) -> Verdict:
    """Judge a design by all its runs.

    Raises:
        TooLarge: If a level has too many runs.
    """
    levels = levels_of(design)
    codes = ("PF204", "PF208", "PF210", "PF211", "PF218")
    found: dict[str, set[str]] = {code: set() for code in codes}
    shown: dict[tuple[str, str], str] = {}
    for level in levels:
        if level.irreducible:
            continue
        for code, bad in (
            ("PF208", level.conflicting()),
            ("PF210", level.starved()),
            ("PF211", level.doubled()),
            ("PF218", level.unclear()),
        ):
            for node, runs in bad.items():
                if runs:
                    found[code].add(node)
                    shown[code, node] = level.tell(runs)
        if not any(level.starved().values()):
            found["PF204"] |= level.never()
    return Verdict(
        starved=frozenset(found["PF210"]),
        doubled=frozenset(found["PF211"]),
        unclear=frozenset(found["PF218"]),
        conflicting=frozenset(found["PF208"]),
        irreducible=any(level.irreducible for level in levels),
        never=frozenset(found["PF204"]),
        shown=shown,
        levels=levels,
    )


def levels_of(design: Mapping[str, Any]) -> "list[Level]":
    """Return the levels of a design: the root, and the inside of each container."""
    parents = {str(node["id"]): _parent(node) for node in design["nodes"]}
    nodes = {str(node["id"]): _node(node) for node in design["nodes"]}
    edges = [_edge(index, edge, nodes) for index, edge in enumerate(design["edges"])]
    return [
        Level(
            {id: node for id, node in nodes.items() if parents[id] == parent},
            [e for e in edges if parents[e.source] == parents[e.target] == parent],
        )
        for parent in dict.fromkeys(parents.values())
    ]


def _parent(node: Mapping[str, Any]) -> str | None:
    return node.get("parentId") or node.get("parentNode")


def _node(node: Mapping[str, Any]) -> Node:
    data = node.get("data") or {}
    kind = node.get("type") or data.get("type")
    config = {**data, **(data.get("config") or {}), **(node.get("config") or {})}
    return Node(str(node["id"]), _TYPES.get(kind, kind), config)


def _edge(index: int, edge: Mapping[str, Any], nodes: Mapping[str, Node]) -> Edge:
    data = edge.get("data") or {}
    handle = edge.get("sourceHandle")
    source = str(edge["source"])
    outcomes = _OUTCOMES.get(nodes[source].kind, ("default",))
    return Edge(
        index,
        source,
        str(edge["target"]),
        handle if handle in outcomes else outcomes[0],
        handle,
        bool(data.get("when") or data.get("condition")),
    )


def _choices(edges: Iterable[Edge], outcome: str, *, grouped: bool) -> list[Option]:
    """Return the options of edges with rules: one for each rule, and the default.

    With `grouped`, edges with the same handle are one option.
    """
    groups: dict[Any, list[Edge]] = {}
    for edge in edges:
        groups.setdefault((edge.handle if grouped else None) or edge.index, []).append(edge)
    ruled = [group for group in groups.values() if any(edge.ruled for edge in group)]
    plain = [edge.index for group in groups.values() if group not in ruled for edge in group]
    return [
        *(Option(outcome, frozenset(e.index for e in group), chosen=True) for group in ruled),
        Option(outcome, frozenset(plain), stops=not plain, chosen=True),
    ]


def _options(node: Node, edges: list[Edge]) -> list[Option]:
    """Return all options of a node."""
    if node.kind == "end":
        return [Option("end", frozenset())]
    if node.kind == "condition":
        return _choices(edges, "choice", grouped=True)
    if node.kind == "inclusive":
        ruled = [edge.index for edge in edges if edge.ruled]
        plain = frozenset(edge.index for edge in edges if not edge.ruled)
        some = (
            Option("choice", frozenset(those), chosen=True)
            for size in range(1, len(ruled) + 1)
            for those in combinations(ruled, size)
        )
        return [*some, Option("choice", plain, stops=not plain, chosen=True)]
    options: list[Option] = []
    undrawn = False
    for outcome in _OUTCOMES.get(node.kind, ("default",)):
        drawn = [edge for edge in edges if edge.outcome == outcome]
        if outcome == "timeout" and node.config.get("timeoutAction", "route") != "route":
            continue
        if any(edge.ruled for edge in drawn):
            options += _choices(drawn, outcome, grouped=True)
        elif drawn or outcome in ("default", "approved", "received"):
            options.append(Option(outcome, frozenset(edge.index for edge in drawn)))
        else:
            undrawn = True
    return [*options, *([Option("stop", frozenset(), stops=True)] if undrawn else [])]


def _any(masks: Iterable[int]) -> int:
    """Return the runs in which at least one of some facts holds."""
    result = 0
    for mask in masks:
        result |= mask
    return result


def _all(masks: Iterable[int], every: int) -> int:
    """Return the runs in which all of some facts hold."""
    result = every
    for mask in masks:
        result &= mask
    return result


def _at_least(number: int, masks: Iterable[int], every: int) -> int:
    """Return the runs in which at least `number` of some facts hold."""
    counted = [every] + [0] * number
    for mask in masks:
        for index in range(number, 0, -1):
            counted[index] |= counted[index - 1] & mask
    return counted[number]


class Level:
    """A graph with a single entry, and all its runs.

    Facts about runs are integers with one bit for each run. Nodes are named by their ids.
    """

    def __init__(self, nodes: dict[str, Node], edges: list[Edge]) -> None:
        """Find the entry, the loops, and an order of the nodes."""
        self.nodes = dict(nodes)
        self.edges = {edge.index: edge for edge in edges}
        entries = [node.id for node in nodes.values() if node.kind == "start"]
        if not entries:
            reached = {edge.target for edge in edges}
            entries = [id for id in nodes if id not in reached]
        if len(entries) == 1:
            self.entry = entries[0]
        else:
            self.entry = _ENTRY
            self.nodes[_ENTRY] = Node(_ENTRY, "start", {})
            for number, id in enumerate(entries, start=1):
                self.edges[-number] = Edge(-number, _ENTRY, id, "default")
        self._find_loops()

    def _find_loops(self) -> None:
        """Find the back edges and loop bodies; a cycle that remains without back edges makes it irreducible."""
        every = self.edges.values()
        around = {id: self._reachable(self.entry, every, without=id) for id in self.nodes}
        inside = self._reachable(self.entry, every)
        self.back = {
            edge.index
            for edge in every
            if edge.source in inside
            and (edge.source == edge.target or edge.source not in around[edge.target])
        }
        self.bodies: dict[str, set[str]] = {}
        for index in sorted(self.back):
            edge = self.edges[index]
            turned = [Edge(0, e.target, e.source, "") for e in every if e.source in inside]
            body = self._reachable(edge.source, turned, without=edge.target)
            self.bodies.setdefault(edge.target, {edge.target}).update(body)
        forward = [edge for edge in every if edge.index not in self.back]
        mishaps = self._mishaps(forward)
        for body in self.bodies.values():
            grown = True
            while grown:
                new = {
                    id
                    for id in mishaps - body
                    if {edge.source for edge in forward if edge.target == id} <= body
                }
                body |= new
                grown = bool(new)
        self.into = {id: [e for e in forward if e.target == id] for id in self.nodes}
        self.out = {id: [e for e in forward if e.source == id] for id in self.nodes}
        self.after = {id: self._reachable(id, forward) for id in self.nodes}
        before = {id: {edge.source for edge in self.into[id]} for id in self.nodes}
        for edge in forward:
            before[edge.target] |= self._left(edge)
        self.order: list[str] = []
        ready = True
        while ready:
            ready = sorted(
                id
                for id, those in before.items()
                if id not in self.order and those <= {*self.order}
            )
            self.order += ready
        self.irreducible = len(self.order) < len(self.nodes)

    def _mishaps(self, forward: list[Edge]) -> set[str]:
        """Return the nodes that lead only to stops, and are reached only if something goes wrong."""
        usual = [
            edge
            for edge in forward
            if edge.outcome not in ("rejected", "timeout", "returned", "error")
            or self.nodes[edge.source].kind not in _OUTCOMES
        ]
        stops = {id for id, node in self.nodes.items() if node.stops}
        return (stops | self._doomed) - self._reachable(self.entry, usual)

    @staticmethod
    def _reachable(id: str, edges: Iterable[Edge], *, without: str | None = None) -> set[str]:
        """Return the nodes that can be reached from a node, itself included, on paths that avoid `without`."""
        ways: dict[str, list[str]] = {}
        for edge in edges:
            ways.setdefault(edge.source, []).append(edge.target)
        found: set[str] = set()
        open_ = [id]
        while open_:
            one = open_.pop()
            if one not in found and one != without:
                found.add(one)
                open_ += ways.get(one, ())
        return found

    def _left(self, edge: Edge) -> set[str]:
        """Return the body of the outermost loop that an edge leaves; empty if it leaves none."""
        bodies = [
            body for body in self.bodies.values() if edge.source in body and edge.target not in body
        ]
        return max(bodies, key=len, default=set())

    # The runs

    @cached_property
    def options(self) -> dict[str, list[Option]]:
        """The options of each node."""
        return {
            id: _options(node, [edge for edge in self.edges.values() if edge.source == id])
            for id, node in self.nodes.items()
        }

    @cached_property
    def every(self) -> int:
        """All runs."""
        count = 1
        for options in self.options.values():
            count *= len(options)
        if count > LIMIT:
            raise TooLarge(f"{count} runs")
        return (1 << count) - 1

    @cached_property
    def chooses(self) -> dict[str, list[int]]:
        """Node → for each of its options, the runs that choose it, whether the node runs or not."""
        result: dict[str, list[int]] = {}
        stride = 1
        for id, options in self.options.items():
            period = stride * len(options)
            repeated = self.every // ((1 << period) - 1)
            one = (1 << stride) - 1
            result[id] = [(one << (stride * k)) * repeated for k in range(len(options))]
            stride = period
        return result

    def _flow(self, *, plain_joins: bool = False) -> tuple[dict[str, int], dict[int, int]]:
        """Return the runs in which each node runs, and those in which each edge is taken.

        With `plain_joins`, one taken edge is enough for joins of mode `all`.
        """
        runs: dict[str, int] = {}
        taken: dict[int, int] = {}
        for id in self.order:
            edges = [taken[edge.index] for edge in self.into[id]]
            if id == self.entry:
                runs[id] = self.every
            elif self.nodes[id].mode == "all" and not plain_joins:
                runs[id] = _all(edges, self.every) if edges else 0
            else:
                runs[id] = _any(edges)
            for edge in self.edges.values():
                if edge.source == id:
                    taken[edge.index] = runs[id] & self._leaves(id, edge.index)
        return runs, taken

    def _leaves(self, id: str, index: int) -> int:
        """Return the runs that choose an option with this edge."""
        return _any(
            mask
            for mask, option in zip(self.chooses[id], self.options[id], strict=True)
            if index in option.edges
        )

    @cached_property
    def _flowing(self) -> tuple[dict[str, int], dict[int, int]]:
        return self._flow()

    @property
    def runs(self) -> dict[str, int]:
        """Node → the runs in which it runs."""
        return self._flowing[0]

    @property
    def taken(self) -> dict[int, int]:
        """Edge → the runs in which it is taken."""
        return self._flowing[1]

    def tell(self, runs: int) -> str:
        """Describe the first of some runs by the outcomes of its nodes."""
        first = runs & -runs
        told = []
        for id in self.order:
            for mask, option in zip(self.chooses[id], self.options[id], strict=True):
                if mask & first & self.runs[id] and len(self.options[id]) > 1:
                    targets = [self.edges[index].target for index in sorted(option.edges)]
                    told.append(f"{id}: {option.outcome} → {', '.join(targets) or '-'}")
        return "; ".join(told)

    def option(self, id: str, run: int) -> Option:
        """Return the option that a node chooses in the run with this number."""
        masks = zip(self.chooses[id], self.options[id], strict=True)
        return next(option for mask, option in masks if mask >> run & 1)

    def _returning(self, id: str, taken: Mapping[int, int], *, around: bool) -> int:
        """Return the runs that take a back edge of a loop that contains a node (`around`), or of another loop."""
        return _any(
            taken[index]
            for index in self.back
            if (id in self.bodies[self.edges[index].target]) is around
        )

    def _seen(self, id: str, taken: Mapping[int, int] | None = None) -> int:
        """Return the runs by which a node is judged: those in which loops that it is outside of do not repeat."""
        return self.every & ~self._returning(id, taken or self.taken, around=False)

    @cached_property
    def stopped(self) -> int:
        """The runs that are stopped at some time."""
        ends = (self.runs[id] for id, node in self.nodes.items() if node.stops)
        return _any([*ends, *(self._stops(id) for id in self.nodes)])

    def _stops(self, id: str) -> int:
        """Return the runs that a node stops by an outcome without an edge."""
        return self.runs[id] & _any(
            mask
            for mask, option in zip(self.chooses[id], self.options[id], strict=True)
            if option.stops
        )

    # Joins that promise something

    def starved(self) -> dict[str, int]:
        """Return, for each join of mode `all`, the runs that take some of its edges but not all, and do not stop."""
        result = {}
        for id, node in self.nodes.items():
            if node.mode == "all":
                edges = [self.taken[edge.index] for edge in self.into[id]]
                excused = self.stopped | self._returning(id, self.taken, around=True)
                some = _any(edges) & ~_all(edges, self.every)
                result[id] = some & self._seen(id) & ~excused
        return result

    def never(self) -> set[str]:
        """Return the joins of mode `all` that no run reaches."""
        return {
            id
            for id, node in self.nodes.items()
            if node.mode == "all" and not self.runs[id] & self._seen(id)
        }

    def doubled(self) -> dict[str, int]:
        """Return, for each join of mode `one`, the runs that take two of its edges."""
        return {
            id: self._seen(id)
            & _at_least(2, (self.taken[edge.index] for edge in self.into[id]), self.every)
            for id, node in self.nodes.items()
            if node.mode == "one"
        }

    # Loops

    def conflicting(self) -> dict[str, int]:
        """Return, for the first node of each loop, the runs that take two back edges, or one and an exit."""
        result: dict[str, int] = {}
        for header, body in self.bodies.items():
            ways = [index for index in self.back if self.edges[index].target == header]
            leaving = [
                edge.index
                for edge in self.edges.values()
                if edge.source in body
                and edge.target not in body
                and not self.nodes[edge.target].stops
            ]
            pairs = [*combinations(ways, 2), *((way, exit) for way in ways for exit in leaving)]
            result[header] = self._seen(header) & _any(
                self.taken[one] & self.taken[other]
                for one, other in pairs
                if self._of_one_outcome(one, other)
                or not (self._is_return(one) or self._is_return(other))
            )
        return result

    def _of_one_outcome(self, one: int, other: int) -> bool:
        first, second = self.edges[one], self.edges[other]
        return (first.source, first.outcome) == (second.source, second.outcome)

    def _is_return(self, index: int) -> bool:
        """True if an edge is a back edge by which an approval returns."""
        edge = self.edges[index]
        return (
            index in self.back
            and edge.outcome == "returned"
            and self.nodes[edge.source].kind == "approval"
        )

    # What waits for what

    @cached_property
    def _doomed(self) -> set[str]:
        """The nodes, except ends, from which every path leads to stops."""
        every = self.edges.values()
        dead = {
            id
            for id, node in self.nodes.items()
            if (node.kind == "end" and not node.stops)
            or (
                node.kind != "end"
                and any(not option.edges and not option.stops for option in self.options[id])
            )
        }
        return {
            id
            for id, node in self.nodes.items()
            if node.kind != "end" and not self._reachable(id, every) & dead
        }

    @cached_property
    def tails(self) -> set[str]:
        """The nodes, except ends, that run at their first taken edge because they lead only to stops."""
        taken = self._flow(plain_joins=True)[1]
        happy = _all(
            (
                _any(
                    mask
                    for mask, option in zip(self.chooses[id], self.options[id], strict=True)
                    if option.outcome == _OUTCOMES[node.kind][0]
                )
                for id, node in self.nodes.items()
                if node.kind in _OUTCOMES
            ),
            self.every,
        )
        return {
            id
            for id in self._doomed
            if self.nodes[id].mode is None
            and not happy
            & self._seen(id, taken)
            & _at_least(2, (taken[edge.index] for edge in self.into[id]), self.every)
        }

    def needed(self, id: str) -> int | None:
        """Return at how many taken edges a node runs; None if it waits until all are settled."""
        node = self.nodes[id]
        if node.stops or id in self.tails or node.mode in ("any", "one"):
            return 1
        return node.mode if isinstance(node.mode, int) else None

    def _settled(self, edge: Edge, nodes: Mapping[str, int]) -> int:
        """Return the runs in which an edge is settled, given those in which each node is settled."""
        left = self._left(edge)
        if not left or self.nodes[edge.target].stops:
            return nodes[edge.source]
        return _all((nodes[id] for id in left), self.every)

    def _goes_on(self, id: str, nodes: Mapping[str, int]) -> int:
        """Return the runs in which a node begins or is skipped, given those in which each node is settled."""
        edges = {edge.index: self._settled(edge, nodes) for edge in self.into[id]}
        everything = _all(edges.values(), self.every)
        if (needed := self.needed(id)) is None:
            return everything
        arrived = (self.taken[index] & settled for index, settled in edges.items())
        return everything | (self.runs[id] & _at_least(needed, arrived, self.every))

    @cached_property
    def _without(self) -> dict[str, dict[str, int]]:
        """x → y → the runs in which y begins or is skipped even if x never ends."""
        result: dict[str, dict[str, int]] = {}
        for x in self.order:
            begins: dict[str, int] = {}
            settled: dict[str, int] = {}
            for id in self.order:
                begins[id] = self._goes_on(id, settled)
                settled[id] = 0 if id == x else begins[id]
            result[x] = begins
        return result

    def _halted(self, id: str) -> int:
        """Return the runs that certainly have stopped, or left the iteration, before a node would begin."""
        settled: dict[str, int] = {}
        for other in self.order:
            settled[other] = self.every & ~self._without[other][id]
            if other != id:
                timed = self.nodes[other].kind not in INSTANT
                at_once = self._goes_on(other, settled)
                settled[other] |= at_once & ~(self.runs[other] if timed else 0)
        ends = (settled[o] & self.runs[o] for o, node in self.nodes.items() if node.stops)
        ways = (
            settled[self.edges[index].source] & self.taken[index]
            for index in self.back
            if id in self.bodies[self.edges[index].target]
        )
        return _any([*ends, *ways, *(settled[other] & self._stops(other) for other in self.nodes)])

    def begins(self, id: str) -> int:
        """Return the runs in which a node may begin: nothing certainly stops them before."""
        return self.runs[id] & self._seen(id) & ~self._halted(id)

    def surely_ran(self, x: str, y: str) -> bool:
        """Return True if, in every run in which y begins, x has run and finished before."""
        return not self.begins(y) & ~(self.runs[x] & ~self._without[x][y])

    # Branches that left

    def unclear(self) -> dict[str, int]:
        """Return, for each node where branches meet, the runs in which one has left and another arrives."""
        result: dict[str, int] = {}
        judged = [
            id
            for id, node in self.nodes.items()
            if node.kind != "end"
            and node.mode is None
            and id not in self.tails
            and len(self.into[id]) > 1
        ]
        for id in self.nodes:
            for one, other in permutations(self.out[id], 2):
                both = self.taken[one.index] & self.taken[other.index]
                if not both:
                    continue
                way = self._way(one)
                for m in judged:
                    mine = self._arriving(one, m)
                    theirs = self._arriving(other, m)
                    if not mine or not theirs or mine == theirs:
                        continue
                    runs = both & _any(self.taken[index] for index in theirs)
                    runs &= ~_any(self.taken[index] for index in mine) & self._seen(m)
                    if runs and (runs := runs & self._walked_away(way, one, m)):
                        result[m] = result.get(m, 0) | (runs & ~self._halted(m))
        return result

    def _arriving(self, edge: Edge, m: str) -> set[int]:
        """Return the edges into m that can be reached by an edge; the edge itself if it leads to m."""
        if edge.target == m:
            return {edge.index}
        return {e.index for e in self.into[m] if e.source in self.after[edge.target]}

    def _way(self, edge: Edge) -> dict[str, int]:
        """Return, for each node, the runs in which it is reached by taken edges from this edge on."""
        way = dict.fromkeys(self.nodes, 0)
        for id in self.order:
            if id == edge.target:
                way[id] |= self.taken[edge.index]
            for e in self.into[id]:
                way[id] |= way[e.source] & self.runs[e.source] & self.taken[e.index]
        return way

    def _walked_away(self, way: Mapping[str, int], edge: Edge, m: str) -> int:
        """Return the runs in which the branch behind an edge leaves m, and is not forgiven for it."""
        result = 0
        for id in self.after[edge.target]:
            if m == id or m not in self.after[id]:
                continue
            result |= way[id] & ~self.runs[id]
            if self.nodes[id].kind == "inclusive":
                continue
            leading = {e.index for e in self.out[id] if m in self.after[e.target]}
            outcomes = {self.edges[index].outcome for index in leading}
            for mask, option in zip(self.chooses[id], self.options[id], strict=True):
                usual = option.outcome in ("default", "approved", "received")
                if option.edges & leading or (usual and option.outcome not in outcomes):
                    continue
                result |= way[id] & self.runs[id] & mask
        return result
