"""However a command ends, a person reads a line and no traceback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli.conftest import Proflow

COMMAND = [sys.executable, "-m", "proflow_runtime.commands"]


def test_an_interrupted_command_says_so_in_one_line(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import pathlib, time\npathlib.Path('ready').touch()\ntime.sleep(60)\n"
    )
    command = [*COMMAND, "run", str(sample), "--handlers", "slow"]
    # A shell that starts the tests in the background makes them, and what they start, ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        while not (tmp_path / "ready").exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        try:
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err == "interrupted\n"


def test_a_closed_pipe_ends_a_command_quietly(sample: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [*COMMAND, "schema", "design"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "schema", "design"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"error: no space left on device\n"


def test_closed_streams_are_no_problem(sample: Path) -> None:
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        command = f'"{sys.executable}" -m proflow_runtime.commands check "{sample}" {closed}'
        done = subprocess.run(["bash", "-c", command], capture_output=True)
        assert done.returncode == 0
        assert b"Traceback" not in done.stderr


def test_a_poor_encoding_is_no_problem(proflow: Proflow, sample: Path) -> None:
    done = proflow("run", sample, "--data", '{"tenant_id": 1}', PYTHONIOENCODING="ascii")
    assert done.code == 3
    assert "审批节点1" in done.out


def test_a_defect_is_told_in_one_line(
    inside: Proflow, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("no such\nthing")

    monkeypatch.setattr("proflow_compiler.diagnostics.rendering.render_files", broken)
    done = inside("check", sample)
    assert done.code == 70
    assert done.err.count("\n") == 1
    assert done.err.startswith("error: a defect of proflow at test_ending.py:")


def test_unknown_commands_and_options_are_usage(inside: Proflow) -> None:
    assert inside("chek").code == 2
    assert inside("check").code == 2
    assert inside("check", "--formt", "json", "x").code == 2
    assert inside("check", "x", "--format", "yaml").code == 2
