"""Where a run, as a target tells it, is not what the design means."""

from typing import Any

from parity.driving import Story
from proflow_compiler.graph import Graph
from proflow_schemas.step_ids import node_of
from reference import Run


def differences(graph: Graph, run: Run, story: Story, *, parts: bool = False) -> list[str]:
    """One line for each difference of the reference's run and a target's.

    `parts`: it ran in parts, of which one that is stopped tells no outcomes.

    What happens in the very moment in which something is stopped (the run, or a container) may come
    before or after it.
    """
    found = [f"step `{step}` was done twice" for step in story.twice]
    for name in () if _contested(run) else ("status", "result", "output"):
        expected, seen = getattr(run, name), getattr(story, name)
        if expected != seen:
            found.append(f"{name}: {seen!r}, not {expected!r} ({story.error!r}, {run.error!r})")
    if run.status != "waiting" and story.ended != run.ended:
        found.append(f"ended: {story.ended}, not {run.ended}")
    if run.status == "completed" and not _contested(run):
        found += [] if parts and run.stops else _outcomes(run, story)
    found += _nodes(graph, run, story)
    found += _steps(run, story)
    found += _calls(run, story)
    return found


def _contested(run: Run) -> bool:
    """Whether steps that take no time here began in the instant in which the run was stopped.

    Another one of them may have stopped it, too, and which is the first is not said.
    """
    return run.ended in run.stops and any(one.started == run.ended for one in run.executions)


def _nodes(graph: Graph, run: Run, story: Story) -> list[str]:
    found = []
    kinds = {name: at.node.type for level in graph.levels() for name, at in level.nodes.items()}
    for name, happened in run.nodes.items():
        seen = story.nodes.get(name)
        if seen is None:
            found.append(f"node `{name}` has no state")
            continue
        status, outcome, started, attempts = seen
        expected: list[Any] = [happened.status, _told(happened.outcome), happened.started]
        told: list[Any] = [status, _told(outcome), started]
        if kinds[name] == "task" and happened.status in ("completed", "failed"):
            expected.append(happened.attempts)
            told.append(attempts)
        if expected != told and not _excused(run, story, name, happened.started, started):
            found.append(f"node `{name}`: {told}, not {expected}")
    return found


def _excused(run: Run, story: Story, node: str, expected: float | None, seen: float | None) -> bool:
    """Whether a node is told of differently since it was at work as something was stopped."""
    times = {time for time in (expected, seen) if time is not None}
    if times <= run.stops and times:
        return True
    told = {run.nodes[node].status, story.nodes[node][0]}
    if told == {"completed", "cancelled"} and node in set(map(node_of, run.abandoned)):
        return expected == seen  # in one of its items it was about to begin as that was abandoned
    of_node = [times for step, times in story.steps.items() if node_of(step) == node]
    of_node += [(one.started, one.ended) for one in run.executions if node_of(one.step) == node]
    return expected == seen and any(not run.stops.isdisjoint(times) for times in of_node)


def _outcomes(run: Run, story: Story) -> list[str]:
    found = []
    for node in sorted(run.outcomes.keys() | story.outcomes.keys()):
        want, seen = run.outcomes.get(node), story.outcomes.get(node)
        ended = {one.ended for one in run.executions if _node(one.step) == node}
        ended |= {times[1] for step, times in story.steps.items() if _node(step) == node}
        happened, told = run.nodes.get(node), story.nodes.get(node)
        began = {happened.started if happened else None, told[2] if told else None}
        if want != seen and not (ended | began) & run.stops and node not in run.abandoned:
            found.append(f"outcome of `{node}`: {seen!r}, not {want!r}")
    return found


def _node(step: str) -> str:
    """A step's node and item, whatever the execution."""
    return step.partition("#")[0]


def _steps(run: Run, story: Story) -> list[str]:
    found = []
    expected = {one.step: (one.started, one.ended) for one in run.executions}
    for step in sorted(expected.keys() | story.steps.keys()):
        want, seen = expected.get(step), story.steps.get(step)
        if want == seen:
            continue
        if want and seen and want[0] == seen[0] and _node(step) in run.abandoned:
            continue
        if _in_the_moment(run, want and want[0], seen and seen[0]) or _in_the_moment(
            run, want and want[1], seen and seen[1]
        ):
            continue
        found.append(f"step `{step}`: {seen}, not {want}")
    return found


def _calls(run: Run, story: Story) -> list[str]:
    found = []
    expected = {one.step: one for one in run.calls}
    for step in sorted(expected.keys() | story.calls.keys()):
        want, seen = expected.get(step), story.calls.get(step)
        if want is not None and seen == (want.status, want.ended):
            continue
        if want is None and seen is not None and seen[1] in run.stops:
            began = story.steps.get(step, (None,))[0]
            if began == seen[1]:
                continue  # it began and was cancelled in the moment in which something was left
        if want is not None and seen is None and want.started in run.stops:
            continue
        if want and seen and _in_the_moment(run, want.ended, seen[1]):
            continue
        found.append(f"what `{step}` has called: {seen}, not {want}")
    return found


def _told(outcome: Any) -> Any:
    """Everything without outcomes of its own takes `default`."""
    return None if outcome == "default" else outcome


def _in_the_moment(run: Run, expected: float | None, seen: float | None) -> bool:
    """Whether all that is told of something is that it was or was not, as something was stopped."""
    times = {time for time in (expected, seen) if time is not None}
    return bool(times) and times <= run.stops
