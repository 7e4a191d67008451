"""What there is to draw: the shapes and arrows of a design, with the states of a run if given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.excerpt import visible
from proflow_compiler.graph import outcome_of

Form = Literal["terminal", "person", "decision", "bar", "event", "work"]

FORMS: Mapping[str, Form] = {
    "start": "terminal",
    "end": "terminal",
    "approval": "person",
    "condition": "decision",
    "parallel": "bar",
    "join": "bar",
    "delay": "event",
    "wait": "event",
}
"""The form of each node type; any other does work."""

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

PLAIN = ("#ffffff", "#434343", "#1f1f1f")
MAX_LABEL = 60


class StatesError(ValueError):
    """What was given as a run is none; the message says why."""


@dataclass(frozen=True)
class RunStates:
    """The states of a run: node id → status and outcome; `workflow` is whose run it was."""

    workflow: str | None
    nodes: Mapping[str, tuple[str, str | None]]


@dataclass(frozen=True)
class Shape:
    """A node as it is drawn; `caption` says what became of it in the run."""

    id: str
    label: str
    tooltip: str
    form: Form
    status: str | None = None
    caption: str | None = None
    position: tuple[float, float] | None = None

    @property
    def colours(self) -> tuple[str, str, str]:
        return COLOURS[self.status] if self.status is not None else PLAIN


@dataclass(frozen=True)
class Arrow:
    """An edge as it is drawn; `taken` is None without a run."""

    source: str
    target: str
    label: str | None = None
    taken: bool | None = None


@dataclass(frozen=True)
class Figure:
    """A design to draw. Texts are free of characters that do not show or reorder others."""

    title: str
    shapes: tuple[Shape, ...]
    arrows: tuple[Arrow, ...]
    with_run: bool = False


def figure(design: Design, run: RunStates | None = None) -> Figure:
    """What to draw of a design; a node that the run does not know is drawn without a status."""
    states = run.nodes if run is not None else {}
    return Figure(
        title=_text(design.name),
        shapes=tuple(_shape(node, states.get(node.id)) for node in design.nodes.values()),
        arrows=tuple(_arrow(design, edge, run) for edge in design.edges),
        with_run=run is not None,
    )


def run_states(report: Any) -> RunStates:
    """The states in a run as `proflow run --format json` and the status API write it."""
    nodes = report.get("nodes") if isinstance(report, dict) else None
    if not isinstance(nodes, dict):
        raise StatesError("it has no `nodes`")
    found: dict[str, tuple[str, str | None]] = {}
    for name, state in nodes.items():
        status = state.get("status") if isinstance(state, dict) else None
        if status not in STATUSES:
            raise StatesError(
                f"the status of node `{_text(name)}` is none of {', '.join(STATUSES)}"
            )
        outcome = state.get("outcome")
        found[name] = (status, outcome if isinstance(outcome, str) else None)
    workflow = report.get("workflow")
    return RunStates(workflow if isinstance(workflow, str) else None, found)


def _shape(node: Node, state: tuple[str, str | None] | None) -> Shape:
    status, outcome = state or (None, None)
    caption = None
    if status is not None:
        said = outcome if outcome not in (None, "default") else None
        caption = f"{status}: {_text(said)}" if said is not None else status
    return Shape(
        id=node.id,
        label=_text(node.label) or _text(node.id),
        tooltip=f"{_text(node.id)} ({node.type})",
        form=FORMS.get(node.type, "work"),
        status=status,
        caption=caption,
        position=node.position,
    )


def _arrow(design: Design, edge: Edge, run: RunStates | None) -> Arrow:
    source = design.nodes[edge.source]
    outcome = outcome_of(source, edge)
    ruled = source.kind.rules or edge.when is not None or edge.default
    label = edge.label or _own_label(edge, outcome, ruled)
    taken = None
    if run is not None:
        status, took = run.nodes.get(edge.source, (None, None))
        target, _ = run.nodes.get(edge.target, ("pending", None))
        name = (edge.handle or edge.target) if source.kind.rules else outcome
        left_by = status == "completed" and (len(source.kind.outcomes) < 2 or took == outcome)
        if source.kind.rules:
            left_by = status == "completed" and took == name
        taken = left_by and (not ruled or target not in ("skipped", "pending"))
    return Arrow(edge.source, edge.target, _text(label) if label else None, taken)


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
