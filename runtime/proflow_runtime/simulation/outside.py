"""What happens outside of a simulated run: data, answers, events, outputs, failures.

The texts are those of the command line: `NODE=OUTCOME[@+DURATION]`, `EVENT[@+DURATION]=JSON`,
`NODE=JSON`, `NODE=MESSAGE[*N]`. A node id may itself hold `=`: the longest that exists is meant.
"""

import difflib
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

from proflow_schemas.definition import Definition
from proflow_schemas.durations import DurationError, parse_duration
from proflow_schemas.nodes import NODE_TYPES

ANSWERED = ("approval", "wait")
"""The types of nodes that wait for an answer."""
WORKING = ("task", "notify", "cc", "ai", "http")
"""The types of nodes whose work a handler does."""

_LATER = re.compile(r"@\+([0-9A-Za-z.]+)\Z")
_TIMES = re.compile(r"\*([0-9]+)\Z")


class OutsideError(ValueError):
    """An argument that says nothing that could happen in this design."""


@dataclass(frozen=True)
class Answer:
    """An answer to a node, so long after it began to wait."""

    node: str
    outcome: str
    after: timedelta = timedelta()


@dataclass(frozen=True)
class Sending:
    """An event, so long after the run's start."""

    event: str
    data: dict[str, Any]
    after: timedelta = timedelta()


@dataclass(frozen=True)
class Failure:
    """The first `times` attempts of a node fail; None: all."""

    node: str
    message: str
    times: int | None = None


@dataclass(frozen=True)
class Outside:
    """All of it. Several answers to one node are for its executions in turn."""

    data: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    answers: tuple[Answer, ...] = ()
    sends: tuple[Sending, ...] = ()
    outputs: dict[str, Any] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()


def read_outside(
    definition: Definition,
    *,
    data: str | None = None,
    at: str | None = None,
    answers: Sequence[str] = (),
    sends: Sequence[str] = (),
    outputs: Sequence[str] = (),
    failures: Sequence[str] = (),
) -> Outside:
    """Read the arguments, and hold them against the design. Raises `OutsideError`."""
    types = {node.id: node.type for node in definition.canvas.nodes if node.type != "choice"}
    given = {} if data is None else read_json(data, "--data")
    if not isinstance(given, dict):
        raise OutsideError("--data: the data of an event is a JSON object")
    return Outside(
        data=given,
        at=None if at is None else _time(at),
        answers=tuple(_answer(text, types) for text in answers),
        sends=tuple(_sending(text) for text in sends),
        outputs=dict(_output(text, types) for text in outputs),
        failures=tuple(_failure(text, types) for text in failures),
    )


def read_json(text: str, option: str) -> Any:
    """JSON as the command line gives it. Raises `OutsideError`."""

    def refuse(constant: str) -> NoReturn:
        raise OutsideError(f"{option}: `{constant}` is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise OutsideError(
            f"{option}: not JSON at character {error.pos + 1}: {error.msg.lower()}: {_cut(text)}"
        ) from None
    except RecursionError:
        raise OutsideError(f"{option}: the JSON is nested too deep") from None


def _answer(text: str, types: dict[str, str]) -> Answer:
    after, rest = _later(text, "--answer")
    node, outcome = _named(rest, types, "--answer", "NODE=OUTCOME[@+DURATION]")
    if types[node] not in ANSWERED:
        raise OutsideError(
            f"--answer: `{node}` is of type {types[node]}, which waits for no answer"
        )
    outcomes = [one for one in NODE_TYPES[types[node]].outcomes if one != "timeout"]
    if outcome == "timeout":
        raise OutsideError(
            f"--answer: `{node}` takes `timeout` by itself, when nobody answers in time"
        )
    if outcome not in outcomes:
        raise OutsideError(
            f"--answer: `{node}` has no outcome `{_cut(outcome)}`{_meant(outcome, outcomes)}"
        )
    return Answer(node, outcome, after)


def _sending(text: str) -> Sending:
    head, equals, data = text.partition("=")
    after, event = _later(head, "--send")
    if not equals or not event:
        raise OutsideError(f"--send: `{_cut(text)}` is not EVENT[@+DURATION]=JSON")
    value = read_json(data, "--send")
    if not isinstance(value, dict):
        raise OutsideError("--send: the data of an event is a JSON object")
    if event.startswith("inngest/"):
        raise OutsideError(f"--send: the event name `{event}` is reserved for internal use")
    return Sending(event, value, after)


def _output(text: str, types: dict[str, str]) -> tuple[str, Any]:
    node, value = _named(text, types, "--output", "NODE=JSON")
    if types[node] not in (*WORKING, "wait"):
        raise OutsideError(
            f"--output: `{node}` is of type {types[node]}, which has no output to give"
        )
    return node, read_json(value, "--output")


def _failure(text: str, types: dict[str, str]) -> Failure:
    node, message = _named(text, types, "--fail", "NODE=MESSAGE[*N]")
    if types[node] not in WORKING:
        raise OutsideError(
            f"--fail: `{node}` is of type {types[node]}, which has no work that can fail"
        )
    if (found := _TIMES.search(message)) is None:
        return Failure(node, message)
    if not int(found[1][:9]) > 0:
        raise OutsideError(f"--fail: `{_cut(text)}`: a number of times is at least 1")
    return Failure(node, message[: found.start()], int(found[1][:9]))


def _named(text: str, types: dict[str, str], option: str, form: str) -> tuple[str, str]:
    places = [index for index, char in enumerate(text) if char == "="]
    if not places:
        raise OutsideError(f"{option}: `{_cut(text)}` is not {form}")
    for place in reversed(places):
        if text[:place] in types:
            return text[:place], text[place + 1 :]
    name = text[: places[0]]
    raise OutsideError(f"{option}: there is no node `{_cut(name)}`{_meant(name, types)}")


def _later(text: str, option: str) -> tuple[timedelta, str]:
    found = _LATER.search(text)
    if found is None:
        return timedelta(), text
    try:
        return parse_duration(found[1]), text[: found.start()]
    except DurationError as error:
        raise OutsideError(f"{option}: {error}") from None


def _time(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
        return when.astimezone() if when.tzinfo is None else when
    except (ValueError, OverflowError):
        raise OutsideError(f"--at: `{_cut(text)}` is not an ISO 8601 time") from None


def _meant(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name[:200], list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _cut(text: str) -> str:
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
