"""Who `role:finance` or `manager` is: a host says so, or the tables of people do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from proflow_runtime.store import people
from proflow_runtime.values import JSON

MOST_LEVELS = 20
"""Managers above one another that are asked at most."""


@dataclass(frozen=True)
class ApproverSpec:
    """`user:7`, `role:finance`, `department:3`, `manager`, `manager:2`, `initiator`, `form:boss`…

    `kind` is what is before the colon, `value` what is after it, if anything.
    """

    kind: str
    value: str | None = None

    @classmethod
    def of(cls, text: str) -> ApproverSpec:
        """A text without a kind is a user."""
        kind, colon, value = text.partition(":")
        if not colon:
            return cls(text) if text in UNNAMED else cls("user", text)
        return cls(kind, value)

    def __str__(self) -> str:
        return self.kind if self.value is None else f"{self.kind}:{self.value}"


UNNAMED = ("manager", "initiator", "initiatorSelect", "multiLevelManager", "admin")


@dataclass(frozen=True)
class Context:
    """What is known where approvers are looked for. `data`: of the event that started the run."""

    workflow: str
    node: str
    run_id: str
    initiator: str | None
    data: Mapping[str, JSON]


class Resolver(Protocol):
    """Finds the users that an approver stands for; none, if there are none."""

    async def resolve(self, tenant_id: int, spec: ApproverSpec, context: Context) -> list[str]: ...


class TableResolver:
    """Reads the tables of people, roles and departments.

    `manager` is the initiator's, `manager:2` that one's manager; `multiLevelManager` all of them up
    to the top, or as many as it says. `department:x` is its head. `form:x` is what `event.data.x`
    names, `initiatorSelect` what `event.data.approvers` does, for all nodes or by node.
    """

    async def resolve(self, tenant_id: int, spec: ApproverSpec, context: Context) -> list[str]:
        match spec.kind:
            case "user":
                return [] if spec.value is None else [spec.value]
            case "role":
                return await people.with_role(tenant_id, spec.value or "")
            case "admin":
                return await people.with_role(tenant_id, "admin")
            case "department":
                return await people.heads(tenant_id, spec.value or "")
            case "initiator":
                return [] if context.initiator is None else [context.initiator]
            case "manager":
                level = _level(spec.value, 1)
                found = await self._managers(tenant_id, context.initiator, level)
                return found[level - 1 : level]
            case "multiLevelManager":
                level = _level(spec.value, MOST_LEVELS)
                return await self._managers(tenant_id, context.initiator, level)
            case "form":
                return _users(context.data.get(spec.value or ""))
            case "initiatorSelect":
                chosen: Any = context.data.get(spec.value or "approvers")
                if isinstance(chosen, Mapping):
                    chosen = chosen.get(context.node)
                return _users(chosen)
            case _:
                return []

    async def _managers(self, tenant_id: int, user: str | None, levels: int) -> list[str]:
        found: list[str] = []
        while user is not None and len(found) < levels:
            user = await people.manager_of(tenant_id, user)
            if user is None or user in found:
                break
            found.append(user)
        return found


def _level(value: str | None, default: int) -> int:
    if value is None or not value.isascii() or not value.isdigit():
        return default
    return min(max(int(value[:9]), 1), MOST_LEVELS)


def _users(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [str(one) for one in listed if isinstance(one, str | int) and not isinstance(one, bool)]
