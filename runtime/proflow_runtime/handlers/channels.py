"""The channels of notifications: `email` and, in a service, `inApp` are built in; hosts register others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from proflow_schemas.errors import ProFlowError
from proflow_schemas.handler_inputs import check_handler
from proflow_schemas.node_types.notify import EMAIL

from proflow_runtime.context.extras import is_installed, require
from proflow_runtime.handlers.blocked import BlockedError
from proflow_runtime.handlers.task import Handler

_stand_ins: ContextVar[Mapping[str, Handler] | None] = ContextVar(
    "proflow_channel_stand_ins", default=None
)


class UnknownChannelError(ProFlowError, LookupError):
    """A notification names a channel that nobody has registered."""


def _is_built_in(name: str) -> bool:
    return name == EMAIL and is_installed("email")


class Channels:
    """The handlers of channels, by name; each service and each registry has its own."""

    def __init__(self, beyond: Channels | None = None) -> None:
        """Create an empty set of channels.

        Args:
            beyond: Where channels are looked up that are not registered here.
        """
        self._handlers: dict[str, Handler] = {}
        self._built_in: dict[str, Handler] = {}
        self._beyond = beyond

    def register(self, name: str, handler: Handler) -> None:
        """Register the handler of a channel such as `sms`, `push` or `inApp`.

        Args:
            name: The channel's name in designs. `email` replaces the built-in channel.
            handler: Its input is `{"channel", "to", "subject", "content"}`.

        Raises:
            ValueError: If the name is empty.
            HandlerError: If the function cannot be a handler.
        """
        if not name:
            raise ValueError("a channel has a name")
        check_handler(handler)
        self._handlers[name] = handler

    def build_in(self, name: str, handler: Handler) -> None:
        """Add a built-in channel, which a registered one of the same name replaces.

        Args:
            name: The name of the channel.
            handler: Its handler.
        """
        self._built_in[name] = handler

    def __contains__(self, name: str) -> bool:
        return self.find(name) is not None or _is_built_in(name)

    def names(self) -> list[str]:
        """Return the names of all channels, sorted."""
        names = {name for at in self._chain() for name in (*at._handlers, *at._built_in)}
        return sorted({*names, *filter(_is_built_in, (EMAIL,))})

    def find(self, name: object) -> Handler | None:
        """Return the registered handler of a channel, or None if it is built in or unknown."""
        if not isinstance(name, str):
            return None
        chain = list(self._chain())
        for kept in (*(at._handlers for at in chain), *(at._built_in for at in chain)):
            if name in kept:
                return kept[name]
        return None if _is_built_in(name) else (_stand_ins.get() or {}).get(name)

    def _chain(self) -> Iterator[Channels]:
        at: Channels | None = self
        while at is not None:
            yield at
            at = at._beyond

    def require(self, names: Iterable[str]) -> None:
        """Check that all these channels exist.

        Raises:
            UnknownChannelError: If some do not; the message lists them.
            MissingExtraError: If `email` is among them and its extra is not installed.
        """
        missing = sorted({name for name in names if name not in self})
        if EMAIL in missing:
            require("email", f"the channel `{EMAIL}`")
        if missing:
            listed = ", ".join(f"`{name}`" for name in missing)
            raise UnknownChannelError(
                f"no handler is registered for the channel{'s' * (len(missing) > 1)} {listed}: "
                "call `proflow_runtime.register_channel` before the workflow is registered"
            )

    def handler(self, name: object) -> Handler:
        """Return the registered handler of a channel, inside an attempt.

        Raises:
            BlockedError: If there is none.
        """
        found = self.find(name)
        if found is None:
            text = f"no handler is registered for the channel `{name}`"
            raise BlockedError("channel", str(name), text)
        return found


OF_THE_PROCESS = Channels()
"""The channels of generated modules, and of every registry that lacks a channel itself."""


def register_channel(name: str, handler: Handler) -> None:
    """Register the handler of a notification channel for all workflows in this process.

    To register it for one service only, use `Registry.channels` or `ProFlow.register_channel`.

    Args:
        name: The channel's name in designs, such as `sms`. `email` replaces the built-in channel.
        handler: Its input is `{"channel", "to", "subject", "content"}`.

    Raises:
        ValueError: If the name is empty.
        HandlerError: If the function cannot be a handler.
    """
    OF_THE_PROCESS.register(name, handler)


@contextmanager
def standing_in(handlers: Mapping[str, Handler]) -> Iterator[None]:
    """Use these handlers for unregistered channels in this block and in tasks started in it."""
    token = _stand_ins.set({**(_stand_ins.get() or {}), **handlers})
    try:
        yield
    finally:
        _stand_ins.reset(token)
