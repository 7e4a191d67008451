"""Who may import what; `lint-imports` checks the packages among each other, by pyproject.toml."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "proflow_schemas": ROOT / "schemas",
    "proflow_compiler": ROOT / "compiler",
    "proflow_runtime": ROOT / "runtime",
}
NOT_IN_THE_STORE = {"proflow_compiler", "inngest", "fastapi"}
"""A host that only reads tables needs none of these."""
GRAPH_ALGORITHMS = {f"proflow_compiler.{room}" for room in ("graph", "rules", "soundness")}


def modules(package: str) -> dict[str, Path]:
    root = PACKAGES[package]
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((root / package).rglob("*.py"))
    }


def imports(module: str, path: Path) -> Iterator[str]:
    """The absolute names a module imports, anywhere in it, also inside functions."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1]
            origin = ".".join([*parts, *([node.module] if node.module else [])])
            origin = origin if node.level else (node.module or "")
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def importers(package: str, imported: str) -> set[str]:
    """The modules of a package that import another package, or something in it."""
    return {
        module
        for module, path in modules(package).items()
        for name in imports(module, path)
        if name == imported or name.startswith(f"{imported}.")
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_modules_to_look_at(package: str) -> None:
    assert len(modules(package)) > 3


def test_what_tests_benchmarks_and_examples_import_is_there() -> None:
    """Also inside functions, where a name that is gone shows only when somebody calls them."""
    files = [
        path
        for folder in ("tests", "benchmarks", "examples")
        for path in ROOT.glob(f"{folder}/**/*.py")
    ]
    gone = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in imports("", path)
        if name.split(".")[0] in PACKAGES and not name.endswith("*") and not is_there(name)
    }
    assert gone == set()


def is_there(name: str) -> bool:
    """True if a name is that of a module, or of something in one."""
    package, _, attribute = name.rpartition(".")
    try:
        return (
            not package
            or hasattr(importlib.import_module(package), attribute)
            or find_spec(name) is not None
        )
    except ModuleNotFoundError:
        return False


def in_store(name: str) -> bool:
    return name == "proflow_runtime.store" or name.startswith("proflow_runtime.store.")


@pytest.mark.parametrize("imported", sorted(NOT_IN_THE_STORE))
def test_the_store_knows_tables_only(imported: str) -> None:
    found = importers("proflow_runtime", imported)
    assert {name for name in found if in_store(name)} == set()


BELOW_THE_STORE = (
    *("proflow_runtime.context.clock", "proflow_runtime.context.extras"),
    "proflow_runtime.status.OPEN",
)


def test_the_store_builds_on_the_clock_the_extras_and_the_statuses_alone() -> None:
    """Of the runtime: nothing that runs designs."""
    found = {
        name
        for module, path in modules("proflow_runtime").items()
        if in_store(module)
        for name in imports(module, path)
        if name.startswith("proflow_runtime.")
        and not in_store(name)
        and name not in ("proflow_runtime.context", "proflow_runtime.status")
        and not name.startswith(BELOW_THE_STORE)
    }
    assert found == set()


def test_only_the_graph_its_proofs_and_the_rules_import_networkx() -> None:
    for package in PACKAGES:
        for module in importers(package, "networkx"):
            assert any(module == one or module.startswith(f"{one}.") for one in GRAPH_ALGORITHMS)


def test_generated_code_runs_in_a_process_without_the_compiler() -> None:
    """What a deployed module needs must not load the compiler, nor what only it needs."""
    program = (
        "import sys; from proflow_runtime import *;"
        "print(sorted({name.split('.')[0] for name in sys.modules}"
        " & {'proflow_compiler', 'networkx', 'jinja2', 'jsonschema', 'typer', 'ruff'}))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


HEAVY = {
    *("networkx", "jsonschema", "pydantic", "cel_expr_python", "pysat", "jinja2", "graphlay"),
    *("inngest", "httpx", "fastapi", "starlette", "uvicorn", "tortoise", "asyncpg", "openai"),
    *("aiosmtplib", "prometheus_client", "asyncio", "cronsim", "anyascii"),
}
CHECKING = {"networkx", "jsonschema", "pydantic", "cel_expr_python", "cronsim", "anyascii"}
DESIGN = str(ROOT / "examples/purchase-approval.json")


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["--help"], set()),
        (["schema", "design"], {"pydantic"}),
        (["check", DESIGN], CHECKING),
        (["compile", DESIGN], CHECKING | {"jinja2"}),
        (["graph", DESIGN, "--format", "svg"], CHECKING | {"graphlay"}),
        (["run", DESIGN, "--data", "{}"], CHECKING | {"inngest", "httpx", "asyncio"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_imports_what_it_needs(arguments: list[str], needed: set[str]) -> None:
    """Start-up time is what these cost; each is at most what the command stands on."""
    program = (
        "import sys\nfrom proflow_runtime.commands import main\n"
        f"sys.argv = ['proflow', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "proflow_runtime" in loaded
    assert (loaded & HEAVY) - needed == set()
