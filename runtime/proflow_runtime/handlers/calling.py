"""Calls a handler with its task, whose input is converted to the type that the handler declares."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import inngest
from proflow_schemas.errors import ProFlowError
from proflow_schemas.handler_inputs import input_adapter, validated
from proflow_schemas.signatures import HandlerError, Same, called
from pydantic import TypeAdapter, ValidationError

from proflow_runtime.handlers.lifespan import surroundings_of
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.values import JSON

MOST_NAMED = 5
"""Maximum number of problems of an input that a message lists."""


class HandlerInputError(ProFlowError, inngest.NonRetriableError):
    """The input of a node does not have the type that its handler declares."""


@dataclass(frozen=True, slots=True)
class _Known:
    """How to call a handler.

    Attributes:
        adapter: Validates the input; None if the handler takes any JSON.
        blocks: Whether the handler is not `async`, and so runs in a thread.
    """

    adapter: TypeAdapter[Any] | None
    blocks: bool


async def call_handler(handler: Handler, task: Task) -> JSON:
    """Call a handler.

    A handler that is not `async` runs in a thread, with the current context variables.

    Args:
        handler: The handler.
        task: Its task, with the input as JSON.

    Returns:
        The handler's return value.

    Raises:
        HandlerInputError: If the input does not have the type of the handler's `Task[…]`.
    """
    known = _known(Same(handler))
    if known.adapter is not None:
        task = replace(task, input=_validated(known.adapter, task, handler))
    with surroundings_of(handler).entered():
        if known.blocks:
            output = await asyncio.to_thread(_in_thread, handler, task)
        else:
            output = handler(task)
        return await output if inspect.isawaitable(output) else output


def _in_thread(handler: Callable[[Task], Any], task: Task) -> Any:
    try:
        return handler(task)
    except StopIteration as error:
        # A future cannot contain a `StopIteration`; awaiting it would never end.
        raise RuntimeError("the handler raised `StopIteration`") from error


@lru_cache(maxsize=4096)
def _known(key: Same) -> _Known:
    try:
        adapter = input_adapter(key.function)
    except HandlerError as error:
        raise inngest.NonRetriableError(str(error)) from None
    return _Known(adapter, blocks=not inspect.iscoroutinefunction(called(key.function)))


def _validated(adapter: TypeAdapter[Any], task: Task, handler: Handler) -> Any:
    try:
        return validated(adapter, task.input)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        listed = "; ".join(_worded(one) for one in problems[:MOST_NAMED])
        more = f"; {len(problems) - MOST_NAMED} more" if len(problems) > MOST_NAMED else ""
        name = getattr(handler, "__name__", type(handler).__name__)
        raise HandlerInputError(
            f"the input of node `{task.node_id}` is not what the handler `{name}` takes:"
            f" {listed}{more}"
        ) from None


def _worded(problem: Any) -> str:
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in problem["loc"])
    message = problem["msg"]
    return f"`input{path}`: {message[:1].lower()}{message[1:]}"
