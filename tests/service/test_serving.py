"""`proflow serve --local` as a process: what people do with it, and what survives when it is killed."""

import asyncio
import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from proflow_runtime.approvals import ApprovalService
from proflow_runtime.context.permissions import PERMISSIONS
from proflow_runtime.store.database import connect, connection
from service.house import until
from stored.office import line

pytestmark = pytest.mark.anyio
HANDLERS = """
from pathlib import Path

from proflow_runtime import handler


@handler
async def work(task):
    with Path("done.txt").open("a") as file:
        file.write(f"{task.run_id} {task.node_id}\\n")
"""
CONNECTED = """
from contextlib import asynccontextmanager
from pathlib import Path

from proflow_runtime import Task, handler
from tortoise import Tortoise, fields
from tortoise.models import Model


class Order(Model):
    id = fields.IntField(primary_key=True)
    tenant_id = fields.IntField()


@asynccontextmanager
async def lifespan():
    await Tortoise.init(db_url="sqlite://orders.db", modules={"models": ["hands"]})
    await Tortoise.generate_schemas()
    try:
        yield
    finally:
        Path("done.txt").write_text(f"{await Order.all().count()} orders\\n")
        await Tortoise.close_connections()


@handler
async def work(task: Task):
    order = await Order.create(tenant_id=task.tenant_id)
    return order.id
"""
ASK = ("ask", "approval", {"approverType": "user", "approverIds": ["ben"]})
NAP = ("sleep", "delay", {"duration": "5s"})
MANY = 60
ASLEEP = """FROM proflow_journal_steps WHERE state LIKE '%"status":"sleeping"%'"""
PATIENCE = 60.0


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "proflow_runtime.commands", *arguments]


def private_text(path: Path) -> str:
    """Read a file that only its owner may read."""
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_text().strip()


class Process:
    """A service in a folder, by default with a database there."""

    def __init__(self, folder: Path, database: str | None = None, handlers: str = HANDLERS) -> None:
        self.folder, self.handlers = folder, handlers
        self.environment = {
            **os.environ,
            **({"PROFLOW_DATABASE_URL": database} if database else {}),
        }
        self.address = ""
        self.first_token: str | None = None

    async def start(self) -> None:
        (self.folder / "hands.py").write_text(self.handlers)
        with (self.folder / "log.txt").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command("serve", "--local", "--port", "0", "--handlers", "hands"),
                cwd=self.folder,
                env=self.environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        while told := (await self._process.stdout.readline()).decode():
            assert "pf_" not in told  # what is printed may end up in a journal
            if found := re.match(r"token of .*: in (.+); delete", told):
                self.first_token = private_text(Path(found[1]))
            if found := re.match(r"serving (\S+) on", told):
                self.address = found[1]
                return
        raise AssertionError((self.folder / "log.txt").read_text())

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    def send_signal(self, how: signal.Signals) -> None:
        self._process.send_signal(how)

    async def end(self, how: signal.Signals) -> int:
        self._process.send_signal(how)
        return await asyncio.wait_for(self._process.wait(), 30)

    def token(self, user: str, tenant: int = 1, *permissions: str) -> str:
        given = [part for one in permissions for part in ("--permission", one)]
        done = subprocess.run(
            command("token", "create", "--tenant", str(tenant), "--user", user, *given),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def user(self, token: str | None) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=f"{self.address}/api", headers=headers, timeout=30)

    def done(self) -> Counter[str]:
        path = self.folder / "done.txt"
        return Counter(path.read_text().splitlines() if path.exists() else [])

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "proflow.db")) as database:
            return database.execute(query).fetchall()


@asynccontextmanager
async def process(
    folder: Path, database: str | None = None, handlers: str = HANDLERS
) -> AsyncIterator[Process]:
    found = Process(folder, database, handlers)
    await found.start()
    try:
        yield found
    finally:
        if found._process.returncode is None:
            await found.end(signal.SIGKILL)


async def published(user: httpx.AsyncClient, design: Any) -> None:
    saved = await user.post("/designs", json={"design": design})
    assert saved.status_code == 201, saved.text
    done = await user.post(f"/designs/{design['id']}/publish")
    assert done.status_code == 200, done.text


