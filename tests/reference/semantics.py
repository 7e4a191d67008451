"""The reference semantics: what a run of a design does, as a token game with a clock.

Every edge ends up *settled*: either taken or skipped. When all edges into a node are settled, the node
runs once if one of them was taken (a join of mode `all`: if all of them were). Otherwise it is skipped,
and so are its edges. Nodes that lead only to ends that stop the run start at their first taken edge.

In the graph around it, a loop behaves like a single node: an edge that leaves the loop is settled when
the last iteration is over, or at once if it leads to an end that stops the run.

This module knows no blocks, programs or requests. Times are seconds since the run began.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from proflow_compiler.graph import BackEdge, Graph, GraphEdge
from proflow_schemas.expressions import ExpressionError, compile
from proflow_schemas.node_types.end import End
from proflow_schemas.node_types.join import Join
from proflow_schemas.step_ids import step_id

from reference.containers import Container
from reference.game import Abandoned, Game, Stopped
from reference.nodes import TRIGGERS, start_node
from reference.outside import Called, Happened, Outside, Run
from reference.rounds import Round, rounds_of
from reference.tails import stop_tails


def play(graph: Graph, outside: Outside) -> Run:
    """Run a sound design.

    Args:
        graph: The graph of the design's root level.
        outside: What happens outside of the run: events, answers, outputs of handlers.

    Returns:
        What the run did, with the state of every node.
    """
    game = Game(outside)
    data = dict(outside.data)
    game.event = {"id": "event", "data": data}
    level = Level(game, graph, {"event": game.event, "tenant_id": data.get("tenant_id")})
    game.later(0, level, level.begin)
    run = game.run
    if game.play(graph):
        waits = any(one.status in ("waiting", "running") for one in game.states.values())
        run.status = "waiting" if waits else "completed"
        if not waits:
            run.result, run.output = level.result()
    run.ended = game.now
    game.conclude(graph)
    return run


class InIteration:
    """A node in one iteration of a loop. It is alive until a return ends the iteration."""

    def __init__(self, level: "Level", name: str) -> None:
        self.level, self.name = level, name
        self.epoch = level.epochs[name]

    @property
    def alive(self) -> bool:
        return self.level.alive and self.level.epochs[self.name] == self.epoch

    def look(self) -> None:
        self.level.look()


class Level:
    """One game on one graph: the run itself, an item of a `foreach`, or an iteration of a `loop`."""

    def __init__(
        self,
        game: Game,
        graph: Graph,
        names: Mapping[str, Any],
        *,
        steps: dict[str, Any] | None = None,
        items: tuple[int, ...] = (),
        container: Container | None = None,
    ) -> None:
        self.game, self.graph, self.items, self.container = game, graph, items, container
        self.steps: dict[str, Any] = {} if steps is None else steps
        self.names = names
        """What expressions can read, apart from `steps`."""
        self.alive = True
        self.begun: set[str] = set()
        """The nodes that were started or skipped."""
        self.over: set[str] = set()
        self.settled: dict[int, bool] = {}
        """Index of a settled edge → True if it was taken."""
        self.rounds = rounds_of(graph)
        self.tails = stop_tails(graph)
        """The nodes that start at their first taken edge."""
        self.epochs: Counter[str] = Counter()
        """Node → how often a return has ended an iteration that contains it."""
        self.ends: list[tuple[bool, str, End, Any]] = []
        self.ending: list[tuple[str, str]] = []
        """The nodes, with their outcomes, that end this item at this instant."""
        self.returning: list[tuple[str, BackEdge, InIteration]] = []
        """The approvals that return at this instant."""
        self.containers: dict[str, Container] = {}
        """The open containers, by node."""
        self.triggers: dict[str, str] = {}
        """Wait → the node that triggers its event, which started once the wait was armed."""
        self.held: dict[str, str] = {}
        """Wait → its outcome, until the triggering node is over."""

    def begin(self) -> None:
        self.start(self.graph.starts[0])

    @property
    def scope(self) -> dict[str, Any]:
        """Everything that expressions can read."""
        return {**self.names, "steps": self.steps}

    def happened(self, name: str) -> Happened:
        return self.game.states[name, self.items]

    # --- edges

    def settle(self, edge: GraphEdge, taken: bool) -> None:
        """Settle an edge: at once, or, if it leaves a loop, when the last iteration is over."""
        for round_ in reversed(self.rounds):
            if round_.left_by(edge) and not self.graph.nodes[edge.target].stops:
                round_.held[edge] = taken
                return
        self.arrive(edge, taken)

    def arrive(self, edge: GraphEdge, taken: bool) -> None:
        self.settled[edge.index] = taken
        target = edge.target
        if target in self.begun:
            return
        into = self.graph.into[target]
        arrived = sum(self.settled.get(other.index, False) for other in into)
        whole = all(other.index in self.settled for other in into)
        enough = len(into) if self.graph.nodes[target].mode == "all" else 1
        if arrived >= self.needed(target) or (whole and arrived >= enough):
            self.start(target)
        elif whole:
            self.begun.add(target)
            self.game.states[target, self.items] = Happened("skipped")
            self.over.add(target)
            for out in self.graph.out(target):
                self.settle(out, False)

    def needed(self, node: str) -> int:
        """Return at how many taken edges a node runs before all are settled; more than it has: never."""
        if node in self.tails:
            return 1
        at = self.graph.nodes[node]
        if at.drawn and isinstance(at.node.config, Join):
            mode = at.node.config.mode
            if mode in ("any", "one"):
                return 1
            if isinstance(mode, int):
                return mode
        return len(self.graph.into[node]) + 1

    # --- nodes

    def start(self, name: str) -> None:
        """Start a node. It is over at once, at a known time, or never."""
        if (wait := self.armed_with(name)) is not None:
            self.triggers[wait] = name
            self.start(wait)
        at = self.graph.nodes[name]
        self.begun.add(name)
        if at.entry:
            self.finish(name, "item")
            return
        self.game.states[name, self.items] = Happened("running", None, self.game.now, 1)
        if at.ruled:
            self.choose(name)
        else:
            start_node(self, name)

    def armed_with(self, name: str) -> str | None:
        """Return the wait that must be armed before this node starts; None if there is none.

        A node that may trigger the wait's event stands directly before the wait. The wait is over when
        both are.
        """
        at, out, exits = self.graph.nodes[name], self.graph.out(name), self.graph.exits[name]
        if len(out) != 1 or not at.drawn or at.node.type not in TRIGGERS:
            return None
        if out[0].outcome == "error" or any(exit_.back for exit_ in exits):
            return None
        after = self.graph.nodes[out[0].target]
        alone = len(self.graph.into[after.id]) == 1
        if not (alone and after.drawn and after.node.type == "wait"):
            return None
        for round_ in self.rounds:
            if after.id == round_.loop.header or round_.left_by(out[0]):
                return None
        return after.id

    def choose(self, name: str) -> None:
        """Choose the first outcome whose rule holds (all of them for `inclusive`), else the default."""
        every = self.graph.nodes[name].every
        found: list[str] = []
        try:
            for exit_ in self.graph.exits[name]:
                holds = exit_.when is not None and compile(exit_.when).test(self.scope)
                if holds and (every or not found):
                    found.append(exit_.outcome)
                if found and not every:
                    break
        except ExpressionError as error:
            self.fail(name, error.message)
        found = found or [one.outcome for one in self.graph.exits[name] if one.default]
        if not found:
            self.fail(name, "no rule holds, and there is no default")
        self.finish(name, found if every else found[0])

    def finish(self, name: str, outcome: str | list[str]) -> None:
        """End a node by an outcome: take the edges of that outcome, and skip all others."""
        at = self.graph.nodes[name]
        trigger = self.triggers.get(name)
        if trigger is not None and trigger not in self.over:
            assert isinstance(outcome, str)
            self.held[name] = outcome
            return
        self.over.add(name)
        if not at.entry:
            happened = self.happened(name)
            happened.status = "completed"
            happened.outcome = outcome
        self.note_outcome(name, outcome)
        if isinstance(outcome, str) and outcome in self.graph.undrawn(name):
            if self.container is None:
                self.game.stop(name, "completed", outcome)
            self.end_item(name, outcome)
        taken = outcome if isinstance(outcome, list) else [outcome]
        edges = [(edge, exit_) for exit_ in self.graph.exits[name] for edge in exit_.edges]
        for exit_ in self.graph.exits[name]:
            if exit_.outcome in taken:
                for way in exit_.back:
                    if way.at_once:
                        self.return_soon(name, way)
                        return
                    self.go_back(name, way)
        stopped: Stopped | None = None
        for edge, exit_ in edges:
            if exit_.outcome in taken and self.graph.nodes[edge.target].stops:
                try:
                    self.settle(edge, True)
                except Stopped as error:
                    stopped = error  # another edge may stop the run at the same instant
        for edge, exit_ in sorted(edges, key=lambda one: one[1].outcome in taken):
            if exit_.outcome not in taken or not self.graph.nodes[edge.target].stops:
                try:
                    self.settle(edge, exit_.outcome in taken)
                except Stopped as error:
                    stopped = error
        if stopped is not None:
            raise stopped
        for wait in [wait for wait in self.held if self.triggers[wait] == name]:
            self.finish(wait, self.held.pop(wait))

    def note_outcome(self, name: str, outcome: str | list[str]) -> None:
        """Record the outcome for expressions, and in the result if it could have been another one."""
        at = self.graph.nodes[name]
        if not at.drawn:
            return
        self.steps.setdefault(name, {})["outcome"] = outcome
        caught = any(exit_.outcome == "error" for exit_ in self.graph.exits[name])
        if at.ruled or at.node.type in ("approval", "wait") or caught:
            self.game.run.outcomes[step_id(name, items=self.items)] = outcome

    def wrong(self, name: str, message: str, kind: str = "NonRetriableError") -> None:
        """Handle the error of a node: take its `error` edge; without one, fail the run or the item."""
        if any(exit_.outcome == "error" for exit_ in self.graph.exits[name]):
            self.steps[name] = {"output": None, "error": {"name": kind, "message": message}}
            self.happened(name).error = message
            self.finish(name, "error")
        else:
            self.fail(name, message)

    def fail(self, name: str, message: str) -> NoReturn:
        """Fail the run, or the item that the node is in."""
        happened = self.happened(name)
        happened.status, happened.outcome, happened.error = "failed", None, message
        if self.container is None:
            self.game.stop(name, "failed", error=message)
        self.container.failed(message)
        self.container.level.look()
        raise Abandoned

    # --- what is over

    def return_soon(self, name: str, way: BackEdge) -> None:
        """Schedule the return of an approval for the end of this instant.

        A failure, or an end of the item or the run, at the same instant takes precedence. Of two returns,
        that of the node with the smaller id comes first.
        """
        if not self.returning:
            self.game.later(0, self, self.return_now)
        self.returning.append((name, way, InIteration(self, name)))

    def return_now(self) -> None:
        found, self.returning = self.returning, []
        if self.ending or self.game.ending:
            return
        for name, way, at in sorted(found, key=lambda one: one[0]):
            if at.alive:
                self.return_at_once(self.go_back(name, way))

    def return_at_once(self, round_: Round) -> None:
        """End the iteration because an approval returns, whatever else is open in it."""
        for name in round_.loop.nodes:
            self.epochs[name] += 1
            happened = self.game.states.get((name, self.items))
            if happened is not None and happened.status in ("waiting", "running"):
                self.game.run.stops.add(self.game.now)
                self.game.run.abandoned.add(step_id(name, items=self.items))
            self.triggers.pop(name, None)
            self.held.pop(name, None)
            if name in self.containers:
                self.containers.pop(name).leave()
        self.repeat(round_)

    def go_back(self, name: str, way: BackEdge) -> Round:
        """Take a back edge: another iteration follows when this one is over. Fail if the bound is exceeded."""
        (round_,) = [one for one in self.rounds if one.loop.header == way.edge.target]
        if round_.takes(way) > way.limit:
            times = "once" if way.limit == 1 else f"{way.limit} times"
            target = way.edge.target
            self.fail(name, f"back edge `{name} → {target}` was taken more than {times}")
        return round_

    def call(self, name: str, step: str) -> Called:
        """Start a run of another workflow for a node."""
        return self.game.call(InIteration(self, name), step)

    def later(self, name: str, seconds: float, what: Callable[[], None]) -> None:
        """Schedule an action of a node; it is dropped if the node's iteration is over by then."""
        self.game.later(seconds, InIteration(self, name), what)

    def look(self) -> None:
        """Check, after everything that happens, if an iteration or the whole level is over."""
        if not self.alive or self.returning:
            return
        while (found := self.round_over()) is not None:
            if found.again is None:
                found.over = True
                held, found.held = found.held, {}
                for edge, taken in sorted(held.items(), key=lambda one: one[1]):
                    self.arrive(edge, taken)
            else:
                self.repeat(found)
        if self.container is not None and self.over >= self.graph.nodes.keys():
            self.alive = False
            self.container.item_over(self)

    def round_over(self) -> Round | None:
        """Return the innermost loop whose nodes are all over; None if there is none."""
        over = (one for one in self.rounds if not one.over and self.over >= one.loop.nodes)
        return next(over, None)

    def repeat(self, round_: Round) -> None:
        """Begin another iteration: unsettle the nodes and edges of the loop, and start its header."""
        nodes = round_.loop.nodes
        self.begun -= nodes
        self.over -= nodes
        for name in nodes:
            for edge in self.graph.out(name):
                self.settled.pop(edge.index, None)
                for one in self.rounds:
                    one.held.pop(edge, None)
        for inner in self.rounds:
            if inner.loop.nodes < nodes:
                inner.enter_anew()
        round_.again = None
        self.game.forget(self.graph, nodes, self.items)
        self.start(round_.loop.header)

    def result(self) -> tuple[str, Any]:
        """Return the status and the output of the end that decides the result.

        A status other than `completed` takes precedence, then the smaller node id.
        """
        _, _, end, output = min(self.ends, key=lambda one: one[:2])
        return end.status, output

    def output(self) -> Any:
        """Return the output of an item: of the end that decides it, else of its only sink."""
        if self.ends:
            return self.result()[1]
        sinks = self.sinks()
        if len(sinks) == 1 and self.happened(sinks[0]).status == "completed":
            return self.steps.get(sinks[0], {}).get("output")
        return None

    def end_item(self, name: str, outcome: str) -> NoReturn:
        """End the item by an outcome that has no edge, at the end of this instant.

        If several nodes do so at one instant, the smallest id counts. A failure of the item, or a stop of
        the run, at the same instant takes precedence.
        """
        self.game.run.stops.add(self.game.now)
        if not self.ending:
            self.game.later(0, self, self.leave)
        self.ending.append((name, outcome))
        raise Abandoned

    def leave(self) -> NoReturn:
        """Leave the item, and abandon whatever else is open in it."""
        assert self.container is not None
        name, outcome = min(self.ending)
        self.ends = [(False, name, End(status=outcome), None)]
        if any(self.is_open(one) for one in self.begun):
            self.abandon()
        self.alive = False
        self.container.item_over(self)
        raise Abandoned

    def is_open(self, name: str) -> bool:
        happened = self.game.states.get((name, self.items))
        return happened is not None and happened.status in ("waiting", "running")

    def sinks(self) -> Sequence[str]:
        """Return the nodes without an exit, apart from ends."""
        return [
            name
            for name, at in self.graph.nodes.items()
            if at.drawn and at.node.type != "end" and not self.graph.exits[name]
        ]

    def abandon(self) -> None:
        """Stop this level: cancel its open nodes, and abandon its containers."""
        self.alive = False
        self.game.run.abandoned |= {step_id(name, items=self.items) for name in self.graph.nodes}
        for name in self.begun:
            happened = self.game.states.get((name, self.items))
            if happened is not None and happened.status in ("waiting", "running"):
                happened.status = "cancelled"
        for container in self.containers.values():
            container.abandon()
