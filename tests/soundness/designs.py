"""Random designs, often sound and often subtly unsound, with few runs each."""

import random as randoms
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

STOPS = ("terminate", "fail")
_STATUSES = ("rejected", "expired", "failed")
_PLAIN_STEPS = ("task", "task", "notify", "set", "delay")
_STEPS = (*_PLAIN_STEPS, "approval", "approval", "approval", "wait", "foreach")
_RUNS = 1 << 13
_MODES = (None, None, None, "active", "all", "all", "all", "all", "one", "any", 2)


@dataclass
class _Exit:
    """An edge that has no target yet."""

    source: str
    handle: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Drawing:
    """A level of a design while it is drawn."""

    random: randoms.Random
    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    budget: int
    parent: str | None = None
    trail: list[str] = field(default_factory=list)
    """The nodes that lie on every path to here."""
    tail: str | None = None
    ends: list[str] = field(default_factory=list)
    late: list[_Exit] = field(default_factory=list)
    """Side exits that come back to the flow further on."""

    def chance(self, probability: float) -> bool:
        """Whether something happens that happens so often."""
        return self.random.random() < probability

    def node(self, kind: str, **data: Any) -> str:
        """Draw a node."""
        id = f"{kind[0]}{len(self.nodes)}"
        node = {"id": id, "type": kind, "data": data}
        if self.parent is not None:
            node["parentId"] = self.parent
        self.nodes.append(node)
        self.budget -= 1
        return id

    def connect(self, exits: list[_Exit], target: str) -> None:
        """Let these exits lead to a node."""
        for exit in exits:
            edge: dict[str, Any] = {"source": exit.source, "target": target}
            if exit.handle is not None:
                edge["sourceHandle"] = exit.handle
            if exit.data:
                edge["data"] = dict(exit.data)
            if edge not in self.edges:
                self.edges.append(edge)

    def back(self, exit: _Exit, target: str) -> None:
        """Let an exit lead back, often with a bound."""
        if self.chance(0.7):
            exit.data["loop"] = {"max": 2}
        self.connect([exit], target)

    def end(self, kind: str | None = None) -> str:
        """An end, new or shared."""
        if kind is None and self.ends and self.chance(0.4):
            return self.random.choice(self.ends)
        kind = kind or self.random.choice(("plain", "plain", "status", "terminate", "fail"))
        data: dict[str, Any] = {}
        if kind == "status":
            data = {"status": self.random.choice(_STATUSES)}
        elif kind == "terminate":
            data = {"status": self.random.choice(_STATUSES), "terminate": True}
        elif kind == "fail":
            data = {"fail": True}
        end = self.node("end", **data)
        self.ends.append(end)
        return end

    def stop_tail(self) -> str:
        """A notification before a stopping end, one in a level."""
        if self.tail is None:
            self.tail = self.node("notify", to="user:1", content="x")
            end = self.node("end", status="rejected", terminate=True)
            if self.chance(0.1):
                self.nodes[-1]["data"]["terminate"] = False
            self.connect([_Exit(self.tail)], end)
        return self.tail

    def aside(self, exit: _Exit) -> None:
        """Let a side exit lead to an end, a tail, back, or to the flow further on."""
        chosen = self.random.random()
        if chosen < 0.3:
            self.connect([exit], self.end("terminate" if self.chance(0.5) else None))
        elif chosen < (0.7 if self.tail else 0.5):
            self.connect([exit], self.stop_tail())
        elif chosen < 0.74:
            step = self.step([exit], plain=True)
            self.connect(step, self.end())
        elif chosen < 0.83 and self.trail:
            self.back(exit, self.random.choice(self.trail))
        elif chosen < 0.95:
            self.late.append(exit)
        else:
            self.connect([exit], self.end())

    def step(self, exits: list[_Exit], *, plain: bool = False) -> list[_Exit]:
        """A node that does something."""
        kind = self.random.choice(_PLAIN_STEPS if plain else _STEPS)
        if kind == "foreach" and (self.parent is not None or self.budget < 4):
            kind = "task"
        id = getattr(self, f"_{kind}")()
        self.connect(exits, id)
        self.trail.append(id)
        if not plain:
            self._asides(id, kind)
        return [_Exit(id)]

    def _asides(self, id: str, kind: str) -> None:
        if kind in ("task", "notify", "foreach") and self.chance(0.3):
            self.aside(_Exit(id, "error"))
        elif kind == "wait" and self.chance(0.5):
            self.aside(_Exit(id, "timeout"))
        elif kind == "approval":
            data = self._data(id)
            if self.chance(0.55):
                self.aside(_Exit(id, "rejected"))
            if self.chance(0.15):
                data["timeout"] = "2d"
                self.aside(_Exit(id, "timeout"))
            if self.chance(0.2):
                data["allowReturn"] = True
                earlier = [one for one in self.trail if one != id]
                self.back(_Exit(id, "returned"), self.random.choice(earlier or [id]))

    def _data(self, id: str) -> dict[str, Any]:
        return next(node["data"] for node in self.nodes if node["id"] == id)

    def _task(self) -> str:
        return self.node("task", handler="work")

    def _approval(self) -> str:
        return self.node("approval", approverIds=["1"])

    def _notify(self) -> str:
        return self.node("notify", to="user:1", content="x")

    def _set(self) -> str:
        return self.node("set", values={"total": "1 + 1"})

    def _delay(self) -> str:
        return self.node("delay", duration="1h")

    def _wait(self) -> str:
        id = f"w{len(self.nodes)}"
        return self.node("wait", event=f"order/{id}", match="data.order_id", timeout="1d")

    def _foreach(self) -> str:
        id = self.node("foreach", items="event.data.items")
        inner = _Drawing(
            self.random, self.nodes, self.edges, self.random.randint(1, self.budget), parent=id
        )
        exits = inner.flow([], 1)
        if inner.chance(0.3):
            inner.connect(exits, inner.end())
        inner.settle_late()
        self.budget -= 1
        return id

    def rule(self, source: str, number: int, *, default: bool = False) -> _Exit:
        """An edge of a choice, with a field of its own."""
        if default:
            return _Exit(source, data={"default": True})
        return _Exit(source, data={"when": f"event.data.{source}_{number} == true"})

    def choice(self, exits: list[_Exit], depth: int) -> list[_Exit]:
        """A condition whose branches meet, end or go back."""
        id = self.node("condition")
        self.connect(exits, id)
        self.trail.append(id)
        ways = [self.rule(id, 1), self.rule(id, 2, default=True)]
        if self.chance(0.15):
            ways.insert(1, self.rule(id, 3))
        self.random.shuffle(ways)
        on: list[_Exit] = []
        for number, way in enumerate(ways):
            chosen = self.random.random()
            if number == 0:
                on += self.branch([way], depth) if chosen < 0.5 else [way]
            elif chosen < 0.25 and len(self.trail) > 1:
                self.back(way, self.random.choice(self.trail[-4:]))
            elif chosen < 0.5:
                self.aside(way)
            else:
                on += self.branch([way], depth) if chosen < 0.75 else [way]
        return on

    def branch(self, exits: list[_Exit], depth: int) -> list[_Exit]:
        """A short flow of its own."""
        length = len(self.trail)
        exits = self.flow(exits, depth + 1)
        del self.trail[length:]
        return exits

    def fork(self, exits: list[_Exit], depth: int) -> list[_Exit]:
        """Branches that run at once, and most often meet."""
        width = 3 if self.chance(0.35) else 2
        chosen = self.random.random()
        if chosen < 0.2:
            id = self.node("inclusive")
            self.connect(exits, id)
            ways = [self.rule(id, n, default=n == width) for n in range(1, width + 1)]
        elif chosen < 0.6 or len({exit.source for exit in exits}) > 1 or exits[0].data:
            id = self.node("parallel")
            self.connect(exits, id)
            ways = [_Exit(id) for _ in range(width)]
        else:
            id = exits[0].source
            ways = [_Exit(id, exits[0].handle) for _ in range(width)]
        if id != "start":
            self.trail.append(id)
        branches = []
        for way in ways:
            empty = self.chance(0.12) and not any(b and b[0].source == id for b in branches)
            branches.append([way] if empty else self.branch([way], depth))
        branches = [branch for branch in branches if branch]
        if len(branches) == 3 and self.chance(0.4):
            every = self.chance(0.4)
            return self.meet([self.meet(branches[:2], every=every), branches[2]], every=every)
        if len(branches) == 3 and self.chance(0.5):
            shared = [_Exit(exit.source, exit.handle, exit.data) for exit in branches[1]]
            every = self.chance(0.6)
            joined = [branches[:2], [shared, branches[2]]]
            return self.meet([self.meet(those, every=every) for those in joined])
        if len(branches) > 1 and self.chance(0.12):
            left = branches.pop()
            if self.chance(0.5):
                self.connect(left, self.end())
            else:
                self.late += left
        return self.meet(branches)

    def meet(self, branches: list[list[_Exit]], *, every: bool = False) -> list[_Exit]:
        """Where branches meet: a join, of all if it has to be, or whatever comes next."""
        exits = [exit for branch in branches for exit in branch]
        if self.late and self.chance(0.5):
            exits += self.late
            self.late = []
        if not exits or (not every and self.chance(0.12)):
            return exits
        mode = "all" if every else self.random.choice(_MODES)
        if isinstance(mode, int) and len(exits) < mode:
            mode = "any"
        join = self.node("join", **({} if mode is None else {"mode": mode}))
        self.connect(exits, join)
        self.trail.append(join)
        return [_Exit(join)]

    def flow(self, exits: list[_Exit], depth: int) -> list[_Exit]:
        """Some parts, one after the other."""
        first = True
        while (exits or first) and (first or (self.budget > 2 and self.chance(0.7 - 0.12 * depth))):
            chosen = self.random.random()
            if depth > 2 or self.budget < 5 or chosen < 0.45 or (not exits and first):
                exits = self.step(exits)
            elif chosen < 0.75:
                exits = self.fork(exits, depth)
            else:
                exits = self.choice(exits, depth)
            first = False
        return exits

    def settle_late(self) -> None:
        """Give a target to what comes back to the flow further on."""
        for exit in self.late:
            self.connect([exit], self.end())
        self.late = []


