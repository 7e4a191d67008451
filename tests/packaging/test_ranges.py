"""Where a range of versions is allowed, what is written does not depend on the version."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from anyascii import anyascii
from fixtures.cases import cases
from packaging.version import Version
from proflow_compiler.emit import emit, package, python
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read_file
from ruff import find_ruff_bin

from .conftest import Environment, lowest_versions

ROOT = Path(__file__).parents[2]
DESIGNS = ROOT / "fixtures/designs"
SPELT = ((0xA0, 0x250), (0x3041, 0x3100), (0x4E00, 0xA000), (0xAC00, 0xD7A4))
"""Latin, kana, Chinese characters, Hangul."""


def test_modules_are_formatted_alike_by_every_ruff(
    lowest: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    for ruff in (str(lowest.python.with_name("ruff")), find_ruff_bin()):
        folder = tmp_path / f"{len(results)}"
        folder.mkdir()
        for number, source in enumerate(sources):
            (folder / f"m{number}.py").write_text(source)
        command = [ruff, *python.FORMATTING, "--quiet", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        results.append([(folder / f"m{number}.py").read_text() for number in range(len(sources))])
    assert results[0] == results[1]
    assert results[0] != sources


def test_the_lowest_versions_are_what_is_installed(lowest: Environment) -> None:
    versions = lowest_versions()
    code = f"from importlib.metadata import version; print(*map(version, {[*versions]!r}))"
    installed = lowest.python_code(code).stdout.split()
    assert [Version(one) for one in installed] == [Version(one) for one in versions.values()]


@pytest.mark.parametrize("target", ["python", "definition"])
def test_designs_compile_to_the_same_with_the_lowest_versions(
    core: Environment, lowest: Environment, target: str
) -> None:
    folders = []
    for environment in (core, lowest):
        output = environment.folder / f"compiled-{target}"
        done = environment.proflow(
            *("compile", str(DESIGNS), "--target", target, "-o", str(output))
        )
        assert done.returncode == 0, done.stderr
        folders.append({path.name: path.read_text() for path in output.iterdir()})
    assert len(folders[0]) > 20
    assert folders[0] == folders[1]


def test_rules_find_the_same_with_the_lowest_versions(
    core: Environment, lowest: Environment
) -> None:
    reports = [
        environment.proflow("check", str(ROOT / "fixtures/rules"), "--format", "json").stdout
        for environment in (core, lowest)
    ]
    assert len(json.loads(reports[0])["files"]) > 100
    assert reports[0] == reports[1]


def test_a_run_is_the_same_with_the_lowest_versions(core: Environment, lowest: Environment) -> None:
    design = str(DESIGNS / "purchase-approval/design.json")
    reports = [
        environment.proflow(
            *("run", design, "--all-outcomes", "--at", "2026-01-05T00:00:00Z", "--format", "json")
        )
        for environment in (core, lowest)
    ]
    assert reports[0].returncode == reports[1].returncode == 0, reports[1].stderr
    assert json.loads(reports[0].stdout)["runs"]
    assert reports[0].stdout == reports[1].stdout


def test_the_service_works_with_the_lowest_versions(lowest: Environment) -> None:
    database = f"sqlite://{lowest.folder / 'designs.db'}"
    assert lowest.proflow("db", "upgrade", "--database", database).returncode == 0
    done = lowest.python_code(
        "from proflow_runtime.service.openapi import description; print(len(description()['paths']))"
    )
    assert int(done.stdout) > 20, done.stderr


def test_names_are_spelt_as_before() -> None:
    """Ids of designs come from it: another spelling would be another Inngest function."""
    assert Version(lowest_versions()["anyascii"]) >= Version("0.3.3"), (
        "before, some characters were spelt otherwise"
    )
    spelt = " ".join(anyascii(chr(code)) for start, end in SPELT for code in range(start, end))
    assert hashlib.sha256(spelt.encode()).hexdigest() == (
        "e9f1a8b4b4a6acb77615cf605eff7b307fdfa98e510db2a2442eef692c078e21"
    )
