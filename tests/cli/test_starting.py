"""What commands cost before they work: heavy libraries are imported where they are used."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from proflow_compiler.commands.starter import __file__ as starter

HEAVY = {
    "cel_expr_python",
    "fastapi",
    "graphlay",
    "httpx",
    "inngest",
    "jinja2",
    "jsonschema",
    "networkx",
    "openai",
    "pydantic",
    "pysat",
    "starlette",
    "tortoise",
    "wcwidth",
}
DESIGN = Path(starter).parent / "files" / "designs" / "leave-request.json.in"
DATA = '{"amount": 1, "order_id": "o", "applicant": "user:1", "tenant_id": 1}'
USED: dict[str, set[str]] = {
    "explain PF210": {"pydantic", "cel_expr_python"},
    "check {design}": {"pydantic", "cel_expr_python"},
    "graph {design}": {"pydantic", "cel_expr_python", "graphlay"},
    "compile {design} -o {out}": {"pydantic", "cel_expr_python", "jinja2"},
    "compile {design} --target definition -o {out}": {"pydantic", "cel_expr_python", "jinja2"},
    "run examples/purchase-approval.json --data {data}": {
        *("pydantic", "cel_expr_python", "inngest", "httpx", "jsonschema", "wcwidth")
    },
}
"""The heavy libraries that a command may import for a small valid design."""

EMPTY = """
import typer
app = typer.Typer(add_completion=False)
for name in ("a", "b", "c", "d", "e"):
    app.command(name)(lambda: None)
app()
"""


def test_help_imports_nothing_heavy() -> None:
    imported = _imported("--help")
    assert imported & HEAVY == set()
    assert "typer" in imported


@pytest.mark.parametrize("command", USED)
def test_a_command_imports_what_a_small_valid_design_needs(command: str, tmp_path: Path) -> None:
    design = tmp_path / "leave.json"
    design.write_bytes(DESIGN.read_bytes())
    places = {"design": design, "out": tmp_path / "out", "data": DATA}
    words = [word.format(**places) for word in command.split()]
    assert _imported(*words) & HEAVY == USED[command]


def _imported(*words: str) -> set[str]:
    """The top-level modules that a command has imported when it ends, successfully."""
    program = (
        "import sys; from proflow_runtime.commands import main\n"
        "code = 0\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "print('imported', *{name.split('.')[0] for name in sys.modules}, file=sys.stderr)\n"
        "sys.exit(code)"
    )
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("imported ")[2].split())


def test_help_takes_at_most_a_third_more_than_that_of_an_empty_app(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text(EMPTY)
    ours = [sys.executable, "-m", "proflow_runtime.commands", "--help"]
    empty = [sys.executable, str(tmp_path / "empty.py"), "--help"]
    times: dict[str, float] = {"ours": 9.0, "empty": 9.0}
    for _ in range(7):
        for name, command in (("ours", ours), ("empty", empty)):
            times[name] = min(times[name], _processor_time(command))
    # The measure is of the processor's time, in steps of about a hundredth of a second.
    assert times["ours"] <= 1.3 * times["empty"] + 0.01


def _processor_time(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
