"""Checks the data that a run is given, by a request that starts or corrects it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from proflow_schemas.definition import Definition
from proflow_schemas.json_schemas import SchemaRefusedError

from proflow_runtime.programs.inputs import unmatchable, violations
from proflow_runtime.service.problems import Problem
from proflow_runtime.values import JSON
from proflow_runtime.values.schema_errors import shown


def refuse_other_tenant(data: Mapping[str, JSON], tenant_id: int) -> None:
    """Raise `Problem` (422) if data names another tenant than the one that starts the run."""
    named = data.get("tenant_id", tenant_id)
    if type(named) is int and named == tenant_id:
        return
    message = f"the run is for tenant {tenant_id}, not {shown(named)}: leave `tenant_id` out"
    errors = [{"pointer": "/data/tenant_id", "message": message}]
    raise Problem(422, "other-tenant", f"/data/tenant_id: {message}", errors=errors)


async def fits(data: Mapping[str, JSON], definition: Definition) -> None:
    """Raise `Problem` (422) if data is not what a workflow takes."""
    try:
        # In a thread: the schema and the data are users' work, and may take seconds.
        against = await asyncio.to_thread(violations, data, definition.input)
    except SchemaRefusedError as error:
        raise Problem(422, "schema-not-evaluated", f"the input of the workflow: {error}") from None
    errors = [
        {"pointer": f"/data{one.pointer}", "message": one.message}
        for one in (*against, *unmatchable(data, definition.settings))
    ]
    if errors:
        raise Problem(
            422, "invalid-input", "the data is not what the workflow takes", errors=errors
        )
