"""`--handlers MODULE`: marked functions, `Task[Model]`, and the lifespan that is open around them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli.conftest import Proflow

COMMAND = [sys.executable, "-m", "proflow_runtime.commands"]
DESIGN = {
    "id": "order",
    "nodes": [
        {"id": "begin", "type": "start"},
        {
            "id": "book",
            "type": "task",
            "data": {"handler": "book", "input": {"amount": "${event.data.amount}"}},
        },
        {"id": "count", "type": "task", "data": {"handler": "count"}},
        {"id": "done", "type": "end", "data": {"output": "${steps.count.output.orders}"}},
    ],
    "edges": [
        {"source": "begin", "target": "book"},
        {"source": "book", "target": "count"},
        {"source": "count", "target": "done"},
    ],
}
TABLES = """
from tortoise import fields
from tortoise.models import Model


class Order(Model):
    id = fields.IntField(primary_key=True)
    tenant_id = fields.IntField()
    amount = fields.DecimalField(max_digits=10, decimal_places=2)
"""
HANDLERS = """
import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import tables
from proflow_runtime import Task, current_tenant, handler
from pydantic import BaseModel
from tortoise import Tortoise


class NewOrder(BaseModel):
    amount: Decimal


class Orders(BaseModel):
    orders: int
    total: Decimal


def note(text):
    with Path("life.txt").open("a") as file:
        file.write(f"{text} {id(asyncio.get_running_loop())}\\n")


@asynccontextmanager
async def lifespan():
    await Tortoise.init(db_url="sqlite://orders.db", modules={"models": ["tables"]})
    await Tortoise.generate_schemas()
    note("opened")
    try:
        yield
    finally:
        await Tortoise.close_connections()
        note("closed")


@handler
async def book(task: Task[NewOrder]) -> int:
    note("handled")
    order = await tables.Order.create(tenant_id=current_tenant(), amount=task.input.amount)
    return order.id


@handler
async def count(task: Task) -> Orders:
    amounts = await tables.Order.filter(tenant_id=task.tenant_id).values_list("amount", flat=True)
    return Orders(orders=len(amounts), total=sum(amounts))


