"""Kills the app and the Inngest server again and again under mixed runs, and counts what is lost.

    python -m benchmarks.crashing --runs 500 --app-kills 30 --server-kills 30 \
        --server './start-inngest.sh' --inngest http://127.0.0.1:8288

`--server` is a command that runs the server in the foreground, with its state in Redis and PostgreSQL
that are not killed; let it retry for minutes at least, since a run fails whose app is away for longer. Without it
the local engine is used, in the process of the app.
Runs are started and votes are cast over HTTP while processes are killed by SIGKILL. At the end all
runs have to be as they should, and no event of the outbox may be without its effect.
"""

import argparse
import asyncio
import json
import os
import random
import re
import shlex
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
from proflow_runtime.store import unseen
from proflow_runtime.store.database import connect, migrate
from proflow_runtime.store.models import OutboxEvent, Run

HANDLERS = """
import os

from proflow_runtime import handler


@handler
async def work(task):
    line = f"{task.idempotency_key}\\n".encode()
    file = os.open("done.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line)
    finally:
        os.close(file)
    return task.node_id


@handler
async def breaks(task):
    raise ValueError("it always does")
"""
Edge = tuple[str, str] | tuple[str, str, str]
WORK = ("task", {"handler": "work"})
ASK = ("approval", {"approverType": "user", "approverIds": ["ben"]})
BREAKS = ("task", {"handler": "breaks", "retry": {"maxAttempts": 1}})


def drawn(nodes: dict[str, Any], edges: Sequence[Edge]) -> dict[str, Any]:
    """A canvas between a start and an end; nodes are `{id: (type, config)}`."""
    kinds = {"start": ("start", {}), **nodes, "end": ("end", {})}
    return {
        "nodes": [
            {"id": name, "type": kind, "data": {"config": config}}
            for name, (kind, config) in kinds.items()
        ],
        "edges": [
            {"source": one[0], "target": one[1], **({"sourceHandle": one[2]} if one[2:] else {})}
            for one in edges
        ],
    }


def line(**nodes: Any) -> dict[str, Any]:
    """A canvas of nodes in a row."""
    return drawn(nodes, list(pairwise(["start", *nodes, "end"])))


