"""Bodies are refused by their size while they arrive, on every route, before a signature is read."""

from collections.abc import AsyncIterator

import httpx
import inngest
import pytest
from fastapi import FastAPI
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.service import ProFlow, ProFlowSettings
from proflow_runtime.service.app import standalone
from proflow_runtime.service.metrics import METHODS
from prometheus_client import generate_latest

pytestmark = pytest.mark.anyio
MEBIBYTE = 2**20


@pytest.fixture
def proflow() -> ProFlow:
    client = inngest.Inngest(
        app_id="limits", signing_key="signkey-prod-" + "ab" * 16, event_key="k", is_production=True
    )
    return ProFlow(client, Registry(), settings=ProFlowSettings())


@pytest.fixture
def app(proflow: ProFlow) -> FastAPI:
    return standalone(proflow, functions=True)


def asking(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://house")


@pytest.mark.parametrize("path", ["/api/inngest", "/api/inngest?fnId=other-run&stepId=step"])
async def test_a_call_that_is_too_large_is_refused_while_it_arrives(
    app: FastAPI, path: str
) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(80):
            sent += 1
            yield b"x" * MEBIBYTE

    async with asking(app) as http:
        answer = await http.post(path, content=body())
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
        assert sent <= 17
        declared = await http.post(
            path, content=b"", headers={"content-length": str(80 * MEBIBYTE)}
        )
        assert declared.status_code == 413
        within = await http.post(path, content=b"x" * 15 * MEBIBYTE)
        assert within.status_code not in (200, 206, 413)


@pytest.mark.parametrize("path", ["/api/designs", "/api/designs/check", "/api/runs"])
async def test_a_request_that_is_too_large_is_refused(app: FastAPI, path: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * MEBIBYTE

    async with asking(app) as http:
        answer = await http.post(path, content=body())
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


async def test_metrics_do_not_grow_with_what_clients_make_up(proflow: ProFlow) -> None:
    async def asked(start: int, end: int) -> int:
        async with asking(standalone(proflow, functions=True)) as http:
            for number in range(start, end):
                await http.request(f"FOO{number}", f"/api/x{number}")
                await http.request("GET", f"/api/nothing/{number}")
                await http.request(f"BAR{number}", f"/page/{number}/y")
                await http.request("POST", f"/health/{number}")
        text = generate_latest(proflow.metrics.registry).decode()
        assert 'method="other"' in text
        return len(text.splitlines())

    assert await asked(0, 2) == await asked(2, 40)


def test_all_known_methods_are_told_apart() -> None:
    assert {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} <= METHODS
