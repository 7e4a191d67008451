"""Runs as they move, over real WebSockets: who may look, what is told, and to how many at once."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import inngest
import pytest
import websockets
from proflow_runtime import Task
from proflow_runtime.context import clock
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.service import ProFlow
from proflow_runtime.service.app import standalone
from proflow_runtime.service.problems import Problem
from proflow_runtime.service.routes import live
from proflow_runtime.store import runs, tokens
from runtime.serving import served
from service.house import SOON, House, house, until
from stored.office import line
from websockets.asyncio.client import ClientConnection

pytestmark = pytest.mark.anyio
ASK = ("boss", "approval", {"approverType": "user", "approverIds": ["ben"]})
LEAVE = line("leave", ASK, ("book", "task", {"handler": "work"}))
STEPS = [f"step-{number}" for number in range(12)]
ROW = line("row", *((step, "task", {"handler": "gated"}) for step in STEPS))


async def work(task: Task) -> Any:
    return task.node_id


class Gate:
    """A handler that waits until it is let go on, once for each step."""

    def __init__(self) -> None:
        self.open = asyncio.Semaphore(0)

    async def __call__(self, task: Task) -> Any:
        await self.open.acquire()
        return task.node_id


@asynccontextmanager
async def site(gate: Gate | None = None) -> AsyncIterator[tuple[House, int]]:
    """A house, and the port that it is reached at."""
    handlers = {"work": work, "gated": (gate or Gate()).__call__}
    async with house(handlers) as at, served(at.app) as port:
        yield at, port


async def begun(at: House, design: Any = LEAVE) -> str:
    """A run that ann has started, of a design that she has just published."""
    async with await at.user("ann", 1, "designs:write") as ann:
        saved = await ann.post("/api/designs", json={"design": design})
        assert saved.status_code == 201, saved.text
        await ann.post(f"/api/designs/{design['id']}/publish")
        started = await ann.post("/api/runs", json={"workflow": design["id"]})
        run: str = started.json()["run_id"]
        return run


async def decide(at: House) -> None:
    """Ben approves what he is asked first."""

    async def asked() -> Any:
        return (await at.proflow.approvals.inbox(1, "ben")).items

    (approval, *_) = await until(asked)
    await at.proflow.approvals.act(1, "ben", approval.id, "approve")


async def token(user: str = "ann", tenant: int = 1) -> str:
    return (await tokens.create(tenant, user, name=user)).plain


def watching(port: int, run: str, plain: str | None, *more: str) -> Any:
    """As a browser does: the token is a subprotocol."""
    given = [*more, "proflow", *([] if plain is None else [f"proflow.token.{plain}"])]
    address = f"ws://127.0.0.1:{port}/api/runs/{run}/live"
    return websockets.connect(address, subprotocols=given)  # type: ignore[arg-type]


async def heard(socket: ClientConnection) -> Any:
    async with asyncio.timeout(SOON):
        return json.loads(await socket.recv())


async def rest(socket: ClientConnection) -> list[Any]:
    """All messages until it is closed, which has to be as a run's end is."""
    async with asyncio.timeout(SOON):
        found = [json.loads(text) async for text in socket]
    assert (socket.close_code, socket.close_reason) == (1000, "")
    return found


async def refusal(connecting: Any) -> tuple[int | None, str | None]:
    """How a socket is closed that tells nothing."""
    async with asyncio.timeout(SOON), connecting as socket:
        with pytest.raises(websockets.ConnectionClosedError):
            await socket.recv()
        return socket.close_code, socket.close_reason


def put_together(messages: list[Any]) -> Any:
    """What somebody knows who has heard all; of nodes he is told only what is news."""
    first, *later = [one for one in messages if one["type"] != "alive"]
    assert first["type"] == "status"
    known = first
    for one in later:
        assert one["type"] == "nodes"
        assert all(known["nodes"][node] != state for node, state in one["nodes"].items())
        known = {**one, "nodes": {**known["nodes"], **one["nodes"]}}
    return {key: value for key, value in known.items() if key != "type"}


