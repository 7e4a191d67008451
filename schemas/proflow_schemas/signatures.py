"""Reads the signatures of handlers: functions that take one task, whose input may have a type."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, Generic

from typing_extensions import TypeVar

from proflow_schemas.errors import ProFlowError

Input = TypeVar("Input", default=Any)


class TaskOf(Generic[Input]):
    """The base class of the runtime's `Task`, the type of a handler's parameter, for an input type."""


class Same:
    """A function as a dictionary key, compared by identity; callable objects may not be hashable."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.function is self.function

    def __hash__(self) -> int:
        return id(self.function)


class HandlerError(ProFlowError, TypeError):
    """Raised for a function that cannot be a handler; the message names it with its module and line."""


def require_handler(handler: Callable[..., Any]) -> None:
    """Check that a function can be called as a handler.

    Raises:
        HandlerError: If it yields, cannot be called, or does not take exactly one task.
    """
    call = called(handler)
    if inspect.isasyncgenfunction(call) or inspect.isgeneratorfunction(call):
        raise HandlerError(
            f"{described(handler)} has a `yield`: a handler returns its output, once"
        )
    if isinstance(handler, staticmethod | classmethod) or not callable(handler):
        raise HandlerError(f"{described(handler)} cannot be called: mark a plain function")
    parameter = _parameter(handler)
    if parameter is None:
        return
    hint = _hint(handler, parameter)
    task = typing.get_origin(hint) or hint
    # In Python 3.11 `Any` is a class.
    plain = isinstance(task, type) and task not in (Any, object)
    if plain and not issubclass(task, TaskOf):
        raise HandlerError(
            f"{described(handler)} takes a `{task.__name__}`: a handler takes one `Task`,"
            f" or a `Task[{task.__name__}]`"
        )


def input_type(handler: Callable[..., Any]) -> Any:
    """Return the input type of a handler, as in `Task[Order]`; `Any` if it declares none.

    Raises:
        HandlerError: If the function cannot be a handler, or the type is not known at run time.
    """
    parameter = _parameter(handler)
    if parameter is None:
        return Any
    hint = _hint(handler, parameter)
    origin, given = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(origin, type) and issubclass(origin, TaskOf) and given:
        return Any if isinstance(given[0], TypeVar) else given[0]
    return Any


def called(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that runs when a handler is called; for an object, its `__call__`."""
    while isinstance(handler, partial):
        handler = handler.func
    return handler if inspect.isroutine(handler) else getattr(handler, "__call__", handler)  # noqa: B004


def described(function: Callable[..., Any]) -> str:
    """Return a function for a message: ``the handler `pay` (erp.handlers, line 12)``."""
    plain = inspect.unwrap(function)
    name = getattr(plain, "__name__", type(plain).__name__)
    return f"the handler `{name}` ({place_of(function)})"


def place_of(function: Callable[..., Any]) -> str:
    """Return where a function is defined: `erp.handlers, line 12`."""
    plain = inspect.unwrap(called(function))
    module = getattr(plain, "__module__", None) or "an unknown module"
    code = getattr(plain, "__code__", None)
    return module if code is None else f"{module}, line {code.co_firstlineno}"


def _parameter(handler: Callable[..., Any]) -> inspect.Parameter | None:
    """Return the parameter that takes the task; None if the signature is unknown."""
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return None
    parameters = list(signature.parameters.values())
    try:
        signature.bind(None)
    except TypeError:
        shown = ", ".join(f"`{one.name}`" for one in parameters) or "nothing"
        raise HandlerError(
            f"{described(handler)} takes {shown}: a handler takes one `Task`"
        ) from None
    return parameters[0] if parameters[0].kind is not parameters[0].VAR_POSITIONAL else None


def _hint(handler: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Return the resolved annotation of a parameter; `Any` if it has none.

    An annotation that cannot be resolved is an error only if it may contain the type of the input.
    """
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty:
        return Any
    scope: Mapping[str, Any] = getattr(inspect.unwrap(called(handler)), "__globals__", {})
    given = SimpleNamespace(__annotations__={"task": annotation})
    try:
        return typing.get_type_hints(given, dict(scope), include_extras=True)["task"]
    except NameError as error:
        if "[" not in str(annotation):
            return Any
        raise HandlerError(
            f"{described(handler)}: `{error.name}` of `{annotation}` is not known at run time:"
            " import it outside of `if TYPE_CHECKING`, at the top of the module"
        ) from None
    except (TypeError, AttributeError, SyntaxError) as error:
        raise HandlerError(f"{described(handler)}: `{annotation}` is not a type: {error}") from None
