"""Generated designs: chains, wide forks and random structured programs, as a canvas would save them.

The tests and the benchmarks draw from here. All randomness comes from the `random.Random` that is
given, so that a seed (or hypothesis) determines the design.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

Json = dict[str, Any]
Loose = tuple[str, str | None, Json | None]
"""An edge that has no target yet: source, handle, data."""

COLUMN, ROW = 220, 120
SHORTEST, SLOTS = 60, 18
"""Durations are `SHORTEST` seconds times powers of two, `SLOTS` of them: no two sums coincide."""


@dataclass
class Drawing:
    """A design in the making, and what a player of it must know.

    `slots` gives each node that takes time its own number of seconds; `choices` the outcomes a
    condition can be sent to by `event.data.<field>`; `retried` the attempts of a task.
    """

    id: str = "generated"
    nodes: list[Json] = field(default_factory=list)
    edges: list[Json] = field(default_factory=list)
    slots: dict[str, int] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    retried: dict[str, int] = field(default_factory=dict)
    settings: Json = field(default_factory=dict)

    def node(self, kind: str, config: Json | None = None, *, after: list[Loose]) -> str:
        """Draws a node behind loose edges; its id is its kind and number."""
        name = f"{kind}-{len(self.nodes)}"
        place = {"x": COLUMN * (len(self.nodes) % 50), "y": ROW * (len(self.nodes) // 50)}
        data: Json = {"label": f"{kind} {len(self.nodes)}"}
        if config:
            data["config"] = config
        self.nodes.append({"id": name, "type": kind, "position": place, "data": data})
        for source, handle, extra in after:
            edge: Json = {"id": f"e{len(self.edges)}", "source": source, "target": name}
            if handle is not None:
                edge["sourceHandle"] = handle
            if extra is not None:
                edge["data"] = extra
            self.edges.append(edge)
        return name

    def slot(self, name: str) -> int:
        """Seconds of its own for a node, as long as there are any left; else the shortest."""
        used = len(self.slots)
        seconds = SHORTEST << used if used < SLOTS else SHORTEST
        self.slots[name] = seconds
        return seconds

    @property
    def has_slots(self) -> bool:
        return len(self.slots) < SLOTS

    def config(self, name: str) -> Json:
        """The config of a node drawn before, to add to."""
        data: Json = next(node for node in reversed(self.nodes) if node["id"] == name)["data"]
        config: Json = data.setdefault("config", {})
        return config

    def json(self) -> Json:
        return {"id": self.id, **self.settings, "nodes": self.nodes, "edges": self.edges}


def chain(size: int) -> Drawing:
    """start → task → … → end."""
    drawing = Drawing("chain")
    last = drawing.node("start", after=[])
    for _ in range(size - 2):
        last = drawing.node("task", {"handler": "work"}, after=[(last, None, None)])
    drawing.node("end", after=[(last, None, None)])
    return drawing


def wide(size: int) -> Drawing:
    """One fork, `size - 4` tasks at once, one join."""
    drawing = Drawing("wide")
    start = drawing.node("start", after=[])
    fork = drawing.node("parallel", after=[(start, None, None)])
    tasks = [
        drawing.node("task", {"handler": "work"}, after=[(fork, None, None)])
        for _ in range(size - 4)
    ]
    join = drawing.node("join", after=[(task, None, None) for task in tasks])
    drawing.node("end", after=[(join, None, None)])
    return drawing


def unstructured(size: int) -> Drawing:
    """Two rows of tasks; each task waits for the one before it, those below for the one above too."""
    drawing = Drawing("unstructured")
    start = drawing.node("start", after=[])
    above = drawing.node("task", {"handler": "work"}, after=[(start, None, None)])
    below = drawing.node("task", {"handler": "work"}, after=[(start, None, None)])
    while len(drawing.nodes) < size - 2:
        before = [(above, None, None), (below, None, None)]
        above = drawing.node("task", {"handler": "work"}, after=before[:1])
        below = drawing.node("task", {"handler": "work"}, after=[*before])
    join = drawing.node("join", {"mode": "all"}, after=[(above, None, None), (below, None, None)])
    drawing.node("end", after=[(join, None, None)])
    return drawing


def many_rules(size: int) -> Drawing:
    """One condition with `size - 3` cases, which all lead to one end."""
    drawing = Drawing("many-rules")
    start = drawing.node("start", after=[])
    condition = drawing.node("condition", after=[(start, None, None)])
    cases: list[Loose] = [
        (
            drawing.node(
                "task",
                {"handler": "work"},
                after=[(condition, None, {"when": f"event.data.n == {index}"})],
            ),
            None,
            None,
        )
        for index in range(size - 4)
    ]
    rest = drawing.node("task", {"handler": "work"}, after=[(condition, None, {"default": True})])
    drawing.node("end", after=[*cases, (rest, None, None)])
    return drawing


def shared_tail(size: int) -> Drawing:
    """Forks in a row, each of two approvals, whose rejections all share one tail."""
    drawing = Drawing("shared-tail")
    last: list[Loose] = [(drawing.node("start", after=[]), None, None)]
    rejections: list[Loose] = []
    while len(drawing.nodes) < size - 6:
        fork = drawing.node("parallel", after=last)
        arms: list[Loose] = []
        for _ in range(2):
            name = drawing.node("approval", {"approverIds": ["1"]}, after=[(fork, None, None)])
            rejections.append((name, "rejected", None))
            arms.append((name, "approved", None))
        last = [(drawing.node("join", {"mode": "active"}, after=arms), None, None)]
    tail = drawing.node("notify", {"to": "user:1", "content": "no"}, after=rejections)
    drawing.node("end", {"status": "rejected"}, after=[(tail, None, None)])
    drawing.node("end", after=last)
    return drawing


def blocks(size: int, random: Random, *, depth: int = 3, rich: bool = True) -> Drawing:
    """A random structured program of about `size` nodes.

    Sequences of tasks, exclusive and parallel blocks, nested up to `depth`, with branches that end
    and rejections that share one tail crosswise. `rich` adds what takes time or may fail:
    approvals, waits, delays, retries, terminating ends; and branches inside parallel ones that end
    while the rest goes on, which may make the design one that is refused.
    """
    drawing = Drawing("blocks")
    return _Blocks(drawing, random, size, rich).draw(depth)


class _Blocks:
    def __init__(self, drawing: Drawing, random: Random, size: int, rich: bool) -> None:
        self.drawing, self.random, self.size, self.rich = drawing, random, size, rich
        self.tails: list[list[Loose]] = [[]]
        """Rejections of the paths that are exclusive to each other, innermost last."""
        self.whole = 0
        """How many parallel arms we are in whose paths must all arrive at the same place."""

    def draw(self, depth: int) -> Drawing:
        start = self.drawing.node("start", after=[])
        loose = self.sequence([(start, None, None)], self.size - 2, depth, known=[])
        loose = self.tail(loose)
        if loose:
            self.drawing.node("end", self.end(), after=loose)
        return self.drawing

    def sequence(
        self, loose: list[Loose], budget: int, depth: int, known: list[str]
    ) -> list[Loose]:
        """Draws about `budget` nodes one after the other; gives the edges that go on.

        `known` are nodes that have surely run: their outputs and outcomes can be read.
        """
        limit = len(self.drawing.nodes) + budget
        known = list(known)
        while loose and (left := limit - len(self.drawing.nodes)) > 0:
            roll = self.random.random()
            if depth > 0 and left >= 4 and roll < 0.35:
                inner = min(left, self.random.randint(3, 12 if self.size > 100 else left))
                block = self.exclusive if roll < 0.2 else self.concurrent
                loose = block(loose, inner, depth - 1, known)
            elif self.rich and roll < 0.6:
                loose = self.timed(loose, known)
            else:
                name = self.task(loose, known)
                known.append(name)
                loose = [(name, None, None)]
        return loose

    def task(self, loose: list[Loose], known: list[str]) -> str:
        config: Json = {"handler": "work"}
        if known and self.random.random() < 0.5:
            read = self.random.choice(known)
            config["input"] = {"seen": f'${{steps["{read}"].outcome}}', "n": len(known)}
        name = self.drawing.node("task", config, after=loose)
        if self.rich and self.drawing.has_slots and self.random.random() < 0.2:
            attempts = self.random.randint(2, 3)
            wait = self.drawing.slot(name)
            self.drawing.slot(f"{name} again")
            self.drawing.config(name)["retry"] = {
                "maxAttempts": attempts,
                "initialInterval": wait,
            }
            self.drawing.retried[name] = attempts
        return name

    def timed(self, loose: list[Loose], known: list[str]) -> list[Loose]:
        drawing = self.drawing
        if not drawing.has_slots:
            return [(self.task(loose, known), None, None)]
        kind = self.random.choice(("approval", "approval", "wait", "delay", "set", "emit"))
        name = drawing.node(kind, {}, after=loose)
        config = drawing.config(name)
        known.append(name)
        if kind == "delay":
            config["duration"] = f"{drawing.slot(name)}s"
        elif kind == "set":
            config["values"] = {"n": f"{len(known)} + event.data.n"}
        elif kind == "emit":
            config["event"] = f"told/{name}"
            config["data"] = {"n": "${event.data.n}"}
        else:
            drawing.slot(name)
            if self.random.random() < 0.7:
                config["timeout"] = f"{drawing.slot(f'{name} timeout')}s"
            if kind == "wait":
                config |= {"event": f"heard/{name}", "match": "data.key"}
            return self.exits(name, kind, "timeout" in config)
        return [(name, None, None)]

    def exits(self, name: str, kind: str, timed: bool) -> list[Loose]:
        """The edges of an approval or a wait: drawn to a tail that others share, or undrawn."""
        others = (["rejected"] if kind == "approval" else []) + (["timeout"] if timed else [])
        for outcome in others:
            if self.random.random() < 0.5:
                self.tails[-1].append((name, outcome, None))
        return [(name, "approved" if kind == "approval" else "received", None)]

    def exclusive(
        self, loose: list[Loose], budget: int, depth: int, known: list[str]
    ) -> list[Loose]:
        name = self.drawing.node("condition", after=loose)
        count = self.random.randint(2, 4)
        outcomes = [f"case-{index}" for index in range(count)]
        self.drawing.choices[name] = outcomes
        field = name.replace("-", "_")
        known.append(name)
        found: list[Loose] = []
        for index, outcome in enumerate(outcomes):
            last = index == count - 1
            rule = {"default": True} if last else {"when": f'event.data.{field} == "{outcome}"'}
            arm: list[Loose] = [(name, outcome, rule)]
            roll = self.random.random()
            if roll > 0.15:
                arm = self.sequence(arm, max(1, (budget - 1) // count), depth, known)
            elif roll > 0.05 and not last and not self.whole:
                self.tails[-1] += arm
                continue
            found += arm if self.whole else self.maybe_end(arm, share=0.12, only=last and not found)
        return found

    def concurrent(
        self, loose: list[Loose], budget: int, depth: int, known: list[str]
    ) -> list[Loose]:
        fork = self.drawing.node("parallel", after=loose)
        count = self.random.randint(2, 3)
        found: list[Loose] = []
        inner = self.whole > 0
        self.whole += not self.rich
        for index in range(count):
            self.tails.append([])
            arm: list[Loose] = [(self.task([(fork, None, None)], known), None, None)]
            arm = self.sequence(arm, max(0, (budget - 1) // count - 1), depth, known)
            arm = self.tail(arm)
            only = index == count - 1 and not found
            found += arm if inner else self.maybe_end(arm, share=0.3, only=only)
        self.whole -= not self.rich
        if found and self.random.random() < 0.5:
            return [(self.drawing.node("join", after=found), None, None)]
        return found

    def tail(self, loose: list[Loose]) -> list[Loose]:
        """Draws what the collected rejections share; it ends, or goes on where the others do."""
        rejections = self.tails.pop()
        if not rejections:
            return loose
        name = self.task(rejections, [])
        if not loose or self.random.random() < 0.7:
            self.drawing.node("end", {"status": "refused"}, after=[(name, None, None)])
            return loose
        return [*loose, (name, None, None)]

    def maybe_end(self, loose: list[Loose], *, share: float, only: bool) -> list[Loose]:
        """Ends a branch now and then; in a large design never the only one that goes on."""
        if not loose or self.random.random() > share or (only and self.size > 100):
            return loose
        if self.rich and self.drawing.has_slots and self.random.random() < 0.3:
            # A delay of its own, so that it stops nothing that starts in the same instant.
            name = self.drawing.node("delay", {}, after=loose)
            self.drawing.config(name)["duration"] = f"{self.drawing.slot(name)}s"
            self.drawing.node(
                "end", {"status": "stopped", "terminate": True}, after=[(name, None, None)]
            )
        else:
            self.drawing.node("end", self.end(), after=loose)
        return []

    def end(self) -> Json | None:
        status = self.random.choice((None, "completed", "shelved", "refused"))
        return {"status": status} if status else None


def stepping_stones(steps: int) -> Drawing:
    """A chain whose tasks read the event, for measuring what a step costs."""
    drawing = Drawing("stones")
    last = drawing.node("start", after=[])
    for index in range(steps):
        config = {"handler": "work", "input": {"n": "${event.data.n}", "index": index}}
        last = drawing.node("task", config, after=[(last, None, None)])
    drawing.node("end", {"output": f'${{steps["{last}"].output}}'}, after=[(last, None, None)])
    return drawing
