"""`@handler` and `@node_type`: mark the functions that designs may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

from proflow_schemas.handlers import MARK
from proflow_schemas.host_types import TYPE_MARK, Declared
from proflow_schemas.node_types import Words
from proflow_schemas.node_types.record import Category

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


def node_type(
    name: str,
    /,
    *,
    title: str | Mapping[str, str] | None = None,
    summary: str | Mapping[str, str] | None = None,
    icon: str = "tool",
    category: Category = "work",
    aliases: Sequence[str] = (),
) -> Callable[[Marked], Marked]:
    """Mark a function as what does the work of a node type, which designs may then use.

    Its parameter is a `Task[Model]`: the fields of that pydantic model are the settings of a node,
    each of which may be computed (`${…}`), beside `retry` and `retries`. What it returns is the
    node's output.

    Args:
        name: The `type` of such nodes.
        title: What people read, as one text or by language: `{"zh": "生成凭证", "en": "Voucher"}`;
            the name by default.
        summary: What it does, likewise; by default what the function's docstring begins with.
        icon: The name of an icon of Ant Design, such as `file-text`.
        category: Where it stands in the palette: `flow`, `people`, `work`, `time`.
        aliases: Other types in drawings that mean it.
    """

    def marked(function: Marked) -> Marked:
        said = (function.__doc__ or "").strip().partition("\n\n")[0]
        declared = Declared(
            name,
            _words(title, name),
            _words(summary, " ".join(said.split()) or name),
            icon,
            category,
            tuple(aliases),
        )
        setattr(function, TYPE_MARK, declared)
        found: Marked = _marked(function, None)
        return found

    return marked


def _words(given: str | Mapping[str, str] | None, default: str) -> Words:
    """A text in both languages; what is missing in one is that of the other."""
    if given is None or isinstance(given, str):
        return Words(given or default, given or default)
    found = {language: given[language] for language in ("en", "zh") if given.get(language)}
    other = next(iter(found.values()), default)
    return Words(found.get("en", other), found.get("zh", other))


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
