"""A host's own node types, through the commands that are given its module."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import Proflow

MODULE = '''
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

from proflow_runtime import Task, handler, node_type
from pydantic import BaseModel, ConfigDict, Field


class Line(BaseModel):
    account: str
    amount: Decimal


class VoucherConfig(BaseModel):
    model_config = ConfigDict(extra="forbid")

    order: str = Field(title="订单", description="the order that is booked")
    amount: Decimal = Field(gt=0)
    kind: Literal["payment", "receipt"] = "payment"
    lines: list[Line] = []
    note: Any = None
    due_date: str | None = Field(default=None, alias="dueDate")


class Voucher(BaseModel):
    number: str
    lines: int


@node_type("voucher", title={"zh": "生成凭证"}, icon="file-text", aliases=("凭证",))
async def create_voucher(task: Task[VoucherConfig]) -> Voucher:
    """Books a voucher.

    For the year's end.
    """
    asked = task.input
    total = sum((one.amount for one in asked.lines), Decimal(0))
    if total > asked.amount:
        raise ValueError(f"{total} is too much")
    return Voucher(number=f"{asked.kind}-{asked.order}-{asked.due_date}", lines=len(asked.lines))
'''


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[str]:
    """The name of a module with a node type, which is where the command runs."""
    (tmp_path / "hosted.py").write_text(MODULE, encoding="utf-8")
    yield "hosted"
    sys.modules.pop("hosted", None)
    sys.path[:] = [one for one in sys.path if one != str(tmp_path)]


def saved(tmp_path: Path, type: str = "voucher", **config: Any) -> Path:
    given = {"order": "${event.data.order}", "amount": "${event.data.amount * 2}", **config}
    design = {
        "id": "book",
        "nodes": [
            {"id": "begin", "type": "start"},
            {"id": "it", "type": type, "label": "凭证", "data": given},
            {"id": "done", "type": "end", "data": {"output": "${steps.it.output.number}"}},
            {"id": "late", "type": "end", "data": {"status": "late"}},
        ],
        "edges": [
            {"source": "begin", "target": "it"},
            {"source": "it", "target": "done"},
            {"source": "it", "target": "late", "sourceHandle": "error"},
        ],
    }
    path = tmp_path / "book.json"
    path.write_text(json.dumps(design), encoding="utf-8")
    return path


DATA = '{"tenant_id": 1, "order": "7", "amount": 2.5}'


@pytest.mark.parametrize("type", ["voucher", "凭证"])
def test_both_targets_call_its_function(
    type: str, tmp_path: Path, hosted: str, inside: Proflow
) -> None:
    lines = [{"account": "1002", "amount": "${event.data.amount}"}, {"account": "1", "amount": 1}]
    path = saved(tmp_path, type, lines=lines, kind="receipt", dueDate="2026-01-31")
    told = [
        inside("run", path, "--data", DATA, "--handlers", hosted, "--target", one, "--at",
               "2026-01-05T00:00:00Z", "--format", "json").json
        for one in ("interpreter", "generated")
    ]  # fmt: skip
    assert told[0] == told[1]
    assert told[0]["output"] == "receipt-7-2026-01-31"
    assert [one["id"] for one in told[0]["steps"]] == ["it"]
    assert told[0]["nodes"]["it"]["outcome"] == "default"


def test_it_is_retried_as_its_node_says_and_takes_its_error_edge(
    tmp_path: Path, hosted: str, inside: Proflow
) -> None:
    retry = {"maxAttempts": 2, "initialInterval": "1m"}
    path = saved(tmp_path, retry=retry, lines=[{"account": "1", "amount": 99}])
    for target in ("interpreter", "generated"):
        given = ["run", path, "--data", DATA, "--handlers", hosted, "--target", target]
        told = inside(*given, "--format", "json").json
        assert told["result"] == "late"
        assert told["nodes"]["it"]["attempts"] == 2
        assert told["nodes"]["it"]["error"]["message"] == "99 is too much"
        failed = inside(*given, "--fail", "it=boom", "--format", "json").json
        assert failed["nodes"]["it"]["error"]["message"] == "boom"


def test_all_its_outcomes_are_tried(tmp_path: Path, hosted: str, inside: Proflow) -> None:
    path = saved(tmp_path)
    done = inside(
        *("run", path, "--all-outcomes", "--handlers", hosted, "--data", DATA, "--format", "json")
    )
    assert done.code == 0
    assert done.json["uncovered_edges"] == []


def test_the_generated_module_imports_it_from_the_hosts_module(
    tmp_path: Path, hosted: str, inside: Proflow
) -> None:
    module = inside("compile", saved(tmp_path), "--handlers", hosted).out
    assert "import hosted as handlers" in module
    assert "handlers.create_voucher," in module
    assert "catch=True" in module
    definition = inside(
        "compile", saved(tmp_path), "--handlers", hosted, "--target", "definition"
    ).json
    op = next(one for one in definition["steps"] if one["node"] == "it")
    assert op["handler"] == "create_voucher"
    assert op["input"] == {"order": "${event.data.order}", "amount": "${event.data.amount * 2}"}
    drawn = {one["id"]: one["type"] for one in definition["canvas"]["nodes"]}
    assert drawn["it"] == "voucher"


def problems(done: Any) -> list[tuple[str, str, str]]:
    return [
        (one["code"], one["pointer"], one["message"])
        for file in done.json["files"]
        for one in file["diagnostics"]
    ]


@pytest.mark.parametrize(
    ("config", "code", "pointer", "message"),
    [
        ({"amount": -3}, "PF324", "/amount", "is not what a `voucher` takes"),
        ({"kind": "refund"}, "PF324", "/kind", "is not what a `voucher` takes"),
        ({"lines": [{"account": "1"}]}, "PF324", "/lines/0", "has no `amount`"),
        ({"lines": [{"account": "1", "amount": []}]}, "PF324", "/lines/0/amount", "is not what"),
        ({"amuont": 3}, "PF320", "/amuont", "nothing reads `amuont`"),
        ({"order": "${steps.at.output}"}, "PF303", "/order", "there is no step `at`"),
        (
            {"lines": [{"account": "${event.dat.x}"}]},
            "PF303",
            "/lines/0/account",
            "`event` has no field `dat`",
        ),
        ({"order": "${1 +}"}, "PF301", "/order", "ends too early"),
    ],
)
def test_its_settings_are_checked(
    config: dict[str, Any],
    code: str,
    pointer: str,
    message: str,
    tmp_path: Path,
    hosted: str,
    inside: Proflow,
) -> None:
    done = inside("check", saved(tmp_path, **config), "--handlers", hosted, "--format", "json")
    found = [one for one in problems(done) if one[0] == code]
    assert [one[1] for one in found] == [f"/nodes/1/data{pointer}"]
    assert message in found[0][2]


def test_what_it_requires_has_to_be_there(tmp_path: Path, hosted: str, inside: Proflow) -> None:
    path = saved(tmp_path)
    path.write_text(path.read_text().replace('"amount": "${event.data.amount * 2}"', '"x-a": 1'))
    found = problems(inside("check", path, "--handlers", hosted, "--format", "json"))
    assert [(code, message) for code, _, message in found] == [("PF101", "`amount` is missing")]


def test_its_output_has_the_type_that_its_function_returns(
    tmp_path: Path, hosted: str, inside: Proflow
) -> None:
    path = saved(tmp_path)
    assert inside("check", path, "--handlers", hosted).code == 0
    path.write_text(path.read_text().replace("output.number", "output.numbr"))
    ((code, _, message),) = problems(
        inside("check", path, "--handlers", hosted, "--format", "json")
    )
    assert (code, message) == ("PF303", "`steps.it.output` has no field `numbr`")


def test_it_is_a_position_of_a_diff_and_is_drawn(
    tmp_path: Path, hosted: str, inside: Proflow
) -> None:
    path = saved(tmp_path)
    told = inside("diff", path, path, "--handlers", hosted, "--format", "json").json
    assert [one["node"] for one in told["positions"]] == ["it"]
    assert "凭证" in inside("graph", path, "--handlers", hosted).out


def test_without_its_module_the_type_is_not_known(tmp_path: Path, inside: Proflow) -> None:
    path = saved(tmp_path)
    for command in ("check", "compile", "graph"):
        done = inside(command, path)
        assert done.code == 1
        assert "there is no node type `voucher`" in done.out + done.err


def test_compiling_designs_without_such_types_imports_nothing(
    tmp_path: Path, inside: Proflow
) -> None:
    path = saved(tmp_path, "task", handler="work", order=None, amount=None)
    done = inside("compile", path, "--handlers", "no.module")
    assert done.code == 0
    assert "from no import module as handlers" in done.out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Task[VoucherConfig]", "Task", "a node type takes a `Task[Model]`"),
        ("Task[VoucherConfig]", "Task[dict[str, int]]", "a node type takes a `Task[Model]`"),
        ('"voucher", title', '"webhook", title', "`webhook` is the built-in node type `http`"),
        ('"voucher", title', '"a b", title', "a node type cannot be named `a b`"),
        ("order: str =", "config: str =", "a setting cannot be named `config`"),
        ("order: str =", "order: Callable[[int], int] =", "`VoucherConfig` has no JSON Schema"),
        ('("凭证",)', '("审批",)', "`审批` is the built-in node type `approval`"),
    ],
)
def test_a_type_that_cannot_be_is_refused_with_its_place(
    old: str, new: str, message: str, tmp_path: Path, hosted: str, inside: Proflow
) -> None:
    (tmp_path / "hosted.py").write_text(MODULE.replace(old, new), encoding="utf-8")
    done = inside("check", saved(tmp_path), "--handlers", hosted)
    assert done.code == 1
    assert message in done.err
    assert "`create_voucher` (hosted, line" in done.err


def test_two_types_of_one_name_are_refused(tmp_path: Path, hosted: str, inside: Proflow) -> None:
    other = '\n\n@node_type("凭证")\nasync def other(task: Task[VoucherConfig]) -> None: ...\n'
    (tmp_path / "hosted.py").write_text(MODULE + other, encoding="utf-8")
    done = inside("check", saved(tmp_path), "--handlers", hosted)
    assert done.code == 1
    assert "two node types are named `凭证`" in done.err
