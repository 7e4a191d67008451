"""Inputs that designs write down, held against the types that handlers declare."""

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proflow_schemas.handler_inputs import design_problems, input_adapter, validated
from proflow_schemas.signatures import TaskOf
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from typing_extensions import TypedDict


class Card(BaseModel):
    kind: Literal["card"]
    number: str = Field(min_length=3)


class Cash(BaseModel):
    kind: Literal["cash"]
    tip: int | None = None


class Line(TypedDict):
    sku: str
    pieces: NotRequired[int]


@dataclass
class Address:
    city: str
    lines: list[str]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int | str
    amount: Annotated[float, Field(gt=0)]
    due: datetime | None = None
    paid: Annotated[Card | Cash, Field(discriminator="kind")] | None = None
    lines: list[Line] = []
    to: Address | None = None
    notes: dict[str, bool] = {}

    @field_validator("amount")
    @classmethod
    def cents(cls, value: float) -> float:
        assert round(value, 2) == value, "whole cents"
        return value


async def order(task: TaskOf[Order]) -> None: ...


def adapter() -> TypeAdapter[Any]:
    found = input_adapter(order)
    assert found is not None
    return found


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from([1.25, 0.001, "x", "7", "card"])
)
ODD = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)
PAID = st.one_of(
    st.fixed_dictionaries({"kind": st.just("card"), "number": st.sampled_from(["1234", "1"])}),
    st.fixed_dictionaries({"kind": st.sampled_from(["cash", "coin"])}, optional={"tip": ODD}),
)
LINE = st.fixed_dictionaries({}, optional={"sku": st.text("ab"), "pieces": ODD})
FIELDS = {
    "number": st.one_of(st.integers(), st.text("ab")) | ODD,
    "amount": st.sampled_from([1, 2.5, "3.10", 0, 0.001]) | ODD,
    "due": st.sampled_from(["2026-01-05T09:00:00Z", "soon", None]),
    "paid": st.none() | PAID | ODD,
    "lines": st.lists(LINE, max_size=2) | ODD,
    "to": st.fixed_dictionaries({"city": ODD, "lines": st.lists(st.text("a"), max_size=2)}) | ODD,
    "notes": st.dictionaries(st.text("ab"), st.booleans() | ODD, max_size=2),
}
ORDERS = st.fixed_dictionaries({}, optional={**FIELDS, "more": ODD}) | ODD


def fits(value: Any) -> bool:
    try:
        validated(adapter(), value)
    except ValidationError:
        return False
    return True


def opened(value: Any, dice: random.Random) -> Any:
    """With some of what is in it computed."""
    if dice.random() < 0.25:
        return "${event.data.x}"
    if isinstance(value, dict):
        return {key: opened(item, dice) for key, item in value.items()}
    if isinstance(value, list):
        return [opened(item, dice) for item in value]
    return value


@given(ORDERS)
def test_literals_are_refused_if_and_only_if_the_handler_would_refuse_them(value: Any) -> None:
    assert (not list(design_problems(adapter(), value))) == fits(value)


@given(ORDERS, st.integers(0, 9))
def test_what_could_be_computed_so_that_it_fits_is_not_refused(value: Any, seed: int) -> None:
    if fits(value):
        assert list(design_problems(adapter(), opened(value, random.Random(seed)))) == []


@given(ORDERS, st.integers(0, 9))
def test_a_problem_is_where_the_input_has_it(value: Any, seed: int) -> None:
    given = opened(value, random.Random(seed))
    for problem in design_problems(adapter(), given):
        at = given
        for key in problem.path:
            at = at[key]
        if problem.missing is not None:
            assert problem.missing not in at


@pytest.mark.parametrize(
    ("value", "path", "missing"),
    [
        ({"amount": "${x}"}, (), "number"),
        ({"number": "${x}", "amount": "a lot"}, ("amount",), None),
        ({"number": 1, "amount": 1, "more": "${x}"}, ("more",), None),
        ({"number": 1, "amount": 1, "lines": [{"sku": "${x}"}, {}]}, ("lines", 1), "sku"),
        ({"number": 1, "amount": 1, "to": {"city": "${x}"}}, ("to",), "lines"),
        ({"number": 1, "amount": 1, "paid": {"kind": "card"}}, ("paid",), "number"),
        ({"number": 1, "amount": 1, "paid": {"kind": "coin"}}, ("paid",), None),
    ],
)
def test_what_is_missing_or_wrong_is_found_beside_what_is_computed(
    value: Any, path: tuple[str | int, ...], missing: str | None
) -> None:
    (problem,) = design_problems(adapter(), value)
    assert (problem.path, problem.missing) == (path, missing)
