"""Reads the inputs of a simulated run: data, answers, events, outputs, failures.

They are given as on the command line: `NODE=OUTCOME[@+DURATION]`, `EVENT[@+DURATION]=JSON`,
`NODE=JSON`, `NODE=MESSAGE[*N]`. A node id may itself contain `=`; the longest existing id is meant. In
place of a node, a step id can name one of its executions: `x#2`, `x[0]`. Nodes of a subprocess are
preceded by its workflow id: `workflow/x`.
"""

import difflib
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from proflow_schemas.definition import CronTrigger, Definition
from proflow_schemas.durations import DurationError, parse_duration
from proflow_schemas.errors import ProFlowError
from proflow_schemas.json_schemas import SchemaRefusedError
from proflow_schemas.node_types import type_of
from proflow_schemas.numbers import AS_TEXT, inexact, read_integer
from proflow_schemas.sizes import MAX_EVENT_BYTES
from proflow_schemas.step_ids import escape, parse
from proflow_schemas.times import timezone_named

from proflow_runtime.programs.inputs import unmatchable, violations
from proflow_runtime.protocol import gojson
from proflow_runtime.values import strict_json

_SHOWN = 5
"""The maximum number of violations that a message lists."""
_LATER = re.compile(r"@\+([0-9A-Za-z.]+)\Z")
_TIMES = re.compile(r"\*([0-9]+)\Z")


class OutsideError(ProFlowError, ValueError):
    """An argument that is invalid for this design."""


@dataclass(frozen=True)
class Answer:
    """An answer to a node that waits.

    Attributes:
        node: The node's id.
        outcome: The outcome.
        after: How long after the beginning of the wait the answer comes.
        step: The execution that it is for; None for any.
        workflow: The workflow of the node if it is in a subprocess.
    """

    node: str
    outcome: str
    after: timedelta = timedelta()
    step: str | None = None
    workflow: str | None = None


@dataclass(frozen=True)
class Sending:
    """An event that is sent; `after` is the time since the start of the run."""

    event: str
    data: dict[str, Any]
    after: timedelta = timedelta()


@dataclass(frozen=True)
class Output:
    """The output of a node's handler, or the data that a wait receives."""

    node: str
    value: Any
    step: str | None = None
    workflow: str | None = None


@dataclass(frozen=True)
class Failure:
    """The failure of the first `times` attempts at each execution of a node; None for all attempts."""

    node: str
    message: str
    times: int | None = None
    step: str | None = None
    workflow: str | None = None


@dataclass(frozen=True)
class Outside:
    """The inputs of a simulation.

    Several answers to one node are for its executions in turn; outputs likewise.

    Attributes:
        data: The data of the event that starts the run.
        at: When the run starts.
        answers: The answers to approvals and waits.
        sends: The events that are sent during the run.
        outputs: The outputs of nodes.
        failures: The failures of nodes.
    """

    data: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    answers: tuple[Answer, ...] = ()
    sends: tuple[Sending, ...] = ()
    outputs: tuple[Output, ...] = ()
    failures: tuple[Failure, ...] = ()


def read_outside(
    definition: Definition,
    children: Sequence[Definition] = (),
    *,
    data: str | None = None,
    at: str | None = None,
    answers: Sequence[str] = (),
    sends: Sequence[str] = (),
    outputs: Sequence[str] = (),
    failures: Sequence[str] = (),
    timezone: str | None = None,
    filled: bool = False,
) -> Outside:
    """Read the arguments of a simulation, and validate them against the design and its subprocesses.

    Args:
        definition: The compiled design.
        children: The workflows that it may run as subprocesses.
        data: The data of the event, as JSON.
        at: When the run starts. A time without an offset is in the time zone of the design, else in
            `timezone`, else in that of this machine.
        answers: `NODE=OUTCOME[@+DURATION]`.
        sends: `EVENT[@+DURATION]=JSON`.
        outputs: `NODE=JSON`.
        failures: `NODE=MESSAGE[*N]`.
        timezone: The default time zone of `at`.
        filled: Whether missing data will be made up, so that it need not fit the design's `input`.

    Raises:
        OutsideError: If an argument is invalid.
    """
    drawn = _Drawn(definition, children)
    given = {} if data is None else _event_data(data, "--data")
    if not filled:
        _refuse_unfit(given, definition)
    return Outside(
        data=given,
        at=None if at is None else _time(at, definition.timezone or timezone),
        answers=tuple(_answer(text, drawn) for text in answers),
        sends=tuple(_sending(text) for text in sends),
        outputs=tuple(_output(text, drawn) for text in outputs),
        failures=tuple(_failure(text, drawn) for text in failures),
    )


