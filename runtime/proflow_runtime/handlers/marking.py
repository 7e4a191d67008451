"""The decorators `@handler` and `@node_type`, which mark the functions that designs may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

from proflow_schemas.handlers import MARK
from proflow_schemas.host_types import TYPE_MARK, Declared
from proflow_schemas.node_types import Words
from proflow_schemas.node_types.record import Category

Marked = TypeVar("Marked", bound=Callable[..., Any])

BUILT_IN_PREFIX = "proflow:"
"""The prefix of the names of built-in handlers."""


@overload
def handler(function: Marked, /) -> Marked: ...
@overload
def handler(name: str | None = None, /) -> Callable[[Marked], Marked]: ...
def handler(given: Any = None, /) -> Any:
    """Mark a function as a handler, which designs may call.

    Use it as `@handler`, or with a name as `@handler("send-mail")`.

    Args:
        given: The function, or the name by which designs call it; the function's own name by default.
            The function is also added to its module under that name, because generated modules refer
            to it there.

    Returns:
        The function, or a decorator of functions if a name is given.

    Raises:
        TypeError: If something other than a function or a name is given.
        ValueError: If the name is empty, begins with `proflow:`, or is the name of something else in
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
    """Define a node type whose work is done by the decorated function.

    The function's parameter is a `Task[Model]`. The fields of this pydantic model are the settings of
    a node, besides `retry` and `retries`; each may be an expression (`${…}`). The return value is the
    node's output.

    Args:
        name: The `type` of the nodes.
        title: The name that people see, as one text or by language, such as
            `{"zh": "生成凭证", "en": "Voucher"}`; by default `name`.
        summary: What such a node does, likewise; by default the first paragraph of the function's
            docstring.
        icon: The name of an Ant Design icon, such as `file-text`.
        category: The group in the palette: `flow`, `people`, `work` or `time`.
        aliases: Other values of `type` that mean this node type.

    Returns:
        A decorator, which returns the function itself.

    Raises:
        TypeError: If something other than a function is decorated.

    Example:
        ```python
        class Voucher(BaseModel):
            account: str

        @node_type("voucher", title={"zh": "生成凭证", "en": "Voucher"}, icon="file-text")
        async def create_voucher(task: Task[Voucher]) -> Created: ...
        ```
    """

    def marked(function: Marked) -> Marked:
        paragraph = (function.__doc__ or "").strip().partition("\n\n")[0]
        declared = Declared(
            name,
            _words(title, name),
            _words(summary, " ".join(paragraph.split()) or name),
            icon,
            category,
            tuple(aliases),
        )
        setattr(function, TYPE_MARK, declared)
        found: Marked = _marked(function, None)
        return found

    return marked


def _words(given: str | Mapping[str, str] | None, default: str) -> Words:
    """Return a text in both languages; a missing one is replaced by the other."""
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
