"""Random designs of every construct: structured ones, and drawings that no blocks are in.

Whatever is drawn may be unsound: what is run, `check` has found sound. All randomness comes from the
`random.Random` that is given.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

Json = dict[str, Any]
Loose = tuple[str, str | None, Json | None]
"""An edge that has no target yet: source, handle, data."""

LONGEST = 900_000
"""Seconds. Durations are numbers of them in disorder, so that hardly two moments coincide."""
MANY_ITEMS = 3
MANY_ROUNDS = 5
"""How many executions of a step in a loop a world has its own answers for."""
WRONG = ("rejected", "timeout", "returned")
CHILDREN = {
    "child-fine": {"after": 7321},
    "child-slow": {"after": 401_234},
    "child-failing": {"after": 7321, "fail": True},
    "child-missing": None,
}
"""What grown designs call: when it ends, in seconds, and whether it fails; None: there is none."""


@dataclass(frozen=True)
class Place:
    """Where a node stands: its container, the foreach around it, whether it may run repeatedly."""

    parent: str | None = None
    foreach: tuple[str, ...] = ()
    repeated: bool = False
    names: tuple[str, ...] = ()
    """Rules over what only expressions here can read."""


@dataclass
class Drawing:
    """A design in the making, and where each of its nodes stands."""

    nodes: list[Json] = field(default_factory=list)
    edges: list[Json] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    """Field of the event's data → the outcomes it chooses."""
    lists: list[str] = field(default_factory=list)
    """Fields of the event's data that a foreach goes through."""
    retried: dict[str, int] = field(default_factory=dict)
    """The attempts of tasks that have an own policy."""

    def json(self) -> Json:
        return {"id": "grown", "nodes": self.nodes, "edges": self.edges}

    def config(self, name: str) -> Json:
        config: Json = next(one for one in self.nodes if one["id"] == name)["data"]["config"]
        return config

    def kind(self, name: str) -> str:
        kind: str = next(one for one in self.nodes if one["id"] == name)["type"]
        return kind


def grow(size: int, random: Random) -> Drawing:
    """A random design of about `size` nodes."""
    return _Growing(random, size).design(size)


