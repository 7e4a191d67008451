"""What the packages export: a change of it is a change for those who build on them."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import proflow_compiler
import proflow_runtime
import proflow_schemas
import pytest
from proflow_schemas import ProFlowError
from syrupy.assertion import SnapshotAssertion

ROOTS = (proflow_schemas, proflow_compiler, proflow_runtime)
PUBLIC = [
    *("proflow_schemas", "proflow_compiler", "proflow_runtime", "proflow_runtime.approvals"),
    *(
        "proflow_runtime.client",
        "proflow_runtime.local",
        "proflow_runtime.service",
        "proflow_runtime.store",
    ),
]
CONTROL_FLOW = {
    *("Undecided", "Stall", "MissedTarget", "Left", "Returned", "ItemEnded", "Stopped", "Failed"),
    *("Unavailable", "TooSlowError"),
}
"""Raised and caught within the packages; no application meets them."""


def described(name: str, value: object) -> str:
    """A name with its parameters, or with what it derives from."""
    if isinstance(value, type):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        return f"class {name}({bases})"
    if inspect.isroutine(value):
        kind = "async def" if inspect.iscoroutinefunction(value) else "def"
        parameters = [
            str(one).split(":")[0] for one in inspect.signature(value).parameters.values()
        ]
        return f"{kind} {name}({', '.join(parameters)})"
    return name


def test_the_public_names(snapshot: SnapshotAssertion) -> None:
    lines = []
    for package in PUBLIC:
        module = importlib.import_module(package)
        exported = [described(name, getattr(module, name)) for name in module.__all__]
        lines += [package, *(f"    {one}" for one in exported)]
    assert "\n".join(lines) == snapshot


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_are_documented(package: str) -> None:
    module = importlib.import_module(package)
    undocumented = [
        name
        for name in module.__all__
        if (inspect.isclass(found := getattr(module, name)) or inspect.isroutine(found))
        and (not found.__doc__ or found.__doc__.startswith(f"{name}("))  # of a dataclass
    ]
    assert undocumented == []


@pytest.mark.parametrize("package", PUBLIC)
def test_a_name_that_is_not_exported_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = importlib.import_module(package).nothing


def modules() -> Iterator[ModuleType]:
    """All modules of the packages, but for programs."""
    for root in ROOTS:
        for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def test_every_other_package_says_that_it_is_internal() -> None:
    packages = [one for one in modules() if hasattr(one, "__path__")]
    assert len(packages) > 10
    silent = [
        one.__name__
        for one in packages
        if one.__name__ not in PUBLIC and not (one.__doc__ or "").startswith("Internal: ")
    ]
    assert silent == []


def test_every_error_derives_from_one() -> None:
    errors = {
        value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and value.__module__.split(".")[0] in {root.__name__ for root in ROOTS}
    }
    assert len(errors) > 20
    others = {
        one.__qualname__
        for one in errors
        if not issubclass(one, ProFlowError) and not one.__name__.startswith("_")
    }
    assert others == CONTROL_FLOW
