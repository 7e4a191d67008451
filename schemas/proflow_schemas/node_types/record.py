"""The record of a node type, from which everything that other modules need to know of it is derived."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from proflow_schemas.configs import Config, Retried, is_duration, retry_policy, seconds
from proflow_schemas.definition import AnyOp, TaskOp
from proflow_schemas.node_types.foreign import Meaning
from proflow_schemas.readiness import NodeNeed
from proflow_schemas.step_ids import step_id

Kind = Literal["computes", "step", "waits", "structure", "container", "end"]
"""How a node runs:

- `computes`: evaluates expressions, without a step
- `step`: does work in a step, which is retried
- `waits`: waits for a person, an event, a time or another run
- `structure`: does nothing but shape the graph
- `container`: runs the nodes inside of it
- `end`: ends a path
"""
Category = Literal["flow", "people", "work", "time"]
Shape = Literal["terminal", "person", "decision", "bar", "event", "work"]

BUILT_IN = "proflow:"
"""The prefix of the names of built-in handlers; handlers of a host cannot have it."""
DONE_OR_ERROR = ("default", "error")
READS_ERROR = ("output", "outcome", "error")


@dataclass(frozen=True)
class Words:
    """A text in English and in Chinese."""

    en: str
    zh: str


RETRY_FIELDS = {
    "retry": Words(
        "how often it is tried, and at which intervals", "重试策略：最多尝试几次、间隔多久"
    ),
    "retries": Words(
        "short form of `retry`: the number of attempts after the first one",
        "`retry` 的简写：首次失败后最多重试几次",
    ),
}
"""The texts of the keys of `Retried`."""


@dataclass(frozen=True, kw_only=True)
class NodeType:
    """A type of node: its names and texts, its config, and how it runs.

    The doc page and the editor show `title`, `summary`, `fields` and `notes`; these are Markdown.

    Attributes:
        name: The canonical name, as designs write it in `type`.
        kind: How it runs.
        title: What people call it.
        summary: What it does, in one sentence.
        config: The model of its config.
        example: A node of this type in a design, as JSON.
        category: The group of the palette that it belongs to.
        icon: The name of an icon of Ant Design.
        shape: Its outline in drawings.
        order: Its position in lists of types, ascending.
        fields: What the keys of the config mean.
        notes: What else a user needs to know.
    """

    name: str
    kind: Kind
    title: Words
    summary: Words
    config: type[Config]
    example: str
    category: Category = "work"
    icon: str = "tool"
    shape: Shape = "work"
    order: int = 1000
    fields: Mapping[str, Words] = field(default_factory=dict)
    labels: Mapping[str, Words] = field(default_factory=dict)
    """The names of keys in forms, for keys that the page has no translation of."""
    notes: str = ""
    aliases: tuple[str, ...] = ()
    """Other names that designs may use in `type`; they are never written."""
    elsewhere: tuple[str, ...] = ()
    """Names in other products. A design that uses one gets a suggestion."""
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    """The names of its settings in other products → what is suggested instead."""
    outcomes: tuple[str, ...] = ("default",)
    """The outcomes that it can take. An edge without a handle leaves by the first one."""
    undrawn: tuple[str, ...] = ()
    """The outcomes that stop the run, or in a container the item, if no edge leaves by them. An `error`
    without an edge is not among them: it fails the run."""
    rules: bool = False
    """True if its edges have rules, which decide its outcome."""
    every: bool = False
    """True if it takes every outcome whose rule holds, not only the first."""
    readable: tuple[str, ...] = ("output", "outcome")
    """The fields below `steps.<id>` that expressions may read."""
    triggers: bool = False
    """True if it may cause the event of a wait that directly follows it."""
    awaits: bool = False
    """True if it must be waiting before the node that causes its event starts."""
    calls: bool = False
    """True if it runs another workflow."""
    per_item: bool = False
    """For a container: True if the nodes inside run once for each item of a list."""
    steps: int = 1
    """The number of Inngest steps of one execution; ignored for instant types and containers."""
    for_output: bool = False
    """True if its output is its only purpose, so that a warning is due if nothing reads it."""
    lower: Callable[[str, Any], AnyOp] | None = None
    """Makes the op of a node from its id and its config. None: a `step` runs its handler with its config as
    input; any other kind has no op."""
    handler: str | None = None
    """The name, in definitions, of the handler that does the work of a `step`."""
    handler_from: str | None = None
    """The config key that holds the handler's name, if the user chooses it."""
    function: str | None = None
    """The path of a built-in handler below `proflow_runtime.handlers`: `notify.send`."""
    method: str | None = None
    """The method of `Flow` that generated code calls for it; None: the general one."""
    needs: Callable[[Any], Iterable[NodeNeed]] | None = None
    """Lists what a node needs of its host, from its config. None: nothing."""
    output: Callable[[Any], Any] | None = None
    """Makes the JSON Schema of its output from its config. None: its handler declares what it returns."""

    @property
    def default(self) -> str | None:
        """The outcome of an edge without a handle; None if the type has no outcomes."""
        return self.outcomes[0] if self.outcomes else None

    @property
    def container(self) -> bool:
        """True if other nodes can be inside of it."""
        return self.kind == "container"

    @property
    def encloses(self) -> bool:
        """True if other nodes or another run do its work, so that it is open as long as they are."""
        return self.container or self.calls

    @property
    def instant(self) -> bool:
        """True if it runs without a step, in no time."""
        return self.kind in ("computes", "structure", "end")

    @property
    def silent(self) -> bool:
        """True if it runs nothing at all: its state follows from the nodes around it."""
        return self.kind == "structure" and not self.rules

    @property
    def passes(self) -> bool:
        """True if its successors start at the moment at which its predecessors are over."""
        return self.kind == "computes" or self.silent

    @property
    def works(self) -> bool:
        """True if a handler does its work, so that it can fail and is retried."""
        return self.kind == "step" and "error" in self.outcomes

    @property
    def answered(self) -> bool:
        """True if it waits for an answer that decides its outcome."""
        return self.kind == "waits" and self.default != "default"

    def handler_of(self, config: Config) -> str | None:
        """Return the name of the handler that does the work of a node; None if no handler does."""
        return self.handler if self.handler_from is None else getattr(config, self.handler_from)

    def needs_of(self, config: Config) -> Iterable[NodeNeed]:
        """Return what a node needs of its host.

        Args:
            config: The validated config of the node.
        """
        return () if self.needs is None else self.needs(config)

    def op(self, node: str, config: Config) -> AnyOp | None:
        """Return the op that a node is compiled to; None if it only shapes the graph.

        Args:
            node: The id of the node.
            config: Its validated config.
        """
        if self.lower is not None:
            return self.lower(node, config)
        return _task(self, node, config) if self.kind == "step" else None


