"""Generated code stands on the runtime's primitives alone, not on the interpreter."""

import ast
from pathlib import Path

import pytest
from fixtures.cases import cases
from parity.playing import compiled, play
from proflow_runtime.programs import interpreter

MODULES = sorted((Path(__file__).parents[1] / "fixtures" / "compiled").glob("*.py"))
PRIMITIVES = {
    "WITH_CALL",
    "WITH_PARENT",
    "Again",
    "ApprovalPolicy",
    "Branch",
    "Exit",
    "Flow",
    "Reminders",
    "Result",
    "Retry",
}
PRIMITIVES |= {"fan_out", "on_failure", "workflow"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_generated_module_imports_primitives_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert [alias.name for alias in node.names] == ["inngest"]
        elif isinstance(node, ast.ImportFrom) and path.name not in ("__init__.py", "handlers.py"):
            names = {alias.name for alias in node.names}
            match node.module:
                case "proflow_runtime":
                    assert names <= PRIMITIVES
                case "proflow_runtime.client":
                    assert names == {"client"}
                case "datetime":
                    assert names == {"timedelta"}
                case "enum":
                    assert names == {"StrEnum"}
                case _:
                    assert (node.level, node.module, names) == (1, None, {"handlers"})


def test_generated_code_runs_with_a_broken_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise AssertionError("the interpreter was called")

    monkeypatch.setattr(interpreter._Compiler, "block", broken)
    names = ("analysed", "small-amount", "both-sign")
    chosen = [one for one in cases() if one.name in names]
    assert {one.name for one in chosen} == set(names)
    for case in chosen:
        definition = compiled(case.location)
        assert play(definition, "generated", **case.outside)["status"] == "completed"
        with pytest.raises(AssertionError, match="interpreter was called"):
            play(definition, "interpreter", **case.outside)
