"""What is asked of the interpreter function: which run of which workflow, and since which event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import inngest

from proflow_runtime.flow.subprocess import LINEAGE
from proflow_runtime.store.models.texts import storable
from proflow_runtime.values import JSON

T = TypeVar("T")
RUN = "proflow-run"
"""The function that interprets stored definitions."""
CLOSE = "proflow-close"
"""The function that closes runs which Inngest has ended."""
RUN_EVENT = "proflow/run"


@dataclass(frozen=True)
class Asked:
    """One run, as the data of an event says it below `_proflow`.

    Without a `digest` the run takes the version that is published when it begins. `event` started
    it, `{name, id, ts, data}`; without one, as in a subprocess, the asking event itself did.
    """

    run_id: str
    workflow: str
    digest: str | None = None
    version: int | None = None
    event: dict[str, Any] | None = None
    business_id: int | None = None
    started_by: str | None = None
    caller: str | None = None
    """Of a subprocess: our id of the run that invokes it."""
    part: str | None = None

    def own(self) -> dict[str, JSON]:
        """As the keys below `_proflow`."""
        found: dict[str, JSON] = {
            "run": self.run_id,
            "workflow": self.workflow,
            "digest": self.digest,
            "version": self.version,
            "event": self.event,
            "business_id": self.business_id,
            "started_by": self.started_by,
            "caller": self.caller,
            "part": self.part,
        }
        return {key: value for key, value in found.items() if value is not None}

    def to_event(self, tenant_id: int) -> inngest.Event:
        """The event that hands the run over; Inngest takes it once."""
        return inngest.Event(
            name=RUN_EVENT,
            id=f"run:{self.run_id}",
            data={"tenant_id": tenant_id, LINEAGE: self.own()},
        )

    @classmethod
    def of(cls, event: inngest.Event) -> Asked:
        """What an event asks. Raises `NonRetriableError` where it asks nothing."""
        own: Any = event.data.get(LINEAGE)
        try:
            return cls(
                _text(own["run"], 64),
                _text(own["workflow"], 100),
                _maybe(own, "digest", _text, 80),
                _maybe(own, "version", _whole),
                _maybe(own, "event", _started),
                _maybe(own, "business_id", _whole),
                _maybe(own, "started_by", _text, 200),
                _maybe(own, "caller", _text, 64),
                _maybe(own, "part", _text, 200),
            )
        except (KeyError, TypeError) as error:
            raise inngest.NonRetriableError("the event does not say which run it is for") from error

    def trigger(self, asking: inngest.Event) -> inngest.Event:
        """What expressions of the run see as `event`."""
        if self.event is None:
            return asking
        return inngest.Event(
            name=self.event["name"],
            id=self.event["id"],
            ts=self.event["ts"],
            data=self.event["data"],
        )


def as_kept(event: inngest.Event) -> dict[str, Any]:
    """An event as it is kept with a run, without what Inngest adds when it invokes a function, and
    without what somebody wrote below `_proflow`."""
    data = without_lineage(event.data)
    return {"name": event.name, "id": event.id, "ts": event.ts, "data": data}


def without_lineage(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an event but for what is there about runs and not for them."""
    return {key: value for key, value in data.items() if key not in (LINEAGE, "_inngest")}


def _maybe(own: Any, key: str, read: Callable[..., T], *settings: int) -> T | None:
    value = own.get(key)
    return None if value is None else read(value, *settings)


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= most or storable(value) != value:
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise TypeError
    return value


def _started(value: Any) -> dict[str, Any]:
    if (
        not isinstance(value["name"], str)
        or not isinstance(value["id"], str)
        or type(value["ts"]) is not int
        or not isinstance(value["data"], dict)
    ):
        raise TypeError
    return dict(value)
