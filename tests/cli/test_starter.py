"""`proflow init`: the starter works as it is written."""

import subprocess
import sys
from pathlib import Path

from cli.conftest import Proflow
from ruff import find_ruff_bin


def test_the_starters_tests_pass(inside: Proflow, tmp_path: Path) -> None:
    assert inside("init", "leave-app").code == 0
    folder = tmp_path / "leave-app"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
    assert "warning" not in done.stdout


def test_the_starter_is_clean_and_up_to_date(inside: Proflow, tmp_path: Path) -> None:
    inside("init", tmp_path)
    checked = inside("check", "designs", "--strict", "--handlers", "leave.handlers")
    assert checked.code == 0, checked.out
    fresh = inside(
        *("compile", "designs", "--target", "python", "-o", "leave/workflows", "--check"),
        *("--client", "leave.client:client", "--handlers", "leave.handlers"),
    )
    assert fresh.code == 0, fresh.err
    for arguments in (["check"], ["format", "--check"]):
        command = [find_ruff_bin(), *arguments, "--no-cache", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_nothing_is_overwritten(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    done = inside("init")
    assert done.code == 1
    assert "`README.md`" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_told(inside: Proflow, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    done = inside("init", "file/below")
    assert done.code == 1
    assert done.err.startswith("error: cannot write below `file/below`")
