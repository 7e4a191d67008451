"""Twenty designs of all kinds, in modules that a strict reviewer's tools accept."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from compiler_structure.drawing import chain, design
from fixtures.cases import DESIGNS
from proflow_compiler.emit import Imports, emit
from proflow_compiler.graph import build_graph
from proflow_compiler.lowering import lower
from proflow_compiler.pipeline import compile_file
from proflow_schemas.definition import Definition
from ruff import find_ruff_bin

ROOT = Path(__file__).parents[2]
EQUIVALENCE = ROOT / "fixtures" / "equivalence"
SOURCES = [ROOT / name for name in ("compiler", "runtime", "schemas")]
IGNORED = {
    "A001": "handlers have the names that designs give them",
    "COM812": "the formatter decides on trailing commas, and its authors advise against the rule",
    "CPY001": "whose a module is, is its host's to say",
    "E501": "the formatter breaks what can be broken; texts of a design stay whole",
    "PLR0911": "a path returns at each outcome that ends it: guards nest less than one exit would",
    "RUF001": "labels and texts are Chinese, with Chinese punctuation",
    "RUF002": "so are descriptions",
    "RUF003": "so are comments",
}
MAX_COMPLEXITY = 12


def fixture(name: str) -> list[Definition]:
    return compile_file(str(DESIGNS / name / "design.json")).definitions


def equivalence(name: str) -> list[Definition]:
    found = json.loads((EQUIVALENCE / f"{name}.json").read_text(encoding="utf-8"))
    return compiled(found["design"])


def compiled(design: Any) -> list[Definition]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "design.json"
        path.write_text(json.dumps(design), encoding="utf-8")
        return compile_file(str(path)).definitions


def drawn(nodes: dict[str, str], edges: Any, config: Any = None, **more: Any) -> list[Definition]:
    found, problems = lower(build_graph(design(nodes, edges, config or {}, **more)))
    assert found is not None, problems
    return [found]


def long_approval() -> list[Definition]:
    """Thirty approvals, each of which may lead to the same two rejections."""
    names = [f"approval-{number}" for number in range(30)]
    nodes = {"s": "start", **dict.fromkeys(names, "approval"), "tell": "notify", "e": "end"}
    nodes |= {"no": "end", "late": "end"}
    edges = chain("s", *names, "e")
    edges += [(name, "tell", "rejected") for name in names]
    edges += [(name, "late", "timeout") for name in names]
    return drawn(nodes, [*edges, ("tell", "no")], {"tell": {"to": "x", "content": "拒绝"}})


def tempting_names() -> list[Definition]:
    """Ids and labels that tools take for instructions, or for code, in a comment or a docstring."""
    names = ["todo", "FIXME", "noqa", "type", "XXX-1", "pragma", "fmt", "ended", "flow", "_", "1"]
    labels = [
        "TODO: 待办",
        "FIXME",
        "noqa: E501",
        "type: ignore",
        "else:",
        "return x",
        "fmt: off",
        "x = print(1)",
        "C:\\",
        "# noqa",
        'say """',
    ]
    nodes = [{"id": "start", "type": "start"}, {"id": "end", "type": "end"}]
    nodes += [
        {"id": name, "type": "approval", "label": label}
        for name, label in zip(names, labels, strict=True)
    ]
    edges = [
        {"source": source, "target": target}
        for source, target in pairwise(["start", *names, "end"])
    ]
    return compiled({"id": "tempting", "nodes": nodes, "edges": edges})


FIXTURES = (
    "ai-document-analysis",
    "approval-workflow",
    "contract",
    "crosswise-rejections",
    "crosswise-release",
    "first-reviewer",
    "hostile-names",
    "joint-review",
    "message-channels",
    "order-lines",
    "order-reservation",
    "payment-compensation",
    "purchase-approval",
    "returned-expense",
    "riveredge-export",
    "scheduled-email",
    "wait-for-payment",
)
DESIGNED: dict[str, Callable[[], list[Definition]]] = {
    **{name: partial(fixture, name) for name in FIXTURES},
    "return-that-skips-an-edge": partial(equivalence, "return-that-skips-an-edge"),
    "long-approval": long_approval,
    "tempting-names": tempting_names,
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of each design."""
    root = tmp_path_factory.mktemp("reviewed")
    for name, definitions in DESIGNED.items():
        write(root / name.replace("-", "_"), emit(definitions()))
    return root


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def ruff(folder: Path, *arguments: str) -> str:
    """What ruff finds, run in a folder with all its rules."""
    command = [find_ruff_bin(), "check", "--isolated", "--no-cache", "--target-version", "py311"]
    command += [*arguments, "--output-format", "concise", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return "" if done.returncode == 0 else done.stdout


def test_there_are_twenty_of_them_and_few_rules_are_ignored() -> None:
    assert len(DESIGNED) == 20
    assert len(IGNORED) <= 15


def test_no_lint_is_found_in_them(packages: Path) -> None:
    ignored = ",".join(IGNORED)
    complexity = f"lint.mccabe.max-complexity = {MAX_COMPLEXITY}"
    found = ruff(packages, "--select", "ALL", "--ignore", ignored, "--config", complexity)
    assert found == ""


def test_mypy_accepts_them(packages: Path) -> None:
    names = [f"-p{path.name}" for path in sorted(packages.iterdir()) if path.is_dir()]
    command = [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases"]
    command += ["--config-file", str(ROOT / "pyproject.toml")]
    command += ["--cache-dir", str(packages / "cache"), *names]
    search = ":".join(map(str, [packages, *SOURCES]))
    done = subprocess.run(
        command, cwd=packages, capture_output=True, text=True, env={"MYPYPATH": search, "PATH": ""}
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_accepts_them(packages: Path) -> None:
    settings = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "include": ["."],
        "extraPaths": list(map(str, SOURCES)),
    }
    (packages / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=packages, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert report["generalDiagnostics"] == []
    modules = [path for path in packages.glob("*/*.py") if path.parent.name != "cache"]
    assert report["summary"]["filesAnalyzed"] == len(modules)


@pytest.mark.parametrize("beside", [True, False], ids=["in-the-project", "elsewhere"])
@pytest.mark.parametrize(
    ("client", "handlers"),
    [("app:client", "handlers"), ("erp.inngest:client", "erp.handlers"), ("zoo:x", "a.b")],
)
def test_imports_are_in_order_wherever_ruff_is_run(
    tmp_path: Path, client: str, handlers: str, beside: bool
) -> None:
    """The client and the handlers are first-party where they are found, else third-party."""
    imports = Imports(client, handlers)
    write(tmp_path / "workflows", emit(fixture("purchase-approval"), imports))
    for module in (client.split(":")[0], handlers):
        if beside:
            path = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
            path.parent.mkdir(exist_ok=True)
            path.touch()
    assert ruff(tmp_path, "--select", "I") == ""
