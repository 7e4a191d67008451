"""`fixtures/rules/<rule>/incorrect*.json`, and beside each what is reported; `correct*.json`.

`pytest --snapshot-update` writes what is reported anew.
"""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.problems import NAMES
from proflow_compiler.diagnostics.rendering import locate, render
from proflow_compiler.explain import RULES, UnknownRuleError, explain, pages
from proflow_compiler.fixes.proving import with_proven_fixes
from proflow_compiler.graph import build_graph
from proflow_compiler.lowering import lower
from proflow_compiler.pipeline import calls_among
from proflow_compiler.reader import Reading, read
from proflow_compiler.rules import CHECKS, run_checks
from proflow_schemas.handlers import Unmarked, signature
from proflow_schemas.readiness import Lack, Need
from proflow_schemas.signatures import TaskOf
from pydantic import BaseModel, ConfigDict, Field

ROOT = Path(__file__).parents[2]
RULE_FIXTURES = ROOT / "fixtures" / "rules"
DOCS = ROOT / "docs" / "rules"


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sku: str
    pieces: int = Field(ge=1)


class Payment(BaseModel):
    order: str
    amount: float
    urgency: Literal["low", "high"] = "low"
    paid_at: datetime | None = Field(None, alias="paidAt")


class Shipment(BaseModel):
    to: str
    lines: list[Line]
    weight: Decimal | None = None


async def pay(task: TaskOf[Payment]) -> None: ...
async def ship(task: TaskOf[Shipment]) -> None: ...


class RunError(BaseModel):
    name: str
    message: str


class Failed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    error: RunError
    event: dict[str, object]
    run_id: str


async def note_failure(task: TaskOf[Failed]) -> None: ...
async def count(task: TaskOf[dict[str, int]]) -> None: ...


STORED = "unsupported-when-stored"
"""The rule that is checked only where designs are to be stored."""
NOT_READY = "not-ready"
LACKS = {
    Need("approver", "user:wang.wie"): Lack("there is no user `wang.wie`", "name somebody else"),
    Need("channel", "sms"): Lack("the channel `sms` is not registered"),
    Need("mail"): Lack("`PROFLOW_SMTP_HOST` is not set", "set it", passing=True),
    Need("workflow", "signing"): Lack("the workflow `signing` is not published", "publish it"),
}
"""What the host lacks, for the rule that asks it."""
HANDLERS = {
    **dict.fromkeys(("work", "send_email", "send_alert")),
    **{one.__name__: signature(one) for one in (pay, ship, count, note_failure)},
    "pay_supplier": Unmarked("erp.handlers, line 12"),
}
INCORRECT = sorted(
    str(p.relative_to(RULE_FIXTURES)) for p in RULE_FIXTURES.glob("*/incorrect*.json")
)
CORRECT = sorted(str(p.relative_to(RULE_FIXTURES)) for p in RULE_FIXTURES.glob("*/correct*.json"))
BY_NAME = {rule.name: rule for rule, _ in CHECKS}


def checked(case: str) -> tuple[Reading, list[Diagnostic]]:
    """What is wrong with a fixture, in the order of its text."""
    reading = read((RULE_FIXTURES / case).read_bytes(), case)
    assert [one for one in reading.diagnostics if one.level is Level.ERROR] == []
    calls = calls_among([reading])

    def check(design: Design) -> list[Diagnostic]:
        stored = case.startswith(STORED)
        lacks = LACKS if case.startswith(NOT_READY) else None
        return run_checks(
            build_graph(design), handlers=HANDLERS, calls=calls, stored=stored, lacks=lacks
        )

    found = [one for design in reading.designs for one in check(design)]
    return reading, locate(with_proven_fixes(reading, found, check)[1], reading.source)


@pytest.mark.parametrize("case", INCORRECT)
def test_an_incorrect_design_is_reported_at_its_place_and_nothing_else_is(
    case: str, request: pytest.FixtureRequest
) -> None:
    reading, found = checked(case)
    text = render(found, reading.source)
    expected = (RULE_FIXTURES / case).with_suffix(".txt")
    if request.config.getoption("--snapshot-update"):
        expected.write_text(text, encoding="utf-8")
    assert {one.code for one in found} == {BY_NAME[case.split("/")[0]].code}
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CORRECT)
def test_nothing_is_reported_of_a_correct_design(case: str) -> None:
    assert checked(case)[1] == []


