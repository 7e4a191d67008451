"""Who sets the project up next month gets what it was tested with: no dependency floats."""

import json
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from proflow_runtime.context.extras import EXTRAS

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGE = json.loads((ROOT / "web/package.json").read_text())
LOCK = json.loads((ROOT / "web/package-lock.json").read_text())
EXACT = re.compile(r"\d+\.\d+\.\d+(-[\w.]+)?")
COMPARATOR = r"(?:[\^~]|[<>]=?|=)? ?v?(?:\d+|[*x])(?:\.(?:\d+|[*x]))*(?:[-+][\w.+-]+)?"
ALTERNATIVE = rf"{COMPARATOR}(?:(?: - | ){COMPARATOR})*"
RANGE = re.compile(rf"{ALTERNATIVE}(?: *\|\| *{ALTERNATIVE})*")
"""A range of versions; what else there is (`latest`, the address of a file, a branch) can come to
mean something else while the lock stays as it is."""
UNBOUNDED = {"tzdata"}
"""Its versions are years, and what is newest is right: the rules of time zones."""


def requirements() -> dict[str, list[Requirement]]:
    """What the project, those who work on it, and its build ask for."""
    project = PYPROJECT["project"]
    found = {
        "dependencies": project["dependencies"],
        "build": PYPROJECT["build-system"]["requires"],
        **PYPROJECT["dependency-groups"],
        **project["optional-dependencies"],
    }
    return {
        name: [one for one in map(Requirement, group) if one.name != project["name"]]
        for name, group in found.items()
    }


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    split = [line.partition("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in split}


@pytest.mark.parametrize("group", requirements())
def test_python_dependencies_have_an_upper_bound(group: str) -> None:
    open_ended = [
        str(one)
        for one in requirements()[group]
        if one.url is not None
        or not any(spec.operator in ("<", "<=", "==", "~=") for spec in one.specifier)
    ]
    assert [one for one in open_ended if Requirement(one).name not in UNBOUNDED] == []


def test_the_constraints_are_exact_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pin = re.compile(r"[\w.-]+==[\w.]+")
    assert [line for line in lines if not line.startswith("#") and not pin.fullmatch(line)] == []


@pytest.mark.parametrize("group", requirements())
def test_no_dependency_pins_what_a_host_may_have_too(group: str) -> None:
    pinned = [
        str(one)
        for one in requirements()[group]
        if any(spec.operator in ("==", "===") for spec in one.specifier)
    ]
    assert pinned == []


def test_the_extra_all_names_every_other_one() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    (everything,) = map(Requirement, extras["all"])
    assert everything.name == PYPROJECT["project"]["name"]
    assert everything.extras == {*extras} - {"all"} == {*EXTRAS}


@pytest.mark.parametrize("group", requirements())
def test_the_constraints_suit_what_is_asked_for(group: str) -> None:
    known = pins()
    unsuitable = [
        str(one)
        for one in requirements()[group]
        if not one.specifier.contains(known.get(canonicalize_name(one.name), "0"))
    ]
    assert unsuitable == [], "`make lock` adds what is new"


def _needed() -> Iterator[str]:
    """All that is installed for the project, by what the installed packages say."""
    stack = [one for group in requirements().values() for one in group]
    seen: set[tuple[str, str]] = set()
    while stack:
        asked = stack.pop()
        for extra in ("", *asked.extras):
            if (asked.name, extra) in seen:
                continue
            seen.add((asked.name, extra))
            yield canonicalize_name(asked.name)
            below = [Requirement(one) for one in requires(asked.name) or ()]
            stack += [
                one for one in below if one.marker is None or one.marker.evaluate({"extra": extra})
            ]


def test_all_that_is_installed_is_constrained() -> None:
    assert sorted({*_needed(), "pip", "editables"} - {*pins()}) == [], (
        "`make lock` adds what is new"
    )


def test_whatever_sets_up_keeps_to_what_is_noted() -> None:
    lines = [
        line
        for name in ("Makefile", ".ci/run", "examples/demo.sh")
        for line in (ROOT / name).read_text().splitlines()
    ]
    installing = [line for line in lines if re.search(r"\bpip install\b", line)]
    assert installing
    assert [line for line in installing if "$(PINNED)" not in line] == []
    assert [line for line in lines if re.search(r"\bnpx\b|\bnpm (i|install|update)\b", line)] == []


def asked_for() -> Iterator[tuple[str, str, str]]:
    """Who asks for what in the page's lock, and which range of it."""
    for path, package in LOCK["packages"].items():
        for kind in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
            for name, wanted in package.get(kind, {}).items():
                yield path, name, wanted


def locked(name: str) -> list[dict[str, Any]]:
    """A package may be there several times, in several versions."""
    return [
        package
        for path, package in LOCK["packages"].items()
        if path == f"node_modules/{name}" or path.endswith(f"/node_modules/{name}")
    ]


def test_the_lock_of_the_page_is_that_of_its_package() -> None:
    for kind in ("dependencies", "devDependencies"):
        assert LOCK["packages"][""][kind] == PACKAGE[kind]
        for name, version in PACKAGE[kind].items():
            assert EXACT.fullmatch(version), f"{name}: {version}"
            assert LOCK["packages"][f"node_modules/{name}"]["version"] == version


def test_the_lock_of_the_page_names_versions_and_their_hashes_and_no_host() -> None:
    for path, package in LOCK["packages"].items():
        if path:
            assert EXACT.fullmatch(package["version"]), path
            assert package["integrity"].startswith("sha512-"), path
            assert not {"resolved", "link"} & {*package}, path
    assert "://" not in "".join(wanted for _, _, wanted in asked_for())


def test_overrides_are_exact_and_locked() -> None:
    for name, version in PACKAGE["overrides"].items():
        assert EXACT.fullmatch(version), f"{name}: {version}"
        assert {package["version"] for package in locked(name)} == {version}


def test_no_package_of_the_page_asks_for_what_floats() -> None:
    floating = [
        f"{path or 'the page'} asks for {name} {wanted}"
        for path, name, wanted in asked_for()
        if not RANGE.fullmatch(wanted)
    ]
    assert floating == [], "put the version of the override in its place: npm 9 reads no other lock"


def test_what_floats_in_an_installed_package_is_overridden() -> None:
    """The lock has versions in its place, which npm loses when it resolves the package anew."""
    for path in filter(None, LOCK["packages"]):
        manifest = ROOT / "web" / path / "package.json"
        if manifest.is_file():
            wanted = json.loads(manifest.read_text()).get("dependencies", {})
            floating = {name for name, range_ in wanted.items() if not RANGE.fullmatch(range_)}
            assert not floating - {*PACKAGE["overrides"]}, path


@pytest.mark.parametrize(
    "wanted", ["latest", "next", "", "github:a/b", "a/b#main", "file:../a", "https://a/b.tgz", "x1"]
)
def test_what_floats_is_no_range(wanted: str) -> None:
    assert not RANGE.fullmatch(wanted)


@pytest.mark.parametrize(
    "wanted", ["1.2.3", "^1.2.3-rc.1", "*", ">=1 <3", "1.x || >=2.5.0 || 5 - 7"]
)
def test_what_does_not_float_is_a_range(wanted: str) -> None:
    assert RANGE.fullmatch(wanted)
