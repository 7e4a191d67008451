"""Every conversation recorded with a real Inngest server, held with the local engine instead."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from local import transcript
from proflow_runtime.local import LocalEngine, RealClock, VirtualClock

# Their course depends on how long handlers and the server take: driven in real time, and compared
# without the number and the order of redundant requests.
TIMED = {"race", "race_errors", "race_then_step", "topo_n", "wait_early"}
# Branches of one instant: their order is free, and a run needs only one last answer.
CONCURRENT = {"approval_branch", "parallel_wait", "wait_two"}
# Exact in virtual time; driven in real time as well.
ALSO_REAL = {
    "approval", "approval_branch", "flaky", "invoke_timeout", "invoke_ok", "parallel_wait", "race_branches", "retry_after", "send",
    "seq", "sleep", "wait_answered", "wait_timeout", "wait_two",
}  # fmt: skip
# In virtual time no event can arrive while a step runs, and steps that run at once end at once.
VIRTUAL = sorted(set(transcript.names()) - {"wait_early", "race_then_step"})


async def drive(recording: dict[str, Any], app: ModuleType, *, real: bool = False) -> LocalEngine:
    cron = recording["scenario"] == "cron"
    start = datetime(2026, 3, 1, 11, 59, 59, tzinfo=UTC)
    async with LocalEngine(
        app.client,
        app.CRON_FNS if cron else app.FNS,
        clock=RealClock() if real else VirtualClock(start),
        retry_backoff=lambda _: timedelta(seconds=1),
        trace=True,
    ) as engine:
        transcript.play(engine, recording)
        await engine.run_until_idle(until=start + timedelta(minutes=2) if cron else None)
    return engine


def check(recording: dict[str, Any], engine: LocalEngine, how: str) -> None:
    pairing = transcript.Names()
    pair_runs(recording, engine, pairing, how)
    if how == "exact":
        check_requests(recording, transcript.listed(recording, engine), pairing)
    check_runs(recording, engine, pairing)
    check_events(recording, engine, pairing)


def pair_runs(
    recording: dict[str, Any], engine: LocalEngine, pairing: transcript.Names, how: str
) -> None:
    """Every recorded run has one of ours that held the same conversation."""
    live = transcript.live_lines(recording, transcript.listed(recording, engine))
    for token, lines in transcript.recorded_lines(recording).items():
        candidates = [run for run, ours in live.items() if alike(lines, ours, how)]
        assert candidates, (lines, live)
        assert pairing.pair(token, candidates[0])
        del live[candidates[0]]
    assert not live


def alike(recorded: list[str], ours: list[str], how: str) -> bool:
    match how:
        case "exact":
            return recorded == ours
        case "concurrent":
            return set(recorded) == set(ours)
        case _:
            return executed(recorded) == executed(ours) and recorded[-1] == ours[-1]


def executed(lines: list[str]) -> Counter[str]:
    """What was executed, without the requests that only discover and without memos and flags."""
    return Counter(
        f"{' '.join(line.split(' ')[:3])} {line.split(' -> ')[1]}"
        for line in lines
        if "Planned" not in line
        and " result" not in line
        and "Sleep" not in line
        and "WaitForEvent" not in line
    )


def check_requests(
    recording: dict[str, Any], requests: list[Any], pairing: transcript.Names
) -> None:
    """Whole bodies and answers, run by run."""
    for token in recording["runs"]:
        theirs = [one for one in recording["requests"] if one["run"] == token]
        ours = [one for one in requests if one.run_id == pairing.live[token]]
        for recorded, live in zip(theirs, ours, strict=True):
            assert pairing.difference(recorded["body"], live.body) is None
            assert pairing.difference(recorded["response"], live.response) is None
            headers = {**live.headers}
            assert pairing.difference(recorded["response_headers"], headers) is None


def check_runs(recording: dict[str, Any], engine: LocalEngine, pairing: transcript.Names) -> None:
    for token, recorded in recording["runs"].items():
        run = engine.runs[pairing.live[token]]
        assert run.status == recorded["final_status"]
        assert pairing.difference(recorded["output"], run.output) is None


def check_events(recording: dict[str, Any], engine: LocalEngine, pairing: transcript.Names) -> None:
    """The same events about runs, in any order."""
    ours = transcript.internal_events(engine)
    for recorded in recording["internal_events"]:
        for event in ours:
            attempt = pairing.copy()
            if attempt.difference(recorded, event) is None:
                pairing.live, pairing.recorded = attempt.live, attempt.recorded
                ours.remove(event)
                break
        else:
            reasons = [pairing.copy().difference(recorded, event) for event in ours]
            raise AssertionError((recorded["name"], reasons))
    # The recorder stopped listening soon after the runs had ended.
    names = {event["data"]["function_id"] for event in ours}
    assert names <= transcript.LISTENERS | {"conformance-cron"}


@pytest.mark.parametrize("name", VIRTUAL)
def test_a_conversation_is_the_recorded_one_in_virtual_time(name: str) -> None:
    recording = transcript.load(name)
    engine = asyncio.run(drive(recording, transcript.fresh_app()))
    how = "timed" if name in TIMED else "concurrent" if name in CONCURRENT else "exact"
    check(recording, engine, how)


@pytest.mark.alone
def test_conversations_are_the_recorded_ones_in_real_time() -> None:
    # Imports block the loop, so they come first.
    prepared = [
        (transcript.load(name), transcript.fresh_app()) for name in sorted(TIMED | ALSO_REAL)
    ]

    async def drive_all() -> list[LocalEngine]:
        return await asyncio.gather(*(drive(*pair, real=True) for pair in prepared))

    for (recording, _), engine in zip(prepared, asyncio.run(drive_all()), strict=True):
        check(recording, engine, "timed")
