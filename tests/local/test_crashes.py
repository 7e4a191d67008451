"""A run that kills the process is parked, so that the service does not end at each start."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from local import crashing

Process = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def process(database_url: str) -> Process:
    def run(what: str) -> "subprocess.CompletedProcess[str]":
        paths = [str(Path(crashing.__file__).parents[1]), *sys.path]
        return subprocess.run(
            [sys.executable, "-m", "local.crashing", database_url, what],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.mark.long
def test_a_run_that_killed_two_processes_is_parked_and_the_others_complete(
    process: Process,
) -> None:
    first, second, third = process("start"), process("go"), process("go")
    assert (first.returncode, second.returncode) == (crashing.KILLED, crashing.KILLED), first.stderr
    assert third.returncode == 0, third.stderr
    assert "kill\n" not in third.stdout
    assert "app-kill Failed parked: 2 processes ended while they executed this run" in third.stdout
    assert "is parked" in third.stderr
    ended = [*second.stdout.splitlines(), *third.stdout.splitlines()]
    for number in range(crashing.INNOCENT):
        assert f"innocent {number}" in ended
    assert "app-innocent Failed" not in third.stdout
    assert "before" not in second.stdout + third.stdout  # a step that was stored
    fourth = process("go")
    assert (fourth.returncode, fourth.stdout) == (0, "")


@pytest.mark.long
def test_processes_that_are_stopped_are_not_held_against_a_run(process: Process) -> None:
    # The first kill counts; what happens while a process is being stopped does not.
    assert process("start").returncode == crashing.KILLED
    assert "parked" not in process("stop").stdout
    assert "parked" not in process("stop").stdout
    again = process("go")
    assert (again.returncode, "kill\n" in again.stdout) == (crashing.KILLED, True)
    assert "app-kill Failed parked" in process("go").stdout
