"""`proflow compile`: what is written, and that nothing is unless all is well."""

import ast
import json
import os
import shutil
from pathlib import Path

import pytest
from cli.conftest import DESIGNS, Proflow

BROKEN = '{"nodes": [{"id": "a", "type": "start"}], "edges": []}'


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_one_design_goes_to_stdout(inside: Proflow, purchase: Path) -> None:
    done = inside("compile", purchase, "--target", "python")
    assert done.code == 0
    ast.parse(done.out)
    assert "async def purchase_approval(flow: Flow)" in done.out
    definition = inside("compile", purchase, "--target", "definition").json
    assert definition["format"] == "proflow/definition@2"


def test_a_package_is_written(inside: Proflow, purchase: Path, sample: Path) -> None:
    done = inside("compile", purchase, sample, "--target", "python", "-o", "out/flows")
    assert done.code == 0
    out = purchase.parent / "out" / "flows"
    assert names(out) == ["__init__.py", "handlers.py", "purchase_approval.py", "sample.py"]
    assert "FUNCTIONS" in (out / "__init__.py").read_text()


def test_the_clients_and_the_handlers_modules_are_imported(
    inside: Proflow, purchase: Path, tmp_path: Path
) -> None:
    inside(
        *("compile", purchase, "--target", "python", "-o", "out"),
        *("--client", "erp.inngest:connection", "--handlers", "erp.handlers"),
    )
    source = (tmp_path / "out" / "purchase_approval.py").read_text()
    assert "from erp.inngest import connection as client" in source
    assert "from erp import handlers" in source
    assert names(tmp_path / "out") == ["__init__.py", "purchase_approval.py"]


def test_definitions_are_written(inside: Proflow, purchase: Path, tmp_path: Path) -> None:
    inside("compile", purchase, "--target", "definition", "-o", "out")
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == "purchase-approval.definition.json"
    assert json.loads(path.read_text())["id"] == "purchase-approval"


def test_handlers_that_were_edited_stay(inside: Proflow, purchase: Path, tmp_path: Path) -> None:
    command = ("compile", purchase, "--target", "python", "-o", "out")
    inside(*command)
    handlers = tmp_path / "out" / "handlers.py"
    handlers.write_text("# mine\n")
    assert inside(*command).code == 0
    assert handlers.read_text() == "# mine\n"
    assert inside(*command, "--check").code == 0


def test_stale_files_are_found(inside: Proflow, purchase: Path, tmp_path: Path) -> None:
    command = ("compile", purchase, "--target", "python", "-o", "out")
    missing = inside(*command, "--check")
    assert missing.code == 1
    assert not (tmp_path / "out").exists()
    inside(*command)
    assert inside(*command, "--check").code == 0
    module = tmp_path / "out" / "purchase_approval.py"
    module.write_text(module.read_text() + "\n")
    stale = inside(*command, "--check")
    assert stale.code == 1
    assert "purchase_approval.py" in stale.err
    assert "__init__.py" not in stale.err


def test_an_error_in_one_file_writes_none(inside: Proflow, purchase: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text(BROKEN)
    done = inside("compile", purchase, "broken.json", "--target", "python", "-o", "out")
    assert done.code == 1
    assert "error[PF203]" in done.err
    assert not (tmp_path / "out").exists()


def test_two_designs_with_one_id_are_refused(inside: Proflow, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        shutil.copytree(DESIGNS / "guide-sample", tmp_path / folder)
    done = inside("compile", "a", "b", "--target", "definition", "-o", "out")
    assert done.code == 1
    assert "2 designs have the id `design`" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--client", "a:b;import os"], "MODULE:NAME"),
        (["--client", "app.client"], "MODULE:NAME"),
        (["--handlers", "handlers; import os"], "not the name of a module"),
        (["--client", "app.class:client"], "MODULE:NAME"),
        (["--check"], "-o"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    inside: Proflow, purchase: Path, arguments: list[str], message: str
) -> None:
    done = inside("compile", purchase, "--target", "python", *arguments)
    assert done.code == 2
    assert message in done.err


def test_several_designs_need_a_folder(inside: Proflow, purchase: Path, sample: Path) -> None:
    done = inside("compile", purchase, sample, "--target", "definition")
    assert done.code == 2
    assert "-o" in done.err


def test_a_folder_that_cannot_be_written_is_told(
    inside: Proflow, purchase: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("here already")
    for folder in ("file", "file/below"):
        done = inside("compile", purchase, "--target", "python", "-o", folder)
        assert done.code == 1
        assert "cannot write below" in done.err
    assert (tmp_path / "file").read_text() == "here already"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_told(inside: Proflow, purchase: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    done = inside("compile", purchase, "--target", "python", "-o", "out")
    assert done.code == 1
    assert names(tmp_path / "out") == []


def test_nothing_is_left_when_writing_fails_half_way(
    inside: Proflow, purchase: Path, tmp_path: Path
) -> None:
    """One of the places is taken by a folder: what could have been written is not."""
    (tmp_path / "out" / "purchase_approval.py").mkdir(parents=True)
    done = inside("compile", purchase, "--target", "python", "-o", "out")
    assert done.code == 1
    assert names(tmp_path / "out") == ["purchase_approval.py"]


def test_what_was_replaced_keeps_its_mode(inside: Proflow, purchase: Path, tmp_path: Path) -> None:
    command = ("compile", purchase, "--target", "definition", "-o", "out")
    inside(*command)
    path = tmp_path / "out" / "purchase-approval.definition.json"
    path.write_text("old")
    path.chmod(0o640)
    inside(*command)
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_text() != "old"
