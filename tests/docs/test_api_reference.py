"""The API reference is built from docstrings without a warning, and has every public name."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "schemas": "proflow_schemas",
    "compiler": "proflow_compiler",
    "runtime": "proflow_runtime",
    "local": "proflow_runtime.local",
    "approving": "proflow_runtime.approvals",
    "service": "proflow_runtime.service",
    "store": "proflow_runtime.store",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        [*command, "--config-file", "docs/api/mkdocs.yml"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.mark.parametrize("page", PACKAGES)
def test_a_page_has_every_public_name_of_its_package(site: Path, page: str) -> None:
    text = (site / f"{page}.html").read_text()
    package = PACKAGES[page]
    missing = [
        name
        for name in importlib.import_module(package).__all__
        if f'id="{package}.{name}"' not in text
    ]
    assert missing == []
