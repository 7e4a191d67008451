"""Crons against the calendar: which days they fire on, and what the help says in their place."""

import calendar
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proflow_compiler.checks import run_checks
from proflow_compiler.checks.cron_fields import days_of
from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.graph import build_graph
from proflow_compiler.reader import read
from proflow_runtime.local.settings import CronTrigger
from proflow_schemas.expressions import compile

ZONE = "Asia/Shanghai"
BEGIN = datetime(2027, 12, 1, tzinfo=UTC)
DAYS = [(BEGIN + timedelta(days=n)).astimezone(ZoneInfo(ZONE)) for n in range(500)]
FIELD = st.lists(
    st.integers(1, 31).map(str)
    | st.tuples(st.integers(1, 31), st.integers(1, 31)).map(lambda t: f"{min(t)}-{max(t)}")
    | st.integers(2, 20).map(lambda n: f"*/{n}")
    | st.just("*"),
    min_size=1,
    max_size=3,
).map(",".join)
WEEKDAYS = st.sampled_from(["*", "1", "1-5", "0,6", "mon", "*/2", "sun,wed"])
MONTHS = st.sampled_from(["*", "2", "4,6", "jan-mar", "*/5"])


def found_in(cron: str, **more: Any) -> list[Diagnostic]:
    design = {
        "trigger": {"cron": cron, "timezone": ZONE},
        "nodes": [{"id": "s", "type": "start"}, {"id": "e", "type": "end"}],
        "edges": [{"source": "s", "target": "e"}],
        **more,
    }
    (one,) = read(json.dumps(design).encode(), "x.json").designs
    found = run_checks(build_graph(one))
    return [one for one in found if one.code in ("PF403", "PF408")]


def fires(cron: str) -> set[str]:
    """The dates on which the local engine fires, within the days that are looked at."""
    trigger = CronTrigger(cron, cron, ZoneInfo(ZONE))
    dates: set[str] = set()
    for tick in trigger.ticks(DAYS[0].replace(hour=0)):
        if tick > DAYS[-1]:
            return dates
        dates.add(tick.astimezone(ZoneInfo(ZONE)).date().isoformat())
    return dates


@settings(deadline=None, max_examples=60)
@given(FIELD, MONTHS, WEEKDAYS)
def test_the_local_engine_fires_on_the_days_that_inngest_does(
    day: str, month: str, weekday: str
) -> None:
    cron = f"0 9 {day} {month} {weekday}"
    days = days_of(cron)
    assert days is not None
    if [one.code for one in found_in(cron)] == ["PF403"]:
        return  # no month has such a day
    fired = fires(cron)
    for at in DAYS[:-1]:
        of_month, of_week = at.day in days.days, at.isoweekday() % 7 in days.weekdays
        fits = of_month or of_week if days.either else of_month and of_week
        expected = at.month in days.months and fits
        assert (at.date().isoformat() in fired) == expected


def expressions(one: Diagnostic) -> tuple[str, str]:
    """The cron and the rule that the help gives."""
    assert one.help is not None
    cron, rule = re.findall(r"`([^`]*)`", one.help)[-2:]
    return cron, rule


def runs_on(cron: str, rule: str, field: str) -> set[str]:
    """The dates on which a run is started for whose tick a rule holds."""
    program = compile(rule)
    dates = set()
    for tick in CronTrigger(cron, cron, ZoneInfo(ZONE)).ticks(DAYS[0].replace(hour=0)):
        if tick > DAYS[-1]:
            break
        text = tick.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if program.evaluate({"event": {"data": {field: text}}}) is True:
            dates.add(tick.astimezone(ZoneInfo(ZONE)).date().isoformat())
    return dates


def last(at: datetime) -> bool:
    return at.day == calendar.monthrange(at.year, at.month)[1]


def on(asked: Any) -> set[str]:
    return {at.date().isoformat() for at in DAYS[:-1] if asked(at)}


@pytest.mark.parametrize(
    ("cron", "asked"),
    [
        ("0 9 L * *", last),
        ("30 0 L * *", last),
        ("0 9 31 * *", last),
        ("0 9 L 2 *", lambda at: at.month == 2 and last(at)),
        ("0 9 * * 1#2", lambda at: at.isoweekday() == 1 and 8 <= at.day <= 14),
        ("0 9 * * 5L", lambda at: at.isoweekday() == 5 and (at + timedelta(7)).month != at.month),
        ("0 9 1-7 * 1", lambda at: at.isoweekday() == 1 and at.day <= 7),
        ("0 9 13 * 5", lambda at: at.isoweekday() == 5 and at.day == 13),
    ],
)
@pytest.mark.parametrize("scope", ["tenant", "system"])
def test_what_the_help_says_fires_on_the_days_that_were_meant(
    cron: str, asked: Any, scope: str
) -> None:
    (one,) = found_in(cron, scope=scope)
    field = "scheduled_at" if scope == "tenant" else "scheduledAt"
    assert runs_on(*expressions(one), field) == on(asked)


@pytest.mark.parametrize(
    ("cron", "code"),
    [
        ("0 9 30 2 *", "PF403"),
        ("0 9 31 4,6 *", "PF403"),
        ("0 9 31 2 1", "PF408"),  # either is enough, so it fires on Mondays
        ("0 9 28-31 * *", None),
        ("0 9 30,31 * *", "PF408"),
        ("0 9 29,30,31 1,3 *", None),
        ("0 9 */2 * *", None),
    ],
)
def test_days_that_are_not_there(cron: str, code: str | None) -> None:
    assert [one.code for one in found_in(cron)] == ([] if code is None else [code])
