"""Designs in which what a subprocess has called is left, while it is about to pay."""

from typing import Any

from stored.office import drawn, line

PAYING = line("paying", ("nap", "delay", {"duration": "3s"}), ("pay", "task", {"handler": "pay"}))
"""What is called in the end."""
CHILD = line("child", ("call", "subprocess", {"workflow": "paying", "input": "${event.data}"}))


def in_an_item(**pause: Any) -> dict[str, Any]:
    """Nobody sends what an item waits for, which ends it after a second: its `${item}` is not paid.

    `pause`: what the run waits for afterwards.
    """
    nodes = {
        "start": ("start", {}),
        "each": ("foreach", {"items": '["item"]'}),
        "fork": ("parallel", {}),
        "ask": ("wait", {"event": "never", "timeout": "1s"}),
        "call": ("subprocess", {"workflow": "child", "input": {"for": "${item}"}}),
        "both": ("join", {"mode": "all"}),
        "rest": ("delay", pause),
        "again": ("subprocess", {"workflow": "child", "input": {"for": "rest"}}),
        "end": ("end", {}),
    }
    edges = [
        *(("start", "each"), ("fork", "ask"), ("fork", "call"), ("ask", "both", "received")),
        *(("call", "both"), ("each", "rest"), ("rest", "again"), ("again", "end")),
    ]
    return _inside(drawn("caller", nodes, edges), "each", "fork", "ask", "call", "both")


def in_an_iteration(**pause: Any) -> dict[str, Any]:
    """An approval returns, and then approves: what the first iteration has called is not paid."""
    nodes = {
        "start": ("start", {}),
        "draft": ("task", {"handler": "draft"}),
        "fork": ("parallel", {}),
        "ask": ("approval", {"approverType": "user", "approverIds": ["ben"], "allowReturn": True}),
        "call": ("subprocess", {"workflow": "child", "input": {"for": "${steps.draft.output}"}}),
        "check": ("approval", {"approverType": "user", "approverIds": ["cat"]}),
        "both": ("join", {"mode": "all"}),
        "rest": ("delay", pause),
        "end": ("end", {}),
    }
    edges = [
        *(("start", "draft"), ("draft", "fork"), ("fork", "ask"), ("fork", "call")),
        *(("call", "check"), ("ask", "both", "approved"), ("check", "both", "approved")),
        *(("ask", "draft", "returned"), ("check", "draft", "returned")),
        *(("both", "rest"), ("rest", "end")),
    ]
    canvas = drawn("caller", nodes, edges)
    for edge in canvas["edges"]:
        if edge["target"] == "draft" and edge["source"] != "start":
            edge["data"] = {"loop": {"max": 2}}
    return canvas


def of_a_failed_item(**pause: Any) -> dict[str, Any]:
    """One of two items fails after a second: what the other has called is not paid."""
    nodes = {
        "start": ("start", {}),
        "each": ("foreach", {"items": '["item", "broken"]'}),
        "which": ("condition", {}),
        "call": ("subprocess", {"workflow": "child", "input": {"for": "${item}"}}),
        "nap": ("delay", {"duration": "1s"}),
        "broken": ("end", {"fail": True}),
        "end": ("end", {}),
        "rest": ("delay", pause),
        "again": ("subprocess", {"workflow": "child", "input": {"for": "rest"}}),
        "sorry": ("end", {"status": "sorry"}),
    }
    edges = [
        *(("start", "each"), ("which", "call"), ("which", "nap"), ("nap", "broken")),
        *(("each", "end"), ("each", "rest", "error"), ("rest", "again"), ("again", "sorry")),
    ]
    canvas = _inside(drawn("caller", nodes, edges), "each", "which", "call", "nap", "broken")
    for edge in canvas["edges"]:
        if edge["target"] == "call":
            edge["data"] = {"when": 'item == "item"'}
        elif edge["target"] == "nap":
            edge["data"] = {"default": True}
    return canvas


def out_of_time(**pause: Any) -> dict[str, Any]:
    """A subprocess takes longer than it may: it does not pay any more."""
    limited = {"workflow": "child", "timeout": "1s", "input": {"for": "item"}}
    nodes = {
        "start": ("start", {}),
        "call": ("subprocess", limited),
        "end": ("end", {}),
        "rest": ("delay", pause),
        "again": ("subprocess", {"workflow": "child", "input": {"for": "rest"}}),
        "sorry": ("end", {"status": "sorry"}),
    }
    edges = [
        *(("start", "call"), ("call", "end"), ("call", "rest", "error")),
        *(("rest", "again"), ("again", "sorry")),
    ]
    return drawn("caller", nodes, edges)


def _inside(canvas: dict[str, Any], container: str, *nodes: str) -> dict[str, Any]:
    for node in canvas["nodes"]:
        if node["id"] in nodes:
            node["parentId"] = container
    return canvas
