"""Exports and erases what is stored of a tenant, or of one person of a tenant.

A person is erased by a pseudonym: what others have decided stays understandable, and nothing leads to
the person any more. Comments that the person has written are removed.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from proflow_schemas.errors import ProFlowError
from tortoise.expressions import Q
from tortoise.models import Model

from proflow_runtime.context import clock
from proflow_runtime.status import OPEN
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models import MODELS
from proflow_runtime.store.models.administration import AdministrationEntry
from proflow_runtime.store.models.approvals import Approval, Assignment, AuditEntry
from proflow_runtime.store.models.attempts import RunAttempt
from proflow_runtime.store.models.designs import Design, DesignVersion, StoredDefinition
from proflow_runtime.store.models.json_text import JsonText
from proflow_runtime.store.models.people import Delegation, Department, Person, PersonRole
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.models.settings import TenantSettingsRow
from proflow_runtime.store.models.tokens import ApiToken
from proflow_runtime.store.retention import BATCH

M = TypeVar("M", bound=Model)
USERS: Mapping[type[Model], tuple[str, ...]] = {
    AdministrationEntry: ("actor",),
    Approval: ("initiator", "decided_by"),
    Assignment: ("user", "instead_of"),
    AuditEntry: ("actor",),
    Department: ("head",),
    Design: ("updated_by",),
    DesignVersion: ("published_by",),
    Person: ("user", "manager"),
    Delegation: ("user", "stand_in"),
    PersonRole: ("user",),
    ApiToken: ("user",),
    Run: ("started_by",),
    RunAttempt: ("started_by",),
    TenantSettingsRow: ("updated_by",),
}
"""The columns that hold ids of users."""
OWN: Mapping[type[Model], str] = {Person: "user", PersonRole: "user", ApiToken: "user"}
"""Rows that are about one person only, and are deleted with the person."""
WRITTEN: Mapping[type[Model], tuple[str, str]] = {
    Approval: ("decided_by", "comment"),
    Assignment: ("user", "comment"),
    AuditEntry: ("actor", "comment"),
    RunAttempt: ("started_by", "reason"),
}
"""The column with the writer of a text, and that with the text."""
DRAWN = (Design, DesignVersion)
"""Drawings are not rewritten: their definitions would not be those of the drawings any more."""
SECRET = ("hash",)
"""Columns that are not exported."""


class StillOpenError(ProFlowError):
    """Something still waits: it must be ended before the rows are erased."""


async def export_tenant(tenant_id: int) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Iterate over all rows of a tenant, with the names of their tables."""
    for model in _models():
        async for row in _pages(model, Q(tenant_id=tenant_id)):
            yield model._meta.db_table, _shown(row)


