"""Chains of events: a run sends an event that starts a run that sends an event, perhaps in a circle.

The id of an event that a run sends says which workflows have led to it: `<origin>:<digest>:<a>b>c>`. The
origin is the first part of the id of the event that began the chain.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proflow_schemas.errors import ProFlowError

from proflow_runtime.flow.subprocess import LINEAGE

MAX_CHAIN = 8
"""How many runs may start one another by events."""
CHAIN = "chain"
"""The key of a subprocess's lineage that holds the id of the event that its caller was started by."""
_SENT = re.compile(r"([^:]*):([0-9a-f]{32}):([^:]+)")
_ODD = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST = 32
"""Characters of a workflow's id in the id of an event."""


class ChainTooLongError(ProFlowError):
    """A chain of events is too long; the message names the workflows that make it."""


@dataclass(frozen=True)
class Chain:
    """What has led to a run.

    Attributes:
        origin: The first part of the id of the event that began the chain.
        workflows: The workflows of the runs before this one, each started by the one before it.
    """

    origin: str
    workflows: tuple[str, ...] = ()

    @classmethod
    def of(cls, event_id: str, data: Mapping[str, Any]) -> Chain:
        """Read the chain of the event that has started a run.

        Args:
            event_id: The id of the event.
            data: Its data, which holds the chain of the caller if the run is a subprocess.
        """
        cause = _cause(event_id, data)
        sent = _SENT.fullmatch(cause)
        if sent is None:
            return cls(cause.split(":", 1)[0][:64])
        return cls(sent[1][:64], tuple(sent[3].split(">")))

    @classmethod
    def handed_on(cls, event_id: str, data: Mapping[str, Any]) -> dict[str, str]:
        """Return what the lineage of a subprocess holds, so that its chain goes on.

        Args:
            event_id: The id of the event that has started the caller.
            data: Its data.
        """
        return {CHAIN: _cause(event_id, data)} if cls.of(event_id, data).workflows else {}

    def event_id(self, workflow: str, run_id: str, step: str) -> str:
        """Return the id of an event that a run of this chain sends; the same for each attempt.

        Args:
            workflow: The run's workflow.
            run_id: The run.
            step: The step that sends the event.

        Raises:
            ChainTooLongError: If the chain is as long as is allowed.
        """
        if len(self.workflows) >= MAX_CHAIN:
            path = [*self.workflows, _short(workflow)]
            circle = sorted(set(path))
            named = ", ".join(f"`{one}`" for one in circle)
            raise ChainTooLongError(
                f"{MAX_CHAIN} runs have started one another by events, and no more may: "
                + (f"{named} starts itself" if len(circle) == 1 else f"{named} start each other")
                + f" ({' → '.join(path)})"
            )
        digest = hashlib.sha256(f"{run_id}:{step}".encode("utf-8", "surrogatepass")).hexdigest()
        chain = ">".join((*self.workflows, _short(workflow)))
        return f"{self.origin}:{digest[:32]}:{chain}"


def _cause(event_id: str, data: Mapping[str, Any]) -> str:
    """Return the id of the event that started a run, or the caller that called it."""
    lineage = data.get(LINEAGE)
    inherited = lineage.get(CHAIN) if isinstance(lineage, Mapping) else None
    return inherited if isinstance(inherited, str) else event_id


def _short(workflow: str) -> str:
    return _ODD.sub("_", workflow)[:_LONGEST] or "_"
