"""The wheel, and fresh environments that it is installed in."""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def lowest_versions() -> dict[str, str]:
    """Dependency → the lowest version that `pyproject.toml` allows, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = (project["dependencies"], *project["optional-dependencies"].values())
    asked = [Requirement(one) for group in groups for one in group]
    return {
        one.name: spec.version for one in asked for spec in one.specifier if spec.operator == ">="
    }


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel in it, and a folder to work in."""

    python: Path
    folder: Path

    @classmethod
    def with_wheel(cls, folder: Path, wheel: Path, extra: str = "") -> "Environment":
        """Installs what `pip install .` does, in the versions of the constraints."""
        made = cls(folder / "venv/bin/python", folder)
        command = [sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")]
        subprocess.run(command, check=True)
        constraints = ROOT / "constraints.txt"
        made.pip("--no-compile", "--constraint", str(constraints), f"{wheel}{extra}")
        return made

    @classmethod
    def with_lowest_versions(cls, folder: Path, wheel: Path) -> "Environment":
        """With all extras, and of each dependency the lowest version that is allowed."""
        made = cls(folder / "venv/bin/python", folder)
        command = [sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")]
        subprocess.run(command, check=True)
        pins = [f"{name}=={version}" for name, version in lowest_versions().items()]
        made.pip("--no-compile", f"{wheel}[all]", *pins)
        return made

    def pip(self, *arguments: str) -> str:
        """`pip install`, for this environment."""
        command = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def proflow(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run(str(self.python.with_name("proflow")), *arguments)

    def python_code(self, code: str) -> subprocess.CompletedProcess[str]:
        return self._run(str(self.python), "-c", code)

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        clean = {"PATH": "/usr/bin:/bin", "INNGEST_DEV": "1", "PYTHONUTF8": "1"}
        return subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=clean)


@pytest.fixture(scope="session")
def wheel() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
        subprocess.run([*command, "--directory", folder], cwd=ROOT, check=True, capture_output=True)
        (built,) = Path(folder).glob("*.whl")
        yield built


@pytest.fixture(scope="session")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Without extras."""
    return Environment.with_wheel(tmp_path_factory.mktemp("core"), wheel)


@pytest.fixture(scope="session")
def everything(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """With all extras."""
    return Environment.with_wheel(tmp_path_factory.mktemp("everything"), wheel, "[all]")


@pytest.fixture(scope="session")
def lowest(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """With all extras, in the lowest versions."""
    return Environment.with_lowest_versions(tmp_path_factory.mktemp("lowest"), wheel)
