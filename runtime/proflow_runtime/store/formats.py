"""Reads stored definitions of any format, and replaces those of older formats.

When a version's definition is compiled again for a newer format, the version keeps its number and
its canvas; only its digest changes. The old definition is kept for the runs that began with it.
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
"""How many characters of a stored definition are read to find its format, which is its first key."""
_BEFORE_FORMAT = '{"format":"'


@dataclass(frozen=True)
class PublishedVersion:
    """A published version of a design; `format` is the format of its definition."""

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
    """The properties of a definition that can be read in any format.

    Attributes:
        format: The name of the format; empty if it is not known.
        canvas: The canvas; None if it cannot be read.
        task_type: The task type of the workflow's runs, if it has one.
        on_failure: The name of the handler that is called when a run fails, if there is one.
        start_timeout: How long a run may take to begin, in seconds.
        finish_timeout: How long a run may take once it has begun, in seconds.
    """

    format: str
    canvas: Canvas | None
    task_type: str | None
    on_failure: str | None
    start_timeout: int | None = None
    finish_timeout: int | None = None


class _Substr(SqlFunction):
    def __init__(self, column: Term, *numbers: int, alias: str | None = None) -> None:
        super().__init__("SUBSTR", column, *numbers, alias=alias)


class _Head(Function):
    """The first characters of a column."""

    database_func = _Substr


async def published(*, after: int = 0, limit: int = 200) -> list[PublishedVersion]:
    """List one page of the published versions of all tenants, by ascending ids.

    Args:
        after: The id of the last version of the page before; 0 for the first page.
        limit: How many versions to return at most. A page with fewer is the last one.
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
    """Read the formats of stored definitions, by digest, without loading the definitions."""
    rows = (
        StoredDefinition.filter(digest__in=list(digests))
        .annotate(head=_Head("body", 1, HEAD))
        .values_list("digest", "head")
    )
    return {digest: _format_in(head) for digest, head in await rows}


async def body(digest: str) -> dict[str, Any] | None:
    """Read a stored definition as JSON, whatever its format; None if there is no such digest."""
    found = await StoredDefinition.get_or_none(digest=digest)
    return None if found is None else found.body


async def about(digest: str) -> About | None:
    """Read the properties of a stored definition, whatever its format; None if there is none."""
    found = await body(digest)
    if found is None:
        return None
    try:
        canvas = Canvas.model_validate(found.get("canvas"))
    except ValidationError:
        canvas = None
    task_type, on_failure = found.get("taskType"), found.get("onFailure")
    timeouts = (found.get("settings") or {}).get("timeouts") or {}
    return About(
        *(found.get("format", ""), canvas, task_type, on_failure),
        start_timeout=timeouts.get("start"),
        finish_timeout=timeouts.get("finish"),
    )


async def replace(
    tenant_id: int, code: str, number: int, *, digest: str, definition: Definition
) -> str:
    """Replace the definition of a version by one that was compiled again.

    It does nothing if another process has already replaced the definition.

    Args:
        tenant_id: The tenant that owns the design.
        code: The code of the design.
        number: The number of the version.
        digest: The digest of the definition to replace.
        definition: The new definition.

    Returns:
        The digest that the version has now.

    Raises:
        UnknownDesignError: If there is no such version.
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
    """Return the format at the beginning of a stored definition, or "" if there is none."""
    if not head.startswith(_BEFORE_FORMAT):
        return ""
    return head.removeprefix(_BEFORE_FORMAT).partition('"')[0]
