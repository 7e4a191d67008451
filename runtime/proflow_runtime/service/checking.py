"""Checks the published designs of all tenants by the current rules."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from proflow_compiler.diagnostics.rendering import FileReport
from proflow_compiler.facts.needs import needs_of
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read
from proflow_schemas.handlers import Handlers, types_among

from proflow_runtime.service.readiness import Readiness
from proflow_runtime.store import designs, formats
from proflow_runtime.store.formats import PublishedVersion

PAGE = 200
"""How many versions are listed at once; their canvases are loaded one by one."""


@dataclass(frozen=True)
class CheckedVersion:
    """A published version with the result of its check.

    Attributes:
        version: The version.
        ok: True if it could be published now.
        reports: The diagnostics of its canvas.
    """

    version: PublishedVersion
    ok: bool
    reports: list[FileReport]


async def checked_versions(
    handlers: Handlers | None,
    *,
    strict: bool = False,
    timezone: str | None = None,
    readiness: Readiness,
) -> AsyncIterator[CheckedVersion]:
    """Check every published version of every tenant as if it were published now.

    Args:
        handlers: The handlers that designs may call; None if they are not known.
        strict: True to count warnings as errors.
        timezone: The time zone of designs that name none; None if it is not known.
        readiness: Says what the host lacks.

    Yields:
        The versions with their results, in order of their ids.
    """
    after: int | None = 0
    while after is not None:
        page = await formats.published(after=after, limit=PAGE)
        for version in page:
            try:
                stored = await designs.version(version.tenant_id, version.code, version.number)
            except designs.UnknownDesignError:
                continue  # deleted meanwhile
            yield await _checked(version, stored.canvas, handlers, strict, timezone, readiness)
        after = page[-1].id if len(page) == PAGE else None


def stored_text(canvas: Any, code: str | None) -> bytes:
    """Convert a stored canvas to text that the compiler reads.

    Args:
        canvas: The canvas as JSON.
        code: The code of the design, which becomes the id of the workflow; None keeps the
            canvas's own id.
    """
    if code is not None and isinstance(canvas, Mapping):
        canvas = {**canvas, "id": code}
    return json.dumps(canvas, ensure_ascii=False, indent=1).encode("utf-8", "replace")


async def _checked(
    version: PublishedVersion,
    canvas: Any,
    handlers: Handlers | None,
    strict: bool,
    timezone: str | None,
    readiness: Readiness,
) -> CheckedVersion:
    reading = read(
        stored_text(canvas, version.code), f"{version.code}.json", types=types_among(handlers)
    )
    lacks = await readiness.lacks(version.tenant_id, needs_of(reading.designs))
    found = compile_reading(reading, handlers=handlers, stored=True, timezone=timezone, lacks=lacks)
    return CheckedVersion(version, not found.has_errors(strict=strict), list(found.reports))
