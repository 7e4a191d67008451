"""What there is to draw: the shapes and arrows of a design, with the states of a run if given."""

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
"""The shape of a node's type; an end that stops the run has one of its own."""

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
"""The colours of the path to be shown, of edges that were taken, and of those taken at failures."""
PLAIN = ("#ffffff", "#434343", "#1f1f1f")
MAX_LABEL = 60


class StatesError(ProFlowError, ValueError):
    """What was given as a run is none; the message says why."""


@dataclass(frozen=True)
class RunStates:
    """The states of a run: node id → status and outcomes; `workflow` is whose run it was."""

    workflow: str | None
    nodes: Mapping[str, tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Shape:
    """A node as it is drawn.

    `caption` is a second line: the mode that a join names, that an end stops the run, and the node's
    status in the run. `holds`: it is drawn around others, whose `parent` it is. `shown`: on the path to be shown.
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
        fill, border, text = COLOURS[self.status] if self.status is not None else PLAIN
        return (fill, SHOWN, text) if self.shown else (fill, border, text)


@dataclass(frozen=True)
class Leaving:
    """An edge is taken where its source completed with the outcome `by`, or with whatever (`always`).

    `ruled`: and if its target then moved, because rules that the outcome does not tell chose it.
    """

    by: str
    always: bool
    ruled: bool


@dataclass(frozen=True)
class Arrow:
    """An edge as it is drawn; `taken` is None without a run.

    `back`: it leads back. `error`: it is taken where its source fails. `shown`: on the path to be
    shown.
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
        """None: the usual one."""
        if self.shown:
            return SHOWN
        if self.taken:
            return TAKEN
        return ERROR if self.error else None


@dataclass(frozen=True)
class Figure:
    """A design to draw. Texts are free of characters that do not show or reorder others."""

    title: str
    shapes: tuple[Shape, ...]
    arrows: tuple[Arrow, ...]
    with_run: bool = False


def figure(design: Design, run: RunStates | None = None, path: Sequence[str] = ()) -> Figure:
    """What to draw of a design; a node that the run does not know is drawn without a status.

    `path` is to be shown: the nodes of a walk.
    """
    states = run.nodes if run is not None else {}
    holding = {node.parent for node in design.nodes.values()}
    walk = set(pairwise(path))
    ways = [way for level in build_graph(design).levels() for way in level.back]
    limits = {way.edge.edge.index: way.limit for way in ways if way.edge.edge is not None}
    arrows = [_arrow(design, edge, run, limits.get(edge.index)) for edge in design.edges]
    arrows += [_undrawn(way, run) for way in ways if way.edge.edge is None]
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
    """The states in a run as `proflow run --format json` and the status API write it."""
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
        said = ", ".join(one for one in outcomes if one != "default")
        lines.append(f"{status}: {_text(said)}" if said else status)
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
    """What a drawing has to show of a node's config: it decides how a run moves."""
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
    """How a run shows that it went along an edge of a design."""
    rules = source.kind.rules
    return Leaving(
        by=(edge.handle or edge.target) if rules else outcome_of(source, edge),
        always=not rules and len(source.kind.outcomes) < 2,
        ruled=rules or edge.when is not None or edge.default,
    )


def _arrow(design: Design, edge: Edge, run: RunStates | None, limit: int | None) -> Arrow:
    """`limit`: the edge leads back, so many times."""
    source = design.nodes[edge.source]
    outcome = outcome_of(source, edge)
    way = _leaving(source, edge)
    label = edge.label or _own_label(edge, outcome, way.ruled)
    taken = None
    if run is not None:
        status, took = run.nodes.get(edge.source, ("pending", ()))
        target, _ = run.nodes.get(edge.target, ("pending", ()))
        left_by = status == "completed" and (way.always or way.by in took)
        taken = left_by and (not way.ruled or target not in ("skipped", "pending"))
    return Arrow(
        edge.source,
        edge.target,
        way,
        _bounded(_text(label) if label else None, limit),
        taken,
        back=limit is not None,
        error=outcome == "error" and "error" in source.kind.outcomes,
    )


def _undrawn(way: BackEdge, run: RunStates | None) -> Arrow:
    """A way back that is no edge but a setting of an approval."""
    source, outcome = way.edge.source, way.edge.outcome
    leaving = Leaving(by=outcome, always=False, ruled=False)
    taken = None
    if run is not None:
        status, took = run.nodes.get(source, ("pending", ()))
        taken = status == "completed" and outcome in took
    return Arrow(source, way.edge.target, leaving, _bounded(outcome, way.limit), taken, back=True)


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
    """A text on one line, short, and visible as it is."""
    short = visible(" ".join(text.split()))
    return short if len(short) <= MAX_LABEL else short[: MAX_LABEL - 1] + "…"