def step(
    *,
    name: str,
    title: Words,
    summary: Words,
    config: type[Config],
    example: str,
    function: str | None = None,
    handler: str | None = None,
    **others: Any,
) -> NodeType:
    """Make the record of a type whose work a handler does, with the config as input.

    Arguments that are not listed are fields of `NodeType`.

    Args:
        function: For a built-in type, the path of its handler below `proflow_runtime.handlers`.
        handler: For any other type, the name of its handler.
        others: Further fields of the record.
    """
    if function is not None:
        handler = BUILT_IN + function.partition(".")[0]
    return NodeType(
        name=name,
        kind="step",
        title=title,
        summary=summary,
        config=config,
        example=example,
        function=function,
        handler=handler,
        outcomes=DONE_OR_ERROR,
        readable=READS_ERROR,
        **others,
    )


def _task(kind: NodeType, node: str, config: Config) -> TaskOp:
    assert kind.handler is not None
    given = {}
    for key in type(config).model_fields:
        value = getattr(config, key)
        if value is not None and key not in Retried.model_fields:
            given[key] = seconds(value) if is_duration(type(config), key) else value
    retry = retry_policy(config.retry, config.retries) if isinstance(config, Retried) else None
    return TaskOp(id=step_id(node), node=node, handler=kind.handler, input=given, retry=retry)
