"""The channels that notifications go over: e-mail is built in, a host registers the others."""

from __future__ import annotations

from collections.abc import Iterable

import inngest

from proflow_runtime.handlers.task import Handler

EMAIL = "email"

_channels: dict[str, Handler] = {}


class UnknownChannelError(LookupError):
    """A notification names a channel that nobody has registered."""


def register_channel(name: str, handler: Handler) -> None:
    """Lets notifications go over a channel such as `sms`, `push` or `inApp`.

    The handler's input is `{"channel", "to", "subject", "content"}`.
    """
    if not name:
        raise ValueError("a channel has a name")
    _channels[name] = handler


def is_registered(name: str) -> bool:
    return name == EMAIL or name in _channels


def require_channels(names: Iterable[str]) -> None:
    """Raises `UnknownChannelError`, which names all that are missing."""
    missing = sorted({name for name in names if not is_registered(name)})
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        raise UnknownChannelError(
            f"no handler is registered for the channel{'s' * (len(missing) > 1)} {listed}: "
            "call `proflow_runtime.register_channel` before the workflow is registered"
        )


def channel_handler(name: object) -> Handler:
    """The handler of a channel other than e-mail."""
    handler = _channels.get(name) if isinstance(name, str) else None
    if handler is None:
        raise inngest.NonRetriableError(f"no handler is registered for the channel `{name}`")
    return handler
