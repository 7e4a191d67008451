"""Recorded conversations of a real Inngest server, and how to hold others against them.

In a recording volatile values are tokens (`RUN1`, `EVT2`, `T+123ms`, `<traceback>`): equal values
have equal tokens. `Names.match` compares a recorded value with a live one and keeps the pairing.
"""

import importlib.util
import itertools
import json
import re
import types
import urllib.parse
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from proflow_runtime.local import Exchange, LocalEngine

FOLDER = Path(__file__).parent / "transcripts"
LISTENERS = {"conformance-on_finished", "conformance-on_failed", "conformance-on_cancelled"}
TOKEN = re.compile(r"\b(?:LISTENER-RUN|RUN|EVT|REQ|JOB|QI|UUID|ULID)\d+\b|FNID\([^)]*\)|\bNONCE\b")
TIME = re.compile(r"T[+-]\d+ms")
ISO = re.compile(r"<9[^>]* = T[+-]\d+ms>")
# Tracing, and what the recordings' description says may vary.
IGNORED = {"isr", "tc", "gid", "source_fn_v", "source_app_id", "generation_id", "defers"}
NONCE = "n1"


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    recording: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return recording


_copies = itertools.count()


def fresh_app() -> types.ModuleType:
    """The app once more, with a client of its own."""
    spec = importlib.util.spec_from_file_location(
        f"conformance_app_{next(_copies)}", FOLDER / "app.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Names:
    """A growing one-to-one pairing of recorded tokens with live values."""

    def __init__(self) -> None:
        self.live: dict[str, str] = {}
        self.recorded: dict[str, str] = {}

    def copy(self) -> "Names":
        twin = Names()
        twin.live, twin.recorded = dict(self.live), dict(self.recorded)
        return twin

    def pair(self, token: str, value: str) -> bool:
        if token in self.live or value in self.recorded:
            return self.live.get(token) == value
        self.live[token], self.recorded[value] = value, token
        return True

    def difference(self, recorded: Any, live: Any, path: str = "") -> str | None:
        """Where a live value differs from a recorded one, or `None`."""
        if isinstance(recorded, dict) and isinstance(live, dict):
            recorded = {key: value for key, value in recorded.items() if key not in IGNORED}
            live = {key: value for key, value in live.items() if key not in IGNORED}
            if set(recorded) != set(live):
                return f"{path}: keys {sorted(recorded)} are {sorted(live)}"
            return self._first(
                (recorded[key], live[key], f"{path}/{key}") for key in sorted(recorded)
            )
        if isinstance(recorded, list) and isinstance(live, list):
            if len(recorded) != len(live):
                return f"{path}: {len(recorded)} items are {len(live)}"
            return self._first(
                (one, other, f"{path}/{i}")
                for i, (one, other) in enumerate(zip(recorded, live, strict=True))
            )
        if isinstance(recorded, str) and self._same_text(recorded, live):
            return None
        # 1 and 1.0, 0 and False are different values here.
        same = json.dumps(recorded) == json.dumps(live)
        return None if same else f"{path}: {recorded!r} is {live!r}"

    def _first(self, parts: Any) -> str | None:
        return next((found for part in parts if (found := self.difference(*part))), None)

    def _same_text(self, recorded: str, live: Any) -> bool:
        if TIME.fullmatch(recorded):
            return isinstance(live, int) and not isinstance(live, bool)
        if not isinstance(live, str):
            return False
        if recorded == "<traceback>":
            return "Traceback" in live or "File " in live or ":" in live
        if ISO.fullmatch(recorded):
            return re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", live) is not None
        tokens = TOKEN.findall(recorded)
        if not tokens:
            return recorded == live
        pattern = "(.+)".join(re.escape(part) for part in TOKEN.split(recorded))
        found = re.fullmatch(pattern, live)
        return found is not None and all(
            self.pair(token, value) for token, value in zip(tokens, found.groups(), strict=True)
        )


def play(engine: LocalEngine, recording: dict[str, Any]) -> None:
    """Schedule what the recording's driver did, at its times."""
    start = engine.clock.now()

    def decode(value: Any) -> Any:
        if isinstance(value, str) and (found := re.fullmatch(r"T([+-]\d+)ms", value)):
            return int(start.timestamp() * 1000) + int(found[1])
        return value.replace("NONCE", NONCE) if isinstance(value, str) else value

    for act in recording["sent"]:
        if "api" in act:
            number = int(act["api"].removeprefix("DELETE /v1/runs/RUN"))

            async def cancel(number: int = number) -> None:
                await engine.cancel(asked(engine)[number - 1])

            action: Any = cancel
        else:
            events = [{key: decode(event[key]) for key in event} for event in act["events"]]

            async def send(events: list[Any] = events) -> None:
                await engine.send(*events)

            action = send
        engine.at(start + timedelta(milliseconds=act["t_ms"]), action)


def asked(engine: LocalEngine) -> list[str]:
    """The ids of the runs that made requests, in order of their first, listeners aside."""
    order = [one.run_id for one in engine.requests if one.function_id not in LISTENERS]
    return list(dict.fromkeys(order))


def shape(memo: Any) -> str:
    if memo is None:
        return "null"
    if isinstance(memo, dict) and memo and set(memo) <= {"data", "error"}:
        return "+".join(sorted(memo))
    return "raw"


def line(
    step_names: dict[str, str], function: str, step: str, body: Any, status: int, answer: Any
) -> str:
    """One exchange, as the recordings' signatures have it, without headers."""
    known = {key: value.split("/", 1)[1] for key, value in step_names.items()}
    memos = ",".join(
        sorted(f"{known.get(key, key)}={shape(memo)}" for key, memo in body["steps"].items())
    )
    if status == 206:
        told = ",".join(f"{op['op']}:{known.get(op['id'], op['displayName'])}" for op in answer)
    else:
        told = answer["name"] if status == 500 else "result"
    ctx = body["ctx"]
    flag = "D" if ctx["disable_immediate_execution"] else "-"
    return (
        f"{function} {known.get(step, step)} {ctx['attempt']}/{ctx['max_attempts']} {flag} "
        f"[{memos}] -> {status} {told}"
    )


def recorded_lines(recording: dict[str, Any]) -> dict[str, list[str]]:
    """The signature of each run, by its token."""
    lines = defaultdict(list)
    for request in recording["requests"]:
        query = dict(urllib.parse.parse_qsl(request["query"]))
        lines[request["run"]].append(
            line(
                recording["step_names"],
                query["fnId"],
                query["stepId"],
                request["body"],
                request["status"],
                request["response"],
            )
        )
    return dict(lines)


def live_lines(recording: dict[str, Any], requests: list[Exchange]) -> dict[str, list[str]]:
    """The signature of each run, by its id."""
    lines = defaultdict(list)
    for one in requests:
        lines[one.run_id].append(
            line(
                recording["step_names"],
                one.function_id,
                one.step,
                one.body,
                one.status,
                one.response,
            )
        )
    return dict(lines)


def listed(recording: dict[str, Any], engine: LocalEngine) -> list[Exchange]:
    """The requests that the recording would list."""
    full = recording["scenario"].startswith("listener_")
    return [one for one in engine.requests if full or one.function_id not in LISTENERS]


def internal_events(engine: LocalEngine) -> list[dict[str, Any]]:
    """What the listeners would record: the server's own events about runs."""
    return [
        one.event
        for one in engine.events
        if one.internal
        and one.event["name"].startswith("inngest/function.")
        and not one.event["name"].endswith(".invoked")
    ]
