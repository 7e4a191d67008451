"""Where a range of versions is allowed, what is written does not depend on the version."""

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from anyascii import anyascii
from fixtures.cases import cases
from packaging.requirements import Requirement
from packaging.version import Version
from proflow_compiler.emit import emit, package, python
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read_file
from ruff import find_ruff_bin

ROOT = Path(__file__).parents[2]
DEPENDENCIES = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
SPELT = ((0xA0, 0x250), (0x3041, 0x3100), (0x4E00, 0xA000), (0xAC00, 0xD7A4))
"""Latin, kana, Chinese characters, Hangul."""


def lowest(name: str) -> str:
    """The lowest version that is allowed of a dependency."""
    (found,) = [one for one in map(Requirement, DEPENDENCIES) if one.name == name]
    (version,) = [one.version for one in found.specifier if one.operator == ">="]
    return version


@pytest.fixture(scope="module")
def oldest_ruff(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("ruff")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
    subprocess.run([*command, f"ruff=={lowest('ruff')}"], check=True, capture_output=True)
    return str(folder / "bin/ruff")


def test_modules_are_formatted_alike_by_every_ruff(
    oldest_ruff: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that the fixtures compile to, before it is formatted, by the lowest and by our version."""
    sources: list[str] = []

    def kept(source: str) -> str:
        sources.append(source)
        return source

    monkeypatch.setattr(python, "formatted", kept)
    monkeypatch.setattr(package, "formatted", kept)
    for case in cases():
        emit(compile_reading(read_file(str(case.location))).definitions)
    assert len(sources) > 100
    results = []
    for ruff in (oldest_ruff, find_ruff_bin()):
        folder = tmp_path / f"{len(results)}"
        folder.mkdir()
        for number, source in enumerate(sources):
            (folder / f"m{number}.py").write_text(source)
        command = [ruff, *python.FORMATTING, "--quiet", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        results.append([(folder / f"m{number}.py").read_text() for number in range(len(sources))])
    assert results[0] == results[1]
    assert results[0] != sources


def test_the_lowest_ruff_is_found(oldest_ruff: str) -> None:
    """Before 0.16 its package keeps the function that finds it elsewhere."""
    site = Path(oldest_ruff).parents[1]
    code = (
        "from importlib.metadata import version\n"
        "from proflow_compiler.emit.python import formatted\n"
        "print(version('ruff'), formatted('x = {  }'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(site)}, capture_output=True, text=True
    )
    version, *formatted = done.stdout.split()
    assert Version(version) == Version(lowest("ruff")), done.stderr
    assert formatted == ["x", "=", "{}"]


def test_names_are_spelt_as_before() -> None:
    """Ids of designs come from it: another spelling would be another Inngest function."""
    assert Version(lowest("anyascii")) >= Version("0.3.3"), (
        "before, some characters were spelt otherwise"
    )
    spelt = " ".join(anyascii(chr(code)) for start, end in SPELT for code in range(start, end))
    assert hashlib.sha256(spelt.encode()).hexdigest() == (
        "e9f1a8b4b4a6acb77615cf605eff7b307fdfa98e510db2a2442eef692c078e21"
    )
