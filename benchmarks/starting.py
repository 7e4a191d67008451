"""How long commands take for a small design, beside a five-command Typer app that does nothing.

All are whole processes, measured by processor time: the share of other processes does not count.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.tables import show, verdict

ROUNDS = 9
DESIGN = str(Path(__file__).parent.parent / "examples" / "purchase-approval.json")
DATA = '{"amount": 1, "order_id": "o", "applicant": "user:1", "tenant_id": 1}'
COMMANDS: dict[str, tuple[list[str], float]] = {
    "--help": (["--help"], 1.3),
    "explain PF210": (["explain", "PF210"], 3.0),
    "check": (["check", DESIGN], 3.0),
    "compile": (["compile", DESIGN, "-o", "out"], 4.0),
    "run": (["run", DESIGN, "--data", DATA], 4.0),
}
"""The commands, and how many times the cost of the empty app each may take."""

EMPTY_APP = """
import typer

app = typer.Typer(no_args_is_help=True)
{commands}
app()
"""
COMMAND = '''
@app.command()
def {name}(path: str, strict: bool = False) -> None:
    """Does nothing with a path."""
'''
NAMES = ("check", "compile", "run", "graph", "explain")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        commands = "".join(COMMAND.format(name=name) for name in NAMES)
        empty.write_text(EMPTY_APP.format(commands=commands))
        ours = [sys.executable, "-c", "from proflow_runtime.commands import main; main()"]
        processes = {"empty Typer app": [sys.executable, str(empty), "check", DESIGN]}
        processes |= {name: [*ours, *words] for name, (words, _) in COMMANDS.items()}
        times: dict[str, float] = {}
        for _ in range(ROUNDS):
            for name, command in processes.items():
                spent = _processor_time(command, folder)
                times[name] = min(times.get(name, spent), spent)
    base = times["empty Typer app"]
    rows = [("empty Typer app", f"{base * 1000:.0f}", "")]
    rows += [
        (f"proflow {name}", f"{times[name] * 1000:.0f}", verdict(times[name] / base, target))
        for name, (_, target) in COMMANDS.items()
    ]
    show(
        f"whole processes, least processor time of {ROUNDS} interleaved",
        ("", "ms", "ratio"),
        rows,
    )


def _processor_time(command: list[str], folder: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
