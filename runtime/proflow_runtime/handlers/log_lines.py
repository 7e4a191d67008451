"""Keeps the lines that a handler writes to `task.logger`, besides logging them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from proflow_runtime.status.step_attempts import LogLine

MOST_LINES = 200
LONGEST_LINE = 2_000


class LogLines:
    """The lines of one attempt: the first `MOST_LINES` of level INFO or above."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lines: list[LogLine] = []
        self._more = 0

    def add(self, level: int, message: str) -> None:
        """Keep a line."""
        if len(self._lines) == MOST_LINES:
            self._more += 1
            return
        if len(message) > LONGEST_LINE:
            message = f"{message[:LONGEST_LINE]}…"
        self._lines.append(LogLine(self._now(), logging.getLevelName(level).lower(), message))

    def kept(self) -> tuple[LogLine, ...]:
        """Return the lines, and how many more there were."""
        if not self._more:
            return tuple(self._lines)
        more = LogLine(self._lines[-1].at, "info", f"… {self._more} more lines are not kept")
        return (*self._lines, more)


_lines: ContextVar[LogLines | None] = ContextVar("proflow_log_lines", default=None)


@contextmanager
def collecting(lines: LogLines) -> Iterator[None]:
    """Keep what handlers log in this context, also in threads that they are called in."""
    token = _lines.set(lines)
    try:
        yield
    finally:
        _lines.reset(token)


class TaskLogger(logging.LoggerAdapter[logging.Logger]):
    """The logger of a task."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a line, and keep it with the attempt if its level is INFO or above."""
        lines = _lines.get()
        if lines is not None and level >= logging.INFO:
            try:
                text = str(msg) % args if args else str(msg)
            except (TypeError, ValueError):
                text = f"{msg} {args}"  # `logging` reports the mistake
            lines.add(level, text)
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
        super().log(level, msg, *args, **kwargs)
