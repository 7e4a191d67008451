"""Fixes that translate crons of other schedulers into Inngest's format.

Quartz and Spring have a field for seconds, and EventBridge has one for years. Quartz and
EventBridge count weekdays from 1, which is Sunday. The Go library robfig/cron accepts a time zone
before the fields, and `@every`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from proflow_schemas.configs import CronTrigger
from proflow_schemas.language import Text, Texts
from proflow_schemas.times import closest_timezone, is_timezone

from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.design_edits import fix
from proflow_compiler.diagnostics.similar_words import closest
from proflow_compiler.facts.cron_fields import MONTHS, WEEKDAYS, listed, values
from proflow_compiler.facts.sites import pointed

TEXTS = Texts(
    "cron-corrections",
    {
        "noted": Text("{title:raw}{note:raw}", "{title:raw}{note:raw}"),
        "fire-in": Text(
            "fire in `{zone}`: write `{cron}`{note:raw}",
            "按 `{zone}` 触发：改为 `{cron}`{note:raw}",
        ),
        "fire-in-named": Text(
            "fire in `{zone}`: put it into `timezone`{note:raw}",
            "按 `{zone}` 触发：写入 `timezone`{note:raw}",
        ),
        "put-zone": Text(
            "put `{zone}` into `timezone`{note:raw}",
            "将 `{zone}` 写入 `timezone`{note:raw}",
        ),
        "every-year": Text(", in every year", "，每年都触发"),
        "full-hour": Text(", which counts from the full hour or day", "，从整点或零点开始计算"),
        "quartz": Text(
            "{note:raw}, since Quartz counts weekdays from 1, which is Sunday",
            "{note:raw}，因为 Quartz 的星期从 1（星期日）开始",
        ),
    },
)

DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_YEARS = re.compile(r"(?:19|20)[0-9]{2}(?:[-/,][0-9]{1,4})*|\*/[0-9]{1,2}")
_CALL = re.compile(r"cron\((.*)\)", re.DOTALL)
_EVERY = re.compile(r"@every\s+([0-9]{1,4})([mh])0?(?:0[ms])*")
_PREFIX = re.compile(r"(?:CRON_)?TZ=(\S*)")


@dataclass(frozen=True)
class _Written:
    """A cron in Inngest's format.

    Attributes:
        cron: The five fields.
        exact: True if it fires at the same times as the original.
        note: What differs, appended to the title of the fix.
    """

    cron: str
    exact: bool = True
    note: str = ""


def split_zone(cron: str) -> tuple[str | None, str]:
    """Split a cron such as `TZ=Asia/Shanghai 0 9 * * *` into time zone (or None) and fields."""
    first, _, rest = cron.strip().partition(" ")
    zone = _PREFIX.fullmatch(first)
    return (None, cron) if zone is None else (zone[1], rest.strip())


def has_years(fields: list[str]) -> bool:
    """Return True if the last of six fields is a year: `0 9 * * 1-5 2027`, `0 9 * * ? *`."""
    if _YEARS.fullmatch(fields[5]):
        return True
    return fields[5] == "*" and "?" in (fields[2], fields[4])


def fields_of_call(cron: str) -> str | None:
    """Return the fields in EventBridge's `cron(…)`, or None if the text has another form."""
    call = _CALL.fullmatch(cron.strip())
    return None if call is None else call[1].strip()


def corrections(
    trigger: CronTrigger, at: str, pointer: str, sound: Callable[[str], bool]
) -> Iterator[Fix]:
    """Yield fixes that replace a cron by one in Inngest's format.

    Args:
        trigger: The trigger.
        at: The JSON pointer of its cron.
        pointer: The JSON pointer of the trigger.
        sound: Returns True if Inngest accepts a cron; others are not offered.
    """
    zone, cron = split_zone(trigger.cron)
    for one in _readings(cron):
        if sound(one.cron):
            yield from _with_zone(one, zone, trigger, at, pointer)


def _with_zone(
    one: _Written, zone: str | None, trigger: CronTrigger, at: str, pointer: str
) -> Iterator[Fix]:
    if zone is None or zone == trigger.timezone:
        yield replace_cron(one, at)
        return
    named = zone if is_timezone(zone) else closest_timezone(zone)
    edit, place = Edit("replace", at, one.cron), pointed(pointer, "timezone")
    if trigger.timezone is not None and is_timezone(trigger.timezone):
        yield fix(TEXTS("fire-in", zone=trigger.timezone, cron=one.cron, note=one.note), edit)
    if named is not None:
        yield fix(
            TEXTS("fire-in-named", zone=named, note=one.note)
            if trigger.timezone is not None
            else TEXTS("put-zone", zone=named, note=one.note),
            edit,
            Edit("add", place, named),
            safe=one.exact and named == zone and trigger.timezone is None,
        )


