"""How long `proflow --help` takes, beside a five-command Typer app that does nothing."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.tables import show, verdict

ROUNDS = 15
TARGET = 1.3

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
        ours = [sys.executable, "-c", "from proflow_runtime.commands import main; main()", "--help"]
        theirs = [sys.executable, str(empty), "--help"]
        times: dict[str, list[float]] = {"proflow": [], "empty": []}
        for _ in range(ROUNDS):
            times["empty"].append(_seconds(theirs))
            times["proflow"].append(_seconds(ours))
    ratio = median(times["proflow"]) / median(times["empty"])
    show(
        f"--help, whole processes, median of {ROUNDS} interleaved",
        ("", "ms", "ratio"),
        [
            ("empty Typer app", f"{median(times['empty']) * 1000:.0f}", ""),
            ("proflow --help", f"{median(times['proflow']) * 1000:.0f}", verdict(ratio, TARGET)),
        ],
    )


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
