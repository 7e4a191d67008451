"""Runs the command as a person does: a process of its own, and what it prints."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from proflow_runtime.commands import main

DESIGNS = Path(__file__).parents[2] / "fixtures" / "designs"


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Proflow = Callable[..., Done]


@pytest.fixture
def proflow(tmp_path: Path) -> Proflow:
    """Runs `proflow` in an empty folder; a traceback is never right."""

    def run(*arguments: str | Path, timeout: float = 60, **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "proflow_runtime.commands", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
        )
        found = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in found.err
        return found

    return run


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The guide's sample: two approvals in a row, and nothing else in the file."""
    path = tmp_path / "sample.json"
    path.write_bytes((DESIGNS / "guide-sample" / "design.json").read_bytes())
    return path


@pytest.fixture
def purchase(tmp_path: Path) -> Path:
    path = tmp_path / "purchase.json"
    path.write_bytes((DESIGNS / "purchase-approval" / "design.json").read_bytes())
    return path


@pytest.fixture
def inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Proflow:
    """Runs `proflow` in this process, for the many small cases: much faster."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["proflow", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return Done(code or 0, out, err)

    return run
