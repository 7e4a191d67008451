"""Containers: a foreach with its items, a loop with its rounds."""

from typing import TYPE_CHECKING, Any

from proflow_schemas.expressions import ExpressionError, compile
from proflow_schemas.node_types.foreach import Foreach
from proflow_schemas.node_types.loop import Loop

if TYPE_CHECKING:
    from reference.semantics import Level


class Container:
    """A container that is open; `level` is the one it stands on."""

    def __init__(self, level: "Level", name: str) -> None:
        self.level, self.name = level, name
        self.game, self.graph = level.game, level.graph.inner[name]
        self.open: list[Level] = []
        self.over = False
        level.containers[name] = self

    def start(self) -> None:
        raise NotImplementedError

    def item_over(self, item: "Level") -> None:
        raise NotImplementedError

    def play(self, item: "Level") -> None:
        self.open.append(item)
        self.game.later(0, item, item.begin)

    def complete(self, output: Any) -> None:
        """All is done; its level goes on."""
        self.over = True
        del self.level.containers[self.name]
        self.level.steps[self.name] = {"output": output}
        self.level.finish(self.name, "default")

    def failed(self, message: str) -> None:
        """An item has failed: no new one starts, open ones are abandoned."""
        self.over = True
        self.game.run.stops.add(self.game.now)
        self.abandon()
        del self.level.containers[self.name]
        self.level.wrong(self.name, message)

    def abandon(self) -> None:
        for item in self.open:
            item.abandon()

    def leave(self) -> None:
        """The iteration around it is over."""
        self.over = True
        self.abandon()


class EachItem(Container):
    """Plays its graph once for each item of a list."""

    def start(self) -> None:
        config = self.level.graph.nodes[self.name].node.config
        assert isinstance(config, Foreach)
        try:
            found = compile(config.items).evaluate(self.level.scope)
        except ExpressionError as error:
            self.failed(error.message)
            return
        if not isinstance(found, list):
            self.failed("the items are no list")
            return
        self.alias = config.alias
        self.at_once = config.max_concurrency or len(found)
        self.values = found
        self.results: list[Any] = [None] * len(found)
        self.next = 0
        self.go_on()

    def go_on(self) -> None:
        """Start as many items as may run."""
        if self.over:
            return
        while self.next < len(self.values) and len(self.open) < self.at_once:
            self.play(self.item(self.next, self.values[self.next]))
            self.next += 1
        if not self.open:
            self.complete(self.results)

    def item(self, index: int, value: Any) -> "Level":
        level = self.level
        names = {**level.names, "item": value, "index": index}
        if self.alias is not None:
            names[self.alias] = value
        return type(level)(
            self.game,
            self.graph,
            names,
            steps=dict(level.steps),
            items=(*level.items, index),
            container=self,
        )

    def item_over(self, item: "Level") -> None:
        self.results[item.items[-1]] = item.output()
        self.open.remove(item)
        self.level.later(self.name, 0, self.go_on)


class EachRound(Container):
    """Plays its graph again and again, while an expression holds."""

    def start(self) -> None:
        config = self.level.graph.nodes[self.name].node.config
        assert isinstance(config, Loop)
        self.config = config
        self.steps = dict(self.level.steps)
        """What the rounds have done, for those after them."""
        self.iteration = 0
        self.last: Any = None
        self.go_on()

    def go_on(self) -> None:
        """Start another round, if there is to be one."""
        names = {**self.level.names, "iteration": self.iteration}
        most, condition = self.config.max_iterations, self.config.condition
        try:
            goes_on = (
                self.iteration < most
                if condition is None
                else compile(condition).test({**names, "steps": self.steps})
            )
        except ExpressionError as error:
            self.failed(error.message)
            return
        if not goes_on:
            self.complete(self.last)
            return
        if self.iteration == most:
            bound = "1 iteration" if most == 1 else f"{most} iterations"
            self.failed(f"loop `{self.name}` continues after {bound}")
            return
        self.iteration += 1
        items = self.level.items
        self.game.forget(self.graph, self.graph.nodes, items)
        self.play(
            type(self.level)(
                self.game, self.graph, names, steps=self.steps, items=items, container=self
            )
        )

    def item_over(self, item: "Level") -> None:
        self.last = item.output()
        self.open.remove(item)
        self.level.later(self.name, 0, self.go_on)