def read_json(text: str, option: str) -> Any:
    """Parse JSON from the command line.

    Args:
        text: The JSON text.
        option: The option, for the message.

    Raises:
        OutsideError: If the text is not JSON, gives a key twice, or contains a number that Inngest would round.
    """
    try:
        found = strict_json.loads(text, parse_int=read_integer)
    except strict_json.StrictJSONError as error:
        at = _cut(error.pointer)
        raise OutsideError(f"{option}: {f'{at}: ' if at else ''}{error}") from None
    except json.JSONDecodeError as error:
        raise OutsideError(
            f"{option}: not JSON at character {error.pos + 1}: {error.msg.lower()}: {_cut(text)}"
        ) from None
    except RecursionError:
        raise OutsideError(f"{option}: the JSON is nested too deep") from None
    if (beyond := inexact(found)) is not None:
        at = f"the number at {_cut(beyond.pointer)}: " if beyond.path else ""
        raise OutsideError(f"{option}: {at}{beyond}; {AS_TEXT}")
    return found


def _refuse_unfit(data: dict[str, Any], definition: Definition) -> None:
    """Raise `OutsideError` if the service would not start a run with this data."""
    if definition.triggers and all(isinstance(one, CronTrigger) for one in definition.triggers):
        return  # a cron has no data
    try:
        found = [*violations(data, definition.input), *unmatchable(data, definition.settings)]
    except SchemaRefusedError as error:
        raise OutsideError(
            f"--data cannot be held against the workflow's `input`: {error}"
        ) from None
    if found:
        each = [
            f"{_cut(one.pointer)}: {one.message}" if one.pointer else one.message for one in found
        ]
        more = "" if len(each) <= _SHOWN else f"; and {len(each) - _SHOWN} more"
        listed = "; ".join(each[:_SHOWN])
        raise OutsideError(f"--data is not what the workflow takes: {listed}{more}")


def _event_data(text: str, option: str) -> dict[str, Any]:
    found = read_json(text, option)
    if not isinstance(found, dict):
        raise OutsideError(f"{option}: the data of an event is a JSON object")
    try:
        size = len(gojson.dumps(gojson.from_python(found)))
    except ValueError as error:
        raise OutsideError(f"{option}: {error}") from None
    if size > MAX_EVENT_BYTES:
        raise OutsideError(f"{option}: the data of an event has at most 3 MiB, not {size:,} bytes")
    return found


@dataclass(frozen=True)
class _Named:
    """What an argument refers to: a node, or one of its executions (`step`)."""

    workflow: str | None
    node: str
    step: str | None
    type: str
    shown: str
    """The node as arguments name it."""


class _Drawn:
    """The nodes that arguments can name: their types, and the number of their enclosing foreach."""

    def __init__(
        self,
        definition: Definition,
        children: Sequence[Definition] = (),
        workflow: str | None = None,
    ) -> None:
        nodes = {node.id: node for node in definition.canvas.nodes}
        self.workflow = workflow
        self.children = [_Drawn(child, workflow=child.id) for child in children]
        self.types = {node.id: node.type for node in nodes.values() if node.type != "choice"}
        self.depths = dict.fromkeys(nodes, 0)
        for name, node in nodes.items():
            parent = node.parent
            while parent is not None:
                self.depths[name] += type_of(nodes[parent].type).per_item
                parent = nodes[parent].parent

    def shown(self, node: str) -> str:
        return node if self.workflow is None else f"{self.workflow}/{node}"

    def names(self) -> list[str]:
        """Return all nodes that arguments can name."""
        inside = [name for child in self.children for name in child.names()]
        return [*map(self.shown, self.types), *inside]

    def find(self, name: str, option: str) -> _Named | None:
        if name in self.types:
            return self._named(name)
        for child in self.children:
            if name.startswith(f"{child.workflow}/"):
                found = child.find(name.removeprefix(f"{child.workflow}/"), option)
                if found is not None:
                    return found
        step = parse(name)
        if step is None or step.node not in self.types:
            return None
        depth = self.depths[step.node]
        if step.part is not None or len(step.items) != depth:
            form = self.shown(f"{escape(step.node)}{'[0]' * depth}")
            inside = ""
            if step.part is not None and self.types[step.node] == "subprocess":
                inside = "; nodes of subprocesses are named `<workflow>/<node>`"
            raise OutsideError(
                f"{option}: `{_cut(self.shown(name))}` is no execution of "
                f"`{_cut(self.shown(step.node))}`, which are named `{form}`, `{form}#2`{inside}"
            )
        return self._named(step.node, step.whole)

    def _named(self, node: str, step: str | None = None) -> _Named:
        return _Named(self.workflow, node, step, self.types[node], self.shown(node))


