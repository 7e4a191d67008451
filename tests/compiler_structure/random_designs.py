"""Random designs: drawn at will, or of blocks that surely have a structured program."""

from collections.abc import Sequence
from random import Random
from typing import Any

from compiler_structure.drawing import Drawn, graph
from proflow_compiler.graph import Graph

KINDS = (
    *("task", "task", "task", "condition", "condition", "approval", "parallel", "parallel"),
    *("inclusive", "join", "join", "join", "join", "wait", "notify", "end", "stop"),
    *("foreach", "loop"),
)
ENDLESS = (
    *("task", "task", "task", "parallel", "join", "join", "condition", "inclusive"),
    *("approval", "wait"),
)
EARLY: tuple[str | int, ...] = ("active", "any", "any", 2)
MODES: tuple[str | int, ...] = ("all", "all", *EARLY)
SEQUENTIAL = ("task", "condition", "condition", "approval", "wait", "join", "end")


class Wild:
    """A design of any shape: every node leads on to later ones, so that few designs form blocks.

    Joins go on early or need all, ends terminate, edges lead back, also out of branches beside
    others; containers hold designs of the same kind.
    Ways back are drawn to nodes on every path to where they begin.
    """

    def __init__(
        self,
        random: Random,
        kinds: Sequence[str] = KINDS,
        forks: float = 0.25,
        modes: Sequence[str | int] = MODES,
    ) -> None:
        self.random, self.kinds, self.forks, self.modes = random, kinds, forks, modes
        self.nodes: dict[str, str] = {}
        self.edges: list[Drawn] = []
        self.configs: dict[str, dict[str, Any]] = {}
        self.parents: dict[str, str] = {}
        self.back: dict[int, int] = {}

    def draw(self, size: int) -> Graph:
        self.level(size, None)
        once = graph(self.nodes, self.edges, self.configs, self.parents)
        for level in once.levels():
            self.lead_back(level)
        return graph(self.nodes, self.edges, self.configs, self.parents, self.back)

    def level(self, size: int, container: str | None) -> None:
        """Nodes in a row, each leading to later ones; those that nothing leads to are left out."""
        random = self.random
        prefix = "" if container is None else f"{container}."
        names = [f"{prefix}n{index}" for index in range(size)] + [f"{prefix}z"]
        reached, awaited = set(names[:1]), set[str]()
        if container is None:
            self.nodes["s"] = "start"
            self.edges.append(("s", names[0]))
        elif random.random() < 0.3:
            reached.add(names[1])
        for index, name in enumerate(names):
            if name not in reached:
                continue
            kind = random.choice(self.kinds) if index < size else "end"
            if name in awaited:
                kind = "wait"
            elif container is not None and (index == size or kind == "end"):
                kind = random.choice(["end", "task", "task", "approval"])
                self.add(name, kind, container)
                continue
            self.add(name, kind, container)
            if self.nodes[name] == "end":
                continue
            if kind in ("task", "notify") and index + 1 < size and random.random() < 0.15:
                awaited.add(names[index + 1])
                reached.add(names[index + 1])
                self.edges.append((name, names[index + 1]))
                continue
            if self.nodes[name] in ("foreach", "loop"):
                inner = 1 if container is not None else random.randint(1, 6)
                self.level(inner, name)
            for handle in self.handles(name):
                near = names[index + 1 : index + 1 + random.choice([1, 2, 3, 3, size])]
                several = self.nodes[name] == "parallel" or random.random() < self.forks
                count = random.randint(1, 3) if several else 1
                for target in random.sample(near, min(len(near), count)):
                    reached.add(target)
                    self.edges.append((name, target) if handle is None else (name, target, handle))

    def add(self, name: str, kind: str, container: str | None) -> None:
        if kind == "stop":
            self.configs[name] = {"terminate": True}
        if kind == "join":
            mode = self.random.choice(self.modes)
            self.configs[name] = {"mode": mode}
        self.nodes[name] = "end" if kind == "stop" else kind
        if container is not None:
            self.parents[name] = container

    def handles(self, name: str) -> list[str | None]:
        """The outcomes that are drawn; of rules each is one edge or more."""
        kind, random = self.nodes[name], self.random
        if kind in ("condition", "inclusive"):
            return ["a", "b", "c"][: random.randint(2, 3)]
        if kind == "approval":
            return ["approved", *(one for one in ("rejected", "timeout") if random.random() < 0.4)]
        if kind == "wait":
            return ["received", *(["timeout"] if random.random() < 0.3 else [])]
        if kind == "task" and random.random() < 0.15:
            return [None, "error"]
        return [None]

    def lead_back(self, level: Graph) -> None:
        """Draw ways back, from where a choice is made to what surely comes before."""
        random, tree = self.random, level.dominator_tree
        for name, at in level.nodes.items():
            if not at.drawn or at.node.type not in ("condition", "approval"):
                continue
            if name not in tree.parent or random.random() < 0.5:
                continue
            above = [name]
            while tree.parent[above[-1]] != above[-1]:
                above.append(tree.parent[above[-1]])
            above = [one for one in above if level.nodes[one].drawn and one != "s"]
            if not above or (at.node.type == "approval" and above == [name]):
                continue
            target = random.choice(above)
            handle = "again" if at.node.type == "condition" else "returned"
            self.back[len(self.edges)] = random.randint(1, 3)
            self.edges.append((name, target, handle))


