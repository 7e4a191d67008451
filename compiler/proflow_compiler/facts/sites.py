"""Finds all expressions and templates of a design: in rules, node configs and settings."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, NamedTuple

from proflow_schemas.configs import (
    Answered,
    Config,
    CronTrigger,
    EventTrigger,
    Expression,
    Text,
    Trigger,
    Value,
    hints,
    mentions,
)
from proflow_schemas.expressions import Expected
from proflow_schemas.node_types.approval import Approval
from proflow_schemas.node_types.start import Start

from proflow_compiler.design import Node
from proflow_compiler.diagnostics.source import escape
from proflow_compiler.graph import Graph

Form = Literal["expression", "template"]
Scope = Literal["run", "trigger", "cancel"]


class Site(NamedTuple):
    """A string that is an expression, or a template with expressions in it.

    Attributes:
        text: The expression or template.
        form: Which of the two it is.
        pointer: The JSON pointer of the value that holds it.
        scope: What it may read: the data of a running workflow, only the event that starts a run,
            or that and the event that cancels it.
        node: The id of the drawn node that it belongs to.
        edge: The key of the edge that carries it as a rule.
        reader: The id of the node of the graph that evaluates it.
        ready: True if the output of that node is available by then.
        expect: The type that it must have.
        spanned: True if offsets into the text are offsets into the value at `pointer`. A structured
            condition is an expression only in its internal form, so that they are not.
        container: The container whose names it may read.
        is_text: True if its value is converted to a string.
        conditions: The structured conditions that it was made of, each with its pointer.
    """

    text: str
    form: Form
    pointer: str
    scope: Scope = "run"
    node: str | None = None
    edge: str | None = None
    reader: str | None = None
    ready: bool = False
    expect: Expected = "any"
    spanned: bool = True
    container: str | None = None
    is_text: bool = False
    conditions: tuple[tuple[Any, str], ...] = ()


def sites(graph: Graph) -> Iterator[Site]:
    """Yield every expression and template of a design: settings first, then nodes, then edges."""
    yield from _settings_sites(graph)
    for name, node in graph.design.nodes.items():
        yield from _node_sites(name, node)
    readers = {
        edge.edge.index: (edge.source, level.nodes[edge.source].drawn)
        for level in graph.levels()
        for edge in (*level.edges, *(back_edge.edge for back_edge in level.back))
        if edge.edge is not None
    }
    for drawn in graph.design.edges:
        if drawn.when is not None and drawn.index in readers:
            reader, is_drawn = readers[drawn.index]
            yield Site(
                drawn.when,
                "expression",
                drawn.when_pointer or drawn.pointer,
                edge=drawn.key,
                node=drawn.source,
                reader=reader,
                ready=not is_drawn,
                expect="bool",
                spanned=not drawn.structured and drawn.when_pointer is not None,
                container=graph.design.nodes[drawn.source].parent,
                conditions=drawn.conditions,
            )


_EXPECTED: dict[str, Expected] = {"while": "bool", "items": "list"}
"""The types that expressions in some config fields must have."""


def pointed(pointer: str, *keys: str | int) -> str:
    """Extend a JSON pointer by keys, which are escaped."""
    for key in keys:
        pointer = f"{pointer}/{escape(key)}"
    return pointer


def place_of(node: Node, key: str | None = None) -> str:
    """Return the JSON pointer at which to report a node.

    Args:
        node: The node.
        key: A key of its config to point at, if it is written; otherwise the pointer is to the id.
    """
    if key is not None and key in node.config_pointers:
        return node.config_pointers[key]
    return pointed(node.pointer, "id")


def triggers(graph: Graph) -> Iterator[tuple[Trigger, str, str | None]]:
    """Yield each trigger, its pointer, and its start node's id (None: it is in the settings)."""
    places: list[tuple[Any, str, str | None]] = [
        (graph.design.settings.trigger, graph.design.pointer_to("trigger"), None)
    ]
    for name in graph.starts:
        node = graph.nodes[name].node
        assert isinstance(node.config, Start)
        places.append((node.config.trigger, node.pointer_to("trigger"), name))
    for found, pointer, node_id in places:
        yield from ((one, at, node_id) for one, at in listed(found, pointer))