class _Growing:
    def __init__(self, random: Random, size: int) -> None:
        self.random = random
        self.disorder = Random(size)
        self.drawing = Drawing()
        self.place = Place()
        self.known: list[str] = []
        """Tasks that have surely run, on this level and those around it."""
        self.merged = 0
        """How many stray edges lead to a node: what has run before it is not sure to have run."""
        self.strays: list[Loose] = []
        """Outcomes beside the usual ones, which may lead to any node that is drawn later."""

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def design(self, size: int) -> Drawing:
        start = self.node("start", {}, [])
        loose = self.sequence([(start, None, None)], size, 3)
        self.close(loose)
        if self.chance(0.4):
            self.entangle(self.random.randint(1, 4))
        return self.drawing

    # --- drawing

    def node(self, kind: str, config: Json, after: Sequence[Loose]) -> str:
        """Draws a node behind loose edges, and now and then behind a stray one."""
        drawing = self.drawing
        name = f"{kind}{len(drawing.nodes)}"
        node: Json = {"id": name, "type": kind, "data": {"config": config}}
        if self.place.parent is not None:
            node["parentId"] = self.place.parent
        drawing.nodes.append(node)
        drawing.places[name] = self.place
        after = list(after)
        while self.strays and kind != "start" and self.chance(0.15):
            self.merged += 1
            self.known = []
            after.append(self.strays.pop(self.random.randrange(len(self.strays))))
        for source, handle, data in _unique(after):
            self.edge(source, name, handle, data)
        return name

    def edge(self, source: str, target: str, handle: str | None, data: Json | None) -> None:
        edge: Json = {"id": f"e{len(self.drawing.edges)}", "source": source, "target": target}
        if handle is not None:
            edge["sourceHandle"] = handle
        if data is not None:
            edge["data"] = data
        self.drawing.edges.append(edge)

    def seconds(self) -> int:
        return self.disorder.randint(60, LONGEST)

    # --- blocks

    def sequence(self, loose: list[Loose], budget: int, depth: int) -> list[Loose]:
        """Draws about `budget` nodes one after the other; gives the edges that go on."""
        limit = len(self.drawing.nodes) + budget
        known, merged = list(self.known), self.merged
        while loose and (left := limit - len(self.drawing.nodes)) > 0:
            blocks: list[Callable[[list[Loose], int, int], list[Loose]]] = []
            if depth > 0 and left >= 3:
                blocks = [self.exclusive, self.concurrent, self.inclusive, self.crosswise]
                if left >= 4:
                    blocks += [self.loop, self.loop, self.container, self.container]
                    blocks += [self.review, self.circulation]
            if blocks and self.chance(0.5):
                loose = self.random.choice(blocks)(loose, self.random.randint(3, left), depth - 1)
            elif self.chance(0.55):
                loose = self.timed(loose)
            else:
                loose = [self.task(loose)]
        self.known = known if merged == self.merged else []
        return loose

    def task(self, loose: list[Loose]) -> Loose:
        kind = "notify" if self.chance(0.1) else "task"
        config: Json = {"handler": "work"}
        if self.known and self.chance(0.3):
            config["input"] = {"seen": f"${{steps.{self.random.choice(self.known)}.output}}"}
        elif self.place.names and self.chance(0.3):
            config["input"] = {"holds": f"${{{self.random.choice(self.place.names)}}}"}
        if kind == "notify":
            config = {"to": "somebody", "content": "${event.data.n}"}
        elif self.chance(0.25):
            attempts = self.random.randint(1, 3)
            config["retry"] = {"maxAttempts": attempts, "initialInterval": self.seconds()}
        name = self.node(kind, config, loose)
        if "retry" in config:
            self.drawing.retried[name] = config["retry"]["maxAttempts"]
        if kind == "task" and self.chance(0.3):
            self.strays.append((name, "error", None))
        elif kind == "task" and not self.strays_from(name):
            self.known.append(name)
        return name, None, None

    def strays_from(self, name: str) -> bool:
        return any(source == name for source, _, _ in self.strays)

    def timed(self, loose: list[Loose]) -> list[Loose]:
        kinds = ("approval", "approval", "wait", "delay", "delay", "set", "emit", "subprocess")
        kind = self.random.choice(kinds)
        match kind:
            case "delay":
                return [(self.node("delay", self.delay(), loose), None, None)]
            case "set":
                values = {"n": "event.data.n + 1"}
                return [(self.node("set", {"values": values}, loose), None, None)]
            case "emit":
                name = self.node("emit", {"event": "told"}, loose)
                return [(name, None, None)]
            case "subprocess":
                return [self.subprocess(loose)]
        config: Json = {}
        if self.chance(0.6):
            config["timeout"] = f"{self.seconds()}s"
        if kind == "wait":
            config |= {"event": f"heard/{len(self.drawing.nodes)}", "match": "data.key"}
        name = self.node(kind, config, loose)
        others = (["rejected", "returned"] if kind == "approval" else []) + (
            ["timeout"] if "timeout" in config else []
        )
        self.strays += [(name, one, None) for one in others if self.chance(0.4)]
        return [(name, "approved" if kind == "approval" else "received", None)]

    def delay(self) -> Json:
        if self.place.foreach and self.chance(0.6):
            return {"until": "${item.at}"}
        return {"duration": f"{self.seconds()}s"}

    def subprocess(self, loose: list[Loose]) -> Loose:
        which = self.random.choice(list(CHILDREN))
        config: Json = {"workflow": which, "input": {"n": "${event.data.n}"}}
        if self.chance(0.3):
            config["timeout"] = f"{self.seconds()}s"
        name = self.node("subprocess", config, loose)
        if which in ("child-failing", "child-missing") or self.chance(0.3):
            self.strays.append((name, "error", None))
        return name, None, None

    def rule(self) -> str:
        """A condition that holds now and then."""
        if self.place.names and self.chance(0.4):
            return self.random.choice(self.place.names)
        if self.known and self.chance(0.6):
            task = self.random.choice(self.known)
            return self.random.choice((f"steps.{task}.output.yes", f"steps.{task}.output.n > 1"))
        name = f"c{len(self.drawing.choices)}"
        self.drawing.choices[name] = ["yes", "no"]
        return f'event.data.{name} == "yes"'

    def exclusive(self, loose: list[Loose], budget: int, depth: int) -> list[Loose]:
        name = self.node("condition", {}, loose)
        return self.arms(name, budget, depth)

    def inclusive(self, loose: list[Loose], budget: int, depth: int) -> list[Loose]:
        name = self.node("inclusive", {}, loose)
        return self.joined(self.arms(name, budget, depth))

    def arms(self, name: str, budget: int, depth: int) -> list[Loose]:
        """The ways on by rules, and a default."""
        count = self.random.randint(2, 3)
        found: list[Loose] = []
        for index in range(count):
            rule: Json = {"default": True} if index == count - 1 else {"when": self.rule()}
            arm: list[Loose] = [(name, f"case{index}", rule)]
            if self.chance(0.15):
                self.strays += arm
                continue
            if self.chance(0.85):
                arm = self.sequence(arm, max(1, budget // count), depth)
            found += self.ended(arm) if found else arm
        return found

    def concurrent(self, loose: list[Loose], budget: int, depth: int) -> list[Loose]:
        fork = self.node(self.random.choice(("parallel", "task", "delay")), {}, loose)
        kind = self.drawing.kind(fork)
        if kind == "task":
            self.drawing.config(fork)["handler"] = "work"
        elif kind == "delay":
            self.drawing.config(fork).update(self.delay())
        count = self.random.randint(2, 3)
        found: list[Loose] = []
        for _ in range(count):
            arm = self.sequence([(fork, None, None)], max(1, budget // count), depth)
            found += self.ended(arm) if found else arm
        return self.joined(found)

    def joined(self, loose: list[Loose]) -> list[Loose]:
        if len(loose) < 2 or self.chance(0.12):
            return loose
        modes: list[Any] = ["active", "active", "all", "one", "any", "any", 2]
        return [(self.node("join", {"mode": self.random.choice(modes)}, loose), None, None)]

    def crosswise(self, loose: list[Loose], budget: int, depth: int) -> list[Loose]:
        """Nodes that each follow one or two of those before, whatever they are."""
        first = self.random.choice((self.task, lambda after: self.timed(after)[0]))(loose)
        open_: list[Loose] = [first]
        for _ in range(max(2, budget - 1)):
            after = self.random.sample(open_, min(len(open_), self.random.randint(1, 2)))
            if self.chance(0.2) and len(after) > 1:
                mode = self.random.choice(("any", "active", 2))
                made: list[Loose] = [(self.node("join", {"mode": mode}, after), None, None)]
            else:
                made = [self.task(after)] if self.chance(0.4) else self.timed(after)
            # What has a way on may get another one.
            open_ = [one for one in open_ if one not in after or self.chance(0.5)] + made
            self.known = []
        return open_

    def loop(self, loose: list[Loose], budget: int, depth: int) -> list[Loose]:
        """A block that is repeated while an approval returns it, or a rule holds."""
        place, strays = self.place, self.strays
        known, merged = list(self.known), self.merged
        self.place = Place(place.parent, place.foreach, True, place.names)
        self.strays = []
        header = self.task(loose)
        body = self.sequence([header], max(1, budget - 2), depth)
        found: list[Loose] = []
        if body:
            if self.chance(0.5):
                last = self.node("approval", {}, body)
                if self.chance(0.3):
                    self.drawing.config(last)["rejectTo"] = header[0]
                else:
                    self.edge(last, header[0], "returned", self.bound())
                    if self.chance(0.3):
                        self.edge(last, header[0], "rejected", self.bound())
                found = [(last, "approved", None)]
                if self.chance(0.3):
                    self.drawing.config(last)["timeout"] = f"{self.seconds()}s"
                    found.append((last, "timeout", None))
            else:
                task, _, _ = self.task(body)
                last = self.node("condition", {}, [(task, None, None)])
                rule = {"when": f"steps.{task}.output.yes", **(self.bound() or {})}
                self.edge(last, header[0], "again", rule)
                found = [(last, "done", {"default": True})]
        self.place, self.known = place, known if merged == self.merged else []
        self.strays += strays
        return found

    def review(self, loose: list[Loose], budget: int, depth: int) -> list[Loose]:
        """Approvals at once, all of which are needed; what goes wrong is told, and stops the run."""
        fork = self.node("parallel", {}, loose)
        arms, wrong = self.asked(fork)
        found: list[Loose] = [(self.node("join", {"mode": "all"}, arms), None, None)]
        known, self.known = self.known, []
        if wrong:
            self.stop_tail(wrong)
        self.known = known
        return found

    def circulation(self, loose: list[Loose], budget: int, depth: int) -> list[Loose]:
        """Approvals at once, each of which may return what is asked to before they part."""
        place, strays, known = self.place, self.strays, list(self.known)
        self.place = Place(place.parent, place.foreach, True, place.names)
        self.strays = []
        header = self.task(loose)
        fork = header[0] if self.chance(0.3) else self.node("parallel", {}, [header])
        arms, wrong = self.asked(fork)
        asked = [source for source, handle, _ in arms if handle == "approved"]
        for name in self.random.sample(asked, self.random.randint(1, len(asked))):
            self.edge(name, header[0], "returned", self.bound())
        config: Json = {} if self.chance(0.4) else {"mode": self.random.choice(("all", "active"))}
        found: list[Loose] = [(self.node("join", config, arms), None, None)]
        self.known = []
        if wrong:
            self.stop_tail(wrong)
        self.place, self.known = place, known
        self.strays += strays
        return found

    def asked(self, fork: str) -> tuple[list[Loose], list[Loose]]:
        """Approvals at the ends of branches: how these go on, and how they go wrong."""
        count = self.random.randint(2, 3)
        arms: list[Loose] = []
        wrong: list[Loose] = []
        for _ in range(count):
            arm: list[Loose] = [(fork, None, None)]
            known, strays = list(self.known), list(self.strays)
            if self.chance(0.4):
                arm = [self.task(arm)]
                self.strays = [one for one in self.strays if one in strays]
            self.known = known
            config: Json = {"timeout": f"{self.seconds()}s"} if self.chance(0.3) else {}
            name = self.node("approval", config, arm)
            arms.append((name, "approved", None))
            others = ["rejected", *(["timeout"] if config else [])]
            wrong += [(name, one, None) for one in others if self.chance(0.6)]
        if self.chance(0.3):
            arms.append(self.subprocess([(fork, None, None)]))
        return arms, wrong

    def stop_tail(self, wrong: list[Loose]) -> None:
        """What goes wrong leads to one end that stops the run, most often by a notification."""
        if self.chance(0.8):
            tell = {"to": "somebody", "content": "${event.data.n}"}
            wrong = [(self.node("notify", tell, wrong), None, None)]
            if self.chance(0.5):
                wrong = [
                    (self.node("delay", {"duration": f"{self.seconds()}s"}, wrong), None, None)
                ]
        config = {"fail": True} if self.chance(0.2) else {"status": "refused", "terminate": True}
        self.node("end", config, wrong)

    def bound(self) -> Json | None:
        """How often an edge may lead back; now and then nothing says it."""
        return None if self.chance(0.3) else {"loop": {"max": self.random.randint(1, 4)}}

    def container(self, loose: list[Loose], budget: int, depth: int) -> list[Loose]:
        place, strays, known = self.place, self.strays, self.known
        self.strays = []
        kind = self.random.choice(("foreach", "foreach", "loop"))
        name = self.node(kind, {}, loose)
        config = self.drawing.config(name)
        if kind == "foreach":
            field = f"list{len(self.drawing.lists)}"
            self.drawing.lists.append(field)
            config["items"] = f"event.data.{field}"
            if self.chance(0.5):
                config["maxConcurrency"] = self.random.randint(1, 2)
            names: tuple[str, ...] = ("item.n > 1", "index == 0", "index > 0")
            self.place = Place(name, (*place.foreach, field), place.repeated, names)
        else:
            config["maxIterations"] = self.random.randint(1, 3)
            if self.chance(0.6):
                config["while"] = f"iteration < {self.random.randint(0, 3)}"
            names = ("iteration == 0", "iteration > 0")
            self.place = Place(name, place.foreach, True, (*place.names, *names))
        self.known = list(known)
        inner = self.sequence([self.begin()], max(1, budget - 2), depth)
        if self.chance(0.2):
            self.sequence([self.begin()], self.random.randint(1, 2), depth)
        self.close(inner, ends=0.5)
        self.place, self.strays, self.known = place, strays, known
        found: list[Loose] = [(name, None, None)]
        if self.chance(0.5):
            self.strays.append((name, "error", None))
        return found

    def begin(self) -> Loose:
        """The first node of an item."""
        return self.task([]) if self.chance(0.5) else self.timed([])[0]

    def entangle(self, count: int) -> None:
        """More edges, each from some node to a later one on the same level."""
        nodes = self.drawing.nodes
        for _ in range(count):
            first, second = sorted(self.random.sample(range(len(nodes)), 2))
            source, target = nodes[first], nodes[second]
            drawn = any(
                edge["source"] == source["id"] and edge["target"] == target["id"]
                for edge in self.drawing.edges
            )
            ruled = source["type"] in ("condition", "inclusive", "end")
            if not ruled and not drawn and source.get("parentId") == target.get("parentId"):
                self.edge(source["id"], target["id"], None, None)

    # --- endings

    def ended(self, loose: list[Loose]) -> list[Loose]:
        """Ends a branch now and then."""
        if not loose or not self.chance(0.15):
            return loose
        self.end(loose)
        return []

    def end(self, loose: list[Loose]) -> None:
        roll = self.random.random()
        config: Json = {"status": self.random.choice(("completed", "shelved", "refused"))}
        if self.known and self.chance(0.4):
            config["output"] = f"${{steps.{self.random.choice(self.known)}.output}}"
        if roll < 0.3:
            if not self.alone(loose):
                # A delay of its own, so that it stops nothing that starts in the same instant.
                delay = self.node("delay", {"duration": f"{self.seconds()}s"}, loose)
                loose = [(delay, None, None)]
            config["terminate" if roll < 0.24 else "fail"] = True
        self.node("end", config, loose)

    def alone(self, loose: list[Loose]) -> bool:
        """Whether nothing else begins in the moment of these: they are answers, or their lack."""
        return all(
            self.drawing.kind(source) in ("approval", "wait") and handle in WRONG
            for source, handle, _ in loose
        )

    def close(self, loose: list[Loose], *, ends: float = 1) -> None:
        """Leads everything that is loose on this level to ends."""
        self.known = []
        while self.strays:
            count = self.random.randint(1, len(self.strays))
            tail, self.strays = self.strays[:count], self.strays[count:]
            if self.alone(tail) and self.chance(0.3):
                self.stop_tail(tail)
            elif loose and self.chance(0.3):
                loose = loose + tail
            elif self.chance(0.5):
                self.end([self.task(tail)])
            else:
                self.end(tail)
        if loose and (ends == 1 or self.chance(ends)):
            self.end(loose)


def _unique(loose: Sequence[Loose]) -> list[Loose]:
    """No edge is drawn twice."""
    found: list[Loose] = []
    for one in loose:
        if not any(one[:2] == other[:2] for other in found):
            found.append(one)
    return found
