"""The channels that notifications go over: e-mail is built in, a host registers the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import inngest
from proflow_schemas.errors import ProFlowError
from proflow_schemas.handler_inputs import check_handler

from proflow_runtime.context.extras import is_installed, require
from proflow_runtime.handlers.task import Handler

EMAIL = "email"
_BUILT_IN = frozenset({EMAIL})

_stand_ins: ContextVar[Mapping[str, Handler] | None] = ContextVar(
    "proflow_channel_stand_ins", default=None
)


class UnknownChannelError(ProFlowError, LookupError):
    """A notification names a channel that nobody has registered."""


class Channels:
    """The handlers of channels, by name: those of one service, or of one registry.

    What is not registered here is looked for in `beyond`.
    """

    def __init__(self, beyond: Channels | None = None) -> None:
        self._handlers: dict[str, Handler] = {}
        self._beyond = beyond

    def register(self, name: str, handler: Handler) -> None:
        """Let notifications go over a channel such as `sms`, `push` or `inApp`.

        Args:
            name: What designs call it; `email` replaces what is built in.
            handler: Gets `{"channel", "to", "subject", "content"}` as its input.

        Raises:
            ValueError: If there is no name.
            HandlerError: If the function cannot be a handler.
        """
        if not name:
            raise ValueError("a channel has a name")
        check_handler(handler)
        self._handlers[name] = handler

    def __contains__(self, name: str) -> bool:
        return self.find(name) is not None or (name in _BUILT_IN and is_installed("email"))

    def find(self, name: object) -> Handler | None:
        """The registered handler of a channel; None: the built-in one, or none."""
        if not isinstance(name, str):
            return None
        at: Channels | None = self
        while at is not None:
            if name in at._handlers:
                return at._handlers[name]
            at = at._beyond
        return None if name in _BUILT_IN else (_stand_ins.get() or {}).get(name)

    def require(self, names: Iterable[str]) -> None:
        """Raises `UnknownChannelError`, which names all that are missing, or `MissingExtraError`."""
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
        """The registered handler of a channel; an attempt fails for good if there is none."""
        found = self.find(name)
        if found is None:
            raise inngest.NonRetriableError(f"no handler is registered for the channel `{name}`")
        return found


OF_THE_PROCESS = Channels()
"""Those of generated modules, and of every registry that does not have a channel itself."""


def register_channel(name: str, handler: Handler) -> None:
    """Let the notifications of all workflows in this process go over a channel.

    `Registry.channels` and `ProFlow.register_channel` do so for one service only.

    Args:
        name: What designs call it, such as `sms`; `email` replaces what is built in.
        handler: Gets `{"channel", "to", "subject", "content"}` as its input.

    Raises:
        ValueError: If there is no name.
        HandlerError: If the function cannot be a handler.
    """
    OF_THE_PROCESS.register(name, handler)


@contextmanager
def standing_in(handlers: Mapping[str, Handler]) -> Iterator[None]:
    """Channels for tasks that are started in this block, where nobody has registered them."""
    token = _stand_ins.set({**(_stand_ins.get() or {}), **handlers})
    try:
        yield
    finally:
        _stand_ins.reset(token)