def listed(value: Any, pointer: str) -> Iterator[tuple[Any, str]]:
    """Yield the items, with pointers, of a setting that may be absent, one value or a list."""
    if isinstance(value, list):
        yield from ((item, pointed(pointer, index)) for index, item in enumerate(value))
    elif value is not None:
        yield value, pointer


MATCH = re.compile(r"data(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
"""A path in the data of an event, which events are matched by."""


def is_match(text: str) -> bool:
    """Return True if a text is a path such as `data.order_id`."""
    return MATCH.fullmatch(text) is not None


def matches(graph: Graph) -> Iterator[tuple[str, str, str | None]]:
    """Yield every `match` of a design: its text, its pointer, and the id of its node if it has one."""
    design = graph.design
    for name, node in design.nodes.items():
        if isinstance(node.config, Answered) and node.config.match is not None:
            yield node.config.match, node.pointer_to("match"), name
    for cancel, pointer in listed(design.settings.cancel_on, design.pointer_to("cancelOn")):
        if cancel.match is not None:
            yield cancel.match, pointed(pointer, "match"), None


def _settings_sites(graph: Graph) -> Iterator[Site]:
    settings, place = graph.design.settings, graph.design.pointer_to
    for trigger, pointer, node in triggers(graph):
        match trigger:
            case EventTrigger(condition=str(text)):
                at = pointed(pointer, "if")
                yield Site(text, "expression", at, "trigger", node=node, expect="bool")
            case EventTrigger() | CronTrigger():
                pass
    for limit, pointer in listed(settings.concurrency, place("concurrency")):
        if not isinstance(limit, int) and limit.key is not None:
            yield Site(limit.key, "expression", pointed(pointer, "key"), "trigger")
    if settings.throttle is not None and settings.throttle.key is not None:
        at = pointed(place("throttle"), "key")
        yield Site(settings.throttle.key, "expression", at, "trigger")
    if isinstance(settings.priority, str):
        yield Site(settings.priority, "expression", place("priority"), "trigger", expect="number")
    elif settings.priority is not None:
        at = pointed(place("priority"), "run")
        yield Site(settings.priority.run, "expression", at, "trigger", expect="number")
    if settings.idempotency is not None:
        yield Site(settings.idempotency, "expression", place("idempotency"), "trigger")
    for cancel, pointer in listed(settings.cancel_on, place("cancelOn")):
        if cancel.condition is not None:
            at = pointed(pointer, "if")
            yield Site(cancel.condition, "expression", at, "cancel", expect="bool")


def _node_sites(name: str, node: Node) -> Iterator[Site]:
    for attribute, alias, form, is_text in _fields(type(node.config)):
        value = getattr(node.config, attribute)
        if value is None or (form == "template" and isinstance(value, str) and "${" not in value):
            continue
        expect, container = _EXPECTED.get(alias, "any"), node.parent
        if alias == "while":
            container = name
        for text, pointer in _strings(value, node.pointer_to(alias)):
            if form == "expression" or "${" in text:
                yield Site(
                    text,
                    form,
                    pointer,
                    node=name,
                    reader=name,
                    expect=expect,
                    container=container,
                    is_text=is_text,
                )
    config = node.config
    if isinstance(config, Approval) and config.approver_type == "expression":
        for text, pointer in _strings(config.approver_ids, node.pointer_to("approverIds")):
            form = "template" if "${" in text else "expression"
            yield Site(text, form, pointer, node=name, reader=name, container=node.parent)


@cache
def _fields(config: type[Config]) -> tuple[tuple[str, str, Form, bool], ...]:
    """Return the fields of a config with expressions: attribute, key, form, and if it is a text."""
    found: list[tuple[str, str, Form, bool]] = []
    for attribute, hint in hints(config).items():
        alias = config.model_fields[attribute].alias or attribute
        if mentions(hint, Expression):
            found.append((attribute, alias, "expression", False))
        elif mentions(hint, Text) or mentions(hint, Value):
            found.append((attribute, alias, "template", mentions(hint, Text)))
    return tuple(found)


def _strings(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield every string within a value, with its pointer."""
    stack: list[tuple[Any, str]] = [(value, pointer)]
    while stack:
        item, at = stack.pop()
        if isinstance(item, str):
            yield item, at
        elif isinstance(item, dict):
            stack += [(below, pointed(at, key)) for key, below in reversed(item.items())]
        elif isinstance(item, list | tuple):
            stack += [(below, pointed(at, i)) for i, below in reversed(list(enumerate(item)))]
