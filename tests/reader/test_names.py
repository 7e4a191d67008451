import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proflow_compiler.reader.names import MAX_NAME, safe_id, stem


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("purchase-approval", "purchase-approval"),
        ("purchase_order", "purchase_order"),
        ("My Flow (v2)", "My-Flow-v2"),
        ("12", "design-12"),
        ("class", "class-design"),
        ("match", "match-design"),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_plain_names_stay_readable(written: str, name: str) -> None:
    assert safe_id(written) == name


def test_chinese_names_are_spelt_out_and_told_apart() -> None:
    assert safe_id("采购审批").startswith("cai-gou-shen-pi-")
    assert safe_id("采购") != safe_id("彩购")
    assert safe_id("采购") == safe_id("采购")


@given(st.text(max_size=300))
def test_every_name_is_a_module_and_a_function(text: str) -> None:
    name = safe_id(text)
    module = name.replace("-", "_")
    assert module.isascii()
    assert module.isidentifier()
    assert not keyword.iskeyword(module)
    assert not module.startswith("_")
    assert len(name) <= MAX_NAME + len("design-")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a/b/leave.json", "leave"), ("leave.design.json", "leave"), (".json", ".json"), ("-", "-")],
)
def test_the_stem_of_a_path_is_its_name(path: str, expected: str) -> None:
    assert stem(path) == expected
