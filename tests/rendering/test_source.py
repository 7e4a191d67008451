import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from proflow_compiler.diagnostics.source import Source, escape, parts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=15,
)


def pointers(value: Any, at: str = "") -> dict[str, Any]:
    found = {at: value}
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            found |= pointers(one, f"{at}/{escape(key)}")
    return found


@given(JSON, st.sampled_from([None, 0, 3]), st.booleans())
def test_every_pointer_leads_to_its_value(value: Any, indent: int | None, escaped: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)
    source = Source("x.json", text)
    expected = pointers(value)
    extents = source.extents(expected)
    for pointer, one in expected.items():
        assert json.loads(text[extents[pointer].start : extents[pointer].end]) == one
        key = extents[pointer].key
        if key is not None:
            assert json.loads(text[slice(*key)]) == parts(pointer)[-1]


def test_a_pointer_that_leads_nowhere_gets_its_nearest_parent() -> None:
    source = Source("x.json", '{"a": [1]}')
    assert source.extents(["/a/7/b"])["/a/7/b"] == source.extents(["/a"])["/a"]


@given(st.text(min_size=1, max_size=8), st.booleans(), st.data())
def test_a_span_of_a_string_is_found_in_its_literal(
    text: str, escaped: bool, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    literal = json.dumps(text, ensure_ascii=escaped)
    source = Source("x.json", f'{{"a": {literal}}}')
    begin, stop = source.within(source.extents(["/a"])["/a"], (start, end))
    assert json.loads(f'"{source.text[begin:stop]}"') == text[start:end]


def test_lines_and_columns_count_code_points_and_every_kind_of_line_break() -> None:
    source = Source("x.json", '{\r\n"很": 1,\r"b": 2,\n"c": 3}')
    places = {
        key: source.line_and_column(at.start)
        for key, at in source.extents(["/很", "/b", "/c"]).items()
    }
    assert places == {"/很": (2, 6), "/b": (3, 6), "/c": (4, 6)}