def replace_cron(one: _Written, at: str) -> Fix:
    """Return the fix that writes a cron at a JSON pointer."""
    made = words.written(at, one.cron, safe=one.exact)
    return replace(made, title=TEXTS("noted", title=made.title, note=one.note))


def _readings(cron: str) -> Iterator[_Written]:
    """Yield what a cron may mean in Inngest's format, the most likely first."""
    cron = fields_of_call(cron) or cron.strip()
    if cron.startswith("@"):
        yield from _of_descriptor(cron)
        return
    fields = cron.split()
    if len(fields) == 7:
        exact = fields[0] == "0" and fields[6] in ("*", "?")
        note = "" if fields[6] in ("*", "?") else TEXTS("every-year")
        yield from _of_five(fields[1:6], _Written("", exact, note))
    elif len(fields) == 6 and has_years(fields):
        every = fields[5] in ("*", "?")
        yield from _of_five(fields[:5], _Written("", every, "" if every else TEXTS("every-year")))
    elif len(fields) == 6:
        yield from _of_five(fields[1:], _Written("", fields[0] == "0"))
    elif len(fields) == 5:
        yield from _of_five(fields, _Written(""))


def _of_descriptor(cron: str) -> Iterator[_Written]:
    known = DESCRIPTORS.get(cron.lower())
    if known is not None:
        yield _Written(known)
        return
    every = _EVERY.fullmatch(cron.lower())
    if every is not None:
        count, minutes = int(every[1]), every[2] == "m"
        whole = 60 if minutes else 24
        if count in (1, whole) or (0 < count < whole and whole % count == 0):
            step = "*" if count == 1 else "0" if count == whole else f"*/{count}"
            text = f"{step} * * * *" if minutes else f"0 {step} * * *"
            yield _Written(text, exact=False, note=TEXTS("full-hour"))
        return
    near = closest(cron.lower(), DESCRIPTORS, cutoff=0.8)
    if near is not None:
        yield _Written(DESCRIPTORS[near], exact=False)


def _of_five(fields: list[str], so_far: _Written) -> Iterator[_Written]:
    """Yield five fields in Inngest's notation; two versions if weekday numbers are ambiguous."""
    *first, weekdays = fields
    first[3] = _short_names(first[3], MONTHS)
    weekdays = _short_names(weekdays, WEEKDAYS)
    quartz = "?" in fields
    first = ["*" if one == "?" else one for one in first]
    weekdays = "*" if weekdays == "?" else weekdays
    if quartz and re.search(r"(?<![/\w])[0-9]", weekdays):
        days = values(weekdays, 1, 7, _abbreviations())
        if days:
            text = " ".join([*first, listed(frozenset(day - 1 for day in days))])
            note = TEXTS("quartz", note=so_far.note)
            yield replace(so_far, cron=text, exact=False, note=note)
        yield from _of_weekdays(first, weekdays, replace(so_far, exact=False))
        return
    yield from _of_weekdays(first, weekdays, so_far)


def _of_weekdays(first: list[str], weekdays: str, so_far: _Written) -> Iterator[_Written]:
    """Replace 7 by 0, which is Sunday for Inngest."""
    if re.search(r"(?<![/\d])7(?!\d)|-7", weekdays):
        days = values(weekdays, 0, 7, _abbreviations())
        weekdays = listed(frozenset(day % 7 for day in days)) if days else weekdays
        weekdays = "*" if weekdays == "0-6" else weekdays
    yield replace(so_far, cron=" ".join([*first, weekdays]))


def _abbreviations() -> list[str]:
    return [name[:3].lower() for name in WEEKDAYS]


def _short_names(field: str, names: Sequence[str]) -> str:
    """Shorten the names of days or months in a field: `monday` → `mon`."""
    short = {name.lower(): name[:3].lower() for name in names}
    return re.sub(
        r"[A-Za-z]{4,9}", lambda found: short.get(found[0].lower().rstrip("s"), found[0]), field
    )