def random_design(random: randoms.Random, size: int) -> dict[str, Any]:
    """A design of about so many nodes."""
    while True:
        design = _drawn(random, size)
        for change, probability in _CHANGES:
            if random.random() < probability:
                change(random, design)
        without_vain_bounds(design)
        if (
            size <= len(design["nodes"]) <= size + 6
            and is_drawn_well(design)
            and runs_of(design) <= _RUNS
        ):
            return design


def _drawn(random: randoms.Random, size: int) -> dict[str, Any]:
    nodes: list[dict[str, Any]] = [{"id": "start", "type": "start", "data": {}}]
    edges: list[dict[str, Any]] = []
    drawing = _Drawing(random, nodes, edges, max(2, size))
    exits = [_Exit("start")]
    if random.random() < 0.3:
        exits = drawing.step(exits)
    if random.random() < 0.7:
        exits = drawing.fork(exits, 0)
    while exits and (drawing.budget > 2 or drawing.late) and random.random() < 0.8:
        if drawing.late and random.random() < 0.6:
            exits = drawing.meet([exits])
        exits = drawing.flow(exits, 0)
    if exits:
        drawing.connect(exits, drawing.end(random.choice((None, "plain", "plain", "terminate"))))
    drawing.settle_late()
    return {"id": "drawn", "nodes": nodes, "edges": edges}


