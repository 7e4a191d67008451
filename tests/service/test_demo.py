"""`proflow serve --local --demo`: a company to look around in."""

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from proflow_runtime.context.permissions import PERMISSIONS
from proflow_runtime.service import demo
from proflow_runtime.service.demo import CODES, HISTORY, PEOPLE, DemoError
from proflow_runtime.store import designs, people, tokens
from proflow_runtime.store.database import connect
from proflow_runtime.store.models.journal import JournalOwner
from stored.office import line

COMMAND = [sys.executable, "-m", "proflow_runtime.commands", "serve", "--port", "0"]
DEMO = [*COMMAND, "--local", "--demo"]
FILE = "proflow-demo.db"
RUNS = len(HISTORY) + 1
PATIENCE = 60.0


class Demo:
    """The demo as a process; `addresses` by user, as it has printed them."""

    def __init__(self, folder: Path) -> None:
        self._log = (folder / "log.txt").open("ab")
        self._process = subprocess.Popen(
            DEMO, cwd=folder, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        self.addresses: dict[str, tuple[str, str]] = {}
        self.serving = ""

    def __enter__(self) -> "Demo":
        assert self._process.stdout is not None
        for text in self._process.stdout:
            if found := re.fullmatch(r"  (\S+) \(.+\): (http\S+)/#token=(\S+)\n", text):
                self.addresses[found[1]] = (found[2], found[3])
            if text.startswith("serving"):
                self.serving = text
                return self
        raise AssertionError("it does not serve")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(30) == 0
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def ask(self, user: str, path: str, method: str = "GET", body: Any = None) -> Any:
        address, token = self.addresses[user]
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.request(
            method, f"{address}/api{path}", headers=headers, json=body, timeout=30
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("admin", "/runs")["items"]
        return found

    def settled(self) -> list[dict[str, Any]]:
        """The runs, once all have ended or wait for people."""
        until = time.monotonic() + PATIENCE
        while True:
            found = self.runs()
            if not {one["status"] for one in found} & {"pending", "running"}:
                return found
            assert time.monotonic() < until, found
            time.sleep(0.1)


@pytest.mark.long
def test_a_company_with_runs_that_have_ended_and_one_that_waits_for_the_manager(
    tmp_path: Path,
) -> None:
    with Demo(tmp_path) as served:
        assert set(served.addresses) == {one.user for one in PEOPLE}
        assert f"sqlite://{FILE}" in served.serving
        published = served.ask("li.na", "/designs?published=true")["items"]
        assert {one["code"] for one in published} == set(CODES)
        me = served.ask("admin", "/me")
        assert (me["roles"], me["permissions"]) == (["admin"], sorted(PERMISSIONS))
        # The purchase waits for the manager from the first moment on, and for nobody else.
        inboxes = {
            one.user: served.ask(one.user, "/approvals?box=inbox")["items"] for one in PEOPLE
        }
        assert [one["workflow"] for one in inboxes["wang.wei"]] == ["purchase-approval"]
        run_id = inboxes["wang.wei"][0]["run_id"]
        others = [one for user, found in inboxes.items() if user != "wang.wei" for one in found]
        assert run_id not in {one["run_id"] for one in others}
        runs = served.settled()
        assert len(runs) == RUNS
        assert {one["run_id"]: one["status"] for one in runs}[run_id] == "waiting"
        assert {one["status"] for one in runs} == {"waiting", "completed", "failed"}
        assert "rejected" in {one["result"] for one in runs}


@pytest.mark.long
def test_another_start_doubles_nothing_and_keeps_what_people_have_done(tmp_path: Path) -> None:
    with Demo(tmp_path) as served:
        runs = served.settled()
        approval = served.ask("wang.wei", "/approvals?box=inbox")["items"][0]
        served.ask("wang.wei", f"/approvals/{approval['id']}/acts", "POST", {"act": "approve"})
        mine = line("mine", ("nap", "delay", {"duration": "1h"}))
        served.ask("wang.wei", "/designs", "POST", {"design": mine})
        served.ask("admin", "/designs/onboarding/unpublish", "POST")
        old = served.addresses["li.na"][1]
    with Demo(tmp_path) as served:
        assert {one["run_id"] for one in served.runs()} == {one["run_id"] for one in runs}
        assert len(served.ask("li.na", "/people")["items"]) == len(PEOPLE)
        assert served.ask("wang.wei", "/approvals?box=inbox")["items"] == []
        stored = served.ask("wang.wei", "/designs")["items"]
        assert {one["code"] for one in stored} == {*CODES, "mine"}
        shown = {one["code"]: one["published_version"] for one in stored}
        assert shown["onboarding"] is None
        address, _ = served.addresses["li.na"]
        again = httpx.get(f"{address}/api/me", headers={"authorization": f"Bearer {old}"})
        assert again.status_code == 401, "tokens of earlier starts have ended"

    async def tokens_left() -> int:
        async with connect(f"sqlite://{tmp_path / FILE}"):
            return (await tokens.listed(demo.TENANT)).total

    assert asyncio.run(tokens_left()) == len(PEOPLE)


@pytest.mark.long
def test_a_start_that_was_killed_half_way_is_made_up_for(tmp_path: Path) -> None:
    process = subprocess.Popen(
        DEMO, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stderr is not None
        for text in process.stderr:
            if "paid the supplier" in text:  # what the first run of all does once it is approved
                break
        process.kill()
    with Demo(tmp_path) as served:
        runs = served.settled()
        assert len(runs) == RUNS
        results = [one["result"] for one in runs if one["workflow"] == "purchase-approval"]
        assert sorted(map(str, results)) == ["None", "completed", "rejected"]
        inbox = served.ask("wang.wei", "/approvals?box=inbox")["items"]
        assert [one["workflow"] for one in inbox] == ["purchase-approval"]


async def _a_person() -> None:
    await people.add(demo.TENANT, "wang.wei", "Wei")


async def _a_token() -> None:
    await tokens.create(demo.TENANT, "admin", name="first start", permissions=["tenant:admin"])


async def _a_design() -> None:
    await designs.create(7, "purchase-approval", name="", draft={}, by=None)


async def _a_demo_and_another_tenant() -> None:
    await tokens.create(demo.TENANT, "wang.wei", name=demo.TOKEN)
    await people.add_department(7, "board", "Board")


@pytest.mark.parametrize(
    ("inhabit", "what"),
    [
        (_a_person, "people"),
        (_a_token, "tokens"),
        (_a_design, "designs"),
        (_a_demo_and_another_tenant, "departments"),
    ],
)
@pytest.mark.anyio
async def test_only_the_demo_is_admitted(
    tmp_path: Path, inhabit: Callable[[], Awaitable[None]], what: str
) -> None:
    async with connect(f"sqlite://{tmp_path / 'some.db'}"):
        await demo.admit()
        await inhabit()
        with pytest.raises(DemoError, match=f"the database holds {what} that are not"):
            await demo.admit()


def test_a_database_with_something_else_is_left_alone(tmp_path: Path) -> None:
    async def inhabited() -> None:
        async with connect(f"sqlite://{tmp_path / FILE}"):
            await people.add(7, "ann", "Ann")

    async def what_is_there() -> tuple[int, int, int]:
        async with connect(f"sqlite://{tmp_path / FILE}"):
            return (
                (await tokens.listed(demo.TENANT)).total,
                (await people.listed(demo.TENANT)).total,
                await JournalOwner.all().count(),
            )

    asyncio.run(inhabited())
    done = subprocess.run(DEMO, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "the database holds people that are not the demo's" in done.stderr
    assert "Traceback" not in done.stderr
    assert asyncio.run(what_is_there()) == (0, 0, 0), "the engine has not run on it either"


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ([*COMMAND, "--demo"], 1, "give --local"),
        ([*DEMO, "--handlers", "mine"], 2, "leave --handlers out"),
    ],
)
def test_the_demo_runs_here_with_its_own_handlers(
    tmp_path: Path, command: list[str], code: int, message: str
) -> None:
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []
