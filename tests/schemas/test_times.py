"""Times and time zones, against a computation that only goes from UTC to local time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from proflow_schemas.times import (
    TimeError,
    closest_timezone,
    is_naive,
    is_timezone,
    read_time,
    timezones,
)

DAY_AND_HALF = timedelta(hours=36)


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def expected(naive: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which clocks show `naive`; if there is none, they skip it: then the
    moment that they would have shown it at, had they not been changed."""
    around = naive.replace(tzinfo=UTC)
    offsets = []
    for minutes in range(-36 * 60, 36 * 60 + 1, 15):
        moment = around + timedelta(minutes=minutes)
        offsets.append(local(moment, zone) - moment.replace(tzinfo=None))
    found = [around - offset for offset in set(offsets) if local(around - offset, zone) == naive]
    return min(found) if found else around - offsets[0]


@given(
    zone=st.sampled_from(sorted(timezones())),
    naive=st.datetimes(datetime(2000, 1, 3), datetime(2060, 1, 1)),
)
@example("America/New_York", datetime(2026, 3, 8, 2, 30))
@example("America/New_York", datetime(2026, 11, 1, 1, 30))
@example("Australia/Lord_Howe", datetime(2026, 10, 4, 2, 15))
@example("Pacific/Apia", datetime(2011, 12, 30, 12))
@example("Asia/Pyongyang", datetime(2018, 5, 4, 23, 45))
@example("Asia/Shanghai", datetime(2026, 1, 31, 18))
def test_a_local_time_is_the_first_moment_at_which_clocks_show_it(
    zone: str, naive: datetime
) -> None:
    assert read_time(naive.isoformat(), zone) == expected(naive, ZoneInfo(zone))


def test_skipped_times_move_forward_and_repeated_ones_are_the_first() -> None:
    new_york = "America/New_York"
    assert read_time("2026-03-08T02:30", new_york) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert read_time("2026-03-08T03:30", new_york) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert read_time("2026-11-01T01:30", new_york) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert read_time("2026-01-31", "Asia/Shanghai") == datetime(2026, 1, 30, 16, tzinfo=UTC)


@given(
    zone=st.sampled_from(sorted(timezones())),
    moment=st.datetimes(datetime(2000, 1, 3), datetime(9999, 1, 1), timezones=st.just(UTC)),
    minutes=st.integers(-23 * 60, 23 * 60),
)
def test_an_offset_or_a_number_wins_over_every_zone(
    zone: str, moment: datetime, minutes: int
) -> None:
    there = moment.astimezone(ZoneInfo("UTC")).astimezone(
        datetime.fromisoformat(f"2000-01-01T00:00{minutes // 60:+03d}:{minutes % 60:02d}").tzinfo
    )
    assert read_time(there.isoformat(), zone) == moment
    whole = moment.replace(microsecond=0)
    seconds = int(whole.timestamp())
    for value in (seconds, seconds * 1000, str(seconds), str(seconds * 1000), float(seconds)):
        assert read_time(value, zone) == whole


@given(st.integers(-(10**18), 10**18))
@example(946_684_799)
@example(946_684_800)
@example(253_402_300_799)
@example(253_402_300_800)
@example(946_684_799_999)
@example(946_684_800_000)
@example(253_402_300_799_999)
@example(253_402_300_800_000)
def test_a_number_is_seconds_or_milliseconds_or_refused(value: int) -> None:
    def moment(per_second: int) -> datetime | None:
        try:
            found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
                milliseconds=value * 1000 // per_second
            )
        except OverflowError:
            return None
        return found if found.year >= 2000 else None

    possible = [found for found in (moment(1), moment(1000)) if found is not None]
    assert len(possible) <= 1
    if possible:
        assert read_time(value) == possible[0]
    else:
        with pytest.raises(TimeError, match=r"2000|9999"):
            read_time(value)


@pytest.mark.parametrize(
    "value",
    [
        *("", "tomorrow", "18:00", "1999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "0", "123"),
        *(True, None, [], {}, 0, -1, 1.5, float("nan"), float("inf"), 10**400),
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(TimeError):
        read_time(value, "Asia/Shanghai")


@pytest.mark.parametrize(
    ("text", "naive"),
    [
        ("2026-01-31", True),
        ("2026-01-31T18:00", True),
        ("20260131T1800", True),
        ("2026-01-31T18:00Z", False),
        ("2026-01-31T18:00+08:00", False),
        ("1798761600", False),
        ("1798761600000", False),
        ("${event.data.due}", False),
        ("${event.data.day}T18:00", True),
        ("${event.data.day}T18:00:00.5", True),
        ("${event.data.day} 18:00", True),
        ("${event.data.day}T18:00Z", False),
        ("${event.data.day}T18:00+08:00", False),
        ("${event.data.day}T${event.data.hour}:00", False),
        ("2026-01-31T${event.data.hour}", False),
        ("soon", False),
    ],
)
def test_a_text_is_naive_if_it_surely_has_no_offset(text: str, naive: bool) -> None:
    assert is_naive(text) is naive


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("asia/shanghai", "Asia/Shanghai"),
        ("Asia/Beijing", "Asia/Shanghai"),
        ("Shanghai", "Asia/Shanghai"),
        ("new york", "America/New_York"),
        ("Asia/Shanghia", "Asia/Shanghai"),
        ("UTC+8", "Asia/Shanghai"),
        ("GMT+08:00", "Asia/Shanghai"),
        ("+08:00", "Asia/Shanghai"),
        ("GMT-5", "Etc/GMT+5"),
        ("utc +9", "Etc/GMT-9"),
        ("+00:00", "UTC"),
        ("UTC+15", None),
        ("+05:30", None),
        *((several, None) for several in ("CST", "PST", "BST", "IST", "EDT")),
        ("/etc/passwd", None),
        ("", None),
    ],
)
def test_a_wrong_name_leads_to_the_zone_that_was_meant(wrong: str, meant: str | None) -> None:
    assert not is_timezone(wrong)
    assert closest_timezone(wrong) == meant
    with pytest.raises(TimeError, match="no time zone"):
        read_time("2026-01-31", wrong)
