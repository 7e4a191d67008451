"""What `make quick` runs after a change."""

import subprocess
from pathlib import Path

import pytest
from touched import MOST_MODULES, ROOT, changed, modules_of_tests, touched


@pytest.mark.parametrize(
    ("file", "nearest"),
    [
        ("tests/diff/test_replacing.py", "tests/diff/test_replacing.py"),
        ("tests/diff/flying.py", "tests/diff/test_replacing.py"),
        ("tests/cli/conftest.py", "tests/cli/test_checking.py"),
        ("compiler/proflow_compiler/facts/scopes.py", "tests/checks/test_scopes.py"),
        ("runtime/proflow_runtime/store/outbox.py", "tests/store/test_outbox.py"),
        ("docs/command-line.md", "tests/docs/test_documents.py"),
        ("README.md", "tests/docs/test_documents.py"),
        ("fixtures/rules/too-many-steps/incorrect.json", "tests/checks/test_rules.py"),
        (
            "schemas/proflow_schemas/node_types/approval.py",
            "tests/compiler_structure/test_node_pages.py",
        ),
        ("web/src/canvas/Flow.tsx", "tests/web/test_walk.py"),
    ],
)
def test_the_nearest_tests_of_a_file_come_first(file: str, nearest: str) -> None:
    assert (ROOT / file).is_file()
    found = touched([file])
    assert nearest in found[:16]
    assert len(found) <= MOST_MODULES


def test_what_touches_nothing_runs_nothing() -> None:
    assert touched([]) == []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    package = tmp_path / "compiler" / "package"
    tests = tmp_path / "tests" / "some"
    for folder in (package / "rules", tests):
        folder.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "rules" / "__init__.py").touch()
    (package / "rules" / "found_by_its_place.py").touch()
    (package / "inner.py").touch()
    (package / "outer.py").write_text("from package.inner import *\n")
    (tests / "helping.py").write_text("import package.outer\n")
    (tests / "test_far.py").write_text("from some.helping import *\n")
    (tests / "test_near.py").write_text("import package.inner\n")
    (tests / "test_other.py").write_text("import package.rules\n")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *command], check=True)
    return tmp_path


def test_whatever_imports_a_changed_file_is_touched(repository: Path) -> None:
    far, near, other = (f"tests/some/test_{name}.py" for name in ("far", "near", "other"))
    assert modules_of_tests(repository) == [far, near, other]
    assert touched(["compiler/package/inner.py"], repository) == [near, far]
    assert touched(["tests/some/helping.py"], repository)[0] == far
    assert touched(["compiler/package/rules/found_by_its_place.py"], repository) == [other]


def test_changed_are_new_files_and_those_that_differ_from_a_commit(repository: Path) -> None:
    assert changed(root=repository) == []
    (repository / "compiler" / "package" / "inner.py").write_text("a = 1\n")
    (repository / "tests" / "some" / "名字.py").touch()
    (repository / "tests" / "some" / "test_far.py").unlink()
    new = ["compiler/package/inner.py", "tests/some/test_far.py", "tests/some/名字.py"]
    assert changed(root=repository) == new