async def test_everything_is_told_first_and_then_what_has_changed(database: str) -> None:
    async with site() as (at, port):
        run = await begun(at)
        async with watching(port, run, await token()) as socket:
            told = [await heard(socket)]
            assert (told[0]["type"], told[0]["run_id"]) == ("status", run)
            assert told[0]["nodes"].keys() == {"start", "boss", "book", "end"}
            while put_together(told)["nodes"]["boss"]["status"] != "waiting":
                told.append(await heard(socket))
            assert put_together(told)["nodes"]["end"]["status"] == "pending"
            await decide(at)
            news = await rest(socket)
        assert all("start" not in one["nodes"] for one in news)
        found = put_together([*told, *news])
        assert (found["status"], found["nodes"]["end"]["status"]) == ("completed", "completed")
        assert found == await at.proflow.status(1, run)


async def test_only_those_who_take_part_or_may_read_runs_are_told(database: str) -> None:
    async with site() as (at, port):
        run = await begun(at)
        for permissions in ([], ["tenant:admin", "designs:write", "system:admin"]):
            made = await tokens.create(1, "eve", name="eve", permissions=permissions)
            closed = await refusal(watching(port, run, made.plain))
            assert closed == (4404, "there is no such run")
        made = await tokens.create(1, "eve", name="eve", permissions=["runs:read"])
        async with watching(port, run, made.plain) as socket:
            assert (await heard(socket))["run_id"] == run


async def test_of_a_run_that_is_over_everything_is_told_once(database: str) -> None:
    async with site() as (at, port):
        run = await begun(at, line("short", ("one", "task", {"handler": "work"})))

        async def over() -> bool:
            return bool((await at.proflow.status(1, run))["ended_at"])

        await until(over)
        async with watching(port, run, await token()) as socket:
            (only,) = await rest(socket)
        assert (only["type"], only["status"]) == ("status", "completed")


async def test_whoever_connects_again_knows_what_has_happened_meanwhile(database: str) -> None:
    gate = Gate()
    async with site(gate) as (at, port):
        run = await begun(at, ROW)
        async with watching(port, run, await token()) as socket:
            assert (await heard(socket))["nodes"]["step-0"]["status"] in ("pending", "running")
        for _ in STEPS[:5]:
            gate.open.release()

        async def done() -> bool:
            return bool(
                (await at.proflow.status(1, run))["nodes"]["step-4"]["status"] == "completed"
            )

        await until(done)
        async with watching(port, run, await token()) as socket:
            first = await heard(socket)
            assert first["type"] == "status"
            assert [first["nodes"][step]["status"] for step in STEPS[:5]] == ["completed"] * 5
            for _ in STEPS[5:]:
                gate.open.release()
            found = put_together([first, *await rest(socket)])
        assert found == await at.proflow.status(1, run)


async def test_a_run_moves_in_another_process_too(database: str) -> None:
    async with site() as (at, port):
        run = await begun(at)
        # It records nothing, and hears of the run by the database alone.
        other = ProFlow(inngest.Inngest(app_id="other", is_production=False), Registry())
        async with other.bus.running(), served(standalone(other, functions=False)) as there:
            plain = await token()
            async with watching(port, run, plain) as here, watching(there, run, plain) as far:
                first, others = await heard(here), await heard(far)
                await decide(at)
                ended = [
                    put_together([first, *await rest(here)]),
                    put_together([others, *await rest(far)]),
                ]
        assert ended[0] == ended[1]
        assert ended[0]["status"] == "completed"


