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
from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.facts.cron_fields import days_of
from proflow_compiler.graph import build_graph
from proflow_compiler.reader import read
from proflow_compiler.rules import run_checks
from proflow_runtime.protocol.crons import CronTrigger
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


def found_in(cron: str, zone: str | None = None, **more: Any) -> list[Diagnostic]:
    design = {
        "trigger": {"cron": cron, "timezone": ZONE},
        "nodes": [{"id": "s", "type": "start"}, {"id": "e", "type": "end"}],
        "edges": [{"source": "s", "target": "e"}],
        **more,
    }
    (one,) = read(json.dumps(design).encode(), "x.json").designs
    found = run_checks(build_graph(one), timezone=zone)
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
        ("0 9 1,15,31 * *", lambda at: at.day in (1, 15) or last(at)),
        ("0 9 1-3,31 4-6 *", lambda at: at.month in (4, 5, 6) and (at.day < 4 or last(at))),
        ("0 9 30 * *", lambda at: at.day == 30 or (at.month == 2 and last(at))),
        ("0 9 15,29 * *", lambda at: at.day in (15, 29) or (at.month == 2 and last(at))),
        ("0 9 29 2 *", lambda at: at.month == 2 and last(at)),
        ("0 9 30,31 * *", lambda at: at.day >= 30 or (at.month == 2 and last(at))),
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


@pytest.mark.parametrize("cron", ["0 9 31 * *", "0 9 L * *", "0 9 * * 5L", "0 9 13 * 5"])
def test_a_rule_about_days_names_a_zone_also_where_the_design_does_not(cron: str) -> None:
    (one,) = found_in(cron, trigger={"cron": cron})
    assert one.help is not None
    assert "add `timezone` to the design, such as `Asia/Shanghai`; " in one.help
    assert "()" not in one.help
    (one,) = found_in(cron, trigger={"cron": cron}, zone="Europe/Berlin")
    assert one.help is not None
    assert "add `timezone`" not in one.help
    assert "('Europe/Berlin')" in one.help


def corrected(cron: str, **trigger: str) -> list[tuple[bool, Any]]:
    """What the fixes make of a trigger, and whether they are safe; each must leave nothing wrong."""
    made = []
    (one,) = [one for one in found_in(cron, trigger={"cron": cron, **trigger}) if one.fixes]
    for fix in one.fixes:
        written = {"cron": cron, **trigger}
        for edit in fix.edits:
            written[edit.pointer.rpartition("/")[2]] = edit.value
        assert "PF403" not in [other.code for other in found_in(written["cron"], trigger=written)]
        made.append((fix.safe, written))
    return made


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 0 9 * * *", [(True, "0 9 * * *")]),
        ("0 9 * * 1-5 2027", [(False, "0 9 * * 1-5")]),
        ("0 9 * * ? *", [(True, "0 9 * * *")]),
        ("cron(0 9 1 * ? *)", [(True, "0 9 1 * *")]),
        ("0 0 9 ? * MON-FRI *", [(True, "0 9 * * MON-FRI")]),
        ("0 0 9 ? * 2-6", [(False, "0 9 * * 1-5"), (False, "0 9 * * 2-6")]),
        ("0 9 * * 1-7", [(True, "0 9 * * *")]),
        ("0 9 * * 6,7", [(True, "0 9 * * 0,6")]),
        ("0 9 * * Monday", [(True, "0 9 * * mon")]),
        ("0 9 1 january *", [(True, "0 9 1 jan *")]),
        ("@midnite", [(False, "0 0 * * *")]),
        ("@every 15m", [(False, "*/15 * * * *")]),
        ("@every 1h30m", []),
        ("@every 24h", [(False, "0 0 * * *")]),
        ("0 0 9 31 2 *", []),
        ("a b c d e f", []),
    ],
)
def test_crons_of_other_schedulers_are_written_as_inngest_takes_them(
    cron: str, expected: list[tuple[bool, str]]
) -> None:
    if expected:
        made = [(safe, one["cron"]) for safe, one in corrected(cron, timezone=ZONE)]
        assert made == expected
    else:
        assert [one.fixes for one in found_in(cron)] == [()]


def test_a_zone_before_the_fields_is_put_into_the_trigger() -> None:
    tokyo, utc = {"timezone": "Asia/Tokyo"}, {"timezone": "UTC"}
    nine = {"cron": "0 9 * * *"}
    assert corrected("TZ=Asia/Tokyo 0 9 * * *") == [(True, {**nine, **tokyo})]
    assert corrected("TZ=Asia/Toky 0 9 * * *") == [(False, {**nine, **tokyo})]
    assert corrected("CRON_TZ=Asia/Tokyo 0 0 9 * * *") == [(True, {**nine, **tokyo})]
    assert corrected("TZ=Asia/Tokyo 0 9 * * *", **tokyo) == [(True, {**nine, **tokyo})]
    kept, moved = corrected("TZ=Asia/Tokyo 0 9 * * *", **utc)
    assert kept == (False, {**nine, **utc})
    assert moved == (False, {**nine, **tokyo})


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            ["0", "9", "*", "?", "1-5", "7", "MON", "2027", "L", "*/2", "31", "sunday"]
        ),
        min_size=5,
        max_size=7,
    ).map(" ".join),
    st.sampled_from(["", "TZ=Asia/Tokyo ", "TZ=Mars "]),
)
def test_a_corrected_cron_is_always_sound(cron: str, prefix: str) -> None:
    written = prefix + cron
    if any(one.fixes for one in found_in(written, trigger={"cron": written})):
        corrected(written)
