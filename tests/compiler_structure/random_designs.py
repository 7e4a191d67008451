"""Random designs: drawn at will, or of blocks that surely have a structured program."""

from random import Random

from compiler_structure.drawing import Drawn, graph
from proflow_compiler.graph import Graph


def wild(random: Random, size: int, *, forks: bool = True) -> Graph:
    """An acyclic design of any shape: every node leads on to later ones, or to an end."""
    names = ["start", *(f"n{index}" for index in range(size)), "end"]
    nodes = {"start": "start"}
    edges: list[Drawn] = []
    for name in names[1:-1]:
        nodes[name] = random.choice(["task", "task", "condition", "approval", "parallel", "end"])
    nodes["end"] = "end"
    reached = {"start"}
    for index, name in enumerate(names[:-1]):
        if name not in reached:
            del nodes[name]
            continue
        kind = nodes[name]
        if kind == "end":
            continue
        later = names[index + 1 :]

        def target(later: list[str] = later) -> str:
            near = later[: random.choice([2, 3, len(later)])]
            found = random.choice(near)
            reached.add(found)
            return found

        if kind == "condition":
            for rule in range(random.randint(2, 3)):
                edges.append(
                    (name, target(), f"when event.data.x == {rule}" if rule else "default")
                )
        elif kind == "approval":
            edges.append((name, target(), "approved"))
            for outcome in ("rejected", "timeout"):
                if random.random() < 0.5:
                    edges.append((name, target(), outcome))
        elif kind == "parallel" and forks:
            edges += dict.fromkeys((name, target()) for _ in range(random.randint(1, 3)))
        else:
            edges.append((name, target()))
    nodes = {name: kind for name, kind in nodes.items() if name in reached or name == "start"}
    order = {name: index for index, name in enumerate(names)}
    edges.sort(key=lambda edge: order[edge[0]])
    return graph(nodes, edges)


class Blocks:
    """A design of sequences, choices and parallel blocks, with shared tails for rejections.

    Rejections lead to a tail that all approvals share, or, inside a parallel block, nowhere: they
    stop the run.
    """

    def __init__(self, random: Random, budget: int) -> None:
        self.random = random
        self.budget = budget
        self.nodes: dict[str, str] = {"start": "start"}
        self.edges: list[Drawn] = []
        self.rejections: list[tuple[str, str]] = []

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
        return graph(self.nodes, self.edges)

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
