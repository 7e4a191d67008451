"""Reads and writes people, their roles, departments and managers, and delegations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tortoise.expressions import Q

from proflow_runtime.context import clock
from proflow_runtime.store.models.people import Delegation, Department, Person, PersonRole
from proflow_runtime.store.models.texts import storable
from proflow_runtime.store.models.tokens import ApiToken
from proflow_runtime.store.pages import LIMIT, Page, page

MOST_STAND_INS = 50
"""How many delegations are followed to find for whom a user may act."""


async def with_role(tenant_id: int, role: str) -> list[str]:
    """List the ids of the users with a role, in a stable order."""
    found = PersonRole.filter(tenant_id=tenant_id, role=role).order_by("id")
    return [row.user for row in await found]


async def roles_of(tenant_id: int, user: str) -> list[str]:
    """List the roles of a user."""
    found = PersonRole.filter(tenant_id=tenant_id, user=user).order_by("role")
    return [row.role for row in await found]


async def name_of(tenant_id: int, user: str) -> str | None:
    """Get the name of a user, or None if the user is not in the table."""
    found = await Person.get_or_none(tenant_id=tenant_id, user=user)
    return None if found is None else found.name


async def listed(
    tenant_id: int, *, search: str = "", offset: int = 0, limit: int = LIMIT
) -> Page[Person]:
    """List a tenant's people by user id; `search` is a part of the user id or name."""
    query = Person.filter(tenant_id=tenant_id)
    if search:
        text = storable(search)
        query = query.filter(Q(user__icontains=text) | Q(name__icontains=text))
    return await page(query.order_by("user"), offset, limit)


async def heads(tenant_id: int, department: str) -> list[str]:
    """List the head of a department; empty if there is none, or no such department."""
    found = await Department.get_or_none(tenant_id=tenant_id, code=department)
    return [] if found is None or found.head is None else [found.head]


async def own_heads(tenant_id: int, user: str | None) -> list[str]:
    """List the head of the department of a user; empty if there is none."""
    person = None if user is None else await Person.get_or_none(tenant_id=tenant_id, user=user)
    if person is None or person.department is None:
        return []
    return await heads(tenant_id, person.department)


async def has_department(tenant_id: int, department: str) -> bool:
    """True if the tenant has a department with this code."""
    return await Department.exists(tenant_id=tenant_id, code=department)


async def are_kept(tenant_id: int) -> bool:
    """True if there are people of the tenant in the table; if not, the host keeps them."""
    return await Person.exists(tenant_id=tenant_id)


async def exists(tenant_id: int, user: str) -> bool:
    """True if a user is a person of the tenant, has a role there, or can sign in by a token."""
    if await Person.exists(tenant_id=tenant_id, user=user):
        return True
    if await PersonRole.exists(tenant_id=tenant_id, user=user):
        return True
    return await ApiToken.exists(tenant_id=tenant_id, user=user, revoked_at__isnull=True)


async def manager_of(tenant_id: int, user: str) -> str | None:
    """Find the manager of a user.

    It is the user's own manager, or else the head of the user's department, or of the next
    department above it whose head is somebody else.

    Returns:
        The id of the manager, or None.
    """
    person = await Person.get_or_none(tenant_id=tenant_id, user=user)
    if person is None or person.manager is not None:
        return None if person is None else person.manager
    code, seen = person.department, set[str]()
    while code is not None and code not in seen:
        seen.add(code)
        department = await Department.get_or_none(tenant_id=tenant_id, code=code)
        if department is None:
            return None
        if department.head is not None and department.head != user:
            return department.head
        code = department.parent
    return None


async def delegate(
    tenant_id: int,
    user: str,
    stand_in: str,
    *,
    starts_at: datetime,
    ends_at: datetime,
    workflow: str | None = None,
) -> Delegation:
    """Let somebody act for a user during some time.

    Args:
        tenant_id: The tenant of both users.
        user: The id of the user who is away.
        stand_in: The id of the user who may act instead.
        starts_at: When the delegation begins.
        ends_at: When it ends.
        workflow: The workflow to which it applies; None for all.
    """
    return await Delegation.create(
        tenant_id=tenant_id,
        user=user,
        stand_in=stand_in,
        starts_at=starts_at,
        ends_at=ends_at,
        workflow=workflow,
    )


async def delegations(tenant_id: int, user: str) -> list[Delegation]:
    """List a user's current and future delegations: first those given, then those received."""
    now = clock.now()
    given = Delegation.filter(tenant_id=tenant_id, user=user, ends_at__gt=now)
    taken = Delegation.filter(tenant_id=tenant_id, stand_in=user, ends_at__gt=now)
    return [*await given.order_by("id"), *await taken.order_by("id")]


async def end_delegation(tenant_id: int, user: str, delegation_id: int) -> bool:
    """Delete a delegation that a user has given; returns False if there is no such one."""
    given = Delegation.filter(tenant_id=tenant_id, user=user, id=delegation_id)
    return await given.delete() > 0


async def stood_in_for(tenant_id: int, user: str) -> list[tuple[str, str | None]]:
    """Find for whom a user may act now, by delegations and by delegations of delegations.

    A chain of delegations applies to a workflow only if each of them does.

    Returns:
        Pairs of a user's id and a workflow, or None for all workflows; without the user's own id.
    """
    now = clock.now()
    active = Delegation.filter(tenant_id=tenant_id, starts_at__lte=now, ends_at__gt=now)
    found: dict[tuple[str, str | None], None] = {}
    stack: list[tuple[str, str | None]] = [(user, None)]
    while stack and len(found) < MOST_STAND_INS:
        one, within = stack.pop()
        for row in await active.filter(stand_in=one).order_by("id"):
            if within is not None and row.workflow not in (None, within):
                continue
            entry = (row.user, within or row.workflow)
            if row.user != user and entry not in found:
                found[entry] = None
                stack.append(entry)
    return list(found)


async def add(
    tenant_id: int,
    user: str,
    name: str,
    *,
    department: str | None = None,
    manager: str | None = None,
    roles: Sequence[str] = (),
) -> Person:
    """Add a person with their roles.

    Args:
        tenant_id: The tenant.
        user: The host's id of the person.
        name: The name that is shown.
        department: The code of their department.
        manager: The id of their manager; None for the head of their department.
        roles: Their roles.
    """
    person = await Person.create(
        tenant_id=tenant_id, user=user, name=name, department=department, manager=manager
    )
    for role in roles:
        await PersonRole.create(tenant_id=tenant_id, user=user, role=role)
    return person


async def add_department(
    tenant_id: int, code: str, name: str, *, head: str | None = None, parent: str | None = None
) -> Department:
    """Add a department.

    Args:
        tenant_id: The tenant.
        code: The code of the department.
        name: The name that is shown.
        head: The id of the user who leads it.
        parent: The code of the department above it.
    """
    return await Department.create(
        tenant_id=tenant_id, code=code, name=name, head=head, parent=parent
    )