async def test_a_walk_from_an_empty_folder(tmp_path: Path, anyio_backend: str) -> None:
    async with process(tmp_path) as served:
        ann, ben = served.token("ann", 1, "designs:write"), served.token("ben")
        async with served.user(ann) as designer, served.user(ben) as boss:
            await published(designer, line("leave", ASK, ("book", "task", {"handler": "work"})))
            started = await designer.post("/runs", json={"workflow": "leave", "business_id": 7})
            run = started.json()["run_id"]
            address = served.address.replace("http", "ws") + f"/api/runs/{run}/live"
            protocols: Any = ["proflow", f"proflow.token.{ann}"]
            async with websockets.connect(address, subprotocols=protocols) as socket:
                first = json.loads(await socket.recv())
                assert (first["type"], first["run_id"]) == ("status", run)

                async def asked() -> Any:
                    return (await boss.get("/approvals")).json()["items"]

                (approval,) = await until(asked, within=PATIENCE)
                assert (await designer.get("/approvals")).json()["items"] == []
                acts = f"/approvals/{approval['id']}/acts"
                assert (await boss.post(acts, json={"act": "approve"})).status_code == 200
                told = [json.loads(text) async for text in socket]
            assert socket.close_code == 1000
            assert told[-1]["status"] == "completed"
            (task,) = (await designer.get("/tasks", params={"business_id": 7})).json()["items"]
            assert task["status"] == "completed"
        async with served.user(served.token("eve", 2, *PERMISSIONS)) as stranger:
            for path in (f"/runs/{run}", acts.removesuffix("/acts"), "/designs/leave"):
                assert (await stranger.get(path)).status_code == 404
        assert served.first_token is not None
        assert await served.end(signal.SIGTERM) == 0
    assert served.done() == {f"{run} book": 1}


async def test_runs_that_wait_or_sleep_go_on_after_a_kill(
    tmp_path: Path, anyio_backend: str
) -> None:
    steps = [
        ("one", "task", {"handler": "work"}),
        ("sleep", "delay", {"duration": "3s"}),
        ("two", "task", {"handler": "work"}),
    ]
    async with process(tmp_path) as served:
        async with served.user(served.first_token) as admin:
            await published(admin, line("nap", *steps))
            asking = (admin.post("/runs", json={"workflow": "nap"}) for _ in range(200))
            answers = await asyncio.gather(*asking)
            assert {answer.status_code for answer in answers} == {201}

            async def under_way() -> bool:
                return len(served.done()) > 100

            await until(under_way, within=PATIENCE)
        await served.end(signal.SIGKILL)
        recorded = {
            (run, step)
            for run, step in served.rows(
                "SELECT r.id, m.step FROM proflow_journal_memos m"
                " JOIN proflow_runs r ON r.inngest_run_id = m.run_id"
            )
        }
        await served.start()
        async with served.user(served.first_token) as admin:

            async def over() -> bool:
                query = "SELECT count(*) FROM proflow_runs WHERE status = 'completed'"
                return bool(served.rows(query)[0][0] == 200)

            await until(over, within=PATIENCE)
        done = served.done()
        assert await served.end(signal.SIGINT) == 0
    assert len(done) == 400
    for entry, count in done.items():
        run, node = entry.split()
        if (run, hashlib.sha1(node.encode()).hexdigest()) in recorded:
            assert count == 1, entry
    assert sum(done.values()) < 400 + 150  # only what was executing as it died is executed again


async def test_runs_that_wait_for_people_go_on_after_a_kill(
    tmp_path: Path, database: str, anyio_backend: str
) -> None:
    work = {"handler": "work"}
    asking = line("leave", ("one", "task", work), ASK, ("two", "task", work))
    sleeping = line("nap", ("one", "task", work), NAP, ("two", "task", work))

    async def count(query: str) -> int:
        (row,) = await connection().execute_query_dict(f"SELECT count(*) AS n {query}")
        return int(row["n"])

    async def start(user: httpx.AsyncClient, code: str) -> None:
        starts = (user.post("/runs", json={"workflow": code}) for _ in range(MANY))
        assert {answer.status_code for answer in await asyncio.gather(*starts)} == {201}

    async with process(tmp_path, database) as served:
        ben = served.token("ben")
        admin = served.token("ann", 1, *PERMISSIONS)
        async with served.user(admin) as user:
            await published(user, asking)
            await published(user, sleeping)
            await start(user, "leave")

            async def all_asked() -> bool:
                waits = await count("FROM proflow_journal_steps WHERE state LIKE '%WaitForEvent%'")
                return waits == await count("FROM proflow_approvals") == MANY

            await until(all_asked, within=PATIENCE)
            await start(user, "nap")

            async def most_sleep() -> bool:
                return await count(ASLEEP) > MANY // 2

            await until(most_sleep, within=PATIENCE)
        assert await served.end(signal.SIGKILL) == -signal.SIGKILL
        assert await count("FROM proflow_journal_runs WHERE ended_at IS NULL") >= 2 * MANY
        assert await count(ASLEEP) > 0
        recorded = await connection().execute_query_dict(
            "SELECT r.id AS run, m.step AS step FROM proflow_journal_memos m"
            " JOIN proflow_runs r ON r.inngest_run_id = m.run_id"
        )
        await served.start()
        approvals = await connection().execute_query_dict("SELECT id FROM proflow_approvals")
        async with served.user(ben) as boss:
            acts = (
                boss.post(f"/approvals/{row['id']}/acts", json={"act": "approve"})
                for row in approvals
            )
            answers = await asyncio.gather(*acts)
            assert {answer.status_code for answer in answers} == {200}

        async def over() -> bool:
            return await count("FROM proflow_runs WHERE status = 'completed'") == 2 * MANY

        await until(over, within=PATIENCE)
        assert await count("FROM proflow_approvals") == MANY  # nobody was asked twice
        done = served.done()
        assert await served.end(signal.SIGTERM) == 0
    assert len(done) == 4 * MANY
    once = {(row["run"], row["step"]) for row in recorded}
    settled = 0
    for entry, times in done.items():
        run, node = entry.split()
        if (run, hashlib.sha1(node.encode()).hexdigest()) in once:
            settled += 1
            assert times == 1, entry
    assert settled >= MANY  # those of the runs that waited for somebody, at least


