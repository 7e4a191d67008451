"""What `--help` costs: heavy libraries are imported by the commands that use them."""

import resource
import subprocess
import sys
from pathlib import Path

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
}

EMPTY = """
import typer
app = typer.Typer(add_completion=False)
for name in ("a", "b", "c", "d", "e"):
    app.command(name)(lambda: None)
app()
"""


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from proflow_runtime.commands import main\n"
        "sys.argv = ['proflow', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "Commands" in done.stdout
    assert set(done.stderr.split()) & HEAVY == set()
    assert "typer" in done.stderr.split()


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
