"""What a run of a design does: a token game with a clock.

Every edge ends up taken or skipped. A node whose edges in are all settled runs once if one of them
was taken (a join of mode `all`: if all of them were), else it is skipped, and skipping travels on.
What leads only to ends that stop the run starts at its first taken edge. A loop is one node of the
graph around it: an edge that leaves it settles when its last round is over, unless it stops the run.
Nothing here knows of blocks, programs or requests; times are seconds since the run began.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from proflow_compiler.graph import Graph, GraphEdge, WayBack
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
    """The run of a sound design."""
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
    """A node in the iteration that is going on, as long as that lasts."""

    def __init__(self, level: "Level", name: str) -> None:
        self.level, self.name = level, name
        self.epoch = level.epochs[name]

    @property
    def alive(self) -> bool:
        return self.level.alive and self.level.epochs[self.name] == self.epoch

    def look(self) -> None:
        self.level.look()


class Level:
    """One game on one graph: the run itself, an item of a foreach, or a round of a loop."""

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
        """What expressions can read besides `steps`."""
        self.alive = True
        self.begun: set[str] = set()
        """Nodes that were started or skipped."""
        self.over: set[str] = set()
        self.settled: dict[int, bool] = {}
        """Edge → whether it was taken."""
        self.rounds = rounds_of(graph)
        self.tails = stop_tails(graph)
        """Nodes that start at their first taken edge."""
        self.epochs: Counter[str] = Counter()
        """How often an iteration was ended by a return while a node in it may have been open."""
        self.ends: list[tuple[bool, str, End, Any]] = []
        self.ending: list[tuple[str, str]] = []
        """The outcomes that end this item in this instant, and their nodes."""
        self.returning: list[tuple[str, WayBack, InIteration]] = []
        """The approvals that return in this instant."""
        self.containers: dict[str, Container] = {}
        """Those that are open."""
        self.triggers: dict[str, str] = {}
        """Wait → the node it was armed together with."""
        self.held: dict[str, str] = {}
        """Wait → its outcome, while that node is not over."""

    def begin(self) -> None:
        self.start(self.graph.starts[0])

    @property
    def scope(self) -> dict[str, Any]:
        """What expressions can read."""
        return {**self.names, "steps": self.steps}

    def happened(self, name: str) -> Happened:
        return self.game.states[name, self.items]

    # --- edges

    def settle(self, edge: GraphEdge, taken: bool) -> None:
        """An edge is settled at once, or with the loop that it leaves."""
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
        """How many edges in must be taken for a node to go on before all are settled."""
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
        """Start a node; it is over at once, or at a known time, or never."""
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
        """The wait that is armed before this node starts: what triggers the event is drawn directly
        before the wait, which is over when both are."""
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
        """The first outcome whose rule holds (an inclusive: all such), else the default."""
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
        """A node took an outcome: its edges are taken, those of its other outcomes skipped."""
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
                    stopped = error  # another edge may stop the run in the same instant
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
        """Keep the outcome, for expressions and for the run's result."""
        at = self.graph.nodes[name]
        if not at.drawn:
            return
        self.steps.setdefault(name, {})["outcome"] = outcome
        caught = any(exit_.outcome == "error" for exit_ in self.graph.exits[name])
        if at.ruled or at.node.type in ("approval", "wait") or caught:
            self.game.run.outcomes[step_id(name, items=self.items)] = outcome

    def wrong(self, name: str, message: str, kind: str = "NonRetriableError") -> None:
        """A node could not do its work: it takes `error`, if that is drawn."""
        if any(exit_.outcome == "error" for exit_ in self.graph.exits[name]):
            self.steps[name] = {"output": None, "error": {"name": kind, "message": message}}
            self.happened(name).error = message
            self.finish(name, "error")
        else:
            self.fail(name, message)

    def fail(self, name: str, message: str) -> NoReturn:
        """The run fails, or the item does."""
        happened = self.happened(name)
        happened.status, happened.outcome, happened.error = "failed", None, message
        if self.container is None:
            self.game.stop(name, "failed", error=message)
        self.container.failed(message)
        self.container.level.look()
        raise Abandoned

    # --- what is over

    def return_soon(self, name: str, way: WayBack) -> None:
        """An approval returns, unless what else happens in this instant is more: a failure, an end of
        the item or the run. Of two returns the one of the smaller node comes first."""
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
        """An approval returns: this iteration is over, whatever else goes on in it."""
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

    def go_back(self, name: str, way: WayBack) -> Round:
        """Another round of a loop, when this one is over; not more often than its bound says."""
        (round_,) = [one for one in self.rounds if one.loop.header == way.edge.target]
        if round_.takes(way) > way.limit:
            times = "once" if way.limit == 1 else f"{way.limit} times"
            target = way.edge.target
            self.fail(name, f"back edge `{name} → {target}` was taken more than {times}")
        return round_

    def call(self, name: str, step: str) -> Called:
        """A node begins a run of another workflow."""
        return self.game.call(InIteration(self, name), step)

    def later(self, name: str, seconds: float, what: Callable[[], None]) -> None:
        """Something that a node does later, unless its iteration is over by then."""
        self.game.later(seconds, InIteration(self, name), what)

    def look(self) -> None:
        """After everything that happens: is a round over, or all of this?"""
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
        """The innermost loop whose nodes are all over."""
        over = (one for one in self.rounds if not one.over and self.over >= one.loop.nodes)
        return next(over, None)

    def repeat(self, round_: Round) -> None:
        """Unsettle the nodes and edges of a loop, and run its header again."""
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
        """A status other than `completed` wins; ties go to the smallest node id."""
        _, _, end, output = min(self.ends, key=lambda one: one[:2])
        return end.status, output

    def output(self) -> Any:
        """The result of an item: of the end that decided it, else of its only sink."""
        if self.ends:
            return self.result()[1]
        sinks = self.sinks()
        if len(sinks) == 1 and self.happened(sinks[0]).status == "completed":
            return self.steps.get(sinks[0], {}).get("output")
        return None

    def end_item(self, name: str, outcome: str) -> NoReturn:
        """An outcome that is not drawn ends the item.

        Of two in one instant the smallest node counts; but what else happens in this instant may let
        the item fail, or stop the run, and that comes first.
        """
        self.game.run.stops.add(self.game.now)
        if not self.ending:
            self.game.later(0, self, self.leave)
        self.ending.append((name, outcome))
        raise Abandoned

    def leave(self) -> NoReturn:
        """The item is over; what else is open in it is left."""
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
        """The nodes without a way on."""
        return [
            name
            for name, at in self.graph.nodes.items()
            if at.drawn and at.node.type != "end" and not self.graph.exits[name]
        ]

    def abandon(self) -> None:
        """Nothing more happens here; what is open is cancelled."""
        self.alive = False
        self.game.run.abandoned |= {step_id(name, items=self.items) for name in self.graph.nodes}
        for name in self.begun:
            happened = self.game.states.get((name, self.items))
            if happened is not None and happened.status in ("waiting", "running"):
                happened.status = "cancelled"
        for container in self.containers.values():
            container.abandon()
