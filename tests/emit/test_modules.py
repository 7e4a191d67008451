"""Generated packages: sound Python, deterministic, and what a person would have written."""

import ast
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from compiler_structure.drawing import chain, design
from compiler_structure.random_designs import Blocks
from fixtures.cases import DESIGNS, fixtures
from proflow_compiler.emit import HANDLERS, Imports, emit, emit_module
from proflow_compiler.graph import build_graph
from proflow_compiler.lowering import lower
from proflow_compiler.pipeline import compile_file
from proflow_schemas.definition import Definition
from ruff import find_ruff_bin

ROOT = Path(__file__).parents[2]
EXPECTED = Path(__file__).parent / "expected"
SHOWN = [
    "guide-sample",
    "purchase-approval",
    "nested-parallel",
    "wait-for-payment",
    "scheduled-email",
]
STRUCTURAL = (
    "get",
    "text",
    "stop",
    "again",
    "leave",
    "repeat",
    "once",
    "outcome_of",
    "exit_of",
    "failed",
)
"""What a module calls of `Flow` that no drawn node stands for."""


def definitions(fixture: str) -> list[Definition]:
    compilation = compile_file(str(DESIGNS / fixture / "design.json"))
    assert not compilation.has_errors()
    return compilation.definitions


def random_definition(seed: int) -> Definition:
    found, problems = lower(Blocks(Random(seed), 40).draw())
    assert found is not None, problems
    return found


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fixture and some random designs, a package each."""
    root = tmp_path_factory.mktemp("generated")
    for fixture in fixtures():
        write(root / fixture.replace("-", "_"), emit(definitions(fixture)))
    for seed in range(25):
        write(root / f"random_{seed}", emit([random_definition(seed)]))
    return root


def test_generated_code_is_formatted_and_has_no_lint(packages: Path) -> None:
    ours = ["--config", str(ROOT / "pyproject.toml")]
    for command in (
        ["check", "--isolated"],
        ["check", *ours],
        ["format", "--check", "--isolated"],
    ):
        command = [find_ruff_bin(), *command, "--no-cache", str(packages)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:]


def test_generated_code_has_sound_types(packages: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases"]
    command += [
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(packages / "cache"),
    ]
    targets = [f"-p{path.name}" for path in sorted(packages.iterdir()) if path.is_dir()]
    search = [packages, *(ROOT / name for name in ("compiler", "runtime", "schemas"))]
    done = subprocess.run(
        [*command, *targets],
        capture_output=True,
        text=True,
        env={"MYPYPATH": ":".join(map(str, search)), "PATH": ""},
    )
    # What the runtime itself gets wrong is for its own check to say.
    wrong = [
        line for line in done.stdout.splitlines() if line.split("/")[0] not in ("runtime", "..")
    ]
    assert [line for line in wrong if ": error:" in line] == []
    assert done.returncode in (0, 1), done.stderr


def test_no_line_is_indented_deeper_than_can_be_read(packages: Path) -> None:
    for path in packages.glob("*/*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert len(line) - len(line.lstrip()) <= 4 * 6, f"{path}: {line}"


def test_every_character_of_generated_code_prints(packages: Path) -> None:
    for path in packages.glob("*/*.py"):
        assert path.read_text(encoding="utf-8").replace("\n", "").isprintable()


@pytest.mark.parametrize("fixture", SHOWN)
def test_a_module_reads_as_expected(fixture: str, request: pytest.FixtureRequest) -> None:
    for name, text in emit(definitions(fixture)).items():
        path = EXPECTED / fixture.replace("-", "_") / name
        if request.config.getoption("--snapshot-update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("fixture", fixtures())
def test_the_same_bytes_come_out_each_time(fixture: str) -> None:
    assert emit(definitions(fixture)) == emit(definitions(fixture))


@pytest.mark.parametrize("fixture", fixtures())
def test_every_step_has_one_call_with_its_node(fixture: str) -> None:
    """What a definition does, its module does: the same nodes, once each."""
    for definition in definitions(fixture):
        tree = ast.parse(emit_module(definition, Imports()))
        called = [
            _node(call)
            for call in ast.walk(tree)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "flow"
            and call.func.attr not in STRUCTURAL
            and call.args
            and isinstance(call.args[0], ast.Constant)
        ]
        instant = ("start", "parallel", "join")
        drawn = [n.id for n in definition.canvas.nodes if n.type not in instant]
        assert sorted(called) == sorted(drawn)


def _node(call: ast.Call) -> str:
    """The node that a call is of; of the edges after an outcome, the choice among them."""
    after = [ast.literal_eval(one.value) for one in call.keywords if one.arg == "after"]
    return "?".join([ast.literal_eval(call.args[0]), *after])


def test_hostile_names_stay_names() -> None:
    (definition,) = definitions("hostile-names")
    tree = ast.parse(emit_module(definition, Imports()))
    statements = [type(one).__name__ for one in tree.body]
    allowed = {"Expr", "Import", "ImportFrom", "AsyncFunctionDef", "Assign"}
    assert set(statements) <= allowed
    assert statements.count("Expr") == 1
    names = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
    assert "__import__" not in names
    assert "SystemExit" not in names


def test_a_client_and_handlers_of_ones_own_are_imported() -> None:
    (definition,) = definitions("purchase-approval")
    imports = Imports(client="erp.inngest_client:client", handlers="erp.handlers")
    source = emit_module(definition, imports)
    imported = "# isort: split\nfrom erp import handlers\nfrom erp.inngest_client import client\n"
    assert imported in source
    assert HANDLERS not in emit([definition], imports)


def test_handlers_that_are_missing_say_so() -> None:
    source = emit(definitions("purchase-approval"))[HANDLERS]
    tree = ast.parse(source)
    functions = [one.name for one in tree.body if isinstance(one, ast.AsyncFunctionDef)]
    assert functions == ["archive", "pay_supplier", "send_message"]
    assert source.count("raise NotImplementedError") == 3


def test_handlers_with_names_that_python_has_no_place_for_are_found_by_them() -> None:
    drawn = design(
        {"s": "start", "a": "task", "b": "task", "e": "end"},
        chain("s", "a", "b", "e"),
        {"a": {"handler": "send-mail"}, "b": {"handler": "class"}},
    )
    definition, _ = lower(build_graph(drawn))
    assert definition is not None
    files = emit([definition])
    assert 'getattr(handlers, "send-mail")' in files["drawn.py"]
    module: dict[str, object] = {}
    exec(compile(files[HANDLERS], HANDLERS, "exec"), module)
    assert callable(module["send-mail"])
    assert callable(module["class"])


def test_designs_whose_ids_look_alike_get_files_of_their_own() -> None:
    found = []
    for name in ("a-b", "a_b", "handlers"):
        drawn = design({"s": "start", "e": "end"}, chain("s", "e"), id=name)
        definition, _ = lower(build_graph(drawn))
        assert definition is not None
        found.append(definition)
    assert emit(found).keys() == {"a_b.py", "a_b_2.py", "handlers_.py", "__init__.py"}


def test_retries_that_are_shared_have_a_name() -> None:
    policy = {"retry": {"maxAttempts": 3, "initialInterval": "5s", "maxInterval": 60}}
    drawn = design(
        {"s": "start", "a": "task", "b": "task", "e": "end"},
        chain("s", "a", "b", "e"),
        {"a": policy, "b": policy},
    )
    definition, _ = lower(build_graph(drawn))
    assert definition is not None
    source = emit_module(definition, Imports())
    assert (
        "RETRY_3 = Retry(\n    max_attempts=3,\n    initial_interval=timedelta(seconds=5),\n    max_interval=timedelta(minutes=1),\n)"
        in source
    )
    assert source.count("retry=RETRY_3") == 2
