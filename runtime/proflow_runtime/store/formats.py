"""Stored definitions of older formats, and what replaces them.

A version keeps its number and its drawing when its definition is compiled again for a newer format;
only its digest changes. The old definition stays: runs that were begun by it are pinned to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proflow_schemas.definition import Canvas, Definition, is_older
from pydantic import ValidationError
from pypika_tortoise.terms import Function as SqlFunction
from pypika_tortoise.terms import Term
from tortoise.expressions import F, Function

from proflow_runtime.store import designs
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.designs import Design, DesignVersion, StoredDefinition, Trigger

HEAD = 100
"""Characters of a stored definition in which its format stands: it is the first key."""
_BEFORE_FORMAT = '{"format":"'


@dataclass(frozen=True)
class PublishedVersion:
    """A version that new runs take. `format`: that of its definition."""

    id: int
    tenant_id: int
    code: str
    name: str
    number: int
    digest: str
    format: str

    @property
    def is_outdated(self) -> bool:
        """True if its definition has to be compiled again."""
        return is_older(self.format)


@dataclass(frozen=True)
class About:
    """What can be read of a definition in any format."""

    format: str
    canvas: Canvas | None
    task_type: str | None
    on_failure: str | None


class _Substr(SqlFunction):
    def __init__(self, column: Term, *numbers: int, alias: str | None = None) -> None:
        super().__init__("SUBSTR", column, *numbers, alias=alias)


class _Head(Function):
    """The first characters of a column."""

    database_func = _Substr


async def published(*, after: int = 0, limit: int = 200) -> list[PublishedVersion]:
    """The published versions of all tenants with greater ids than `after`, by ascending ids.

    The next page begins after the last one's id; a page that is not full is the last.
    """
    query = DesignVersion.filter(
        id__gt=after, design__deleted_at__isnull=True, number=F("design__published_version")
    )
    columns = ("id", "tenant_id", "number", "digest")
    rows = await (
        query.order_by("id").limit(limit).values(*columns, code="design__code", name="design__name")
    )
    formats = await formats_of([row["digest"] for row in rows])
    return [PublishedVersion(**row, format=formats.get(row["digest"], "")) for row in rows]


async def formats_of(digests: Sequence[str]) -> dict[str, str]:
    """The formats of stored definitions by their digests, without loading the definitions."""
    rows = (
        StoredDefinition.filter(digest__in=list(digests))
        .annotate(head=_Head("body", 1, HEAD))
        .values_list("digest", "head")
    )
    return {digest: _format_in(head) for digest, head in await rows}


async def body(digest: str) -> dict[str, Any] | None:
    """A stored definition as it was written, in whatever format."""
    found = await StoredDefinition.get_or_none(digest=digest)
    return None if found is None else found.body


async def about(digest: str) -> About | None:
    """What can be read of a stored definition, whatever its format."""
    found = await body(digest)
    if found is None:
        return None
    try:
        canvas = Canvas.model_validate(found.get("canvas"))
    except ValidationError:
        canvas = None
    task_type, on_failure = found.get("taskType"), found.get("onFailure")
    return About(found.get("format", ""), canvas, task_type, on_failure)


async def replace(
    tenant_id: int, code: str, number: int, *, digest: str, definition: Definition
) -> str:
    """Let a version have a definition that was compiled again; the digest it has then.

    Does nothing if the version does not have `digest` any more: another process has replaced it.
    Raises `UnknownDesignError`.
    """
    async with transaction():
        design = await Design.select_for_update().get_or_none(tenant_id=tenant_id, code=code)
        if design is None:
            raise designs.UnknownDesignError(code)
        version = await designs.version(tenant_id, code, number)
        if version.digest != digest:
            return version.digest
        await designs.store(definition)
        version.digest = definition.digest
        await version.save(update_fields=["digest"])
        if design.published_version == number:
            await designs.set_triggers(design, version, definition)
        else:
            of_version = Trigger.filter(tenant_id=tenant_id, design_id=design.id, version=number)
            await of_version.update(digest=version.digest)
    return version.digest


def _format_in(head: str) -> str:
    """The format that a stored definition begins with; empty if it begins otherwise."""
    if not head.startswith(_BEFORE_FORMAT):
        return ""
    return head.removeprefix(_BEFORE_FORMAT).partition('"')[0]
