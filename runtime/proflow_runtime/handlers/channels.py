"""The channels that notifications go over: e-mail is built in, a host registers the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import inngest
from proflow_schemas.errors import ProFlowError

from proflow_runtime.extras import is_installed, require
from proflow_runtime.handlers.task import Handler

EMAIL = "email"

_channels: dict[str, Handler] = {}


class UnknownChannelError(ProFlowError, LookupError):
    """A notification names a channel that nobody has registered."""


def register_channel(name: str, handler: Handler) -> None:
    """Let notifications go over a channel such as `sms`, `push` or `inApp`.

    Args:
        name: What designs write as `channel`.
        handler: Sends one notification; its input is `{"channel", "to", "subject", "content"}`.

    Raises:
        ValueError: The name is empty.
    """
    if not name:
        raise ValueError("a channel has a name")
    _channels[name] = handler


@contextmanager
def standing_in(handlers: Mapping[str, Handler]) -> Iterator[None]:
    """Channels that are registered within this block; those of the host stay what they are."""
    added = [name for name in handlers if not is_registered(name)]
    _channels.update({name: handlers[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del _channels[name]


def is_registered(name: str) -> bool:
    return name in _channels or (name == EMAIL and is_installed("email"))


def require_channels(names: Iterable[str]) -> None:
    """Raises `UnknownChannelError`, which names all that are missing, or `MissingExtraError`."""
    missing = sorted({name for name in names if not is_registered(name)})
    if EMAIL in missing:
        require("email", f"the channel `{EMAIL}`")
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