class Blocks:
    """A design of sequences, choices and parallel blocks, with shared tails for rejections.

    Rejections lead to a tail that all approvals share. Those inside parallel blocks stop the run:
    they lead nowhere, or, if `telling`, to a task before an end that stops it, which they share.
    """

    def __init__(self, random: Random, budget: int, *, telling: bool = False) -> None:
        self.random, self.telling = random, telling
        self.budget = budget
        self.nodes: dict[str, str] = {"start": "start"}
        self.edges: list[Drawn] = []
        self.rejections: list[tuple[str, str]] = []
        self.stopping: list[tuple[str, str]] = []

    def draw(self) -> Graph:
        ends = self.sequence([("start", None)], parallel=False, depth=0)
        end = self.add("end")
        self.lead(ends, end)
        if self.rejections:
            tell, refused = self.add("task"), self.add("end")
            for node, outcome in self.rejections:
                self.edges.append((node, tell, outcome))
            self.edges.append((tell, self.random.choice([end, refused])))
            if not any(edge[1] == refused for edge in self.edges):
                del self.nodes[refused]
        configs = {}
        if self.stopping:
            tell, stopped = self.add("task"), self.add("end")
            configs[stopped] = {"terminate": True}
            for node, outcome in self.stopping:
                self.edges.append((node, tell, outcome))
            self.edges.append((tell, stopped))
        return graph(self.nodes, self.edges, configs)

    def add(self, kind: str) -> str:
        name = f"{kind}{len(self.nodes)}"
        self.nodes[name] = kind
        return name

    def lead(self, open_ends: list[tuple[str, str | None]], target: str) -> None:
        for node, handle in dict.fromkeys(open_ends):
            self.edges.append((node, target) if handle is None else (node, target, handle))

    def sequence(
        self, open_ends: list[tuple[str, str | None]], *, parallel: bool, depth: int
    ) -> list[tuple[str, str | None]]:
        for _ in range(self.random.randint(1, 4)):
            if self.budget <= 0:
                break
            self.budget -= 1
            kind = self.random.choice(["task", "task", "approval", "choice", "fork", "leave"])
            if depth > 4 and kind in ("choice", "fork"):
                kind = "task"
            open_ends = getattr(self, kind)(open_ends, parallel, depth)
        return open_ends

    def task(self, before, parallel, depth):  # type: ignore[no-untyped-def]
        name = self.add("task")
        self.lead(before, name)
        return [(name, None)]

    def approval(self, before, parallel, depth):  # type: ignore[no-untyped-def]
        name = self.add("approval")
        self.lead(before, name)
        if not parallel:
            self.rejections += [
                (name, outcome) for outcome in ("rejected", "timeout") if self.random.random() < 0.6
            ]
        elif self.telling and self.random.random() < 0.4:
            self.stopping.append((name, "rejected"))
        return [(name, "approved")]

    def choice(self, before, parallel, depth):  # type: ignore[no-untyped-def]
        name = self.add("condition")
        self.lead(before, name)
        after = []
        for rule in range(self.random.randint(2, 3)):
            handle = f"when event.data.x == {rule}" if rule else "default"
            if self.random.random() < 0.3:
                after.append((name, handle))
                if self.random.random() < 0.5:
                    continue
                after.pop()
            after += self.sequence([(name, handle)], parallel=parallel, depth=depth + 1)
        return after

    def fork(self, before, parallel, depth):  # type: ignore[no-untyped-def]
        name = self.add("parallel")
        self.lead(before, name)
        after = []
        for _ in range(self.random.randint(2, 3)):
            after += self.sequence([(name, None)], parallel=True, depth=depth + 1)
        join = self.add("join")
        self.lead(after, join)
        return [(join, None)]

    def leave(self, before, parallel, depth):  # type: ignore[no-untyped-def]
        """Some go on, some end, at once."""
        name = self.add("condition")
        self.lead(before, name)
        end = self.add("end")
        self.edges.append((name, end, "when event.data.y == 1"))
        return [(name, "default")]
