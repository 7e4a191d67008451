"""A service with people and designs, as a process that a browser can look at."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx
from proflow_runtime.context.permissions import PERMISSIONS
from proflow_runtime.store import people, tokens
from proflow_runtime.store.database import connect

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PURCHASE = "purchase-approval"
HANDLERS = """
from proflow_runtime import handler


@handler
async def pay_supplier(task):
    return {"paid": task.input["amount"]}


@handler
async def archive(task):
    return {}


@handler
async def send_message(task):
    return {}
"""
NAMES = {"ann": "安娜", "ben": "经理 Ben", "dora": "董事 Dora", "root": "Root"}
PATIENCE = 30.0


def purchase() -> dict[str, Any]:
    """The example of the repository, with approvers that the site knows."""
    design: dict[str, Any] = json.loads((ROOT / "examples/purchase-approval.json").read_text())
    del design["concurrency"]
    for node in design["nodes"]:
        config = node["data"].get("config", {})
        if node["id"] == "manager":
            config |= {"approverType": "user", "approverIds": ["ben"]}
            config |= {"allowTransfer": True, "allowAddSign": True}
        if node["id"] == "directors":
            config |= {"approverIds": ["dora"]}
    return design


class Site:
    """`proflow serve --local` in a folder of its own, always at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = ""
        self.tokens: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None
        (folder / "hands.py").write_text(HANDLERS)

    @property
    def database(self) -> str:
        return f"sqlite://{self.folder / 'site.db'}"

    def populate(self) -> None:
        """Make people known, each with a token."""

        async def populated() -> None:
            async with connect(self.database):
                for user, name in NAMES.items():
                    await people.add(1, user, name)
                    drawing = ["designs:write"] if user == "ann" else []
                    may = list(PERMISSIONS) if user == "root" else drawing
                    made = await tokens.create(1, user, name=user, permissions=may)
                    self.tokens[user] = made.plain

        # Playwright's own loop runs in this thread.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, populated()).result()

    def start(self) -> None:
        port = self.address.rpartition(":")[2] or "0"
        command = [sys.executable, "-m", "proflow_runtime.commands", "serve", "--local"]
        command += ["--port", port, "--database", self.database, "--handlers", "hands"]
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.match(r"serving (\S+) on", line):
                self.address = found[1]
                return
        raise AssertionError((self.folder / "log.txt").read_text())

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def client(self, user: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.tokens[user]}"}
        return httpx.Client(base_url=f"{self.address}/api", headers=headers, timeout=PATIENCE)

    def publish(self, design: dict[str, Any]) -> str:
        """Save and publish a design; its code."""
        with self.client("ann") as ann:
            saved = ann.post("/designs", json={"design": design})
            assert saved.status_code == 201, saved.text
            code: str = saved.json()["code"]
            published = ann.post(f"/designs/{code}/publish")
            assert published.status_code == 200, published.text
        return code

    def run(self, workflow: str, data: dict[str, Any], until: Callable[[Any], bool]) -> str:
        """Start a run, and wait for something to be true of it; its id."""
        with self.client("ann") as ann:
            started = ann.post("/runs", json={"workflow": workflow, "data": data})
            assert started.status_code == 201, started.text
            run_id: str = started.json()["run_id"]
            eventually(lambda: until(ann.get(f"/runs/{run_id}").json()))
        return run_id

    def purchase(self) -> str:
        """A purchase that waits for the manager; the id of its run."""
        data = {"amount": 26000, "order_id": "4711", "applicant": "ann"}

        def waits(run: Any) -> bool:
            return bool(run["nodes"]["manager"]["status"] == "waiting")

        return self.run(PURCHASE, data, waits)

    def approve(self, user: str, run_id: str) -> None:
        with self.client(user) as client:
            items = client.get("/approvals").json()["items"]
            (found,) = [one for one in items if one["run_id"] == run_id]
            acted = client.post(f"/approvals/{found['id']}/acts", json={"act": "approve"})
            assert acted.status_code == 200, acted.text


def eventually(found: Callable[[], T], within: float = PATIENCE) -> T:
    """What a callable finds, as soon as it finds something."""
    end = time.monotonic() + within
    while not (value := found()):
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.05)
    return value