def _moved_edge(random: randoms.Random, design: dict[str, Any]) -> None:
    """Let an edge lead to another node, rarely to an earlier one."""
    edge = random.choice(design["edges"])
    places = {node["id"]: index for index, node in enumerate(design["nodes"])}
    parents = {node["id"]: node.get("parentId") for node in design["nodes"]}
    forward = _after(design, edge["target"])
    targets = [
        id
        for id in places
        if parents[id] == parents[edge["source"]]
        and id not in ("start", edge["source"], edge["target"])
        and (id in forward or random.random() < 0.1)
    ]
    if targets:
        edge["target"] = random.choice(targets)
        edge.get("data", {}).pop("loop", None)


def _after(design: Mapping[str, Any], id: str, *, without: str | None = None) -> set[str]:
    """The nodes that a node leads to, itself among them, on ways that avoid another."""
    found: set[str] = set()
    open_ = [id]
    while open_:
        if (one := open_.pop()) not in found and one != without:
            found.add(one)
            open_ += [edge["target"] for edge in design["edges"] if edge["source"] == one]
    return found


def _more_edges(random: randoms.Random, design: dict[str, Any]) -> None:
    """Draw a second edge beside one."""
    edge = random.choice(design["edges"])
    kinds = {node["id"]: node["type"] for node in design["nodes"]}
    if kinds[edge["source"]] not in ("condition", "inclusive"):
        design["edges"].append({**edge, "data": {}})
        index = len(design["edges"]) - 1
        before = edge["target"]
        targets = [
            id
            for id in _after(design, before) - {before, edge["source"]}
            if all(
                (e["source"], e.get("sourceHandle"), e["target"])
                != (edge["source"], edge.get("sourceHandle"), id)
                for e in design["edges"]
            )
        ]
        if targets:
            design["edges"][index]["target"] = random.choice(sorted(targets))
        else:
            del design["edges"][index]


