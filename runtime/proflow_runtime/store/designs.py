"""Designs of tenants: drafts, and the versions that are published of them.

A design that is deleted leaves its versions, so that runs of them go on and can be shown. Saving a
design of the same code later takes it up again, and its versions are counted on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proflow_schemas.definition import CronTrigger, Definition, EventTrigger
from proflow_schemas.errors import ProFlowError
from tortoise.exceptions import IntegrityError
from tortoise.expressions import F, Q
from tortoise.functions import Max
from tortoise.queryset import QuerySet

from proflow_runtime.context import clock
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.designs import Design, DesignVersion, StoredDefinition, Trigger
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.models.texts import storable
from proflow_runtime.store.pages import LIMIT, Page, page

OPEN = ("pending", "running", "waiting")
"""Statuses of runs that have not ended."""


class UnknownDesignError(ProFlowError, LookupError):
    """The tenant has no such design, or no such version of it."""


class DesignExistsError(ProFlowError):
    """A design is to be created under a code that the tenant uses already."""


class EditedMeanwhileError(ProFlowError):
    """Somebody else has saved the draft; `revision` is what it is at now."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"the draft has been saved meanwhile, as revision {revision}")
        self.revision = revision


class RunsOpenError(ProFlowError):
    """Runs of a design that is to be deleted have not ended: so many."""

    def __init__(self, runs: int) -> None:
        super().__init__(f"{runs} runs have not ended")
        self.runs = runs


@dataclass(frozen=True)
class DesignSummary:
    """A design without its drawing."""

    code: str
    name: str
    revision: int
    published_version: int | None
    created_at: datetime
    updated_at: datetime
    updated_by: str | None


@dataclass(frozen=True)
class VersionSummary:
    """A version without its drawing."""

    number: int
    digest: str
    published_at: datetime
    published_by: str | None


@dataclass(frozen=True)
class Published:
    """What new runs of a workflow take."""

    workflow: str
    version: int
    digest: str


async def create(tenant_id: int, code: str, *, name: str, draft: Any, by: str | None) -> Design:
    """Save a new design. Raises `DesignExistsError`."""
    now = clock.now()
    first = {"name": name, "draft": draft, "created_at": now, "updated_at": now, "updated_by": by}
    async with transaction():
        design = await Design.select_for_update().get_or_none(tenant_id=tenant_id, code=code)
        if design is None:
            try:
                return await Design.create(tenant_id=tenant_id, code=code, **first)
            except IntegrityError as error:  # somebody else did so at the same time
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
    """Save the draft of a design; with the revision that it was edited from, only over that one.

    Raises `UnknownDesignError`, `EditedMeanwhileError`.
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
    """A design with its draft. Raises `UnknownDesignError`."""
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
    """Designs, those changed last first; `search` is a part of code or name."""
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
    """Delete a design: it starts no more runs.

    Raises `UnknownDesignError`, and `RunsOpenError` unless by `force`.
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
    """Make what a drawing compiles to the version that new runs take, in one transaction.

    `definition` has its digest, and `code` as its id. With a `revision`, only if the draft is still
    at that one. Raises `UnknownDesignError`, `EditedMeanwhileError`.
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
    """Keep a definition under its digest, unless it is kept already."""
    stored = StoredDefinition(digest=definition.digest, body=json.loads(definition.to_json()))
    await StoredDefinition.bulk_create([stored], ignore_conflicts=True)


async def set_triggers(design: Design, version: DesignVersion, definition: Definition) -> None:
    """Let a design's runs be started and cancelled as its published version says."""
    await _drop_triggers(design)
    of_design = Trigger.filter(tenant_id=design.tenant_id, design_id=design.id)
    await of_design.filter(version=version.number).delete()
    await Trigger.bulk_create(list(_triggers(version, definition)))


async def unpublish(tenant_id: int, code: str) -> None:
    """Start no more runs of a design; those in flight go on. Raises `UnknownDesignError`."""
    async with transaction():
        design = await _locked(tenant_id, code)
        design.published_version = None
        await design.save(update_fields=["published_version"])
        await _drop_triggers(design)


async def published(tenant_id: int, code: str) -> Published | None:
    """What a new run of a workflow takes; None: there is none, or nothing is published of it."""
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
    """The versions of a design, the last first. Raises `UnknownDesignError`."""
    if not await _designs(tenant_id).filter(code=code).exists():
        raise UnknownDesignError(code)
    shown = tuple(VersionSummary.__dataclass_fields__)
    query = DesignVersion.filter(tenant_id=tenant_id, design__code=code)
    found = await page(query.order_by("-number").only("id", *shown), offset, limit)
    return Page([VersionSummary(**_fields(one, shown)) for one in found.items], found.total)


async def version(tenant_id: int, code: str, number: int) -> DesignVersion:
    """A version with its drawing, also of a design that was deleted. Raises `UnknownDesignError`."""
    found = await DesignVersion.get_or_none(tenant_id=tenant_id, design__code=code, number=number)
    if found is None:
        raise UnknownDesignError(f"{code} version {number}")
    return found


async def digest_of(tenant_id: int, code: str, number: int) -> str | None:
    """The digest of a version, whatever became of the design; None: there is no such version."""
    found = DesignVersion.filter(tenant_id=tenant_id, design__code=code, number=number)
    return await found.first().values_list("digest", flat=True)  # type: ignore[return-value]


async def definition(digest: str) -> Definition | None:
    """What versions of this digest compile to; the same for every tenant that has one.

    Raises `UnknownFormatError`.
    """
    stored = await StoredDefinition.get_or_none(digest=digest)
    return None if stored is None else Definition.model_validate(stored.body)


def _designs(tenant_id: int) -> QuerySet[Design]:
    return Design.filter(tenant_id=tenant_id, deleted_at__isnull=True)


async def _locked(tenant_id: int, code: str, revision: int | None = None) -> Design:
    """A design that nobody else changes until the transaction ends."""
    design = await _designs(tenant_id).select_for_update().get_or_none(code=code)
    if design is None:
        raise UnknownDesignError(code)
    if revision is not None and design.revision != revision:
        raise EditedMeanwhileError(design.revision)
    return design


async def _drop_triggers(design: Design) -> None:
    """Let a design start no more runs. What cancels runs of its versions stays as long as these do."""
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
