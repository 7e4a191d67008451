"""Regions, loops, containers and caught errors as Python: what it reads like, how deep it nests,
and that it does what the interpreter does."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from emit.programs import (
    Op,
    again,
    asked,
    branch,
    call,
    end,
    foreach,
    leave,
    loop,
    member,
    op,
    parallel,
    program,
    region,
    repeat,
    sent,
    slept,
    task,
)
from parity.playing import TARGETS, play
from proflow_compiler.emit import Imports, emit, emit_module
from proflow_schemas.definition import Definition
from ruff import find_ruff_bin

ROOT = Path(__file__).parents[2]

REDRAFT = program(
    repeat(
        "draft",
        task("draft"),
        asked("manager"),
        branch(
            "manager",
            returned=[again("manager", "draft")],
            rejected=[leave("draft?exit", "refused")],
            approved=[leave("draft?exit", "agreed")],
            timeout=[end("late", "late")],
        ),
    ),
    branch("draft?exit", refused=[end("refused", "rejected")]),
    task("pay", catch=True),
    branch("pay", error=[task("refund"), end("failed", "failed")]),
    end("done"),
)
LOOP_THAT_GOES_ON = program(
    repeat("a", task("a"), asked("b"), branch("b", returned=[again("b", "a", 2)])),
    task("c"),
    end("done"),
)
LOOP_THAT_ENDS = program(
    repeat(
        "a",
        asked("a"),
        branch("a", returned=[task("b"), again("b", "a")]),
        end("done"),
    )
)
CROSSWISE = program(
    task("first"),
    region(
        "fork",
        member("a", task("a")),
        member("b", asked("b"), branch("b", rejected=[op("stop", "b")])),
        member("c", slept("c", 30), after=["a"]),
        member("d", slept("d"), task("d2"), after=["a", "b approved"], leaves=True),
        member("e", call("tail"), after=["c"], needs=1),
        member("j", after=["c", "d"], needs=1, leaves=True),
    ),
    end("done"),
    functions={"tail": [task("tail"), end("aside", "aside")]},
)
STOPPED_ELSEWHERE = program(
    region(
        "fork",
        member("a", asked("a")),
        member("b", op("stop", "a"), after=["a rejected returned"]),
        member("c", slept("c"), after=["a approved"], leaves=True),
    ),
    end("done"),
)
CROSSWISE_THAT_ENDS = program(
    region(
        "fork",
        member("a", task("a")),
        member("b", task("b")),
        member("c", task("c"), end("c-end", "c"), after=["a", "b"]),
        member("d", task("d"), end("d-end", "d"), after=["b"]),
    )
)
ITEMS = program(
    foreach(
        "each",
        task("pay", input={"line": "${line.name}"}),
        asked("check"),
        branch("check", rejected=[end("no", "no", output="refused")]),
        **{"as": "line", "maxConcurrency": 2, "result": "pay", "catch": True},
    ),
    branch("each", error=[task("undo"), end("failed", "failed")]),
    end("done", output="${steps.each.output}"),
)
ROUNDS = program(
    loop(
        "poll",
        op("invoke-step", "sub", workflow="child", input={"n": 1}, timeout=3600, catch=True),
        branch("sub", error=[slept("nap")]),
        **{"while": "iteration < 2", "maxIterations": 5},
    ),
    end("done"),
)
CHANNELS = program(
    op(
        "choose",
        "channels",
        rules=[
            {"outcome": "mail", "when": "event.data.mail"},
            {"outcome": "sms", "when": "event.data.sms"},
        ],
        default="letter",
        every=True,
    ),
    region(
        "channels",
        member("mail", task("mail"), after=["channels mail"], leaves=True),
        member("sms", slept("sms"), after=["channels sms"], leaves=True),
        member("letter", task("letter"), after=["channels letter"], leaves=True),
    ),
    end("done"),
)
LINES = [{"name": "a"}, {"name": "b"}, {"name": "c"}]
RUNS: dict[str, tuple[Definition, list[dict[str, Any]]]] = {
    "redraft": (
        REDRAFT,
        [
            {"answers": ["manager=approved"]},
            {"answers": ["manager=rejected"]},
            {"answers": ["manager=returned@+1h"]},
            {"answers": ["manager=approved"], "fails": ["pay=broke*9"]},
        ],
    ),
    "loop-that-goes-on": (
        LOOP_THAT_GOES_ON,
        [{"answers": ["b=returned"]}, {"answers": ["b=approved@+2h"]}],
    ),
    "loop-that-ends": (LOOP_THAT_ENDS, [{"answers": ["a=returned"]}, {"answers": ["a=approved"]}]),
    "crosswise": (CROSSWISE, [{"answers": ["b=approved@+10s"]}, {"answers": ["b=rejected@+1h"]}]),
    "stopped-elsewhere": (
        STOPPED_ELSEWHERE,
        [{"answers": ["a=returned@+1h"]}, {"answers": ["a=approved"]}],
    ),
    "crosswise-that-ends": (CROSSWISE_THAT_ENDS, [{}, {"fails": ["a=broke*1"]}]),
    "items": (
        ITEMS,
        [
            {"data": {"lines": LINES}, "answers": ["check=approved@+1h"]},
            {"data": {"lines": LINES}, "answers": ["check=rejected"]},
            {"data": {"lines": LINES}, "fails": ["pay=broke*9"]},
            {"data": {"lines": "none"}},
        ],
    ),
    "rounds": (ROUNDS, [{}]),
    "channels": (
        CHANNELS,
        [
            {"data": {"mail": mail, "sms": sms}}
            for mail, sms in ((True, True), (True, False), (False, False))
        ],
    ),
}


def nested_parallel(depth: int) -> list[Op]:
    if not depth:
        return [task("deepest")]
    arms = {f"a{depth}": nested_parallel(depth - 1), f"b{depth}": [task(f"b{depth}")]}
    return [task(f"t{depth}"), parallel(f"p{depth}", **arms)]


def nested_cases(depth: int) -> list[Op]:
    if not depth:
        return [task("deepest")]
    return [
        asked(f"t{depth}"),
        branch(
            f"t{depth}",
            rejected=nested_cases(depth - 1),
            timeout=[task(f"u{depth}")],
            approved=[end(f"e{depth}")],
            returned=[op("stop", f"t{depth}")],
        ),
    ]


def nested_loops(depth: int) -> list[Op]:
    if not depth:
        return [task("deepest")]
    back = branch(f"q{depth}", returned=[again(f"q{depth}", f"t{depth}")])
    body = [task(f"t{depth}"), *nested_loops(depth - 1), asked(f"q{depth}"), back]
    return [repeat(f"t{depth}", *body)]


def nested_containers(depth: int) -> list[Op]:
    if not depth:
        return [asked("deepest"), branch("deepest", rejected=[end("never", "never")])]
    return [
        foreach(f"t{depth}", loop(f"l{depth}", *nested_containers(depth - 1)), task(f"u{depth}"))
    ]


def nested_regions(depth: int) -> list[Op]:
    if not depth:
        return [task("deepest")]
    inner = member(f"a{depth}", *nested_regions(depth - 1))
    return [region(f"r{depth}", inner, member(f"b{depth}", task(f"b{depth}"), leaves=True))]


def rejections(count: int) -> Definition:
    """Approvals, each of which may lead to the same rejection."""
    steps = []
    for number in range(count):
        name = f"approval-{number}"
        steps += [asked(name), branch(name, rejected_or_timeout_or_returned=[call("refused")])]
    return program(*steps, end("done"), functions={"refused": [task("tell"), end("refused", "no")]})


def switch(count: int) -> Definition:
    outcomes = [f"case {number}" for number in range(count)]
    rules = [{"outcome": one, "when": f"event.data.n == {n}"} for n, one in enumerate(outcomes)]
    cases = [{"outcomes": [one], "steps": [sent(f"send {one}")]} for one in outcomes]
    choose = op("choose", "which", rules=rules, default="none")
    return program(choose, op("branch", "which", cases=cases), end("done"))


def ladder(count: int) -> Definition:
    """Diamonds, each of which both ways of the one before lead to."""
    functions = {
        f"rung-{number}": [
            asked(f"rung-{number}"),
            branch(f"rung-{number}", rejected=[task(f"no-{number}"), call(f"rung-{number + 1}")]),
            task(f"yes-{number}"),
            call(f"rung-{number + 1}"),
        ]
        for number in range(count)
    }
    functions[f"rung-{count}"] = [end("done")]
    return program(call("rung-0"), functions=functions)


DEEP = {
    "parallel": program(*nested_parallel(30), end("done")),
    "cases": program(*nested_cases(30), end("done")),
    "loops": program(*nested_loops(30), end("done")),
    "containers": program(*nested_containers(15), end("done")),
    "regions": program(*nested_regions(30), end("done")),
}
WIDE = {"rejections": rejections(100), "switch": switch(3000), "ladder": ladder(60)}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("structures")
    programs = {name: definition for name, (definition, _) in RUNS.items()}
    for name, definition in {**programs, **DEEP, **WIDE}.items():
        folder = root / name.replace("-", "_")
        folder.mkdir()
        for file, text in emit([definition]).items():
            (folder / file).write_text(text, encoding="utf-8")
    return root


def test_it_is_formatted_and_has_no_lint(packages: Path) -> None:
    for command in (
        ["check", "--isolated"],
        ["check", "--config", str(ROOT / "pyproject.toml")],
        ["format", "--check", "--isolated"],
    ):
        done = subprocess.run(
            [find_ruff_bin(), *command, "--no-cache", str(packages)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-3000:]


def test_it_says_exactly_what_each_function_returns(packages: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases"]
    command += ["--cache-dir", str(packages / "cache")]
    names = [path.name for path in sorted(packages.iterdir()) if path.is_dir()]
    search = [packages, *(ROOT / name for name in ("compiler", "runtime", "schemas"))]
    done = subprocess.run(
        [*command, *(f"-p{name}" for name in names)],
        capture_output=True,
        text=True,
        env={"MYPYPATH": ":".join(map(str, search)), "PATH": ""},
    )
    # What the runtime itself gets wrong is for its own check to say.
    wrong = [line for line in done.stdout.splitlines() if line.split("/")[0] in names]
    assert [line for line in wrong if ": error:" in line] == []
    assert done.returncode in (0, 1), done.stderr


def test_it_compiles_and_is_never_indented_deeper_than_can_be_read(packages: Path) -> None:
    for path in packages.glob("*/*.py"):
        text = path.read_text(encoding="utf-8")
        compile(text, str(path), "exec")
        for line in text.splitlines():
            assert len(line) - len(line.lstrip()) <= 4 * 6, f"{path}: {line}"


@pytest.mark.parametrize("name", [*DEEP, *WIDE])
def test_its_size_is_linear(name: str) -> None:
    definition = {**DEEP, **WIDE}[name]
    lines = emit_module(definition, Imports()).count("\n")
    assert lines < 20 * len(definition.canvas.nodes) + 40


@pytest.mark.parametrize("name", [*DEEP, *WIDE, *RUNS])
def test_each_node_is_called_once(name: str) -> None:
    programs = {name: definition for name, (definition, _) in RUNS.items()}
    definition = {**DEEP, **WIDE, **programs}[name]
    tree = ast.parse(emit_module(definition, Imports()))
    calls = [
        (call.func.attr, call.args[0].value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "flow"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    ]
    structural = (
        "get",
        "text",
        "stop",
        "again",
        "leave",
        "repeat",
        "outcome_of",
        "exit_of",
        "failed",
    )
    called = [node for method, node in calls if method not in structural]
    assert sorted(map(str, called)) == sorted(node.id for node in definition.canvas.nodes)


@pytest.mark.parametrize(
    ("name", "run"), [(name, n) for name, (_, runs) in RUNS.items() for n in range(len(runs))]
)
def test_it_does_what_the_interpreter_does(name: str, run: int) -> None:
    definition, runs = RUNS[name]
    outside = {**runs[run], "data": {"tenant_id": 1, **runs[run].get("data", {})}}
    interpreted, generated = (play(definition, target, **outside) for target in TARGETS)
    assert interpreted == generated
    assert interpreted["steps"] or name == "channels"


def functions_in(source: str) -> dict[str, ast.AsyncFunctionDef]:
    return {
        one.name: one
        for one in ast.walk(ast.parse(source))
        if isinstance(one, ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize(
    ("definition", "function", "returns"),
    [
        (REDRAFT, "draft_iteration", "Result | Again | None"),
        (LOOP_THAT_GOES_ON, "a_iteration", "Again | None"),
        (LOOP_THAT_ENDS, "a_iteration", "Result | Again"),
        (LOOP_THAT_ENDS, "by_hand", "Result"),
        (CROSSWISE, "d", "None"),
        (CROSSWISE, "b", "Result | None"),
        (CROSSWISE_THAT_ENDS, "by_hand", "Result"),
        (ITEMS, "each_item", "Result | None"),
        (ROUNDS, "poll_iteration", "None"),
    ],
)
def test_what_a_function_returns_is_told_exactly(
    definition: Definition, function: str, returns: str
) -> None:
    found = functions_in(emit_module(definition, Imports()))[function]
    assert found.returns is not None
    assert ast.unparse(found.returns) == returns


def test_what_is_not_used_is_not_imported() -> None:
    plain = emit_module(program(task("a"), end("done")), Imports())
    assert "from proflow_runtime import WITH_CALL, WITH_PARENT, Flow, Result, workflow\n" in plain
    both = emit_module(program(*nested_regions(1), *nested_loops(1), end("done")), Imports())
    names = "WITH_CALL, WITH_PARENT, Again, Branch, Flow, Result, workflow"
    assert f"import {names}\n" in re.sub(r"\(\s+([^)]*),\s+\)", _in_one_line, both)


def _in_one_line(found: re.Match[str]) -> str:
    return " ".join(found[1].split())


def test_functions_beside_the_workflow_are_handed_the_flow() -> None:
    source = emit_module(DEEP["loops"], Imports())
    assert "async def t4_iteration(flow: Flow) -> Again | None:" in source
    assert 'await flow.repeat("t4", partial(t4_iteration, flow))' in source


def test_a_tail_that_several_share_is_passed_as_it_is() -> None:
    source = emit_module(CROSSWISE, Imports())
    assert 'Branch("e", tail, after=["c"], needs=1),' in source
    assert 'Branch("d", d, after=["a", ("b", "approved")], leaves=True),' in source


@pytest.mark.parametrize("cases", [["one"], ["one", "two"], ["one", "two", "three"]])
def test_an_outcome_that_nothing_is_compiled_for_fails_the_run_in_both_targets(
    cases: list[str],
) -> None:
    taken = branch("a", **{one: [task(f"after-{one}")] for one in cases})
    definition = program(task("a"), taken, end("done"))
    told = [play(definition, target, data={"tenant_id": 1}) for target in TARGETS]
    assert told[0] == told[1]
    assert told[0]["status"] == "failed"
    assert told[0]["error"]["message"] == "nothing follows `a` by the outcome `default`"


def test_an_outcome_after_which_nothing_is_drawn_goes_on_in_both_targets() -> None:
    taken = branch("a", rejected=[task("no")], timeout=[task("late")], returned=[task("again")])
    definition = program(asked("a"), taken, end("done"))
    data = {"tenant_id": 1}
    told = [play(definition, one, data=data, answers=["a=approved"]) for one in TARGETS]
    assert told[0] == told[1]
    assert told[0]["status"] == "completed"
