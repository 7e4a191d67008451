"""Requests of every kind that the description allows, and many that it does not: none breaks."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import inngest
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from proflow_runtime.context.permissions import PERMISSIONS
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.service import ProFlow
from proflow_runtime.service.app import standalone
from proflow_runtime.store import tokens
from proflow_runtime.store.database import connect
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp, Receive, Scope, Send

EXAMPLES = 15
"""Of each operation."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


class Nowhere:
    """Functions are deployed to nothing: no run begins."""

    async def deploy(self, functions: Sequence[Any]) -> None:
        pass


@pytest.fixture
def service(tmp_path: Path) -> tuple[ASGIApp, str]:
    """The service, which opens its database for every request, and an administrator's token."""
    url = f"sqlite://{tmp_path}/test.db"
    client = inngest.Inngest(app_id="house", is_production=False)
    app = standalone(ProFlow(client, Registry(), target=Nowhere()), functions=False)

    async def token() -> str:
        async with connect(url):
            return (await tokens.create(1, "ann", name="ann", permissions=list(PERMISSIONS))).plain

    async def opened(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            async with connect(url):
                await app(scope, receive, send)
        else:
            await app(scope, receive, send)

    return opened, asyncio.run(token())


@pytest.mark.long
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_breaks_the_service(service: tuple[ASGIApp, str], mode: GenerationMode) -> None:
    app, token = service
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    count = 0
    for found in schema.get_all_operations():
        operation: Any = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def request(case: Any) -> None:
            case.call_and_validate(headers={"authorization": f"Bearer {token}"}, checks=CHECKS)

        with suppress(Unsatisfiable):  # it takes nothing that could be wrong
            request()
            count += 1
    assert count > 20
