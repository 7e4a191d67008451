"""`proflow serve --local --demo`: a company to look around in."""

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from proflow_runtime.service.demo import CODES, PEOPLE
from proflow_runtime.store import people
from proflow_runtime.store.database import connect

COMMAND = [sys.executable, "-m", "proflow_runtime.cli", "serve", "--port", "0"]
DEMO = [*COMMAND, "--local", "--demo"]


class Demo:
    """The demo as a process; `addresses` by user, as it has printed them."""

    def __init__(self, folder: Path) -> None:
        self._log = (folder / "log.txt").open("ab")
        self._process = subprocess.Popen(
            DEMO, cwd=folder, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        self.addresses: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> "Demo":
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.match(r"  \S+ (\S+), .+: (http\S+)/#token=(\S+)$", line):
                self.addresses[found[1]] = (found[2], found[3])
            if line.startswith("serving"):
                return self
        raise AssertionError("it does not serve")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(30) == 0
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def get(self, user: str, path: str) -> Any:
        address, token = self.addresses[user]
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.get(f"{address}/api{path}", headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_the_demo_has_a_purchase_that_waits_for_the_manager(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo:
        assert set(demo.addresses) == {one.user for one in PEOPLE}
        designs = demo.get("li.na", "/designs?published=true")["items"]
        assert {one["code"] for one in designs} == set(CODES)
        waiting = demo.get("wang.wei", "/approvals")["items"]
        assert "purchase-approval" in [one["workflow"] for one in waiting]
        assert demo.get("sun.li", "/approvals")["items"] == []
        runs = demo.get("li.na", "/runs")["items"]
        statuses = {one["status"] for one in runs}
        assert {"waiting", "completed", "failed"} <= statuses
        assert "rejected" in {one["result"] for one in runs}
        assert demo.get("admin", "/me")["roles"] == ["admin", "member"]
        old = demo.addresses["li.na"][1]
    with Demo(tmp_path) as demo:
        assert len(demo.get("li.na", "/runs")["items"]) == len(runs)
        assert len(demo.get("li.na", "/people")["items"]) == len(PEOPLE)
        address, _ = demo.addresses["li.na"]
        again = httpx.get(f"{address}/api/me", headers={"authorization": f"Bearer {old}"})
        assert again.status_code == 401, "tokens of earlier starts have ended"


def test_a_database_with_something_else_is_left_alone(tmp_path: Path) -> None:
    async def inhabited() -> None:
        async with connect(f"sqlite://{tmp_path / 'proflow-demo.db'}"):
            await people.add(7, "ann", "Ann")

    asyncio.run(inhabited())
    done = subprocess.run(DEMO, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "the database holds people that are not the demo's" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_is_for_one_machine() -> None:
    for wrong in ([*COMMAND, "--demo"], [*DEMO, "--handlers", "mine"]):
        done = subprocess.run(wrong, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert "--demo goes with --local" in done.stderr
