"""`@handler`: marks the functions that designs may call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from proflow_schemas.handlers import MARK

Marked = TypeVar("Marked", bound=Callable[..., Any])

BUILT_IN_PREFIX = "proflow:"
"""What the names of built-in handlers begin with."""


@overload
def handler(function: Marked, /) -> Marked: ...
@overload
def handler(name: str | None = None, /) -> Callable[[Marked], Marked]: ...
def handler(given: Any = None, /) -> Any:
    """Mark a function as a handler: designs may call it.

    `@handler` calls it by the function's own name, `@handler("send-mail")` by another one, under
    which it is then in its module as well: generated modules refer to it there.

    Raises:
        TypeError: If something other than a function or a name is given.
        ValueError: If the name is empty, begins with `proflow:`, or is that of something else in
            the function's module.
    """
    if given is None:
        return handler
    if not isinstance(given, str):
        return _marked(given, None)
    if not given.strip() or given.startswith(BUILT_IN_PREFIX):
        raise ValueError(f"a handler cannot be named `{given}`")
    return lambda function: _marked(function, given)


def _marked(function: Any, name: str | None) -> Any:
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"`@handler` marks functions, not `{type(function).__name__}`")
    own = getattr(function, "__name__", None)
    if (name or own) is None:
        raise TypeError(f'name the handler: `handler("name")(…)` for a `{type(function).__name__}`')
    setattr(function, MARK, name or own)
    scope = getattr(function, "__globals__", None)
    if name is not None and name != own and scope is not None:
        if scope.setdefault(name, function) is not function and not hasattr(scope[name], MARK):
            raise ValueError(f"`{name}` is something else in `{function.__module__}` already")
        scope[name] = function
    return function
