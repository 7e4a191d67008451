"""Prints a simulated run as text: a timeline of its steps, and a table of the nodes' states."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from proflow_compiler.diagnostics.excerpt import visible, width_of
from proflow_schemas.definition import Definition
from proflow_schemas.durations import format_duration

from proflow_runtime.flow import approvals
from proflow_runtime.flow.leaving import is_leaving
from proflow_runtime.flow.subprocess import was_cancelled
from proflow_runtime.simulation.exploring import MAX_RUNS, Exploration

_MARKS = {
    "completed": "✔",
    "failed": "✘",
    "waiting": "…",
    "sleeping": "…",
    "timeout": "⏱",
    "cancelled": "–",
    "skipped": "–",
    "running": "…",
    "pending": " ",
}
_OPS = {"Sleep": "slept", "WaitForEvent": "waited", "InvokeFunction": "invoked"}
_CANCELS = re.compile(r"[/-]left$")
_KNOWN = ("tenant_id", "approval_id", "approved", "outcome")
"""Keys of an answering event that are not shown: they repeat the outcome, or matched the event."""
_WIDEST, _LONGEST = 48, 600
_FAILURES = 5
"""For how many steps it is said where they have failed."""


def timeline(reported: Mapping[str, Any], definition: Definition) -> str:
    """Format a run as text; times are relative to the start of the run.

    Args:
        reported: The run, as `simulation.report.report` returns it.
        definition: The definition of the workflow.
    """
    start = reported["started_at"]
    labels = {node.id: node.label for node in definition.canvas.nodes}
    types = {node.id: node.type for node in definition.canvas.nodes}
    lines = [
        f"{_cut(definition.name)} ({_cut(reported['workflow'])}), run {reported['run_id']}",
        "",
    ]
    left = {
        one: _stretch(step, types)
        for step in reported["steps"]
        if _ends_stretch(step)
        for one in _left(step)
    }
    moments = [
        (
            _since(start, step["at"]),
            _MARKS.get(_state(step), "·"),
            *_happened(step, types.get(step["node"]), left.get(step["id"])),
        )
        for step in reported["steps"]
        if not (step["id"] in left and step["status"] == "cancelled")
    ]
    lines += table([("", "", "step", "", ""), *moments]) if moments else ["no step was taken"]
    simulated = set(reported["simulated"])
    rows = [
        (
            f"{_MARKS.get(node['status'], '·')} {node['status']}",
            _cut(name),
            _cut(labels.get(name, "")) if labels.get(name) != name else "",
            _outcome(node["outcome"]),
            _span(start, node),
            _remark(node, name in simulated),
        )
        for name, node in reported["nodes"].items()
    ]
    lines += ["", *table([("state", "node", "", "outcome", "when", ""), *rows]), ""]
    lines += [f"note: {visible(note)}" for note in reported["unused"]]
    lines += _failures(reported)
    return "\n".join([*lines, _conclusion(reported)]) + "\n"


def _failures(reported: Mapping[str, Any]) -> list[str]:
    """Say where handlers have failed: for each step, its last failed attempt that has a traceback."""
    found = {
        one["step"]: one
        for one in reported["attempts"]
        if one["error"] is not None and "\n" in one["error"]["traceback"]
    }
    lines = []
    for step, one in list(found.items())[:_FAILURES]:
        lines.append(f"{_cut(step)}, attempt {one['number']}:")
        lines += [f"  {_cut(line['level'])}: {visible(line['message'])}" for line in one["logs"]]
        trace = one["error"]["traceback"].splitlines()
        lines += [*(f"  {visible(line)}" for line in trace), ""]
    if len(found) > _FAILURES:
        lines += [f"{len(found) - _FAILURES} more steps have failed: see --format json", ""]
    return lines


def overview(found: Exploration, definition: Definition) -> str:
    """Format all runs of an exploration, one per line, and list what none of them reached.

    Args:
        found: The exploration.
        definition: The definition of the workflow.
    """
    rows = []
    for index, run in enumerate(found.runs, start=1):
        decided = ", ".join(
            f"{_cut(step)}={_cut(to.replace(', ', '+'))}" for step, to in run["decisions"].items()
        )
        ran = sum(node["status"] == "completed" for node in run["nodes"].values())
        result = run["status"] if run["status"] != "completed" else run["result"]
        message = "" if run["error"] is None else _cut(str(run["error"]["message"]))
        rows.append((f"{index}", decided or "–", _cut(str(result)), f"{ran} nodes", message))
    lines = [_cut(definition.name), ""]
    lines += [*table([("", "outcomes", "result", "completed", ""), *rows]), ""]
    if not found.complete:
        lines.append(f"there are more combinations than {MAX_RUNS}: the others were not run")
    nodes = [visible(node) for node in found.uncovered_nodes]
    edges = [
        f"{visible(str(e['source']))} → {visible(str(e['target']))}" for e in found.uncovered_edges
    ]
    lines.append(f"nodes no run reached: {', '.join(nodes) or 'none'}")
    lines.append(f"edges no run took: {', '.join(edges) or 'none'}")
    return "\n".join(lines) + "\n"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align the columns of rows; wide characters count twice.

    Args:
        rows: The rows, all with the same number of cells.

    Returns:
        One line for each row.
    """
    widths = [max(width_of(row[index]) for row in rows) for index in range(len(rows[0]))]
    return [
        "  ".join(
            cell + " " * (width - width_of(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _outcome(outcome: str | Sequence[str] | None) -> str:
    if outcome is None or outcome == "default":
        return ""
    return _cut(outcome if isinstance(outcome, str) else ", ".join(outcome))


def _ends_stretch(step: Mapping[str, Any]) -> bool:
    """True if a step ends an item or an iteration, and leaves all steps that are still open."""
    return step["op"] == "StepRun" and is_leaving(step["id"])


def _stretch(step: Mapping[str, Any], types: Mapping[str, str]) -> str:
    """What a step ends, in words."""
    ends_item = step["id"].rpartition("/")[2].startswith("ended")
    return "item" if ends_item and types.get(step["node"]) == "foreach" else "iteration"


def _left(step: Mapping[str, Any]) -> list[str]:
    """List the steps that were open when their item or iteration was ended."""
    return list((step["output"] or {}).get("open", []))


def _ended(step: Mapping[str, Any]) -> tuple[str, str, str]:
    if step["output"] is None:
        return _cut(step["id"]), "something else came first", ""
    left = ", ".join(_left(step))
    by, outcome = step["output"]["node"], step["output"]["outcome"]
    returned = step["output"]["limit"] > 0
    said = f"{by} returned to {step['node']}" if returned else f"{by} {outcome}: ended"
    return _cut(step["id"]), _cut(said), _cut(f"left: {left}") if left else ""


def _state(step: Mapping[str, Any]) -> str:
    """The state that the mark of a step is for: a call counts as cancelled if its run was."""
    called = step["op"] == "InvokeFunction" and step["status"] == "completed"
    return "cancelled" if called and was_cancelled(step["output"]) else str(step["status"])


def _happened(step: Mapping[str, Any], kind: str | None, left: str | None) -> tuple[str, str, str]:
    status = step["status"]
    if _ends_stretch(step) and status == "completed":
        return _ended(step)
    said = {"completed": _OPS.get(step["op"], "done"), "timeout": "nobody answered"}.get(
        status, status
    )
    if step["op"] == "StepRun" and step["attempt"] > 1:
        said += f", attempt {step['attempt']}"
    output = step["output"]
    if step["op"] == "WaitForEvent" and status == "completed":
        data = output.get("data") if isinstance(output, dict) else None
        said = _answered(data or {}) if kind == "approval" else "received"
        output = {key: value for key, value in (data or {}).items() if key not in _KNOWN} or None
    cancelled = step["op"] == "InvokeFunction" and was_cancelled(output)
    if cancelled:
        said, output = "cancelled" + (f" with its {left}" if left else ""), None
    if _CANCELS.search(step["id"]):
        said = "cancelled what was called"
    if step["id"].endswith("/error"):
        said = "failed, as its first failure is kept"
    if isinstance(output, dict) and (status == "failed" or step["id"].endswith("/error")):
        output = output.get("message")
    if left and not cancelled:
        said += ", too late"
    shown = "" if output is None else json.dumps(output, ensure_ascii=False)
    return _cut(step["id"]), said, _cut(shown)


def _answered(data: Mapping[str, Any]) -> str:
    try:
        return approvals.by_answer(data).outcome
    except approvals.AnswerError:
        return "answered"


def _conclusion(reported: Mapping[str, Any]) -> str:
    took = (
        f" after {_since(reported['started_at'], reported['ended_at'])[1:]}"
        if reported["ended_at"]
        else ""
    )
    match reported["status"]:
        case "completed":
            return f"completed{took}, result: {visible(str(reported['result']))}"
        case "failed":
            return f"failed{took}: {_cut(str(reported['error']['message']), _LONGEST)}"
        case "waiting":
            nodes = reported["nodes"].items()
            waiting = [name for name, node in nodes if node["status"] == "waiting"]
            waiting = waiting or [name for name, node in nodes if node["status"] == "running"]
            return f"still waiting for {', '.join(f'`{visible(name)}`' for name in waiting)}"
        case status:
            return f"{status}{took}"


def _remark(node: Mapping[str, Any], simulated: bool) -> str:
    remarks = ["simulated"] if simulated else []
    if node["attempts"] > 1:
        remarks.append(f"{node['attempts']} attempts")
    if node["error"] is not None:
        remarks.append(_cut(str(node["error"].get("message"))))
    remarks += [_cut(note, _LONGEST) for note in node.get("notes", ())]
    return ", ".join(remarks)


def _span(start: str, node: Mapping[str, Any]) -> str:
    if node["started_at"] is None:
        return ""
    begun = _since(start, node["started_at"])
    if node["ended_at"] is None:
        return f"{begun} –"
    ended = _since(start, node["ended_at"])
    return begun if begun == ended else f"{begun} – {ended}"


def _since(start: str, at: str) -> str:
    """Format the time from one ISO time to another, as `+1d 2h 30m`."""
    left = datetime.fromisoformat(at) - datetime.fromisoformat(start)
    parts = []
    for unit in (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)):
        if left >= unit:
            parts.append(format_duration(unit * (left // unit)))
            left %= unit
    if left or not parts:
        parts.append(format_duration(left))
    return f"+{' '.join(parts)}"


def _cut(text: str, widest: int = _WIDEST) -> str:
    shown = visible(text[: widest + 1])
    if width_of(shown) <= widest:
        return shown
    kept = ""
    for char in shown:
        if width_of(kept) + width_of(char) > widest - 1:
            break
        kept += char
    return f"{kept}…"
