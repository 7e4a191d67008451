"""What somebody gets who installs the wheel: no Node.js is needed there."""

import os
import zipfile
from pathlib import Path

import pytest
from proflow_runtime.service.pages import BUILT


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_has_the_demo_and_the_tables(names: set[str]) -> None:
    assert "proflow_runtime/service/demo/designs/purchase-approval.json" in names
    assert "proflow_runtime/store/migrations/0001_initial.py" in names
    assert not [one for one in names if one.startswith(("web/", "tests/"))]


def test_the_packages_of_the_wheel_are_typed(names: set[str]) -> None:
    for package in ("proflow_schemas", "proflow_compiler", "proflow_runtime"):
        assert f"{package}/py.typed" in names


def test_the_wheel_has_the_built_page(names: set[str]) -> None:
    if not (BUILT / "index.html").is_file() and os.environ.get("PROFLOW_BROWSER") != "required":
        pytest.skip("the page is not built: `make web` does it")
    assert "proflow_runtime/service/static/index.html" in names
    built = {one for one in names if one.startswith("proflow_runtime/service/static/assets/")}
    assert any(one.endswith(".js") for one in built)
    assert any(one.endswith(".css") for one in built)