@pytest.mark.parametrize("case", INCORRECT)
def test_messages_follow_the_wording(case: str) -> None:
    for one in checked(case)[1]:
        assert one.name == BY_NAME[case.split("/")[0]].name
        assert one.line is not None
        for text in filter(None, (one.message, one.help, one.label)):
            assert not text.endswith(".")
            assert not text[0].isupper() or text.split()[0] in ("Inngest", "Sunday")
            assert text.count("`") % 2 == 0
            assert "\n" not in text


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_rule_has_an_incorrect_and_a_correct_fixture(name: str) -> None:
    folders = {case.split("/")[0] for case in INCORRECT} & {case.split("/")[0] for case in CORRECT}
    assert name in folders


def test_every_folder_of_fixtures_and_every_file_of_a_check_belongs_to_a_rule() -> None:
    assert {folder.name for folder in RULE_FIXTURES.iterdir()} == set(BY_NAME)
    for _, check in CHECKS:
        assert check.__module__.rsplit(".", 1)[1].replace("_", "-") in BY_NAME


@pytest.mark.parametrize("code", RULES)
def test_the_examples_of_a_doc_page_are_what_they_are_said_to_be(code: str) -> None:
    rule = RULES[code]
    for example, expected in ((rule.incorrect, {code}), (rule.correct, set())):
        if not example.strip().startswith(("{", "[")):
            continue
        reading = read(example.encode(), "example.json")
        found = list(reading.diagnostics)
        for design in reading.designs:
            graph = build_graph(design)
            handlers = {"PF305": {"send_email": None}, "PF324": HANDLERS}.get(code)
            stored = rule.name == STORED
            calls = calls_among([reading])
            lacks = LACKS if rule.name == NOT_READY else None
            found += run_checks(graph, handlers=handlers, calls=calls, stored=stored, lacks=lacks)
            if all(one.level is not Level.ERROR for one in found):
                found += lower(graph)[1]
        # Approvals in examples name nobody, to be short.
        wanted = {one.code for one in found if one.code == code or one.level is not Level.INFO}
        assert wanted == expected


def test_every_code_of_the_reader_is_explained_by_its_name() -> None:
    assert {code: RULES[code].name for code in NAMES} == NAMES
    assert len({rule.name for rule in RULES.values()}) == len(RULES)


def test_a_rule_is_explained_by_its_code_or_its_name() -> None:
    assert explain("pf304") == explain("reference-may-be-missing")
    assert explain("PF304").startswith("# PF304 · reference-may-be-missing\n")
    with pytest.raises(UnknownRuleError, match="did you mean `dead-end`"):
        explain("dead-ends")


def test_the_doc_pages_are_those_that_the_rules_give(request: pytest.FixtureRequest) -> None:
    expected = pages()
    if request.config.getoption("--snapshot-update"):
        DOCS.mkdir(parents=True, exist_ok=True)
        for path in DOCS.glob("*.md"):
            path.unlink()
        for name, text in expected.items():
            (DOCS / name).write_text(text, encoding="utf-8")
    written = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
    assert written == expected


@pytest.mark.parametrize("path", sorted((ROOT / "fixtures" / "designs").glob("*/design.json")))
def test_the_users_workflows_have_no_error(path: Path) -> None:
    reading = read(path.read_bytes(), path.name)
    for design in reading.designs:
        found = run_checks(build_graph(design))
        assert [one for one in found if one.level is Level.ERROR] == []


def test_hostile_names_stay_on_one_line_and_inside_their_backticks() -> None:
    name = "x`\n\x1b[31m\u202e" + "y" * 150
    design = {
        "nodes": [
            {"id": "start", "type": "start"},
            {
                "id": name,
                "type": "task",
                "data": {"handler": name, "input": "${steps.start.output}"},
            },
        ],
        "edges": [{"source": "start", "target": name}],
    }
    reading = read(json.dumps(design).encode(), "hostile.json")
    for one in run_checks(build_graph(reading.designs[0]), handlers={"work": None}):
        assert one.message.isprintable()
        assert len(one.message) < 300
