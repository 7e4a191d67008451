"""Observes one attempt at a step: what the handler was given, what it did, where it failed."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import TracebackType

import inngest
import proflow_schemas

from proflow_runtime.context import clock
from proflow_runtime.handlers.log_lines import LogLines, collecting
from proflow_runtime.status.step_attempts import StepAttempt, StepError
from proflow_runtime.values import JSON
from proflow_runtime.values.result_wrappers import StepFailure

MAX_TRACEBACK = 16_000
"""Maximum length of a traceback; the beginning is left out, since its end tells where it failed."""
MAX_CAUSES = 5
"""How many exceptions a traceback shows: the one that was raised, and those that caused it."""
MAX_FRAMES = 50
_OURS = (
    f"{Path(__file__).parents[1]}/",
    f"{Path(proflow_schemas.__file__ or '').parent}/",
    f"{Path(inngest.__file__ or '').parent}/",
)
_STANDARD = f"{Path(traceback.__file__).parent}/"
_PLUMBING = tuple(f"{_STANDARD}{name}" for name in ("asyncio/", "concurrent/", "contextlib.py"))


class Observation:
    """What is seen of one attempt while it is made."""

    def __init__(self, node: str, step: str) -> None:
        self._node, self._step = node, step
        self._lines = LogLines(clock.now)
        self.input: JSON = None
        self.output: JSON = None

    def collecting(self) -> AbstractContextManager[None]:
        """Return a context in which the lines that the handler logs are kept."""
        return collecting(self._lines)

    def made(
        self,
        number: int,
        started_at: datetime,
        failure: StepFailure | None,
        error: BaseException | None,
    ) -> StepAttempt:
        """Describe the attempt when it has ended."""
        seen = None
        if failure is not None:
            seen = StepError(failure.name, failure.message, "" if error is None else shown(error))
        return StepAttempt(
            *(self._node, self._step, number, started_at, clock.now(), seen),
            logs=self._lines.kept(),
            input=self.input,
            output=None if seen else self.output,
        )


def shown(error: BaseException) -> str:
    """Format a traceback without the frames of this package, of Inngest's SDK and of asyncio.

    Args:
        error: The exception that a handler has raised.

    Returns:
        The traceback, and those of its causes before it, as Python prints them.
    """
    chain: list[tuple[BaseException, str]] = []
    current: BaseException | None = error
    joint = ""
    while current is not None and len(chain) < MAX_CAUSES:
        chain.append((current, joint))
        if current.__cause__ is not None:
            current, joint = current.__cause__, traceback._cause_message  # type: ignore[attr-defined]
        elif current.__context__ is not None and not current.__suppress_context__:
            current, joint = current.__context__, traceback._context_message  # type: ignore[attr-defined]
        else:
            current = None
    lines: list[str] = []
    for one, after in reversed(chain):
        frames = [*_frames(one.__traceback__)][-MAX_FRAMES:]
        if frames:
            lines.append("Traceback (most recent call last):\n")
            lines += traceback.StackSummary.from_list(frames).format()
        lines += traceback.format_exception_only(type(one), one)
        lines.append(after)
    text = "".join(lines).rstrip("\n")
    return text if len(text) <= MAX_TRACEBACK else f"…{text[-MAX_TRACEBACK:]}"


def _frames(trace: TracebackType | None) -> Iterator[traceback.FrameSummary]:
    for frame in traceback.extract_tb(trace):
        if not frame.filename.startswith((*_OURS, *_PLUMBING)):
            yield frame
