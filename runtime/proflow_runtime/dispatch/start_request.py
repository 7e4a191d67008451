"""The request to start a run, which the interpreter function gets as the data of its event.

It is written below the key `_proflow` of the event that hands the run over (`AppNames.run`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import inngest

from proflow_runtime.flow.subprocess import INITIATOR, LINEAGE
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.store.models.texts import storable
from proflow_runtime.values import JSON

T = TypeVar("T")
RUN = "proflow-run"
"""The id of the function that interprets stored definitions."""
CLOSE = "proflow-close"
"""The id of the function that closes runs that Inngest has ended."""


@dataclass(frozen=True)
class StartRequest:
    """A request to start one run, or to run one part of it.

    Attributes:
        run_id: The id of the run in the service's table.
        workflow: The id of the workflow.
        digest: The digest of the version's definition. Without it, the run uses the version that
            is published when it begins.
        version: The number of the version; given together with `digest`.
        event: The event that started the run, `{name, id, ts, data}`. Without it, as in a
            subprocess, the event that carries the request started the run.
        business_id: The host's id of the record that the run is about.
        started_by: The id of the user who started the run.
        caller: For a subprocess, the id of the run that invokes it.
        part: The part of the definition to run; None to run the whole.
        attempt: The number of the attempt at the run; for a subprocess, that of the calling run.
    """

    run_id: str
    workflow: str
    digest: str | None = None
    version: int | None = None
    event: dict[str, Any] | None = None
    business_id: int | None = None
    started_by: str | None = None
    caller: str | None = None
    part: str | None = None
    attempt: int = 1

    def own(self) -> dict[str, JSON]:
        """Return the request as the object below `_proflow`."""
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
            "attempt": None if self.attempt == 1 else self.attempt,
        }
        return {key: value for key, value in found.items() if value is not None}

    def to_event(self, tenant_id: int, names: AppNames) -> inngest.Event:
        """Build the event that hands the run to Inngest; its id makes Inngest accept it only once."""
        return inngest.Event(
            name=names.run,
            id=event_id(self.run_id, self.attempt),
            data={"tenant_id": tenant_id, LINEAGE: self.own()},
        )

    @classmethod
    def of(cls, event: inngest.Event) -> StartRequest:
        """Read the request of an event.

        Args:
            event: The event that the interpreter function was called with.

        Raises:
            NonRetriableError: If the event carries no valid request.
        """
        own: Any = event.data.get(LINEAGE)
        try:
            return cls(
                _text(own["run"], 64),
                _text(own["workflow"], 100),
                _maybe(own, "digest", _text, 80),
                _maybe(own, "version", _whole),
                _maybe(own, "event", _started),
                _maybe(own, "business_id", _whole),
                _maybe(own, "started_by", _text, 200) or _initiator(own),
                _maybe(own, "caller", _text, 64),
                _maybe(own, "part", _text, 200),
                _maybe(own, "attempt", _whole) or 1,
            )
        except (KeyError, TypeError) as error:
            raise inngest.NonRetriableError("the event does not say which run it is for") from error

    def trigger(self, carrier: inngest.Event) -> inngest.Event:
        """Return the event that expressions of the run see as `event`.

        Args:
            carrier: The event that carries this request.
        """
        if self.event is None:
            return carrier
        return inngest.Event(
            name=self.event["name"],
            id=self.event["id"],
            ts=self.event["ts"],
            data=self.event["data"],
        )


def event_id(run_id: str, attempt: int) -> str:
    """Return the id of the event that hands an attempt at a run to Inngest."""
    return f"run:{run_id}" if attempt == 1 else f"run:{run_id}:{attempt}"


def as_kept(event: inngest.Event) -> dict[str, Any]:
    """Convert an event to the form in which it is stored with a run, without internal keys."""
    data = without_lineage(event.data)
    return {"name": event.name, "id": event.id, "ts": event.ts, "data": data}


def stated_initiator(data: Mapping[str, Any]) -> str | None:
    """Return the user whom the data of an event names as the initiator of a run, if any."""
    try:
        return _maybe(data, "initiator_id", _text, 200)
    except TypeError:
        return None


def without_lineage(data: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the data of an event without the keys that the service and Inngest add."""
    return {key: value for key, value in data.items() if key not in (LINEAGE, "_inngest")}


def _maybe(own: Any, key: str, read: Callable[..., T], *settings: int) -> T | None:
    value = own.get(key)
    return None if value is None else read(value, *settings)


def _initiator(own: Any) -> str | None:
    """Return the initiator whom a subprocess keeps from its caller, as the id of a user."""
    found = own.get(INITIATOR)
    text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    return text if 0 < len(text) <= 200 and storable(text) == text else None


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
