"""The names of events that designs and clients cannot send."""

RESERVED = ("inngest/", "proflow/", "approval/")
"""The beginnings of names of Inngest's own events, of those that run stored designs, and of approvals."""


def reserved_prefix(name: str) -> str | None:
    """Return the reserved beginning of an event's name, or None if a design may send the event.

    Args:
        name: The name of an event.
    """
    folded = name.strip().lower()
    return next((one for one in RESERVED if folded.startswith(one)), None)
