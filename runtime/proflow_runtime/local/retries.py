"""Computes when a failed request is repeated."""

from datetime import datetime, timedelta

_BACKOFF = (
    timedelta(seconds=15),
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=10),
    timedelta(minutes=20),
    timedelta(minutes=40),
    timedelta(hours=1),
    timedelta(hours=2),
)


def inngest_backoff(attempt: int) -> timedelta:
    """Return Inngest's pause after a failed attempt, counted from 0, without jitter."""
    return _BACKOFF[min(attempt, len(_BACKOFF) - 1)]


def retry_pause(retry_at: datetime, before: datetime, after: datetime) -> timedelta:
    """Recover the exact duration of a `RetryAfterError`.

    The SDK turns the duration into a time of the wall clock during the request. Of the durations that
    are possible, the roundest one is meant.

    Args:
        retry_at: The time in the response.
        before: The wall clock's time before the request.
        after: The wall clock's time after it.
    """
    # The header is truncated to milliseconds.
    least, most = retry_at - after, retry_at - before + timedelta(milliseconds=1)
    for unit in (timedelta(seconds=1), timedelta(milliseconds=100), timedelta(milliseconds=1)):
        pause = -(-least // unit) * unit
        if pause <= most:
            return max(timedelta(), pause)
    return max(timedelta(), least)
