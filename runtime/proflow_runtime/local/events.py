"""Parses events as the server's event API does."""

from collections.abc import Mapping
from typing import Any

import inngest
from proflow_schemas.sizes import MAX_EVENT_BYTES

from proflow_runtime.local.records import Event
from proflow_runtime.local.runs import make_event
from proflow_runtime.protocol import gojson

LAST_TIME = 253_402_214_400_000  # the last day of the year 9999


def parse_event(given: inngest.Event | Mapping[str, Any]) -> Event:
    """Parse an event into the form in which the server stores it.

    Args:
        given: The event; a mapping may also have a `user`.

    Returns:
        The event; its `id` and `ts` are empty if not given.

    Raises:
        ValueError: If the event API would refuse it.
    """
    raw = given.model_dump() if isinstance(given, inngest.Event) else dict(given)
    name = raw.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError("an event needs a name")
    if name.startswith("inngest/"):
        raise ValueError(f"the event name `{name}` is reserved for internal use")
    data = gojson.from_python(raw.get("data") or {})
    user = gojson.from_python(raw.get("user") or {})
    if not isinstance(data, dict) or not isinstance(user, dict):
        raise ValueError(f"the data of event `{name}` is not an object")
    if len(gojson.dumps(data)) > MAX_EVENT_BYTES:
        raise ValueError(f"event `{name}` exceeds 3 MiB")
    event_id, ts = raw.get("id") or "", raw.get("ts") or 0
    if not isinstance(event_id, str):
        raise ValueError(f"the id of event `{name}` is no text")
    if not isinstance(ts, int) or not 0 <= ts <= LAST_TIME:
        raise ValueError(f"the time of event `{name}` is not in milliseconds since 1970")
    event = make_event(name, data, event_id, ts)
    event["user"] = user
    return event
