"""What a node type is: one record, from which everything else that knows node types is derived."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from proflow_schemas.configs import Config, Retried, is_duration, retry_policy, seconds
from proflow_schemas.definition import AnyOp, TaskOp
from proflow_schemas.node_types.foreign import Meaning
from proflow_schemas.step_ids import step_id

Kind = Literal["computes", "step", "waits", "structure", "container", "end"]
"""What running a node is: a computation; a step of work, which is retried; a wait for somebody,
something or a time; nothing but a place in the graph; the nodes inside; the end of a path."""
Category = Literal["flow", "people", "work", "time"]
Shape = Literal["terminal", "person", "decision", "bar", "event", "work"]

BUILT_IN = "proflow:"
"""What the names of built-in handlers begin with; no function of a host has such a name."""
DONE_OR_ERROR = ("default", "error")
READS_ERROR = ("output", "outcome", "error")


@dataclass(frozen=True)
class Words:
    """A text in both languages."""

    en: str
    zh: str


RETRY_FIELDS = {
    "retry": Words("how often it is tried", "重试策略：最多尝试几次、间隔多久"),
    "retries": Words("in short: so many attempts after the first", "简写：首次失败后最多再试几次"),
}
"""What the keys of `Retried` mean."""


@dataclass(frozen=True, kw_only=True)
class NodeType:
    """A type of node: what it is called, what a person configures, how it runs.

    `title`, `summary`, `fields` (what the keys of the config mean), `notes` and `example` (a node in
    a design) are what the doc page and the editor show; texts are Markdown. `icon` is the name of an
    icon of Ant Design, `shape` the outline in drawings, `order` its place in lists.
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
    """What the keys are called in forms, where the page has no word for them."""
    notes: str = ""
    aliases: tuple[str, ...] = ()
    """Other names that are read, and never written."""
    elsewhere: tuple[str, ...] = ()
    """What other products call it: suggested, not read."""
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    """What other products call its settings."""
    outcomes: tuple[str, ...] = ("default",)
    """The first is that of an edge without a handle."""
    undrawn: tuple[str, ...] = ()
    """The outcomes that lead to an invisible terminating end where no edge leaves by them, of the
    run or in a container of the item. An undrawn `error` fails the run."""
    rules: bool = False
    """Its edges carry rules, which name the outcomes."""
    every: bool = False
    """It takes each outcome whose rule holds."""
    readable: tuple[str, ...] = ("output", "outcome")
    """The fields below `steps.<id>` that expressions may read."""
    triggers: bool = False
    """It may cause the event that a wait right after it waits for."""
    awaits: bool = False
    """It has to be waiting before what causes its event happens."""
    calls: bool = False
    """It runs another workflow."""
    per_item: bool = False
    """Of a container: the nodes inside run once for every item of a list."""
    steps: int = 1
    """How many steps of Inngest one execution is, unless it takes no time or is a container."""
    for_output: bool = False
    """Its output is all it is there for: nothing reads it is worth saying."""
    lower: Callable[[str, Any], AnyOp] | None = None
    """The op of a node, from its id and its config; None: a `step` runs its handler with its config,
    and any other kind is no op."""
    handler: str | None = None
    """The handler that does the work of a `step`, as definitions name it."""
    handler_from: str | None = None
    """Or the setting that names it."""
    function: str | None = None
    """Where a built-in handler is, below `proflow_runtime.handlers`: `notify.send`."""
    method: str | None = None
    """The method of `Flow` that generated code calls for it, if it has one of its own."""
    output: Callable[[Any], Any] | None = None
    """The JSON Schema of its output, from its config; None: what its handler says that it returns."""

    @property
    def default(self) -> str | None:
        """The outcome of an edge that names none."""
        return self.outcomes[0] if self.outcomes else None

    @property
    def container(self) -> bool:
        """True if it holds nodes of its own."""
        return self.kind == "container"

    @property
    def encloses(self) -> bool:
        """True if it is open because others are: it does no work itself."""
        return self.container or self.calls

    @property
    def instant(self) -> bool:
        """True if running it takes no time, and is no step."""
        return self.kind in ("computes", "structure", "end")

    @property
    def silent(self) -> bool:
        """True if it runs nothing: what becomes of it follows from the nodes around it."""
        return self.kind == "structure" and not self.rules

    @property
    def passes(self) -> bool:
        """True if what follows it follows, in time, what it follows."""
        return self.kind == "computes" or self.silent

    @property
    def works(self) -> bool:
        """True if a handler does its work, which can fail and is retried."""
        return self.kind == "step" and "error" in self.outcomes

    @property
    def answered(self) -> bool:
        """True if somebody's answer decides which outcome it takes."""
        return self.kind == "waits" and self.default != "default"

    def handler_of(self, config: Config) -> str | None:
        """The handler that does the work of a node."""
        return self.handler if self.handler_from is None else getattr(config, self.handler_from)

    def op(self, node: str, config: Config) -> AnyOp | None:
        """What a node becomes in a definition; None: it only shapes the graph."""
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
    """A type whose work a handler does, with its config as input.

    Args:
        function: Of a built-in type, its handler below `proflow_runtime.handlers`: `notify.send`.
        handler: Else the name of the handler.
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
