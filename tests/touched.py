"""Which test modules a change touches, the nearest first."""

import json
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
PACKAGES = ("compiler", "runtime", "schemas")
CODE = (*PACKAGES, "tests", "benchmarks", "examples")
MOST_MODULES = 24
"""More cannot be run while somebody waits."""
NAMESAKE, NAMED_FOLDER = 1, 3
"""How near tests are that are named after what was changed, or stand in a folder that is."""


def changed(since: str = "HEAD", root: Path = ROOT) -> list[str]:
    """The files that differ from a commit, new ones included, relative to the root."""
    differing = _git(root, "diff", "--name-only", "--relative", since)
    new = _git(root, "ls-files", "--others", "--exclude-standard")
    return sorted({*differing, *new})


def touched(files: Iterable[str], root: Path = ROOT) -> list[str]:
    """The test modules that files have to do with, at most `MOST_MODULES`.

    The nearest come first: those that were changed, then those that import what was changed, then
    those that import these, and so on. What no import leads to is found by its name.
    """
    tree = _Tree(root)
    found: dict[str, int] = {}
    for file in files:
        for module, distance in tree.near(file):
            found[module] = min(distance, found.get(module, distance))
    return sorted(found, key=lambda module: (found[module], module))[:MOST_MODULES]


def imported_by(root: Path) -> dict[str, list[str]]:
    """By which files each file of Python is imported."""
    folders = [name for name in CODE if (root / name).is_dir()]
    sources = json.dumps([*folders, "."])
    command = [sys.executable, "-m", "ruff", "analyze", "graph", "--quiet", "--preview"]
    command += ["--direction", "dependents", "--config", f"src={sources}", *folders]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    graph: dict[str, list[str]] = json.loads(done.stdout)
    return graph


def modules_of_tests(root: Path) -> list[str]:
    """All test modules, relative to the root."""
    return sorted(path.relative_to(root).as_posix() for path in root.glob("tests/**/test_*.py"))


class _Tree:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._dependents = imported_by(root)
        self._modules = modules_of_tests(root)

    def near(self, file: str) -> Iterator[tuple[str, int]]:
        """The test modules that a file has to do with, and how near; one may come twice."""
        yield from self._importing(file)
        words = _words(file)
        for module in self._modules:
            path = PurePosixPath(module)
            if path.stem.removeprefix("test_") in words:
                yield module, NAMESAKE
            elif path.parent.name in words:
                yield module, NAMED_FOLDER

    def _importing(self, file: str) -> Iterator[tuple[str, int]]:
        known = set(self._modules)
        distances = {file: 0}
        waiting = deque([file])
        while waiting:
            one = waiting.popleft()
            if one in known:
                yield one, distances[one]
            for other in self._reached(one):
                if other not in distances:
                    distances[other] = distances[one] + 1
                    waiting.append(other)

    def _reached(self, file: str) -> Iterator[str]:
        """What imports a file, loads it by its place, or gets fixtures of it from pytest."""
        path = PurePosixPath(file)
        if path.name == "conftest.py":
            yield from (one for one in self._modules if path.parent in PurePosixPath(one).parents)
        if path.suffix != ".py":
            if path.parts[0] != "web":  # the page's own tests are told by their folder
                yield from self._mentioning(path.parts[1:] or path.parts)
        elif importing := self._dependents.get(file, ()):
            yield from importing
        elif path.name != "__init__.py":
            yield str(path.with_name("__init__.py"))  # it finds its modules by their place

    def _mentioning(self, names: Sequence[str]) -> Iterator[str]:
        """The files of Python in which one of some names stands in quotes."""
        quoted = [f'"{name}"' for name in names]
        for file in self._dependents:
            if file.startswith(CODE) and (self._root / file).is_file():
                text = (self._root / file).read_text()
                if any(one in text for one in quoted):
                    yield file


def _words(file: str) -> set[str]:
    """The names that tests of a file may have: its own, and its folders' within a package.

    The tests of what stands in no folder of a package are named after the package's own.
    """
    path = PurePosixPath(file)
    top, *folders = path.parts[:-1] or ("",)
    inner = folders[1:] or [top] if top in PACKAGES else [top, *folders]
    return {path.stem, *inner}


def _git(root: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        ["git", "-c", "core.quotepath=off", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()
