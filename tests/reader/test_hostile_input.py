"""No input raises, hangs, or is half-read."""

import json
import os
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proflow_compiler.diagnostics.rendering import render
from proflow_compiler.reader import MAX_BYTES, MAX_DEPTH, Reading, read, read_file
from work import counted

DESIGNS = Path(__file__).parents[2] / "fixtures" / "designs"


def only(found: Reading) -> Any:
    assert found.designs == []
    (problem,) = found.diagnostics
    return problem


def _told(data: bytes) -> Reading:
    found = read(data, "x.json")
    for format in ("text", "json", "sarif", "github"):
        render(found.diagnostics, found.source, format)  # type: ignore[arg-type]
    return found


def refused_at_once(data: bytes) -> Any:
    """The problem of a file, which is found and told with little work whatever its size."""
    found, work = counted(partial(_told, data))
    assert work < 10_000
    return only(found)


@pytest.mark.parametrize("bracket", [b"[", b'{"nodes":'])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 100_000])
def test_deep_nesting_is_refused_with_its_place(bracket: bytes, depth: int) -> None:
    closing = b"]" if bracket == b"[" else b"}"
    problem = refused_at_once(bracket * depth + b"1" + closing * depth)
    assert problem.code == "PF001"
    assert "nested" in problem.message
    assert (problem.line, problem.column) == (1, len(bracket) * MAX_DEPTH + 1)


def test_nesting_up_to_the_limit_is_read() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH - 4):
        value = [value]
    node = {"id": "a", "type": "task", "config": {"handler": "x", "input": value}}
    assert len(read(json.dumps({"nodes": [node]}).encode(), "x.json").designs) == 1


def test_a_file_that_is_too_large_is_refused_before_it_is_decoded() -> None:
    problem = refused_at_once(bytes(MAX_BYTES + 1))
    assert (problem.code, problem.message) == ("PF001", "the file is larger than 64 MB")


def test_a_huge_file_on_disk_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "zeros.json"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    tracemalloc.start()
    try:
        assert "larger" in only(read_file(str(path))).message
        assert tracemalloc.get_traced_memory()[1] < 2 * MAX_BYTES
    finally:
        tracemalloc.stop()


def test_a_million_zeros_are_no_json() -> None:
    assert refused_at_once(bytes(10**6)).code == "PF001"


@pytest.mark.parametrize("digits", [400, 5000])
def test_enormous_numbers_do_not_raise(digits: int) -> None:
    text = '{"nodes": [{"id": "a", "type": "join", "config": {"mode": %s}}]}' % ("9" * digits)
    found = read(text.encode(), "x.json")
    assert len(found.designs) + len(found.diagnostics) == 1


@pytest.mark.parametrize("token", ["NaN", "-Infinity", "Infinity", "1e999", "-1e400"])
def test_numbers_that_json_does_not_have_are_located(token: str) -> None:
    text = '{"a": "NaN 1e999",\n "nodes": [{"id": ' + token + "}]}"
    problem = only(read(text.encode(), "x.json"))
    assert (problem.code, problem.line, problem.column) == ("PF001", 2, 19)


def test_marks_of_utf8_are_silent_and_of_utf16_named() -> None:
    plain = b'{"nodes": [{"id": "a", "type": "start"}]}'
    assert len(read(b"\xef\xbb\xbf" + plain, "x.json").designs) == 1
    assert "UTF-16" in only(read(plain.decode().encode("utf-16"), "x.json")).message
    assert "UTF-32" in only(read(plain.decode().encode("utf-32"), "x.json")).message
    for encoding in ("utf-16-le", "utf-16-be"):
        assert "UTF-16" in only(read(plain.decode().encode(encoding), "x.json")).message


def test_a_file_that_cannot_be_read_is_a_problem_not_an_exception(tmp_path: Path) -> None:
    for path in (str(tmp_path / "none.json"), str(tmp_path), "a\0b", "x" * 5000):
        assert only(read_file(path)).code == "PF005"


def test_a_hash_in_a_file_name_is_a_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "flow#2.json"
    path.write_text('{"nodes": [{"id": "a", "type": "start"}]}')
    (found,) = read_file(str(path)).designs
    assert found.id == "flow-2"


