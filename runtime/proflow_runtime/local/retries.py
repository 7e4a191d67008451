"""When a failed request is made again."""

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
    """Inngest's table, without its jitter; `attempt` is the one that failed, from 0."""
    return _BACKOFF[min(attempt, len(_BACKOFF) - 1)]


def retry_pause(asked: datetime, before: datetime, after: datetime) -> timedelta:
    """The pause that a `RetryAfterError` with a duration means, exactly.

    The SDK turns the duration into a time of the wall clock, somewhere between `before` and `after`
    the request: the pause is the roundest one that fits.
    """
    # The header is cut to milliseconds.
    least, most = asked - after, asked - before + timedelta(milliseconds=1)
    for unit in (timedelta(seconds=1), timedelta(milliseconds=100), timedelta(milliseconds=1)):
        pause = -(-least // unit) * unit
        if pause <= most:
            return max(timedelta(), pause)
    return max(timedelta(), least)
