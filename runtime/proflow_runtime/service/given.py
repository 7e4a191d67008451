"""Checks the data that a run is given, by a request that starts or corrects it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from proflow_schemas.definition import Definition
from proflow_schemas.json_schemas import SchemaRefusedError
from proflow_schemas.language import Text, Texts

from proflow_runtime.programs.inputs import unmatchable, violations
from proflow_runtime.service.problems import TEXTS as PROBLEM_TEXTS
from proflow_runtime.service.problems import Problem
from proflow_runtime.values import JSON
from proflow_runtime.values.schema_errors import shown

TEXTS = Texts(
    "given",
    {
        "schema": Text("the input of the workflow: {message:raw}", "流程的输入模式：{message:raw}"),
        "other-tenant": Text(
            "the run is for tenant {tenant:raw}, not {named:raw}: leave `tenant_id` out",
            "运行属于租户 {tenant:raw}，不是 {named:raw}：去掉 `tenant_id`",
        ),
        "data": Text("the data is not what the workflow takes", "数据不符合流程的输入要求"),
    },
)


def refuse_other_tenant(data: Mapping[str, JSON], tenant_id: int) -> None:
    """Raise `Problem` (422) if data names another tenant than the one that starts the run."""
    named = data.get("tenant_id", tenant_id)
    if type(named) is int and named == tenant_id:
        return
    message = TEXTS("other-tenant", tenant=tenant_id, named=shown(named))
    errors = [{"pointer": "/data/tenant_id", "message": message}]
    detail = PROBLEM_TEXTS("at", pointer="/data/tenant_id", message=message)
    raise Problem(422, "other-tenant", detail, errors=errors)


async def fits(data: Mapping[str, JSON], definition: Definition) -> None:
    """Raise `Problem` (422) if data is not what a workflow takes."""
    try:
        # In a thread: the schema and the data are users' work, and may take seconds.
        against = await asyncio.to_thread(violations, data, definition.input)
    except SchemaRefusedError as error:
        raise Problem(422, "schema-not-evaluated", TEXTS("schema", message=str(error))) from None
    errors = [
        {"pointer": f"/data{one.pointer}", "message": one.message}
        for one in (*against, *unmatchable(data, definition.settings))
    ]
    if errors:
        raise Problem(422, "invalid-input", TEXTS("data"), errors=errors)
