"""What it costs to look up which designs an event starts, and how many tenants others may be.

The same tenant's event is looked up in a database with that tenant alone, and with ever more tenants
that have published the same twenty designs. The lookups take turns; ratios are of medians.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read
from proflow_runtime.dispatch.starting import started_by
from proflow_runtime.store import designs
from proflow_runtime.store.database import connect, migrate
from proflow_runtime.store.models import Design, DesignVersion, Trigger
from tortoise.models import Model

from benchmarks.databases import KINDS
from benchmarks.tables import show, verdict

DESIGNS = 20
EVENTS = tuple(f"office/{name}" for name in ("asked", "paid", "left"))
CRONS = ("0 9 * * *", "*/5 * * * *", "30 18 * * 5", "0 0 1 * *")
TENANTS = (1, 100, 1000)
LOOKUPS, ROUNDS = 40, 9
TARGET = 1.5
"""A thousand times as many rows: an index is a level or two deeper, and no more."""
AT_ONCE = 2000
FIRST = 1
"""The tenant whose designs are published one by one; all others have copies."""


def drawing(number: int) -> dict[str, Any]:
    """The canvas of one of the designs of a tenant; the last few are started by crons."""
    cron = number - (DESIGNS - len(CRONS))
    start = {"cron": CRONS[cron]} if cron >= 0 else {"event": EVENTS[number % len(EVENTS)]}
    return {
        "id": f"design-{number}",
        "trigger": start,
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "note", "type": "set", "data": {"values": {"number": str(number)}}},
            {"id": "end", "type": "end"},
        ],
        "edges": [{"source": "start", "target": "note"}, {"source": "note", "target": "end"}],
    }


async def populate(tenants: Sequence[int]) -> None:
    """Publish twenty designs for each tenant, who has none: for `FIRST` as anybody does, then by
    copying its rows."""
    if FIRST in tenants:
        for canvas in map(drawing, range(DESIGNS)):
            (definition,) = compile_reading(read(json.dumps(canvas).encode(), "d.json")).definitions
            await designs.create(FIRST, definition.id, name=definition.id, draft=canvas, by=None)
            await designs.publish(
                FIRST, definition.id, canvas=canvas, definition=definition, by=None
            )
    others = [tenant for tenant in tenants if tenant != FIRST]
    await _copy(Design, others, {})
    found = await Design.filter(tenant_id__in=others).values_list("tenant_id", "code", "id")
    ids = {(tenant, code): id for tenant, code, id in found}
    codes = dict(await Design.filter(tenant_id=FIRST).values_list("id", "code"))
    for model in (DesignVersion, Trigger):
        await _copy(model, others, {old: (code, ids) for old, code in codes.items()})


async def _copy(model: type[Any], tenants: Sequence[int], of_design: dict[int, Any]) -> None:
    """Copies of the first tenant's rows, for other tenants."""
    rows: list[Model] = []
    first = await model.filter(tenant_id=FIRST).order_by("id")
    fields = model._meta.fields_db_projection.keys() - {"id", "tenant_id"}
    for tenant in tenants:
        for row in first:
            values = {name: getattr(row, name) for name in fields}
            if of_design:
                code, ids = of_design[row.design_id]
                values["design_id"] = ids[tenant, code]
            copy = model(tenant_id=tenant)
            for name, value in values.items():
                setattr(copy, name, value)
            rows.append(copy)
    await model.bulk_create(rows, batch_size=AT_ONCE)


async def seconds() -> float:
    """Of some lookups, one after the other."""
    event = {"name": EVENTS[0], "id": "1", "ts": 1, "data": {"tenant_id": FIRST}}
    begun = time.perf_counter()
    for _ in range(LOOKUPS):
        started = await started_by(FIRST, event)
    took = time.perf_counter() - begun
    if len(started) != len([n for n in range(DESIGNS - len(CRONS)) if n % len(EVENTS) == 0]):
        raise RuntimeError(f"{len(started)} designs were found")
    return took


async def measure(urls: dict[int, str]) -> dict[int, float]:
    """Median seconds of a lookup, by how many tenants there are."""
    for tenants, url in urls.items():
        async with connect(url, current=False):
            await migrate()
        async with connect(url):
            await populate(range(FIRST, FIRST + tenants))
    times: dict[int, list[float]] = {tenants: [] for tenants in urls}
    for _ in range(ROUNDS):
        for tenants, url in urls.items():
            async with connect(url):
                await seconds()  # statements are prepared, pages are read
                times[tenants].append(await seconds())
    return {tenants: median(found) / LOOKUPS for tenants, found in times.items()}


def main() -> None:
    rows = []
    names = [f"of_{tenants}" for tenants in TENANTS]
    for name, databases in KINDS:
        with databases(names) as urls:
            times = asyncio.run(measure(dict(zip(TENANTS, urls, strict=True))))
        alone = times[TENANTS[0]]
        for tenants, took in times.items():
            ratio = "" if tenants == TENANTS[0] else verdict(took / alone, TARGET)
            rows.append((f"{name}, {tenants}", f"{took * 1000:.2f}", ratio))
    show(
        f"Which of {DESIGNS} designs an event starts, by tenants: {ROUNDS} x {LOOKUPS} lookups",
        ("", "ms", "ratio"),
        rows,
    )


if __name__ == "__main__":
    main()