def _other_mode(random: randoms.Random, design: dict[str, Any]) -> None:
    """Let a join name another mode."""
    joins = [node for node in design["nodes"] if node["type"] == "join"]
    if joins:
        mode = random.choice((None, "active", "all", "one", "any"))
        random.choice(joins)["data"] = {} if mode is None else {"mode": mode}


def _other_end(random: randoms.Random, design: dict[str, Any]) -> None:
    """Let an end stop, or not."""
    ends = [node for node in design["nodes"] if node["type"] == "end"]
    if ends:
        end = random.choice(ends)
        end["data"] = random.choice(({}, {"status": "rejected"}, {"terminate": True}))


def _fewer_edges(random: randoms.Random, design: dict[str, Any]) -> None:
    """Leave out an outcome that was drawn."""
    drawn = [edge for edge in design["edges"] if edge.get("sourceHandle")]
    if drawn:
        design["edges"].remove(random.choice(drawn))


_CHANGES: tuple[tuple[Callable[[randoms.Random, dict[str, Any]], None], float], ...] = (
    (_moved_edge, 0.15),
    (_more_edges, 0.12),
    (_other_mode, 0.12),
    (_other_end, 0.12),
    (_fewer_edges, 0.1),
)


def is_drawn_well(design: Mapping[str, Any]) -> bool:
    """Whether every node is come to and has a way on, and no edge is drawn twice."""
    nodes = {node["id"]: node for node in design["nodes"]}
    if "start" not in nodes or nodes["start"]["type"] != "start":
        return False
    keys = [(e["source"], e.get("sourceHandle"), e["target"]) for e in design["edges"]]
    kinds = {id: node["type"] for id, node in nodes.items()}
    seen = set()
    for (source, handle, target), edge in zip(keys, design["edges"], strict=True):
        if source not in nodes or target not in nodes:
            return False
        if nodes[source].get("parentId") != nodes[target].get("parentId"):
            return False
        ruled = kinds[source] in ("condition", "inclusive")
        key = (source, handle, target, str(edge.get("data", {}).get("when")) if ruled else "")
        if key in seen:
            return False
        seen.add(key)
    for id, kind in kinds.items():
        out = [edge for edge in design["edges"] if edge["source"] == id]
        within = nodes[id].get("parentId")
        if within is not None and within not in nodes:
            return False
        if kind == "end":
            if out:
                return False
        elif within is None and not any("sourceHandle" not in edge for edge in out):
            return False
        if kind in ("condition", "inclusive"):
            rules = [edge.get("data", {}).get("when") for edge in out]
            if rules.count(None) != 1 or len(rules) < 2:
                return False
        if kind == "parallel" and len(out) < 2:
            return False
        into = [edge for edge in design["edges"] if edge["target"] == id]
        mode = nodes[id]["data"].get("mode")
        if kind == "join" and (len(into) < 2 or (isinstance(mode, int) and mode > len(into))):
            return False
        if kind == "foreach" and not any(n.get("parentId") == id for n in nodes.values()):
            return False
    return _reached(design) == set(nodes)


