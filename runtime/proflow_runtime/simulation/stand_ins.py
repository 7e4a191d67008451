"""Replaces handlers and channels that are missing in a simulation."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from proflow_schemas.definition import Definition, TaskOp, blocks, walk

from proflow_runtime.handlers import channels
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.handlers.task import Task
from proflow_runtime.values import JSON


def completed(definitions: Sequence[Definition], registry: Registry, tenant: Any) -> Registry:
    """Return a registry with a stand-in for every missing handler of the designs.

    Args:
        definitions: The compiled designs.
        registry: The handlers that exist.
        tenant: The tenant for which crons start runs; None for those that the registry lists, else 1.
    """
    handlers = {
        name: registry.get(name, _stand_in)
        for name in handlers_named(definitions) | set(registry.names())
        if not name.startswith("proflow:")
    }

    async def tenants() -> list[int]:
        return [1 if tenant is None else tenant]

    has_own = registry.has_tenants and tenant is None
    return Registry(handlers, tenants=registry.tenants if has_own else tenants)


def handlers_named(definitions: Sequence[Definition]) -> set[str]:
    """Return the names of all handlers of designs, including built-in ones."""
    named = {op.handler for op in tasks_of(definitions)}
    return named | {one.on_failure for one in definitions if one.on_failure is not None}


@contextmanager
def any_channel(definitions: Sequence[Definition]) -> Iterator[None]:
    """Register a stand-in for every channel that the designs name, within a block."""
    names = {
        op.input["channel"]
        for op in tasks_of(definitions)
        if isinstance(op.input, dict) and "channel" in op.input
    }
    with channels.standing_in({name: _stand_in for name in names if isinstance(name, str)}):
        yield


def tasks_of(definitions: Iterable[Definition]) -> list[TaskOp]:
    """Return all ops that call handlers."""
    return [
        op
        for one in definitions
        for block in blocks(one)
        for op in walk(block)
        if isinstance(op, TaskOp)
    ]


async def _stand_in(task: Task) -> JSON:
    return {"simulated": True}