async def export_person(tenant_id: int, user: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Iterate over the rows of a tenant that name a person, with the names of their tables."""
    for model in _models():
        named = _naming(model, user)
        if named is None:
            continue
        async for row in _pages(model, Q(tenant_id=tenant_id) & named):
            if _names(row, user):
                yield model._meta.db_table, _shown(row)


async def erase_tenant(tenant_id: int) -> int:
    """Delete all rows of a tenant.

    Args:
        tenant_id: The tenant.

    Returns:
        How many rows were deleted, without those that hang on them.

    Raises:
        StillOpenError: If runs of the tenant have not ended.
    """
    opened = await Run.filter(tenant_id=tenant_id, status__in=OPEN).count()
    if opened:
        raise StillOpenError(f"{opened} runs have not ended: cancel them first")
    total = 0
    versions = DesignVersion.filter(tenant_id=tenant_id)
    digests = set(await versions.distinct().values_list("digest", flat=True))
    digests.update(
        await Run.filter(tenant_id=tenant_id).distinct().values_list("digest", flat=True)
    )
    for model in _models():
        while True:
            key = model._meta.pk_attr
            ids = await model.filter(tenant_id=tenant_id).limit(BATCH).values_list(key, flat=True)
            if not ids:
                break
            async with transaction():
                total += await model.filter(tenant_id=tenant_id, pk__in=list(ids)).delete()
    for digest in digests:
        used = await DesignVersion.exists(digest=digest) or await Run.exists(digest=digest)
        if not used:
            total += await StoredDefinition.filter(digest=digest).delete()
    return total


async def erase_person(tenant_id: int, user: str) -> tuple[str, int]:
    """Replace a person of a tenant by a pseudonym everywhere, and remove what the person wrote.

    Args:
        tenant_id: The tenant.
        user: The id of the person.

    Returns:
        The pseudonym, and how many rows were changed or deleted.

    Raises:
        StillOpenError: If approvals wait for the person, runs that the person has started are open,
            or designs name the person.
    """
    waiting = await Assignment.filter(
        tenant_id=tenant_id, user=user, status__in=("open", "queued"), approval__status="open"
    ).count()
    if waiting:
        raise StillOpenError(f"{waiting} approvals wait for `{user}`: hand them over first")
    started = await Run.filter(tenant_id=tenant_id, started_by=user, status__in=OPEN).count()
    if started:
        raise StillOpenError(f"{started} runs of `{user}` have not ended: cancel them first")
    naming = [code async for code in _designs_naming(tenant_id, user)]
    if naming:
        codes = ", ".join(f"`{code}`" for code in naming[:10])
        raise StillOpenError(f"designs name `{user}`, change them first: {codes}")
    pseudonym = f"erased-{secrets.token_hex(8)}"
    changed = 0
    for model, column in OWN.items():
        changed += await model.filter(tenant_id=tenant_id, **{column: user}).delete()
    changed += await Delegation.filter(
        Q(user=user) | Q(stand_in=user), tenant_id=tenant_id
    ).delete()
    for model in _models():
        named = _naming(model, user)
        if named is None:
            continue
        async for row in _pages(model, Q(tenant_id=tenant_id) & named):
            changed += await _replaced(row, user, pseudonym)
    if changed:
        await AuditEntry.create(
            tenant_id=tenant_id,
            at=clock.now(),
            actor="system",
            act="erased",
            details={"person": pseudonym},
        )
    return pseudonym, changed


async def _replaced(row: Model, user: str, pseudonym: str) -> bool:
    """Replace a person in a row; returns True if the row was changed."""
    changed: list[str] = []
    writer, text = WRITTEN.get(type(row), ("", ""))
    if writer and getattr(row, writer) == user and getattr(row, text) is not None:
        setattr(row, text, None)
        changed.append(text)
    for column in USERS.get(type(row), ()):
        if getattr(row, column) == user:
            setattr(row, column, pseudonym)
            changed.append(column)
    for column in () if isinstance(row, DRAWN) else _json_columns(type(row)):
        value = getattr(row, column)
        found = _without(value, user, pseudonym)
        if found != value:
            setattr(row, column, found)
            changed.append(column)
    if changed:
        await row.save(update_fields=changed)
    return bool(changed)


async def _designs_naming(tenant_id: int, user: str) -> AsyncIterator[str]:
    """Iterate over the codes of designs whose draft or published version names a person."""
    async for design in _pages(Design, Q(tenant_id=tenant_id, deleted_at__isnull=True)):
        number = design.published_version
        version = None
        if number is not None:
            version = await DesignVersion.get_or_none(design_id=design.id, number=number)
        drawings = [design.draft, *([] if version is None else [version.canvas])]
        if _without(drawings, user, "") != drawings:
            yield design.code


def _without(value: Any, user: str, pseudonym: str) -> Any:
    if isinstance(value, str):
        return pseudonym if value == user else value
    if isinstance(value, list):
        return [_without(one, user, pseudonym) for one in value]
    if isinstance(value, dict):
        return {
            _without(key, user, pseudonym): _without(one, user, pseudonym)
            for key, one in value.items()
        }
    return value


def _names(row: Model, user: str) -> bool:
    if any(getattr(row, column) == user for column in USERS.get(type(row), ())):
        return True
    for column in _json_columns(type(row)):
        value = getattr(row, column)
        if _without(value, user, "") != value:
            return True
    return False


def _naming(model: type[Model], user: str) -> Q | None:
    """Select the rows that may name a person; None if no column can."""
    found = [Q(**{column: user}) for column in USERS.get(model, ())]
    # The text of JSON is ASCII: a part of the id without escapes is enough to look for.
    plain = max(user.encode("ascii", "replace").decode().split("?"), key=len)
    plain = max(plain.replace('"', "\\").split("\\"), key=len)
    for column in _json_columns(model):
        found.append(Q(**{f"{column}__contains": plain}) if plain else Q(tenant_id__gt=0))
    return Q(*found, join_type="OR") if found else None


def _json_columns(model: type[Model]) -> list[str]:
    return [name for name, field in model._meta.fields_map.items() if isinstance(field, JsonText)]


def _models() -> list[type[Model]]:
    """List the models with rows of tenants."""
    return [model for model in MODELS if "tenant_id" in model._meta.fields_map]


async def _pages(model: type[M], chosen: Q) -> AsyncIterator[M]:
    after: Any = None
    while True:
        query = model.filter(chosen) if after is None else model.filter(chosen, pk__gt=after)
        rows = await query.order_by(model._meta.pk_attr).limit(BATCH)
        for row in rows:
            yield row
        if len(rows) < BATCH:
            return
        after = rows[-1].pk


def _shown(row: Model) -> dict[str, Any]:
    found = {}
    for name in row._meta.db_fields:
        value = getattr(row, name)
        if name not in SECRET:
            found[name] = value.isoformat() if isinstance(value, datetime) else value
    return found