FORKED: list[Edge] = [
    *(("start", "fork"), ("fork", "ask"), ("fork", "one"), ("one", "two")),
    *(("ask", "join", "approved"), ("two", "join"), ("join", "last"), ("last", "end")),
]
DESIGNS = {
    "line": line(a=WORK, b=WORK, c=WORK, d=WORK, e=WORK),
    "leave": line(ask=ASK, book=WORK),
    "twice": line(ask=ASK, a=WORK, again=ASK, b=WORK),
    "nap": line(a=WORK, nap=("delay", {"duration": "5s"}), b=WORK),
    "fork": drawn(
        {
            "fork": ("parallel", {}),
            "ask": ASK,
            "one": WORK,
            "two": WORK,
            "join": ("join", {"mode": "all"}),
            "last": WORK,
        },
        FORKED,
    ),
    "breaks": line(a=WORK, b=BREAKS),
    "sleeper": line(a=WORK, nap=("delay", {"duration": "10d"})),
    "parent": line(call=("subprocess", {"workflow": "line"}), after=WORK),
}
ENDS = {"breaks": "failed", "sleeper": "cancelled"}
"""How runs of a design end that do not complete."""
STEPS = {"line": 5, "leave": 1, "twice": 2, "nap": 2, "fork": 3, "breaks": 1, "sleeper": 1}
STEPS["parent"] = 6
MIX = ("line", "leave", "twice", "nap", "fork", "breaks", "sleeper")
STARTERS = 10
"""How many clients start runs at the same time."""
PATIENCE = 90.0


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Killable:
    """A process that is started, killed and started again."""

    def __init__(self, command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        self.command, self.folder, self.environment = list(command), folder, environment
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()


async def answers(url: str) -> None:
    """Wait until a server answers at a URL."""
    limit = time.monotonic() + PATIENCE
    async with httpx.AsyncClient(timeout=3) as http:
        while time.monotonic() < limit:
            try:
                if (await http.get(url)).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")


class Trial:
    """One trial: the processes, what people do, and what is counted."""

    def __init__(self, given: argparse.Namespace, folder: Path) -> None:
        self.given, self.folder = given, folder
        self.random = random.Random(given.seed)
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.url = given.database or f"sqlite://{folder}/proflow.db"
        self.started: dict[str, str] = {}
        """The workflow of each run that the API has promised, by its id."""
        self.votes = 0
        self.cancelled: set[str] = set()
        self.kills: Counter[str] = Counter()
        self.done = asyncio.Event()
        self.token = ""
        environment = {
            **os.environ,
            "PROFLOW_DATABASE_URL": self.url,
            "PROFLOW_APP_ID": given.app_id,
        }
        if given.server:
            environment["INNGEST_BASE_URL"] = given.inngest
            self.server: Killable | None = Killable(shlex.split(given.server), folder, environment)
            where = ["--origin", self.origin]
        else:
            self.server, where = None, ["--local"]
        serve = ["serve", "--port", str(self.port), "--handlers", "hands", *where]
        command = [sys.executable, "-m", "proflow_runtime.commands", *serve]
        self.app = Killable(command, folder, environment)

    async def start_app(self) -> None:
        await self.app.start("app")
        await answers(f"{self.origin}/health")

    async def start_server(self) -> None:
        if self.server is not None:
            await self.server.start("server")
            await answers(f"{self.given.inngest}/health")

    async def play(self) -> bool:
        (self.folder / "hands.py").write_text(HANDLERS)
        async with connect(self.url, current=False):
            await migrate()
        try:
            await self.start_server()
            await self.start_app()
            found = re.search(r"pf_\S+", (self.folder / "app.log").read_text())
            assert found is not None
            self.token = found[0]
            for code, canvas in DESIGNS.items():
                await self.published(code, canvas)
            async with asyncio.TaskGroup() as group:
                for first in range(STARTERS):
                    group.create_task(self.starting(first))
                group.create_task(self.voting())
                group.create_task(self.cancelling())
                group.create_task(self.killing())
                group.create_task(self.watching())
            return await self.report()
        finally:
            await self.app.kill()
            if self.server is not None:
                await self.server.kill()

    async def ask(self, method: str, path: str, body: Any = None, user: str = "") -> Any:
        """Make a request, again until the app answers."""
        headers = {"authorization": f"Bearer {user or self.token}"}
        while True:
            try:
                async with httpx.AsyncClient(timeout=20, base_url=f"{self.origin}/api") as http:
                    answer = await http.request(method, path, json=body, headers=headers)
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return answer.json() if answer.content else None
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.2)

    async def published(self, code: str, canvas: dict[str, Any]) -> None:
        await self.ask("POST", "/designs", {"code": code, "name": code, "design": canvas})
        answer = await self.ask("POST", f"/designs/{code}/publish", {})
        if not isinstance(answer, dict) or "digest" not in answer:
            raise SystemExit(f"`{code}` was not published: {json.dumps(answer)[:500]}")

    @property
    def mix(self) -> Sequence[str]:
        return (*MIX, "parent") if self.given.subprocesses else MIX

    async def starting(self, first: int) -> None:
        for number in range(first, self.given.runs, STARTERS):
            workflow = self.mix[number % len(self.mix)]
            body = {"workflow": workflow, "key": f"{self.given.seed}:{number}"}
            answer = await self.ask("POST", "/runs", body)
            self.started[answer["run_id"]] = workflow
            await asyncio.sleep(self.random.uniform(0, 2 * STARTERS * self.given.pause))

    async def voting(self) -> None:
        ben = await self.user("ben")
        while not self.done.is_set():
            answer = await self.ask("GET", "/approvals?box=inbox", user=ben)
            for one in answer["items"]:
                act = {"act": "approve"}
                found = await self.ask("POST", f"/approvals/{one['id']}/acts", act, user=ben)
                self.votes += found.get("status") == "approved"
            await asyncio.sleep(0.3)

    async def user(self, name: str) -> str:
        command = [*self.app.command[:3], "token", "create", "--tenant", "1", "--user", name]
        made = await asyncio.create_subprocess_exec(
            *command, env=self.app.environment, stdout=asyncio.subprocess.PIPE, cwd=self.folder
        )
        told, _ = await made.communicate()
        found = re.search(r"pf_\S+", told.decode())
        assert found is not None
        return found[0]

    async def cancelling(self) -> None:
        while not self.done.is_set():
            for run_id, workflow in list(self.started.items()):
                if workflow == "sleeper" and run_id not in self.cancelled:
                    answer = await self.ask("GET", f"/runs/{run_id}")
                    if answer["nodes"]["nap"]["status"] == "waiting":
                        await self.ask("POST", f"/runs/{run_id}/cancel", {})
                        self.cancelled.add(run_id)
            await asyncio.sleep(0.5)

    async def killing(self) -> None:
        kills = ["app"] * self.given.app_kills
        kills += ["server"] * (self.given.server_kills if self.server else 0)
        self.random.shuffle(kills)
        for which in kills:
            await asyncio.sleep(self.random.uniform(0.2, 2 * self.given.every))
            if which == "app":
                await self.app.kill()
                await self.start_app()
            elif self.server is not None:
                await self.server.kill()
                await self.start_server()
            self.kills[which] += 1
            print(f"\r{dict(self.kills)}, {len(self.started)} runs", end="", file=sys.stderr)

    async def watching(self) -> None:
        began = time.monotonic()
        until = None
        async with connect(self.url):
            while until is None or time.monotonic() < until:
                await asyncio.sleep(1)
                if len(self.started) < self.given.runs:
                    continue
                wanted = self.given.app_kills + (self.given.server_kills if self.server else 0)
                if sum(self.kills.values()) < wanted:
                    continue
                until = until or time.monotonic() + self.given.patience
                if not await Run.filter(status__in=("pending", "running", "waiting")).exists():
                    break
        self.seconds = time.monotonic() - began
        self.done.set()

    async def report(self) -> bool:
        effects = self.folder / "done.txt"
        counts = Counter(effects.read_text().split() if effects.exists() else [])
        async with connect(self.url):
            rows = {run.id: run async for run in Run.all().only("id", "workflow", "status")}
            decided = await OutboxEvent.filter(effect="resumed").count()
            acted = await OutboxEvent.filter(effect="resumed", seen_at__not_isnull=True).count()
            again = await OutboxEvent.filter(sends__gt=1).count()
            now = unseen.timedelta(0)
            stuck = {
                name: [one.id for one in await listed(1, older_than=now)]
                for name, listed in (
                    ("not_begun", unseen.not_begun),
                    ("not_resumed", unseen.not_resumed),
                    ("not_ended", unseen.not_ended),
                    ("undelivered", unseen.undelivered),
                )
            }
        wrong = Counter(
            f"{workflow}: {rows[run].status if run in rows else 'lost'}"
            for run, workflow in self.started.items()
            if run not in rows or rows[run].status != ENDS.get(workflow, "completed")
        )
        expected = sum(STEPS[workflow] for workflow in self.started.values())
        print(f"\n{dict(self.kills)} kills in {self.seconds:.0f} s")
        print(f"{len(self.started)} runs started, {len(self.started) - wrong.total()} as expected")
        print(
            f"{decided} approvals decided, {acted} runs have gone on; {self.votes} votes answered"
        )
        print(f"{len(counts)} effects of {expected}, {counts.total() - len(counts)} repeated")
        print(f"{again} events were sent again")
        print(f"wrong: {dict(wrong)}")
        print(f"stuck: {json.dumps({name: one for name, one in stuck.items() if one})}")
        return not wrong and acted == decided and not any(stuck.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--app-kills", type=int, default=5)
    parser.add_argument("--server-kills", type=int, default=5)
    parser.add_argument("--server", help="the command that runs the server in the foreground")
    parser.add_argument("--inngest", default="http://127.0.0.1:8288")
    parser.add_argument("--database", help="the URL of an empty database; by default in a file")
    parser.add_argument("--app-id", default="crashing")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=3.0, help="mean seconds between kills")
    parser.add_argument("--pause", type=float, default=0.3, help="mean seconds between starts")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds to wait at the end")
    parser.add_argument("--subprocesses", action="store_true", help="let some runs call others")
    parser.add_argument("--folder", type=Path, help="where logs are kept; by default nowhere")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        where = given.folder or Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        return 0 if asyncio.run(Trial(given, where).play()) else 1


if __name__ == "__main__":
    sys.exit(main())
