"""Definitions as an earlier version of ProFlow has stored them."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from proflow_runtime.store.models import DesignVersion, Run, StoredDefinition, Trigger
from proflow_schemas.definition import canonical_json

OLDER = "proflow/definition@1"
Change = Callable[[dict[str, Any]], None]


def renamed(body: dict[str, Any]) -> None:
    """The least that gives a definition another digest."""
    body["name"] = "as it was"


async def exchanged(version: DesignVersion, change: Change = renamed) -> str:
    """Let a version, and its runs, have another definition; its digest."""
    stored = await StoredDefinition.get(digest=version.digest)
    body = json.loads(json.dumps(stored.body))
    change(body)
    hashed = hashlib.sha256(canonical_json({**body, "digest": None}).encode()).hexdigest()
    digest = body["digest"] = f"sha256:{hashed}"
    row = StoredDefinition(digest=digest, body=body)
    await StoredDefinition.bulk_create([row], ignore_conflicts=True)
    for model in (DesignVersion, Trigger, Run):
        rows = model.filter(tenant_id=version.tenant_id, digest=version.digest)
        await rows.update(digest=digest)
    return digest


async def aged(digest: str, format: str = OLDER) -> None:
    """Let a definition have a format that is not the present one."""
    stored = await StoredDefinition.get(digest=digest)
    stored.body["format"] = format
    await stored.save()


async def made_older(version: DesignVersion, format: str = OLDER) -> str:
    """Let a version have a definition of another format; its digest."""
    digest = await exchanged(version)
    await aged(digest, format)
    return digest
