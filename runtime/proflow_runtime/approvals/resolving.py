"""Finds the users that an approver such as `role:finance` or `manager` stands for.

A host implements `Resolver`; `TableResolver`, the default, reads the service's own tables of people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from proflow_schemas.language import Text, Texts

from proflow_runtime.store import people
from proflow_runtime.values import JSON

MOST_LEVELS = 20
"""How many levels of managers are followed."""
TEXTS = Texts(
    "directory",
    {
        "no-user": Text("there is no user `{name}`", "用户 `{name}` 不存在"),
        "no-role": Text("nobody has the role `{name}`", "没有人拥有角色 `{name}`"),
        "no-department": Text("there is no department `{name}`", "部门 `{name}` 不存在"),
        "no-head": Text("the department `{name}` has no head", "部门 `{name}` 没有负责人"),
    },
)


@dataclass(frozen=True)
class ApproverSpec:
    """An approver as a design names it: `role:finance`, `manager:2`, `initiator`, `form:boss`, …

    Attributes:
        kind: The part before the colon, such as `role`.
        value: The part after the colon, such as `finance`; None if there is no colon.
    """

    kind: str
    value: str | None = None

    @classmethod
    def of(cls, text: str) -> ApproverSpec:
        """Parse an approver.

        Args:
            text: The text of the design. Without a colon it is the id of a user, unless it is one
                of the kinds that need no value, such as `manager`.

        Returns:
            The approver.
        """
        kind, colon, value = text.partition(":")
        if not colon:
            return cls(text) if text in UNNAMED else cls("user", text)
        return cls(kind, value)

    def __str__(self) -> str:
        return self.kind if self.value is None else f"{self.kind}:{self.value}"


UNNAMED = (
    *("manager", "initiator", "initiatorSelect", "multiLevelManager", "admin"),
    "department",  # the initiator's
)


@dataclass(frozen=True)
class Context:
    """What a resolver may use to find approvers.

    Attributes:
        workflow: The id of the workflow.
        node: The id of the approval node.
        run_id: The id of the run.
        initiator: The id of the user who started the run, or None.
        data: The data of the event that started the run.
    """

    workflow: str
    node: str
    run_id: str
    initiator: str | None
    data: Mapping[str, JSON]


class Resolver(Protocol):
    """Finds the users that an approver stands for; implemented by the host."""

    async def resolve(self, tenant_id: int, spec: ApproverSpec, context: Context) -> list[str]:
        """Find the users that an approver stands for.

        It is called before the approval is written, outside of any transaction, and may be called
        again for the same approval.

        Args:
            tenant_id: The tenant that owns the run.
            spec: The approver as the design names it.
            context: The run and the node that need approval.

        Returns:
            The ids of the users, at most 200 characters each, in the order in which a sequential
            approval asks them; empty if there are none.
        """
        ...


class Directory(Resolver, Protocol):
    """A resolver that also knows who exists; a host's resolver need not be one."""

    async def why_nobody(self, tenant_id: int, spec: ApproverSpec) -> str | None:
        """Say why an approver can never stand for anybody.

        It is asked when a design is published, and about users to whom an approval is handed over.

        Args:
            tenant_id: The tenant.
            spec: The approver as the design names it, or `user:…`.

        Returns:
            The reason, such as `there is no role x`, or None if the approver may stand for somebody.
        """
        ...


async def why_nobody(resolver: Resolver, tenant_id: int, spec: ApproverSpec) -> str | None:
    """Say why an approver can never stand for anybody, if the resolver is a `Directory`.

    Args:
        resolver: The resolver.
        tenant_id: The tenant.
        spec: The approver.
    """
    asked = getattr(resolver, "why_nobody", None)
    return None if asked is None else await asked(tenant_id, spec)


class TableResolver:
    """Finds approvers in the service's tables of people, roles and departments.

    | approver | users |
    |---|---|
    | `user:x` | the user `x` |
    | `role:x`, `admin` | all users with the role `x`, or `admin` |
    | `department:x`, `department` | the head of the department `x`, or of the initiator's |
    | `initiator` | the user who started the run |
    | `manager`, `manager:2` | the initiator's manager, and that manager's manager |
    | `multiLevelManager:3` | the initiator's managers up to that level; without a number, all |
    | `form:x` | the users in `event.data.x` |
    | `initiatorSelect` | the users in `event.data.approvers`: a list, or a list for each node id |
    """

    async def resolve(self, tenant_id: int, spec: ApproverSpec, context: Context) -> list[str]:
        """Find the users that an approver stands for, as `Resolver.resolve` describes."""
        match spec.kind:
            case "user":
                return [] if spec.value is None else [spec.value]
            case "role":
                return await people.with_role(tenant_id, spec.value or "")
            case "admin":
                return await people.with_role(tenant_id, "admin")
            case "department" if spec.value is None:
                return await people.own_heads(tenant_id, context.initiator)
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

    async def why_nobody(self, tenant_id: int, spec: ApproverSpec) -> str | None:
        """Say why an approver can never stand for anybody, as `Directory.why_nobody` describes.

        Nothing is said of tenants whose people are not in the tables: their ids are the host's.
        """
        value = spec.value or ""
        if not await people.are_kept(tenant_id):
            return None
        match spec.kind:
            case "user" if not await people.exists(tenant_id, value):
                return TEXTS("no-user", name=value)
            case "role" if not await people.with_role(tenant_id, value):
                return TEXTS("no-role", name=value)
            case "admin" if not await people.with_role(tenant_id, "admin"):
                return TEXTS("no-role", name="admin")
            case "department" if spec.value is not None:
                if await people.heads(tenant_id, value):
                    return None
                if await people.has_department(tenant_id, value):
                    return TEXTS("no-head", name=value)
                return TEXTS("no-department", name=value)
        return None

    async def _managers(self, tenant_id: int, user: str | None, levels: int) -> list[str]:
        found: list[str] = []
        while user is not None and len(found) < levels:
            user = await people.manager_of(tenant_id, user)
            if user is None or user in found:
                break
            found.append(user)
        return found


def _level(value: str | None, default: int) -> int:
    """Read the level after `manager:`, limited to `MOST_LEVELS`; `default` if there is no number."""
    if value is None or not value.isascii() or not value.isdigit():
        return default
    return min(max(int(value[:9]), 1), MOST_LEVELS)


def _users(value: Any) -> list[str]:
    """Read user ids from a form field, which holds one id or a list of ids."""
    listed = value if isinstance(value, list) else [value]
    return [str(one) for one in listed if isinstance(one, str | int) and not isinstance(one, bool)]