async def connect(task): ...
"""
DATA = '{"tenant_id": 3, "amount": "12.50"}'


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "order.json").write_text(json.dumps(DESIGN))
    (tmp_path / "tables.py").write_text(TABLES)
    (tmp_path / "shop.py").write_text(HANDLERS)
    return tmp_path


def life(folder: Path) -> list[str]:
    """What the handlers noted; it all happened on one event loop."""
    lines = (folder / "life.txt").read_text().split("\n")[:-1]
    assert len({line.split()[1] for line in lines}) == 1
    return [line.split()[0] for line in lines]


@pytest.mark.parametrize("target", ["interpreter", "generated"])
def test_handlers_use_what_the_lifespan_has_opened(
    proflow: Proflow, shop: Path, target: str
) -> None:
    run = ("run", "order.json", "--handlers", "shop", "--data", DATA, "--target", target)
    done = proflow(*run, "--format", "json")
    assert done.code == 0, done.err
    assert done.json["output"] == 1
    outputs = {step["node"]: step["output"] for step in done.json["steps"]}
    assert outputs["count"] == {"orders": 1, "total": 12.5}
    assert life(shop) == ["opened", "handled", "closed"]


def test_it_is_opened_once_for_all_runs_of_all_outcomes(proflow: Proflow, shop: Path) -> None:
    design = json.loads((shop / "order.json").read_text())
    design["nodes"].append({"id": "sorry", "type": "end", "data": {"status": "unbooked"}})
    design["edges"].append({"source": "book", "sourceHandle": "error", "target": "sorry"})
    (shop / "order.json").write_text(json.dumps(design))
    done = proflow(
        "run",
        "order.json",
        "--handlers",
        "shop",
        "--data",
        DATA,
        "--all-outcomes",
        "--format",
        "json",
    )
    assert done.code == 0, done.err
    assert len(done.json["runs"]) == 2
    assert life(shop) == ["opened", "handled", "closed"]


def test_a_handlers_input_is_validated_and_not_tried_again(proflow: Proflow, shop: Path) -> None:
    data = '{"tenant_id": 3, "amount": "a lot"}'
    done = proflow("run", "order.json", "--handlers", "shop", "--data", data, "--format", "json")
    assert done.code == 1
    book = done.json["nodes"]["book"]
    assert book["attempts"] == 1
    assert (
        "the input of node `book` is not what the handler `book` takes: `input.amount`"
        in (book["error"]["message"])
    )
    assert life(shop) == ["opened", "closed"]


def test_a_function_that_is_not_marked_is_not_simulated_in_silence(
    proflow: Proflow, shop: Path
) -> None:
    text = (shop / "order.json").read_text().replace('"handler": "count"', '"handler": "connect"')
    (shop / "order.json").write_text(text)
    done = proflow("run", "order.json", "--handlers", "shop", "--data", DATA)
    assert done.code == 1
    assert done.err == (
        "error: --handlers: `connect` (shop, line 52): there in the module, but not marked as a"
        " handler: put `@handler` above it, or name it in `__all__`\n"
    )
    checked = proflow("check", "order.json", "--handlers", "shop", "--format", "json")
    (file,) = checked.json["files"]
    assert [one["code"] for one in file["diagnostics"]] == ["PF305"]
    assert (
        "`connect` exists in the module (shop, line 52) but is not marked as a handler"
        in (file["diagnostics"][0]["message"])
    )


def test_inputs_and_outputs_are_checked_by_the_models(proflow: Proflow, shop: Path) -> None:
    text = (shop / "order.json").read_text()
    text = text.replace("output.orders", "output.ordres").replace(
        '{"amount": "${event', '{"sum": "${event'
    )
    (shop / "order.json").write_text(text)
    checked = proflow("check", "order.json", "--handlers", "shop", "--format", "json")
    (file,) = checked.json["files"]
    found = {one["code"]: one for one in file["diagnostics"]}
    assert found.keys() == {"PF303", "PF324"}
    assert found["PF324"]["pointer"] == "/nodes/1/data/input"
    assert found["PF324"]["message"] == (
        "the input has no `amount`, which the handler `book` requires"
    )
    assert "`ordres`" in found["PF303"]["message"]


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        (
            "    note(\"opened\")\n",
            "    raise OSError('no\\ndatabase')\n",
            "error: the `lifespan` of `shop` cannot be opened: OSError: no database\n",
        ),
        (
            "        note(\"closed\")\n",
            "        raise OSError('not closed')\n",
            "error: the `lifespan` of `shop` cannot be closed: OSError: not closed\n",
        ),
        (
            "async def lifespan():",
            "async def lifespan(a, b):",
            "error: the `lifespan` of `shop` takes no argument, or one: the Inngest client\n",
        ),
        (
            "async def count(task: Task)",
            "async def count(task, more)",
            "error: --handlers: the handler `count` (shop, line 46) takes `task`, `more`:"
            " a handler takes one `Task`\n",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_module_is_one_line(
    proflow: Proflow, shop: Path, before: str, after: str, complaint: str
) -> None:
    assert before in HANDLERS
    (shop / "shop.py").write_text(HANDLERS.replace(before, after))
    done = proflow("run", "order.json", "--handlers", "shop", "--data", DATA)
    assert done.code == 1
    assert done.err == complaint


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_the_lifespan_is_closed_at_ctrl_c(shop: Path) -> None:
    slow = HANDLERS.replace(
        '    note("handled")\n', '    note("handled")\n    await asyncio.sleep(60)\n'
    )
    (shop / "shop.py").write_text(slow)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*COMMAND, "run", "order.json", "--handlers", "shop", "--data", DATA],
            cwd=shop,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        at = shop / "life.txt"
        while process.poll() is None and not (at.exists() and "handled" in at.read_text()):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        try:
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err == "interrupted\n"
    assert life(shop) == ["opened", "handled", "closed"]