def test_file_names_that_are_not_utf8_can_be_rendered(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff.json")
    found = read_file(path)
    for format in ("text", "json", "sarif", "github"):
        render(found.diagnostics, found.source, format).encode()  # type: ignore[arg-type]


def _drawn(count: int) -> bytes:
    nodes = [
        {"id": f"n{at}", "type": "task", "position": {"x": 1.5, "y": at}, "data": {"handler": "h"}}
        for at in range(count)
    ]
    edges = [{"source": f"n{at}", "target": f"n{at + 1}"} for at in range(count - 1)]
    return json.dumps({"nodes": nodes, "edges": edges}).encode()


def _wrong(count: int) -> bytes:
    nodes = [
        {
            "id": f"approve-{at % (count * 4 // 5)}",
            "type": "tsk" if at % 2 else "approval",
            "config": {"tmeout": at},
        }
        for at in range(count)
    ]
    edges = [{"source": f"aprove-{at}", "target": f"approv-{at}"} for at in range(count // 2)]
    return json.dumps({"nodes": nodes, "edges": edges}).encode()


def test_the_work_of_reading_grows_with_the_design_and_not_faster() -> None:
    (_, few), (found, many) = (counted(partial(_told, _drawn(count))) for count in (1_000, 10_000))
    assert len(found.designs[0].nodes) == 10_000
    assert many < 10.5 * few


@pytest.mark.long
def test_the_work_of_telling_problems_grows_with_their_number_and_not_faster() -> None:
    (_, few), (found, many) = (counted(partial(_told, _wrong(count))) for count in (500, 2_000))
    codes = {one.code for one in found.diagnostics}
    assert codes == {"PF101", "PF102", "PF103", "PF104"}
    assert many < 4.5 * few


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    check(data)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["start", "end", "approval", "task", "condition", "a", "b", "notes", ""])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "nodes",
                    "edges",
                    "id",
                    "type",
                    "data",
                    "config",
                    "content",
                    "source",
                    "target",
                    "sourceHandle",
                    "when",
                    "condition",
                    "conditions",
                    "code",
                    "tenant_id",
                    "elements",
                    "flattenNodes",
                    "graph",
                    "workflow",
                    "retry",
                    "retries",
                    "trigger",
                    "approverIds",
                    "approver_type",
                    "timeoutHours",
                    "handler",
                    "field",
                    "operator",
                    "value",
                    "label",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=6,
        )
    ),
    max_leaves=40,
)


@given(JSON)
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_arbitrary_json_never_raises(value: Any) -> None:
    check(json.dumps(value).encode())


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A real design with values replaced, keys renamed and members removed."""
    path = draw(st.sampled_from(sorted(DESIGNS.glob("*/design.json"))))
    value = json.loads(path.read_text(encoding="utf-8"))
    for _ in range(draw(st.integers(1, 4))):
        at = value
        while True:
            keys: Any = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(at[key], dict | list) and at[key] and draw(st.integers(0, 3)):
                at = at[key]
                continue
            change = draw(st.sampled_from(["replace", "remove", "rename", "copy"]))
            if change == "replace":
                at[key] = draw(JSON)
            elif change == "remove":
                del at[key]
            elif change == "rename" and isinstance(at, dict):
                at[key[:-1] + draw(st.sampled_from(["", "x", "_"]))] = at.pop(key)
            elif change == "copy" and isinstance(at, list):
                at.append(at[key])
            break
    return value


@given(mutated())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_damaged_designs_never_raise(value: Any) -> None:
    check(json.dumps(value).encode())


def check(data: bytes) -> None:
    found = read(data, "x.json")
    assert found.designs or found.diagnostics
    if not found.designs:
        assert any(one.level == "error" for one in found.diagnostics)
    for format in ("text", "json", "sarif", "github"):
        render(found.diagnostics, found.source, format).encode()  # type: ignore[arg-type]
    for design in found.designs:
        for edge in design.edges:
            assert edge.source in design.nodes
            assert edge.target in design.nodes
        assert design.id.isascii()
        assert design.id.replace("-", "_").isidentifier()
