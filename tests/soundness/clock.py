"""Lets one run of a level happen in time, event by event: what the judge's algebra is held against.

Loops are not told here; a level that has one is not for this clock.
"""

from collections.abc import Mapping

from soundness.oracle import INSTANT, Level


def happened(
    level: Level, run: int, lasting: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """When nodes that take time began and ended, if they last so long, until something stops."""
    settled: dict[int, bool] = {}
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    done: set[str] = set()
    now = 0.0
    while True:
        starting: set[str] = set()
        stopped = moved = False
        due = [id for id, begin in begun.items() if id not in done and begin + lasting[id] <= now]
        for id in due:
            ended[id] = now
            stopped |= _leave(level, id, run, settled, done)
        moved = bool(due)
        while moved or now == 0:
            moved = False
            for id in level.nodes:
                if id in done or id in begun or id in starting:
                    continue
                goes = _goes(level, id, settled)
                if goes is None:
                    continue
                moved = True
                if not goes:
                    done.add(id)
                    settled.update({edge.index: False for edge in level.out[id]})
                elif level.nodes[id].kind in INSTANT:
                    stopped |= level.nodes[id].stops
                    stopped |= _leave(level, id, run, settled, done)
                else:
                    starting.add(id)
            if not moved:
                break
        if stopped:
            return begun, ended
        begun.update(dict.fromkeys(starting, now))
        waiting = [begun[id] + lasting[id] for id in begun if id not in done]
        if not waiting:
            return begun, ended
        now = min(waiting)


def _leave(level: Level, id: str, run: int, settled: dict[int, bool], done: set[str]) -> bool:
    """Let a node end, and say whether that stops the run."""
    option = level.option(id, run)
    done.add(id)
    settled.update({edge.index: edge.index in option.edges for edge in level.out[id]})
    return option.stops


def _goes(level: Level, id: str, settled: Mapping[int, bool]) -> bool | None:
    """Whether a node begins now, or is skipped; None if it waits."""
    edges = [settled.get(edge.index) for edge in level.into[id]]
    if id == level.entry:
        return True
    needed = level.needed(id)
    if needed is not None and edges.count(True) >= needed:
        return True
    if None in edges:
        return None
    return all(edges) if level.nodes[id].mode == "all" else any(edges)
