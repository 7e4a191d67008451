"""Calls a handler with its task: the input as the type that the handler declares."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from functools import lru_cache
from typing import Any

import inngest
from proflow_schemas.handlers import readable
from proflow_schemas.signatures import HandlerError, input_type
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.values import JSON

MOST_NAMED = 5
"""Problems of an input that a message lists, at most."""


class HandlerInputError(inngest.NonRetriableError):
    """The input of a node is not what its handler declares."""


async def call_handler(handler: Handler, task: Task) -> JSON:
    """Run a handler.

    Raises:
        HandlerInputError: If the input does not fit the type of the handler's `Task[…]`.
    """
    adapter = _input_adapter(handler)
    if adapter is not None:
        task = replace(task, input=_validated(adapter, task, handler))
    work = handler(task)
    if not inspect.isawaitable(work):
        name = getattr(handler, "__name__", type(handler).__name__)
        raise inngest.NonRetriableError(f"the handler `{name}` is not an `async def` function")
    return await work


@lru_cache(maxsize=4096)
def _input_adapter(handler: Handler) -> TypeAdapter[Any] | None:
    """What validates the handler's input; None: it takes anything."""
    try:
        hint = input_type(handler)
        return None if hint in (Any, object) else TypeAdapter(readable(hint))
    except HandlerError as error:
        raise inngest.NonRetriableError(str(error)) from None
    except PydanticUserError as error:
        name = getattr(handler, "__name__", type(handler).__name__)
        raise inngest.NonRetriableError(
            f"the type of the input of the handler `{name}` cannot be validated: {error.message}"
        ) from None


def _validated(adapter: TypeAdapter[Any], task: Task, handler: Handler) -> Any:
    try:
        # As JSON: a strict model takes the text of a time for a time, too.
        return adapter.validate_json(json.dumps(task.input))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        listed = "; ".join(_described(one) for one in problems[:MOST_NAMED])
        more = f"; {len(problems) - MOST_NAMED} more" if len(problems) > MOST_NAMED else ""
        name = getattr(handler, "__name__", type(handler).__name__)
        raise HandlerInputError(
            f"the input of node `{task.node_id}` is not what the handler `{name}` takes:"
            f" {listed}{more}"
        ) from None


def _described(problem: Any) -> str:
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in problem["loc"])
    message = problem["msg"]
    where = f"`input{path}`"
    return f"{where}: {message[:1].lower()}{message[1:]}"