def _answer(text: str, drawn: _Drawn) -> Answer:
    after, rest = _later(text, "--answer")
    named, outcome = _named(rest, drawn, "--answer", "NODE=OUTCOME[@+DURATION]")
    if not type_of(named.type).answered:
        raise OutsideError(
            f"--answer: `{named.shown}` is of type {named.type}, which waits for no answer"
        )
    outcomes = [one for one in type_of(named.type).outcomes if one != "timeout"]
    if outcome == "timeout":
        raise OutsideError(
            f"--answer: `{named.shown}` takes `timeout` by itself, when nobody answers in time"
        )
    if outcome not in outcomes:
        raise OutsideError(
            f"--answer: `{named.shown}` has no outcome `{_cut(outcome)}`{_meant(outcome, outcomes)}"
        )
    return Answer(named.node, outcome, after, named.step, named.workflow)


def _sending(text: str) -> Sending:
    head, equals, data = text.partition("=")
    after, event = _later(head, "--send")
    if not equals or not event:
        raise OutsideError(f"--send: `{_cut(text)}` is not EVENT[@+DURATION]=JSON")
    value = _event_data(data, "--send")
    if event.startswith("inngest/"):
        raise OutsideError(f"--send: the event name `{event}` is reserved for internal use")
    return Sending(event, value, after)


def _output(text: str, drawn: _Drawn) -> Output:
    named, value = _named(text, drawn, "--output", "NODE=JSON")
    if not (type_of(named.type).works or type_of(named.type).awaits):
        raise OutsideError(
            f"--output: `{named.shown}` is of type {named.type}, which has no output to give"
        )
    return Output(named.node, read_json(value, "--output"), named.step, named.workflow)


def _failure(text: str, drawn: _Drawn) -> Failure:
    named, message = _named(text, drawn, "--fail", "NODE=MESSAGE[*N]")
    if not type_of(named.type).works:
        raise OutsideError(
            f"--fail: `{named.shown}` is of type {named.type}, which has no work that can fail"
        )
    times = None
    if (found := _TIMES.search(message)) is not None:
        times, message = int(found[1][:9]), message[: found.start()]
        if times == 0:
            raise OutsideError(f"--fail: `{_cut(text)}`: a number of times is at least 1")
    return Failure(named.node, message, times, named.step, named.workflow)


def _named(text: str, drawn: _Drawn, option: str, form: str) -> tuple[_Named, str]:
    """Split an argument at the right `=`: return what it refers to, and the text after it."""
    positions = [index for index, char in enumerate(text) if char == "="]
    if not positions:
        raise OutsideError(f"{option}: `{_cut(text)}` is not {form}")
    for position in reversed(positions):
        if (found := drawn.find(text[:position], option)) is not None:
            return found, text[position + 1 :]
    name = text[: positions[0]]
    raise OutsideError(f"{option}: there is no node `{_cut(name)}`{_meant(name, drawn.names())}")


def _later(text: str, option: str) -> tuple[timedelta, str]:
    found = _LATER.search(text)
    if found is None:
        return timedelta(), text
    try:
        return parse_duration(found[1]), text[: found.start()]
    except DurationError as error:
        raise OutsideError(f"{option}: {error}") from None


def _time(text: str, timezone: str | None) -> datetime:
    try:
        when = datetime.fromisoformat(text)
        if when.tzinfo is None and timezone is not None:
            return when.replace(tzinfo=timezone_named(timezone)).astimezone(UTC)
        return when.astimezone() if when.tzinfo is None else when
    except (ValueError, OverflowError):
        raise OutsideError(f"--at: `{_cut(text)}` is not an ISO 8601 time") from None


def _meant(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name[:200], list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _cut(text: str) -> str:
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