def _reached(design: Mapping[str, Any]) -> set[str]:
    """The nodes that a run can come to."""
    found = _after(design, "start")
    for node in design["nodes"]:
        if node["type"] == "foreach":
            children = [n["id"] for n in design["nodes"] if n.get("parentId") == node["id"]]
            targets = {edge["target"] for edge in design["edges"]}
            for child in children:
                if child not in targets:
                    found |= _after(design, child)
    return found


def without_vain_bounds(design: dict[str, Any]) -> None:
    """Take the bounds from edges that are no ways back."""
    for edge in design["edges"]:
        if "loop" in edge.get("data", {}) and not is_way_back(design, edge):
            del edge["data"]["loop"]


def is_way_back(design: Mapping[str, Any], edge: Mapping[str, Any]) -> bool:
    """Whether the target of an edge lies on every path to its source."""
    targets = {one["target"] for one in design["edges"] if one["source"] != one["target"]}
    around: set[str] = {edge["target"]}
    for node in design["nodes"]:
        if node["id"] not in targets:
            around |= _after(design, node["id"], without=edge["target"])
    return edge["source"] == edge["target"] or edge["source"] not in around


def runs_of(design: Mapping[str, Any]) -> int:
    """How many runs a brute force looks at, about."""
    count = 1
    for node in design["nodes"]:
        out = [edge for edge in design["edges"] if edge["source"] == node["id"]]
        if node["type"] == "condition":
            count *= len(out)
        elif node["type"] == "inclusive":
            count *= 1 << (len(out) - 1)
        elif node["type"] in ("approval", "wait", "task", "notify", "foreach"):
            drawn = {edge.get("sourceHandle") for edge in out} - {None}
            every = {"approval": 3, "wait": 1}.get(node["type"], 1)
            count *= 1 + len(drawn) + (len(drawn) < every)
    return count


def mix(design: Mapping[str, Any]) -> set[str]:
    """What is to be found in a design."""
    found: set[str] = set()
    kinds = {node["id"]: node["type"] for node in design["nodes"]}
    modes: dict[str, Any] = {}
    stopping = set()
    for node in design["nodes"]:
        data = node.get("data", {})
        found.add(node["type"])
        if node["type"] == "join":
            modes[node["id"]] = data.get("mode")
            mode = data.get("mode")
            found.add(f"join {'n' if isinstance(mode, int) else mode or 'unnamed'}")
        elif node["type"] == "end":
            stopping |= {node["id"]} if data.get("terminate") or data.get("fail") else set()
            status = "status" if data.get("status") else "plain"
            found.add(
                f"end {'fail' if data.get('fail') else 'stop' if data.get('terminate') else status}"
            )
        if node.get("parentId"):
            found.add("children")
    leaving: dict[tuple[str, str | None], list[str]] = {}
    for edge in design["edges"]:
        handle = edge.get("sourceHandle")
        leaving.setdefault((edge["source"], handle), []).append(edge["target"])
        if handle:
            found.add(f"drawn {handle}")
        if edge["source"] in _after(design, edge["target"]):
            found.add("cycle")
            if is_way_back(design, edge):
                bound = "loop" in edge.get("data", {})
                found.add("way back" if bound else "way back without a bound")
            if handle == "returned":
                found.add("returned back")
    for (source, _), targets in leaving.items():
        if len(targets) > 1 and kinds[source] not in ("parallel", "condition", "inclusive"):
            found.add("several edges out")
    for id, kind in kinds.items():
        into = [edge["source"] for edge in design["edges"] if edge["target"] == id]
        out = {edge["target"] for edge in design["edges"] if edge["source"] == id}
        if len(into) > 1 and kind not in ("join", "end"):
            found.add("meeting in a node")
        if len(into) > 1 and id in stopping:
            found.add("shared stop")
        if kind == "notify" and out and out <= stopping:
            found.add("shared stop tail" if len(into) > 1 else "stop tail")
    alls = [id for id, mode in modes.items() if mode == "all"]
    for one in alls:
        for other in alls:
            if one != other:
                series = other in _after(design, one) or one in _after(design, other)
                found.add("all in series" if series else "all side by side")
    return found