async def test_something_is_said_when_it_is_quiet(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site() as (at, port):
        run = await begun(at)
        async with watching(port, run, await token()) as socket:
            told = [await heard(socket)]
            while put_together(told)["nodes"]["boss"]["status"] != "waiting":
                told.append(await heard(socket))
        monkeypatch.setattr(live, "HEARTBEAT", 0.05)
        async with watching(port, run, await token()) as socket:
            told = [await heard(socket) for _ in range(4)]
            assert [one["type"] for one in told] == ["status", "alive", "alive", "alive"]
            assert told[1] == {"type": "alive"}
            await decide(at)
            assert put_together([*told, *await rest(socket)])["status"] == "completed"


async def test_nobody_looks_without_a_token_that_holds(database: str) -> None:
    async with site() as (at, port):
        run = await begun(at)
        past = clock.now() - timedelta(seconds=1)
        expired = await tokens.create(1, "ann", name="old", expires_at=past)
        revoked = await tokens.create(1, "ann", name="lost")
        assert await tokens.revoke(1, revoked.token.id)
        good = await token()
        wrong = good[:-1] + ("a" if good[-1] != "a" else "b")
        for plain in (None, "", "pf_", wrong, expired.plain, revoked.plain):
            assert await refusal(watching(port, run, plain)) == (4401, "give a valid token")
        address = f"ws://127.0.0.1:{port}/api/runs/{run}/live"
        for address_of, given in (
            (address, {}),
            (address, {"Authorization": f"Bearer {wrong}"}),
            (address, {"Authorization": f"Basic {good}"}),
            (f"{address}?token={good}", {}),
        ):
            connecting = websockets.connect(address_of, additional_headers=given)
            assert (await refusal(connecting))[0] == 4401


async def test_a_run_that_is_not_the_tenants_is_not_there(database: str) -> None:
    async with site() as (at, port):
        run = await begun(at)
        stranger, own = await token("eve", 2), await token()
        refused = {await refusal(watching(port, run, stranger))}
        for unknown in ("0" * 32, "%00", run + "%00", "%ff", "x" * 2_000, "%27%20or%20%271"):
            refused.add(await refusal(watching(port, unknown, own)))
        assert refused == {(4404, "there is no such run")}
        assert at.proflow.bus.watched() == 0


async def test_a_token_is_given_in_a_header_or_as_a_subprotocol(database: str) -> None:
    async with site() as (at, port):
        run, plain = await begun(at), await token()
        address = f"ws://127.0.0.1:{port}/api/runs/{run}/live"
        header = {"Authorization": f"Bearer {plain}"}
        async with websockets.connect(address, additional_headers=header) as socket:
            assert (await heard(socket))["run_id"] == run
            assert socket.subprotocol is None
        async with watching(port, run, plain, "another") as socket:
            assert (await heard(socket))["run_id"] == run
            assert socket.subprotocol == "proflow"  # a token is never repeated
            assert socket.response is not None
            assert plain not in str(socket.response.headers)


async def test_why_a_host_lets_nobody_in_is_told_as_far_as_there_is_space(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def closed(connection: Any) -> Any:
        raise Problem(401, "closed", "今天不上班" * 20)

    async with site() as (at, port):
        run = await begun(at)
        at.proflow.authenticate = closed
        code, reason = await refusal(watching(port, run, await token()))
        assert (code, reason) == (4401, ("今天不上班" * 20)[: 123 // 3])


async def test_what_is_said_to_a_socket_changes_nothing(sqlite_database: str) -> None:
    async with site() as (at, port):
        run = await begun(at)
        async with watching(port, run, await token()) as socket:
            first = await heard(socket)
            for said in ("", "{", b"\x00\xff", "x" * 100_000, b"y" * 100_000):
                await socket.send(said)
            await decide(at)
            assert put_together([first, *await rest(socket)])["status"] == "completed"


async def test_whoever_leaves_is_forgotten(sqlite_database: str) -> None:
    async with site() as (at, port):
        run, plain = await begun(at), await token()
        for number in range(20):
            async with watching(port, run, plain) as socket:
                await heard(socket)
                if number % 2:
                    socket.transport.abort()

        async def nobody() -> bool:
            return at.proflow.bus.watched() == 0

        await until(nobody)


class Slow:
    """A socket whose other side takes messages only when it is let; `told` is what it has taken."""

    def __init__(self, at: House, run: str, plain: str) -> None:
        self.taking = asyncio.Event()
        self.told: list[Any] = []
        self._said: asyncio.Queue[Any] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        path = f"/api/runs/{run}/live"
        scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "headers": [(b"authorization", f"Bearer {plain}".encode())],
            "query_string": b"",
            "scheme": "ws",
            "subprotocols": [],
            "asgi": {"version": "3.0"},
        }
        self.answering = asyncio.ensure_future(at.app(scope, self._said.get, self._send))

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.send" and self.told:
            await self.taking.wait()
        self.told.append(message)

    def messages(self) -> list[Any]:
        return [json.loads(one["text"]) for one in self.told if one["type"] == "websocket.send"]


async def test_who_is_slow_holds_up_nobody_and_is_told_how_it_stands_by_then(
    sqlite_database: str,
) -> None:
    gate = Gate()
    async with site(gate) as (at, port):
        run, plain = await begun(at, ROW), await token()
        slow = Slow(at, run, plain)
        async with watching(port, run, plain) as quick:
            told = [await heard(quick)]
            for step in STEPS[:-1]:
                gate.open.release()
                while put_together(told)["nodes"][step]["status"] != "completed":
                    told.append(await heard(quick))
            assert slow.messages() == []
            slow.taking.set()
            gate.open.release()
            ended = put_together([*told, *await rest(quick)])
        await asyncio.wait_for(slow.answering, SOON)
        assert slow.told[-1] == {"type": "websocket.close", "code": 1000, "reason": ""}
        assert put_together(slow.messages()) == ended
        assert len(slow.messages()) <= 5 < len(STEPS) - 2 < len(told)


async def test_who_takes_nothing_is_let_go(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PATIENCE", 0.2)
    async with site() as (at, _):
        slow = Slow(at, await begun(at), await token())
        await asyncio.wait_for(slow.answering, SOON)
        assert [one["type"] for one in slow.told] == ["websocket.accept", "websocket.close"]
        assert slow.told[-1]["code"] == 1013
        assert at.proflow.bus.watched() == 0


async def test_a_run_that_is_withdrawn_before_it_begins_ends_the_socket(database: str) -> None:
    async with site() as (at, port):
        about = ("r" * 32, 1, "leave", 1, "sha256:x", {}, "proflow-run")
        await runs.create(runs.NewRun(*about, started_by="ann"))
        async with watching(port, "r" * 32, await token()) as socket:
            assert (await heard(socket))["status"] == "pending"
            await at.proflow.cancel(1, "r" * 32)
            assert (await rest(socket))[-1]["status"] == "cancelled"


async def test_pages_of_other_origins_are_not_answered(database: str) -> None:
    async with site() as (at, port):
        run, plain = await begun(at), await token()
        address = f"ws://127.0.0.1:{port}/api/runs/{run}/live"
        for origin in ("https://evil.example", "null", f"http://127.0.0.1:{port + 1}"):
            foreign = websockets.connect(
                address,
                subprotocols=["proflow", f"proflow.token.{plain}"],  # type: ignore[list-item]
                origin=origin,  # type: ignore[arg-type]
            )
            assert (await refusal(foreign))[0] == live.FOREIGN
        own = websockets.connect(
            address,
            subprotocols=["proflow", f"proflow.token.{plain}"],  # type: ignore[list-item]
            origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
        )
        async with own as socket:
            assert (await heard(socket))["type"] == "status"


async def until_closed(socket: ClientConnection) -> None:
    while True:
        await socket.recv()


async def test_it_ends_when_the_token_is_revoked_or_expires(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "RECHECK", 0.1)
    async with site() as (at, port):
        run = await begun(at)
        revoked = await tokens.create(1, "ann", name="ann")
        soon = clock.now() + timedelta(seconds=2)
        expiring = await tokens.create(1, "ann", name="ann", expires_at=soon)
        for made in (revoked, expiring):
            async with watching(port, run, made.plain) as socket:
                assert (await heard(socket))["type"] == "status"
                if made is revoked:
                    await tokens.revoke(1, made.token.id)
                async with asyncio.timeout(SOON):
                    with pytest.raises(websockets.ConnectionClosedError):
                        await until_closed(socket)
                assert socket.close_code == live.UNAUTHENTICATED
