"""Describes what to draw: the shapes and arrows of a design, with the states of a run if given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from proflow_schemas.errors import ProFlowError
from proflow_schemas.node_types.end import End
from proflow_schemas.node_types.join import Join
from proflow_schemas.node_types.record import Shape as Outline

from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.diagnostics.excerpt import visible
from proflow_compiler.graph import BackEdge, build_graph, outcome_of

Form = Outline | Literal["stop"]
"""The shape of the node type; an end that stops the run has its own."""

STATUSES = ("pending", "running", "waiting", "completed", "failed", "skipped", "cancelled")

COLOURS: Mapping[str, tuple[str, str, str]] = {
    "pending": ("#ffffff", "#8c8c8c", "#434343"),
    "running": ("#e6f4ff", "#1677ff", "#003eb3"),
    "waiting": ("#fffbe6", "#d48806", "#874d00"),
    "completed": ("#f6ffed", "#389e0d", "#135200"),
    "failed": ("#fff1f0", "#cf1322", "#820014"),
    "skipped": ("#fafafa", "#bfbfbf", "#8c8c8c"),
    "cancelled": ("#fff7e6", "#d46b08", "#873800"),
}
"""Fill, border and text of each status."""

SHOWN, TAKEN, ERROR = "#eb2f96", "#389e0d", "#cf1322"
"""The colours of the highlighted path, of edges that were taken, and of error edges."""
PLAIN = ("#ffffff", "#434343", "#1f1f1f")
MAX_LABEL = 60


class StatesError(ProFlowError, ValueError):
    """The JSON given as a run is not one; the message says why."""


@dataclass(frozen=True)
class RunStates:
    """The states of a run.

    Attributes:
        workflow: The id of the design that was run, if known.
        nodes: Node id → (status, outcomes).
    """

    workflow: str | None
    nodes: Mapping[str, tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Shape:
    """A node as it is drawn.

    Attributes:
        id: The node.
        label: The first line.
        tooltip: What is shown while the pointer is on it.
        form: The outline.
        status: Its status in the run, if there is one.
        caption: The second line: the mode of a join, that an end stops the run, the status.
        position: The upper left corner on the canvas.
        parent: The container that it is in.
        holds: True if it is drawn as a box around other nodes.
        shown: True if it is on the highlighted path.
    """

    id: str
    label: str
    tooltip: str
    form: Form
    status: str | None = None
    caption: str | None = None
    position: tuple[float, float] | None = None
    parent: str | None = None
    holds: bool = False
    shown: bool = False

    @property
    def colours(self) -> tuple[str, str, str]:
        """Fill, border and text."""
        fill, border, text = COLOURS[self.status] if self.status is not None else PLAIN
        return (fill, SHOWN, text) if self.shown else (fill, border, text)


@dataclass(frozen=True)
class Leaving:
    """How to see from node states that an edge was taken.

    Attributes:
        by: The outcome of the source that takes the edge.
        always: True if any outcome does.
        ruled: True if rules choose the edge, which the outcome does not show: then the target has
            to have started as well.
    """

    by: str
    always: bool
    ruled: bool


@dataclass(frozen=True)
class Arrow:
    """An edge as it is drawn.

    Attributes:
        source: The node that it starts at.
        target: The node that it leads to.
        leaving: How to see that it was taken.
        label: The text on it.
        taken: True if the run chosen it; None without a run.
        back: True for a back edge.
        error: True if it is taken when its source fails.
        shown: True if it is on the highlighted path.
    """

    source: str
    target: str
    leaving: Leaving
    label: str | None = None
    taken: bool | None = None
    back: bool = False
    error: bool = False
    shown: bool = False

    @property
    def colour(self) -> str | None:
        """The colour, or None for the usual one."""
        if self.shown:
            return SHOWN
        if self.taken:
            return TAKEN
        return ERROR if self.error else None


@dataclass(frozen=True)
class Figure:
    """A design to draw. Invisible and bidirectional control characters of its texts are escaped."""

    title: str
    shapes: tuple[Shape, ...]
    arrows: tuple[Arrow, ...]
    with_run: bool = False


def figure(design: Design, run: RunStates | None = None, path: Sequence[str] = ()) -> Figure:
    """Describe how to draw a design.

    Args:
        design: The design.
        run: The states of a run; nodes that it does not contain are drawn without a status.
        path: The nodes of a path to highlight.
    """
    states = run.nodes if run is not None else {}
    holding = {node.parent for node in design.nodes.values()}
    walk = set(pairwise(path))
    back_edges = [back for level in build_graph(design).levels() for back in level.back]
    limits = {back.edge.edge.index: back.limit for back in back_edges if back.edge.edge is not None}
    arrows = [_arrow(design, edge, run, limits.get(edge.index)) for edge in design.edges]
    arrows += [_undrawn(back, run) for back in back_edges if back.edge.edge is None]
    shapes = [_shape(node, states.get(node.id)) for node in design.nodes.values()]
    return Figure(
        title=_text(design.name),
        shapes=tuple(
            replace(shape, holds=shape.id in holding, shown=shape.id in path) for shape in shapes
        ),
        arrows=tuple(
            replace(arrow, shown=(arrow.source, arrow.target) in walk) for arrow in arrows
        ),
        with_run=run is not None,
    )


def run_states(report: Any) -> RunStates:
    """Read the states of a run as `proflow run --format json` and the status API write it.

    Raises:
        StatesError: The JSON is not a run.
    """
    nodes = report.get("nodes") if isinstance(report, dict) else None
    if not isinstance(nodes, dict):
        raise StatesError("it has no `nodes`")
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name, state in nodes.items():
        status = state.get("status") if isinstance(state, dict) else None
        if status not in STATUSES:
            raise StatesError(
                f"the status of node `{_text(name)}` is none of {', '.join(STATUSES)}"
            )
        outcome = state.get("outcome")
        outcomes = outcome if isinstance(outcome, list) else [outcome]
        found[name] = (status, tuple(one for one in outcomes if isinstance(one, str)))
    workflow = report.get("workflow")
    return RunStates(workflow if isinstance(workflow, str) else None, found)


def _shape(node: Node, state: tuple[str, tuple[str, ...]] | None) -> Shape:
    status, outcomes = state or (None, ())
    setting = _setting(node)
    lines = [] if setting is None else [setting]
    if status is not None:
        named = ", ".join(one for one in outcomes if one != "default")
        lines.append(f"{status}: {_text(named)}" if named else status)
    return Shape(
        id=node.id,
        label=_text(node.label) or _text(node.id),
        tooltip=f"{_text(node.id)} ({node.type})",
        form="stop" if _stops(node) else node.kind.shape,
        status=status,
        caption=" · ".join(lines) or None,
        position=node.position,
        parent=node.parent,
    )


def _stops(node: Node) -> bool:
    config = node.config
    return isinstance(config, End) and (config.terminate or config.fail)


def _setting(node: Node) -> str | None:
    """Return the setting that a drawing has to show, as it decides how a run continues."""
    match node.config:
        case Join(mode=mode) as join if "mode" in join.model_fields_set:
            return f"mode {mode}"
        case End(fail=True):
            return "fails the run"
        case End(terminate=True):
            return "stops the run"
        case _:
            return None


def _leaving(source: Node, edge: Edge) -> Leaving:
    """Return how to see that a run chosen an edge."""
    rules = source.kind.rules
    return Leaving(
        by=(edge.handle or edge.target) if rules else outcome_of(source, edge),
        always=not rules and len(source.kind.outcomes) < 2,
        ruled=rules or edge.when is not None or edge.default,
    )


def _arrow(design: Design, edge: Edge, run: RunStates | None, limit: int | None) -> Arrow:
    """Return an edge as it is drawn; `limit` is that of a back edge."""
    source = design.nodes[edge.source]
    outcome = outcome_of(source, edge)
    leaving = _leaving(source, edge)
    label = edge.label or _own_label(edge, outcome, leaving.ruled)
    taken = None
    if run is not None:
        status, chosen = run.nodes.get(edge.source, ("pending", ()))
        target, _ = run.nodes.get(edge.target, ("pending", ()))
        left_by = status == "completed" and (leaving.always or leaving.by in chosen)
        taken = left_by and (not leaving.ruled or target not in ("skipped", "pending"))
    return Arrow(
        edge.source,
        edge.target,
        leaving,
        _bounded(_text(label) if label else None, limit),
        taken,
        back=limit is not None,
        error=outcome == "error" and "error" in source.kind.outcomes,
    )


def _undrawn(back: BackEdge, run: RunStates | None) -> Arrow:
    """Return the arrow of a back edge that is a setting of an approval instead of an edge."""
    source, outcome = back.edge.source, back.edge.outcome
    leaving = Leaving(by=outcome, always=False, ruled=False)
    taken = None
    if run is not None:
        status, chosen = run.nodes.get(source, ("pending", ()))
        taken = status == "completed" and outcome in chosen
    return Arrow(source, back.edge.target, leaving, _bounded(outcome, back.limit), taken, back=True)


def _bounded(label: str | None, limit: int | None) -> str | None:
    if limit is None:
        return label
    return f"≤ {limit}×" if label is None else f"{label} ≤ {limit}×"


def _own_label(edge: Edge, outcome: str, ruled: bool) -> str | None:
    if edge.handle is not None and outcome != "default":
        return outcome if edge.when is None else edge.handle
    if edge.when is not None:
        return edge.when
    if edge.default:
        return "otherwise"
    return None if ruled or outcome in ("default", "approved", "received") else outcome


def _text(text: str) -> str:
    """Return a text on one line, cut if it is long, with invisible characters escaped."""
    short = visible(" ".join(text.split()))
    return short if len(short) <= MAX_LABEL else short[: MAX_LABEL - 1] + "…"