async def test_a_vote_whose_event_was_not_sent_resumes_the_run(
    tmp_path: Path, anyio_backend: str
) -> None:
    async with process(tmp_path) as served:
        async with served.user(served.first_token) as admin:
            await published(admin, line("leave", ASK, ("book", "task", {"handler": "work"})))
            await admin.post("/runs", json={"workflow": "leave"})

            async def asked() -> Any:
                return served.rows("SELECT id FROM proflow_approvals")

            ((approval,),) = await until(asked, within=PATIENCE)
        await served.end(signal.SIGKILL)
        async with connect(f"sqlite://{tmp_path}/proflow.db"):
            await ApprovalService(app_id="house").act(
                1, "ben", approval, "approve"
            )  # and nobody sends it
        await served.start()

        async def over() -> bool:
            return served.rows("SELECT status FROM proflow_runs") == [("completed",)]

        await until(over, within=PATIENCE)
        assert list(served.done().values()) == [1]


async def test_it_ends_when_another_process_has_taken_over(
    tmp_path: Path, anyio_backend: str
) -> None:
    async with process(tmp_path) as served:
        async with served.user(served.first_token) as admin:
            await published(admin, line("work", ("one", "task", {"handler": "work"})))
            async with connect(f"sqlite://{tmp_path}/proflow.db"):
                await connection().execute_query(
                    "UPDATE proflow_journal_owner SET epoch = epoch + 1, process = 'another'"
                )
            await admin.post("/runs", json={"workflow": "work"})
        assert await asyncio.wait_for(served._process.wait(), 30) == 1
        told = (tmp_path / "log.txt").read_text()
    assert "error: another has taken over the local engine" in told
    assert "Traceback" not in told
    assert not served.done()


def refused(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    # The usual port may be somebody's, which is another reason to refuse.
    port = [] if "--port" in arguments else ["--port", "0"]
    done = subprocess.run(
        command("serve", *arguments, *port),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


async def test_handlers_have_a_database_of_their_own(tmp_path: Path, anyio_backend: str) -> None:
    async with process(tmp_path, handlers=CONNECTED) as served:
        async with served.user(served.token("ann", 1, "designs:write")) as designer:
            await published(designer, line("order", ("book", "task", {"handler": "work"})))
            started = await designer.post("/runs", json={"workflow": "order"})
            run = started.json()["run_id"]

            async def over() -> Any:
                found = (await designer.get(f"/runs/{run}")).json()
                return found if found["status"] != "running" else None

            found = await until(over, within=PATIENCE)
            while found["status"] == "pending":
                found = await until(over, within=PATIENCE)
            assert found["status"] == "completed", found
        assert await served.end(signal.SIGTERM) == 0
    assert served.done() == {"1 orders": 1}


async def test_a_lifespan_that_fails_is_told_in_a_line(tmp_path: Path, anyio_backend: str) -> None:
    broken = CONNECTED.replace("    try:\n        yield", "    1 / 0\n    try:\n        yield")
    (tmp_path / "hands.py").write_text(broken)
    code, told = await asyncio.to_thread(
        refused, tmp_path, "--local", "--port", "0", "--handlers", "hands"
    )
    assert code == 1
    last = told.splitlines()[-1]
    assert last == (
        "error: the `lifespan` of `hands` cannot be opened: ZeroDivisionError: division by zero"
    )


async def test_what_cannot_be_served_is_told(tmp_path: Path, anyio_backend: str) -> None:
    code, told = refused(tmp_path)
    assert (code, "--local" in told) == (2, True)
    code, told = refused(tmp_path, "--local", "--database", "mysql://x/y")
    assert (code, "no URL of a database" in told) == (1, True)
    code, told = refused(tmp_path, "--local", "--database", "sqlite:///nowhere/at/all.db")
    assert (code, "/nowhere/at" in told) == (1, True)
    code, told = refused(tmp_path, "--local", "--handlers", "nothing_here")
    assert (code, "nothing_here" in told) == (2, True)
    async with process(tmp_path) as served:
        port = served.address.rpartition(":")[2]
        code, told = await asyncio.to_thread(refused, tmp_path, "--local", "--port", port)
        assert (code, "address already in use" in told) == (1, True)
        code, told = await asyncio.to_thread(refused, tmp_path, "--local", "--port", "0")
        assert (code, "runs the local engine on this database already" in told) == (1, True)
