"""What somebody gets who installs the wheel: no Node.js is needed there."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from proflow_runtime.service.pages import BUILT

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*command, "--directory", folder], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_has_the_demo_and_the_tables(names: set[str]) -> None:
    assert "proflow_runtime/service/demo/designs/purchase-approval.json" in names
    assert "proflow_runtime/store/migrations/0001_initial.py" in names
    assert not [one for one in names if one.startswith(("web/", "tests/"))]


def test_the_wheel_has_the_built_page(names: set[str]) -> None:
    if not (BUILT / "index.html").is_file() and os.environ.get("PROFLOW_BROWSER") != "required":
        pytest.skip("the page is not built: `make web` does it")
    assert "proflow_runtime/service/static/index.html" in names
    built = {one for one in names if one.startswith("proflow_runtime/service/static/assets/")}
    assert any(one.endswith(".js") for one in built)
    assert any(one.endswith(".css") for one in built)
