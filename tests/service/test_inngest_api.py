"""Asking an HTTP server that answers as Inngest does."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import inngest
import pytest
from proflow_runtime.service.inngest_api import InngestUnavailableError, run_lookup
from proflow_runtime.store import get_task_status, tasks

pytestmark = pytest.mark.anyio
SIGNING_KEY = "signkey-test-00112233445566778899aabbccddeeff"
RUNS: dict[str, dict[str, Any]] = {
    "01DONE": {"status": "Completed", "output": {"result": "approved"}},
    "01FAILED": {"status": "Failed", "output": {"name": "Error", "message": "no paper"}},
    "01ODD": {"status": "Unheard of", "output": None},
}


class Server:
    """Keeps what it was asked; answers from `RUNS`, each with an event of tenant 1."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.broken: bytes | None = None
        self.status = 200

    async def __call__(self, reader: Any, writer: Any) -> None:

        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1].partition("?")[0]
        lines = [line.partition(": ") for line in head.splitlines()[1:]]
        headers = {name.lower(): value for name, _, value in lines}
        self.asked.append((path, headers.get("authorization")))
        run_id = path.split("/")[3]
        status, body = self.status, b"[]"
        if self.broken is not None:
            body = self.broken
        elif run_id not in RUNS:
            status, body = 404, b'{"error": "run not found"}'
        elif path.startswith("/v1/"):
            body = json.dumps({"data": {"run_id": run_id, **RUNS[run_id]}}).encode()
        else:
            body = json.dumps([{"name": "x", "data": {"tenant_id": 1}}]).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[tuple[Server, inngest.Inngest]]:

    answers = Server()
    listening = await asyncio.start_server(answers, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    client = inngest.Inngest(
        app_id="test",
        api_base_url=f"http://127.0.0.1:{port}",
        signing_key=SIGNING_KEY,
        is_production=True,
    )
    async with listening:
        yield answers, client


async def test_a_run_is_told_with_its_tenant(server: tuple[Server, inngest.Inngest]) -> None:
    answers, client = server
    done = await run_lookup(client)("01DONE")
    assert done == tasks.ReportedRun("01DONE", 1, "completed")
    failed = await run_lookup(client)("01FAILED")
    assert failed == tasks.ReportedRun("01FAILED", 1, "failed", "no paper")
    assert [path for path, _ in answers.asked[:2]] == ["/v1/runs/01DONE", "/v0/runs/01DONE/batch"]
    keys = {key for _, key in answers.asked}
    assert len(keys) == 1
    hashed = hashlib.sha256(bytes.fromhex(SIGNING_KEY.rpartition("-")[2])).hexdigest()
    assert str(keys.pop()).endswith(hashed)


async def test_while_keys_are_changed_the_one_before_is_tried(
    server: tuple[Server, inngest.Inngest], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, client = server
    monkeypatch.setattr(client, "_signing_key_fallback", "signkey-test-ff")
    answers.status, answers.broken = 401, b"{}"
    with pytest.raises(InngestUnavailableError):
        await run_lookup(client)("01DONE")
    assert len({key for _, key in answers.asked}) == 2


@pytest.mark.parametrize("run_id", ["01NOTHING", "01ODD", "../../v1/events", "a/b?c#d", "流程"])
async def test_what_is_no_run_is_told_as_none(
    server: tuple[Server, inngest.Inngest], run_id: str
) -> None:
    answers, client = server
    assert await run_lookup(client)(run_id) is None
    assert answers.asked[0][0].startswith("/v1/runs/")
    assert answers.asked[0][0].count("/") == 3


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (401, b"{}"), (200, b"<html>")])
async def test_a_server_that_does_not_answer_properly_is_told(
    server: tuple[Server, inngest.Inngest], status: int, body: bytes
) -> None:
    answers, client = server
    answers.status, answers.broken = status, body
    with pytest.raises(InngestUnavailableError):
        await run_lookup(client)("01DONE")


async def test_a_server_that_is_not_there_is_told() -> None:
    client = inngest.Inngest(app_id="test", api_base_url="http://127.0.0.1:1", is_production=False)
    with pytest.raises(InngestUnavailableError):
        await run_lookup(client)("01DONE")


async def test_the_status_of_a_task_comes_from_it(
    database: str, server: tuple[Server, inngest.Inngest], monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.ask_inngest_with(run_lookup(server[1]))
    found = await get_task_status("01FAILED", 1)
    assert found is not None
    assert (found["status"], found["error_message"]) == ("failed", "no paper")
    assert await get_task_status("01FAILED", 2) is None
