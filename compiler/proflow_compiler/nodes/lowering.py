"""What a node type is to the compiler: how its nodes become ops, and what its doc page says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from proflow_schemas.definition import AnyOp, RetryPolicy
from proflow_schemas.durations import parse_duration
from proflow_schemas.nodes import Duration, Retry

from proflow_compiler.design import Node


@dataclass(frozen=True)
class Lowering:
    """One node type. `lower` gives the ops of a node: at most one.

    `instant` says that running it takes no time. `example` is the node in a design; `title`,
    `summary`, `notes` and `fields` are Markdown.
    """

    type: str
    title: str
    summary: str
    example: str
    lower: Callable[[Node], Sequence[AnyOp]]
    notes: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What keys of the config mean, as far as the model does not say."""
    instant: bool = False
    triggers: bool = False
    """Whether it may cause the event that a wait right after it waits for."""
    awaits: bool = False
    """Whether it has to be waiting before what causes its event happens."""


def nothing(node: Node) -> Sequence[AnyOp]:
    """For nodes that only shape the graph."""
    return ()


def seconds(value: Duration | None) -> float | None:
    return None if value is None else parse_duration(value).total_seconds()


def whole_seconds(value: Duration | None) -> int | None:
    """A duration as Inngest takes it: whole seconds, at least one."""
    exact = seconds(value)
    return None if exact is None else max(1, round(exact))


def retry_policy(retry: Retry | None, retries: int | None = None) -> RetryPolicy | None:
    """`retries: n` is n + 1 attempts."""
    if retry is None:
        return None if retries is None else RetryPolicy(max_attempts=retries + 1)
    return RetryPolicy(
        max_attempts=retry.max_attempts,
        initial_interval=seconds(retry.initial_interval),
        max_interval=seconds(retry.max_interval),
        multiplier=retry.multiplier,
    )
