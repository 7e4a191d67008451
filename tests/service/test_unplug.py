"""What is said where one thing is missing, as the table `Unplug` of docs/production.md has it."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from proflow_runtime.store import people
from service.house import House, house, until
from stored.office import line, publish

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]
DOC = Path(__file__).parents[2] / "docs" / "production.md"
MAIL = {"channel": "email", "to": "a@example.com", "content": "x"}


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        node: The node that needs what is missing: its type and config.
        code: The code of the diagnostic.
        published: Whether the design can be published, so that the diagnostic is a warning.
        run: What becomes of a run: `blocked`, `waiting` or `failed`.
        log: A part of the warning in the log.
        listed: The reason for which `/operations/stuck` lists it, if it does.
        env: The environment variables that are set.
    """

    node: tuple[str, dict[str, Any]]
    code: str
    published: bool
    run: str
    log: str
    listed: str | None = None
    env: Mapping[str, str] | None = None


ROWS = {
    "handler": Row(
        ("task", {"handler": "late"}),
        "PF305",
        False,
        "blocked",
        "there is no handler `late`",
        "run-blocked",
    ),
    "channel": Row(
        ("notify", {"channel": "sms", "to": "1", "content": "x"}),
        "PF321",
        False,
        "blocked",
        "the channel `sms`",
        "run-blocked",
    ),
    "approver": Row(
        ("approval", {"approverIds": ["nobody"]}),
        "PF321",
        False,
        "waiting",
        "nobody can decide approval",
        "approval-without-voter",
    ),
    "secret": Row(
        ("ai", {"prompt": "hello", "model": "gpt"}),
        "PF321",
        True,
        "failed",
        "`OPENAI_API_KEY` is not set",
    ),
    "model": Row(
        ("ai", {"prompt": "hello"}),
        "PF321",
        True,
        "failed",
        "neither the node nor `PROFLOW_AI_MODEL` names a model",
        env={"OPENAI_API_KEY": "k"},
    ),
    "mail server": Row(("notify", MAIL), "PF321", True, "failed", "`PROFLOW_SMTP_HOST` is not set"),
    "subprocess's target": Row(
        ("subprocess", {"workflow": "other"}),
        "PF321",
        False,
        "failed",
        "there is no published workflow `other`",
    ),
}


async def told(at: House, canvas: dict[str, Any]) -> tuple[Any, Any]:
    """What a check says, and what publishing answers."""
    async with await at.user("ann", 1, "designs:write") as ann:
        checked = await ann.post("/api/designs/check", json={"design": canvas})
        assert (await ann.post("/api/designs", json={"design": canvas})).status_code == 201
        return checked.json(), await ann.post(f"/api/designs/{canvas['id']}/publish")


@pytest.mark.parametrize("name", ROWS)
async def test_what_is_missing_is_said_everywhere(
    name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS[name]
    for variable in ("OPENAI_API_KEY", "PROFLOW_AI_MODEL", "PROFLOW_SMTP_HOST"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in (row.env or {}).items():
        monkeypatch.setenv(variable, value)
    await people.add(1, "root", "Root", roles=["admin"])
    canvas = line("row", ("it", *row.node))
    async with house() as at:
        checked, published = await told(at, canvas)
        (one,) = [found for found in checked["diagnostics"] if found["code"] == row.code]
        assert (one["node"], one["level"]) == ("it", "warning" if row.published else "error")
        assert checked["ok"] is row.published
        assert published.status_code == (200 if row.published else 422)
        if not row.published:
            await publish(1, canvas)  # as before a deploy that lacks it, or before people left
        with caplog.at_level(logging.WARNING, "proflow"):
            run = await at.proflow.start(tenant_id=1, workflow="row")

            async def settled() -> Any:
                found = await at.proflow.status(1, run)
                seen = "blocked" if found["blocked"] else found["status"]
                return found if seen == row.run else None

            status = await until(settled, within=40.0)

            async def logged() -> Any:
                return [
                    one
                    for one in caplog.records
                    if one.levelno >= logging.WARNING
                    and row.log in one.getMessage()
                    and one.__dict__.get("run_id") == run
                    and one.__dict__.get("tenant_id") == 1
                ]

            assert await until(logged, within=40.0)
        if row.run == "failed":
            assert row.log in status["error"]["message"]
            assert status["nodes"]["it"]["attempts"] in (None, 0, 1)
        found = await at.proflow.stuck.listed(1)
        assert [one.reason for one in found] == ([row.listed] if row.listed else [])


def test_the_table_of_the_docs_has_these_rows() -> None:
    text = DOC.read_text(encoding="utf-8").partition("## Unplug")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+?) \|(.*)$", text, re.MULTILINE)
    table = {name: cells for name, cells in rows if name not in ("missing", "---")}
    assert list(table) == list(ROWS)
    for name, row in ROWS.items():
        cells = [cell.strip() for cell in table[name].strip(" |").split(" | ")]
        assert row.code in cells[0]
        assert ("warning" if row.published else "error") in cells[0]
        assert cells[1] == ("published" if row.published else "422")
        assert row.run in cells[2]
        assert (f"`{row.listed}`" if row.listed else "—") == cells[4]
