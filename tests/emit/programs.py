"""Definitions written by hand, op by op: what no drawing needs to be found for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proflow_schemas.definition import Definition

Op = dict[str, Any]
Block = Sequence[Op]

_TYPES = {
    "approval-step": "approval",
    "sleep-step": "delay",
    "send-step": "emit",
    "invoke-step": "subprocess",
    "choose": "condition",
    "end": "end",
    "foreach": "foreach",
    "loop": "loop",
}


def program(
    *steps: Op, functions: Mapping[str, Block] | None = None, id: str = "by-hand"
) -> Definition:
    """A definition of these steps, with a canvas of their nodes."""
    blocks = [list(steps), *map(list, (functions or {}).values())]
    nodes: dict[str, str] = {}
    for block in blocks:
        for one in _walk(block):
            if one["fn"] not in ("branch", "call", "parallel", "region", "repeat", "again"):
                nodes.setdefault(one["node"], one["fn"])
    return Definition.model_validate(
        {
            "id": id,
            "name": id,
            "triggers": [{"event": "by/hand"}],
            "canvas": {
                "nodes": [
                    {"id": node, "type": _TYPES.get(fn, "task"), "label": f"做 {node}"}
                    for node, fn in nodes.items()
                    if "?" not in node
                ],
                "edges": [],
            },
            "functions": dict(functions or {}),
            "steps": list(steps),
        }
    ).with_digest()


def op(fn: str, node: str, **settings: Any) -> Op:
    return {"fn": fn, "id": node, "node": node, **settings}


def task(node: str, **settings: Any) -> Op:
    return op("task-step", node, handler="work", **settings)


def asked(node: str) -> Op:
    return op("approval-step", node)


def slept(node: str, seconds: int = 60) -> Op:
    return op("sleep-step", node, seconds=seconds)


def sent(node: str) -> Op:
    return op("send-step", node, event="by/sent")


def end(node: str, status: str = "completed", **settings: Any) -> Op:
    return op("end", node, status=status, **settings)


def call(function: str) -> Op:
    return op("call", function, function=function)


def branch(node: str, **cases: Block) -> Op:
    """Outcomes that share a case are joined by `_or_`."""
    found = [{"outcomes": key.split("_or_"), "steps": list(one)} for key, one in cases.items()]
    return op("branch", node, cases=found)


def parallel(node: str, **arms: Block) -> Op:
    return op(
        "parallel", node, arms=[{"name": key, "steps": list(one)} for key, one in arms.items()]
    )


def member(name: str, *steps: Op, after: Iterable[str] = (), **settings: Any) -> dict[str, Any]:
    """A task of a region; `after` holds sources, each as `node` or `node outcome outcome`."""
    edges = [one.split() for one in after]
    return {
        "name": name,
        "after": [{"source": source, "outcomes": outcomes} for source, *outcomes in edges],
        "steps": list(steps),
        **settings,
    }


def region(node: str, *tasks: dict[str, Any]) -> Op:
    return op("region", node, tasks=list(tasks))


def repeat(node: str, *steps: Op) -> Op:
    return op("repeat", node, steps=list(steps))


def again(node: str, to: str, limit: int = 3) -> Op:
    return op("again", node, to=to, limit=limit)


def leave(node: str, exit: str) -> Op:
    return op("leave", node, exit=exit)


def foreach(node: str, *steps: Op, **settings: Any) -> Op:
    return op("foreach", node, items="event.data.lines", steps=list(steps), **settings)


def loop(node: str, *steps: Op, **settings: Any) -> Op:
    return op("loop", node, steps=list(steps), **{"maxIterations": 3, **settings})


def _walk(block: Block) -> Iterable[Op]:
    for one in block:
        yield one
        inner = [one.get("steps", []), one.get("armedWith", [])]
        inner += [part["steps"] for key in ("cases", "arms", "tasks") for part in one.get(key, [])]
        for nested in inner:
            yield from _walk(nested)
