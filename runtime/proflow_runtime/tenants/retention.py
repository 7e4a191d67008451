"""How long things are kept: a time for each kind; without one, for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from proflow_schemas.durations import DurationError, parse_duration
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from proflow_runtime.store.retention import KINDS, Kind

LEAST = timedelta(days=1)
MOST = timedelta(days=36_500)


def kept_for(text: str) -> timedelta:
    """Read how long something is kept.

    Raises:
        ValueError: If it is no duration, or not between a day and a hundred years.
    """
    try:
        found = parse_duration(text)
    except DurationError as error:
        raise ValueError(str(error)) from None
    if not LEAST <= found <= MOST:
        raise ValueError(f"`{text[:40]}` is not between a day and a hundred years")
    return found


def _checked(text: str) -> str:
    kept_for(text)
    return text


Kept = Annotated[str, AfterValidator(_checked), Field(max_length=40, examples=["180d"])]


class Retention(BaseModel):
    """How long things are kept after they have ended; for those that are null, see the default.

    Attributes:
        runs: Runs that have ended, with all that hangs on them: node states, approvals, attempts,
            and their tasks.
        trail: The changes of runs and of their nodes.
        steps: The attempts at steps, with their inputs, outputs and log lines.
        audit: The audit trail.
    """

    model_config = ConfigDict(extra="forbid")

    runs: Kept | None = None
    trail: Kept | None = None
    steps: Kept | None = None
    audit: Kept | None = None

    def within(self, default: Retention) -> Iterator[tuple[Kind, timedelta]]:
        """Iterate over what is deleted at some time, and after how long.

        Args:
            default: Applies to what this leaves open.
        """
        for kind in KINDS:
            text = getattr(self, kind) or getattr(default, kind)
            if text is not None:
                yield kind, kept_for(text)
