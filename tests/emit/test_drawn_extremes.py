"""Large and contorted drawings become modules that are small and shallow, with little work."""

import ast

import pytest
from compiler_structure.test_shapes import LARGE
from proflow_compiler.emit import Imports, emit_module
from proflow_compiler.lowering import lower
from work import counted

DRAWN = [
    "1,000 rungs of a crosswise ladder",
    "2,000 unstructured nodes",
    "150 nested loops",
    "100 approvals share a rejection",
    "60 diamonds",
    "30 nested forks",
    "switch of 3,000",
]
MOST_INDENTED = 4 * 6
CALLED = ("run", "approve", "wait", "end", "sleep", "choose", "choose_every", "notify", "send")
INSTANT = ("start", "parallel", "join")


def applied(call: ast.Call) -> list[ast.expr]:
    """What is called, and its arguments, also if `partial` calls it later."""
    if isinstance(call.func, ast.Name) and call.func.id == "partial":
        return list(call.args)
    return [call.func, *call.args]


@pytest.mark.parametrize("name", DRAWN)
def test_it_is_written_in_shallow_lines_with_every_node_once(name: str) -> None:
    definition, problems = lower(LARGE[name]())
    assert definition is not None, problems
    source, work = counted(lambda: emit_module(definition, Imports()))
    compile(source, "generated.py", "exec")
    lines = source.splitlines()
    assert work < 1000 * len(lines)
    assert max(len(line) - len(line.lstrip()) for line in lines) <= MOST_INDENTED
    assert len(lines) < 15 * len(definition.canvas.nodes) + 40
    called = [
        str(node.value)
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        for function, *arguments in [applied(call)]
        if isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "flow"
        and function.attr in CALLED
        for node in arguments[:1]
        if isinstance(node, ast.Constant)
    ]
    drawn = [node.id for node in definition.canvas.nodes if node.type not in INSTANT]
    assert sorted(called) == sorted(drawn)
