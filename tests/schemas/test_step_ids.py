"""Step ids say which node, item, execution and part they are of, and no node imitates another."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proflow_schemas.step_ids import node_of, step_id


@pytest.mark.parametrize(
    ("items", "execution", "part", "expected"),
    [
        ((), 1, None, "pay"),
        ((), 1, "wait", "pay/wait"),
        ((), 2, None, "pay#2"),
        ((0,), 1, None, "pay[0]"),
        ((3, 11), 1, None, "pay[3][11]"),
        ((3,), 4, "notify", "pay[3]#4/notify"),
    ],
)
def test_a_step_id_names_item_execution_and_part(
    items: tuple[int, ...], execution: int, part: str | None, expected: str
) -> None:
    assert step_id("pay", part, items=items, execution=execution) == expected
    assert node_of(expected) == "pay"


NODES = st.text(st.sampled_from("a1#[]/%2"), min_size=1, max_size=6)
WHERE = list(product([(), (1,), (1, 2), (12,)], [1, 2], [None, "wait"]))


@given(st.lists(NODES, min_size=2, max_size=4, unique=True))
def test_step_ids_are_unique_whatever_nodes_are_called(nodes: list[str]) -> None:
    ids = [
        step_id(node, part, items=items, execution=execution)
        for node in nodes
        for items, execution, part in WHERE
    ]
    assert len(set(ids)) == len(ids)
    assert [node_of(one) for one in ids] == [node for node in nodes for _ in WHERE]
