"""Converts times and durations to the texts that represent them in JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def time_text(value: datetime) -> str:
    """Return a time as RFC 3339 in UTC: `2024-05-01T00:00:00.5Z`."""
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


def duration_text(value: timedelta) -> str:
    """Return a duration in seconds: `90s`, `-0.001s`."""
    micros = value // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    whole, part = divmod(micros, 1_000_000)
    return f"{sign}{whole}{f'.{part:06d}'.rstrip('0') if part else ''}s"
