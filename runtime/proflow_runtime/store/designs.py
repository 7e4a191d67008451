"""Stores the designs of tenants: their drafts and published versions.

A deleted design keeps its versions, so that their runs can continue and be shown. Creating a design
with the same code later restores it, and continues the numbers of its versions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proflow_schemas.definition import CronTrigger, Definition, EventTrigger
from proflow_schemas.errors import ProFlowError
from proflow_schemas.language import Text, Texts
from tortoise.exceptions import IntegrityError
from tortoise.expressions import F, Q
from tortoise.functions import Max
from tortoise.queryset import QuerySet

from proflow_runtime.context import clock
from proflow_runtime.status import OPEN
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.designs import Design, DesignVersion, StoredDefinition, Trigger
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.models.texts import storable
from proflow_runtime.store.pages import LIMIT, Page, page

TEXTS = Texts(
    "stored-design",
    {
        "saved-meanwhile": Text(
            "the draft has been saved meanwhile, as revision {revision:raw}",
            "草稿已被其他人保存（修订 {revision:raw}）",
        ),
        "runs-open": Text("{runs:raw} runs have not ended", "还有 {runs:raw} 次运行未结束"),
    },
)


class UnknownDesignError(ProFlowError, LookupError):
    """The tenant has no such design, or no such version of it."""


class DesignExistsError(ProFlowError):
    """The tenant already has a design with this code."""


class EditedMeanwhileError(ProFlowError):
    """Somebody else has saved the draft; `revision` is its current revision."""

    def __init__(self, revision: int) -> None:
        super().__init__(TEXTS("saved-meanwhile", revision=revision))
        self.revision = revision


class RunsOpenError(ProFlowError):
    """A design cannot be deleted because `runs` of its runs have not ended."""

    def __init__(self, runs: int) -> None:
        super().__init__(TEXTS("runs-open", runs=runs))
        self.runs = runs


@dataclass(frozen=True)
class DesignSummary:
    """A design without its draft, for lists."""

    code: str
    name: str
    revision: int
    published_version: int | None
    created_at: datetime
    updated_at: datetime
    updated_by: str | None


@dataclass(frozen=True)
class VersionSummary:
    """A version without its canvas, for lists."""

    number: int
    digest: str
    published_at: datetime
    published_by: str | None


@dataclass(frozen=True)
class Published:
    """The version that new runs of a workflow use."""

    workflow: str
    version: int
    digest: str


async def create(tenant_id: int, code: str, *, name: str, draft: Any, by: str | None) -> Design:
    """Create a design, or restore a deleted one with the same code.

    Args:
        tenant_id: The tenant that owns the design.
        code: The code of the design, which is also the id of its workflow.
        name: The name that is shown.
        draft: The canvas as JSON.
        by: The id of the user who creates it.

    Raises:
        DesignExistsError: If the tenant already has a design with this code.
    """
    now = clock.now()
    first = {"name": name, "draft": draft, "created_at": now, "updated_at": now, "updated_by": by}
    async with transaction():
        design = await Design.select_for_update().get_or_none(tenant_id=tenant_id, code=code)
        if design is None:
            try:
                return await Design.create(tenant_id=tenant_id, code=code, **first)
            except IntegrityError as error:  # it was created at the same time
                raise DesignExistsError(code) from error
        if design.deleted_at is None:
            raise DesignExistsError(code)
        design.update_from_dict({**first, "revision": design.revision + 1, "deleted_at": None})
        await design.save()
    return design


async def save(
    tenant_id: int,
    code: str,
    draft: Any,
    *,
    by: str | None,
    name: str | None = None,
    revision: int | None = None,
) -> Design:
    """Save the draft of a design.

    Args:
        tenant_id: The tenant that owns the design.
        code: The code of the design.
        draft: The canvas as JSON.
        by: The id of the user who saves it.
        name: The new name; None keeps the name.
        revision: The revision that was edited; None saves in any case.

    Raises:
        UnknownDesignError: If there is no such design.
        EditedMeanwhileError: If somebody else has saved the draft since `revision`.
    """
    async with transaction():
        design = await _locked(tenant_id, code, revision)
        design.draft = draft
        design.name = design.name if name is None else name
        design.revision += 1
        design.updated_at = clock.now()
        design.updated_by = by
        await design.save()
    return design


async def get(tenant_id: int, code: str) -> Design:
    """Get a design with its draft; raises `UnknownDesignError` if there is none."""
    design = await _designs(tenant_id).get_or_none(code=code)
    if design is None:
        raise UnknownDesignError(code)
    return design


async def listed(
    tenant_id: int,
    *,
    search: str = "",
    published: bool | None = None,
    offset: int = 0,
    limit: int = LIMIT,
) -> Page[DesignSummary]:
    """List a tenant's designs, the most recently changed first.

    Args:
        tenant_id: The tenant.
        search: A part of the code or name; empty for all designs.
        published: True for published designs only, False for the others only.
        offset: How many designs to skip.
        limit: How many designs to return at most.
    """
    query = _designs(tenant_id)
    if search:
        text = storable(search)
        query = query.filter(Q(code__icontains=text) | Q(name__icontains=text))
    if published is not None:
        query = query.filter(published_version__isnull=not published)
    shown = tuple(DesignSummary.__dataclass_fields__)
    found = await page(query.order_by("-updated_at", "-id").only("id", *shown), offset, limit)
    return Page([DesignSummary(**_fields(one, shown)) for one in found.items], found.total)


async def delete(tenant_id: int, code: str, *, force: bool = False) -> None:
    """Delete a design; it starts no more runs.

    Args:
        tenant_id: The tenant that owns the design.
        code: The code of the design.
        force: True to delete it even if it has open runs, which then continue.

    Raises:
        UnknownDesignError: If there is no such design.
        RunsOpenError: If the design has open runs and `force` is False.
    """
    async with transaction():
        design = await _locked(tenant_id, code)
        runs = await Run.filter(tenant_id=tenant_id, workflow=code, status__in=OPEN).count()
        if runs and not force:
            raise RunsOpenError(runs)
        await _drop_triggers(design)
        design.deleted_at = clock.now()
        design.published_version = None
        await design.save(update_fields=["deleted_at", "published_version"])


async def publish(
    tenant_id: int,
    code: str,
    *,
    canvas: Any,
    definition: Definition,
    by: str | None,
    revision: int | None = None,
) -> DesignVersion:
    """Store a new version of a design, and let new runs use it, in one transaction.

    Args:
        tenant_id: The tenant that owns the design.
        code: The code of the design.
        canvas: The canvas as JSON.
        definition: The definition that the canvas compiles to, with its digest; its id is `code`.
        by: The id of the user who publishes.
        revision: The revision of the draft that was compiled; None publishes in any case.

    Returns:
        The new version.

    Raises:
        UnknownDesignError: If there is no such design.
        EditedMeanwhileError: If somebody else has saved the draft since `revision`.
    """
    if definition.id != code or not definition.digest:
        raise ValueError(f"`{definition.id}` is no definition of `{code}` with a digest")
    async with transaction():
        design = await _locked(tenant_id, code, revision)
        await store(definition)
        version = await DesignVersion.create(
            tenant_id=tenant_id,
            design=design,
            number=await _last_number(design) + 1,
            canvas=canvas,
            digest=definition.digest,
            published_at=clock.now(),
            published_by=by,
        )
        design.published_version = version.number
        await design.save(update_fields=["published_version"])
        await set_triggers(design, version, definition)
    return version


async def store(definition: Definition) -> None:
    """Store a definition under its digest, unless it is stored already."""
    stored = StoredDefinition(digest=definition.digest, body=json.loads(definition.to_json()))
    await StoredDefinition.bulk_create([stored], ignore_conflicts=True)


async def set_triggers(design: Design, version: DesignVersion, definition: Definition) -> None:
    """Replace the triggers of a design by those of its published version.

    Args:
        design: The design.
        version: The version that is published now.
        definition: The definition of that version.
    """
    await _drop_triggers(design)
    of_design = Trigger.filter(tenant_id=design.tenant_id, design_id=design.id)
    await of_design.filter(version=version.number).delete()
    await Trigger.bulk_create(list(_triggers(version, definition)))


async def unpublish(tenant_id: int, code: str) -> None:
    """Unpublish a design: it starts no more runs, and open runs continue.

    Raises `UnknownDesignError` if there is no such design.
    """
    async with transaction():
        design = await _locked(tenant_id, code)
        design.published_version = None
        await design.save(update_fields=["published_version"])
        await _drop_triggers(design)


async def published(tenant_id: int, code: str) -> Published | None:
    """Find the version that new runs of a workflow use; returns None if none is published."""
    version = await DesignVersion.get_or_none(
        tenant_id=tenant_id,
        design__code=code,
        design__deleted_at__isnull=True,
        number=F("design__published_version"),
    ).only("number", "digest")
    return None if version is None else Published(code, version.number, version.digest)


async def versions(
    tenant_id: int, code: str, *, offset: int = 0, limit: int = LIMIT
) -> Page[VersionSummary]:
    """List the versions of a design, the newest first; raises `UnknownDesignError`."""
    if not await _designs(tenant_id).filter(code=code).exists():
        raise UnknownDesignError(code)
    shown = tuple(VersionSummary.__dataclass_fields__)
    query = DesignVersion.filter(tenant_id=tenant_id, design__code=code)
    found = await page(query.order_by("-number").only("id", *shown), offset, limit)
    return Page([VersionSummary(**_fields(one, shown)) for one in found.items], found.total)


async def version(tenant_id: int, code: str, number: int) -> DesignVersion:
    """Get a version with its canvas, even if the design was deleted; raises `UnknownDesignError`."""
    found = await DesignVersion.get_or_none(tenant_id=tenant_id, design__code=code, number=number)
    if found is None:
        raise UnknownDesignError(f"{code} version {number}")
    return found


async def digest_of(tenant_id: int, code: str, number: int) -> str | None:
    """Get the digest of a version, even if the design was deleted; None if there is no such one."""
    found = DesignVersion.filter(tenant_id=tenant_id, design__code=code, number=number)
    return await found.first().values_list("digest", flat=True)  # type: ignore[return-value]


async def definition(digest: str) -> Definition | None:
    """Get a definition by its digest; tenants with the same digest share it.

    Raises `UnknownFormatError` if the definition has another format than the current one.
    """
    stored = await StoredDefinition.get_or_none(digest=digest)
    return None if stored is None else Definition.model_validate(stored.body)


def _designs(tenant_id: int) -> QuerySet[Design]:
    return Design.filter(tenant_id=tenant_id, deleted_at__isnull=True)


async def _locked(tenant_id: int, code: str, revision: int | None = None) -> Design:
    """Load a design and lock its row until the transaction ends."""
    design = await _designs(tenant_id).select_for_update().get_or_none(code=code)
    if design is None:
        raise UnknownDesignError(code)
    if revision is not None and design.revision != revision:
        raise EditedMeanwhileError(design.revision)
    return design


async def _drop_triggers(design: Design) -> None:
    """Delete the triggers of a design, but keep those that cancel open runs of its versions."""
    of_design = Trigger.filter(tenant_id=design.tenant_id, design_id=design.id)
    of_runs = Run.filter(tenant_id=design.tenant_id, workflow=design.code, status__in=OPEN)
    in_flight = await of_runs.distinct().values_list("version", flat=True)
    await of_design.filter(kind__not="cancel").delete()
    await of_design.filter(kind="cancel", version__not_in=in_flight).delete()


async def _last_number(design: Design) -> int:
    found = await DesignVersion.filter(design=design).annotate(last=Max("number")).values("last")
    return found[0]["last"] or 0


def _triggers(version: DesignVersion, definition: Definition) -> Iterator[Trigger]:
    common = {
        "tenant_id": version.tenant_id,
        "design_id": version.design_id,
        "workflow": definition.id,
        "version": version.number,
        "digest": version.digest,
        "idempotency": definition.settings.idempotency,
        "cancellable": bool(definition.settings.cancel_on),
    }
    for trigger in definition.triggers:
        match trigger:
            case EventTrigger():
                key, condition = trigger.event, trigger.condition
                yield Trigger(kind="event", key=key, condition=condition, **common)
            case CronTrigger():
                yield Trigger(kind="cron", key=trigger.with_zone(), **common)
    for cancel in definition.settings.cancel_on:
        yield Trigger(
            kind="cancel",
            key=cancel.event,
            condition=cancel.condition,
            timeout=cancel.timeout,
            **{**common, "idempotency": None},
        )


def _fields(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
