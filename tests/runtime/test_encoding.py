"""What handlers return, as JSON: what FastAPI makes of it, but for decimals and unknown objects."""

import json
import re
from collections import OrderedDict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from ipaddress import ip_address, ip_network
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from fastapi.encoders import jsonable_encoder
from hypothesis import given
from hypothesis import strategies as st
from proflow_runtime.values import checked
from proflow_runtime.values.encoding import NotJsonError
from pydantic import AnyUrl, BaseModel, Field, SecretStr
from pydantic.dataclasses import dataclass as pydantic_dataclass


class Colour(Enum):
    RED = "red"
    DEEP = ("a", 1)


class Level(IntEnum):
    HIGH = 3


class Word(StrEnum):
    YES = "yes"


class Line(BaseModel):
    sku: str = Field(serialization_alias="itemNo")
    due: datetime
    price: Decimal = Decimal("1.10")


@dataclass
class Order:
    number: UUID
    due: datetime
    lines: list[Line] = field(default_factory=list)
    tags: frozenset[str] = frozenset()


@pydantic_dataclass
class Booked:
    at: date


class Money(float):
    """As libraries for numbers have it."""


Pair = namedtuple("Pair", "a b")
NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
ID = UUID("12345678123456781234567812345678")

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(-1e15, 1e15),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
    st.dates(),
    st.times(),
    st.timedeltas(timedelta(-1000), timedelta(1000)),
    st.uuids(),
    st.ip_addresses(),
    st.sampled_from([Colour.RED, Level.HIGH, Word.YES, PurePosixPath("/a"), SecretStr("x")]),
    st.text(st.characters(codec="ascii"), max_size=3).map(str.encode),
    st.builds(Booked, at=st.dates()),
)
KEYS = st.one_of(st.text("ab", max_size=3), st.integers(0, 9), st.uuids(), st.dates())
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=3),
        st.lists(inner, max_size=3).map(deque),
        st.sets(st.integers(0, 9)),
    ),
    max_leaves=12,
)


def in_order(value: Any) -> Any:
    """With all lists sorted: FastAPI takes a set as it comes."""
    if isinstance(value, list):
        return sorted(map(in_order, value), key=lambda one: json.dumps(one, sort_keys=True))
    if isinstance(value, dict):
        return {key: in_order(item) for key, item in value.items()}
    return value


@given(TREES)
def test_outputs_are_encoded_as_fastapi_does(value: Any) -> None:
    expected = json.loads(json.dumps(jsonable_encoder(value)))
    got = checked(value)
    assert in_order(json.loads(json.dumps(got))) == in_order(expected)
    only_json(got)


def only_json(value: Any) -> None:
    """Nothing is left that only looks like JSON."""
    assert type(value) in (str, int, float, bool, type(None), list, tuple, dict)
    if isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            only_json(one)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Order(ID, NOW, [Line(sku="pen", due=NOW)], frozenset("ba")), {
            "number": str(ID),
            "due": "2026-01-05T09:30:00+00:00",
            "lines": [{"itemNo": "pen", "due": "2026-01-05T09:30:00Z", "price": 1.1}],
            "tags": ["a", "b"],
        }),
        ([Colour.RED, Colour.DEEP, Level.HIGH, Word.YES], ["red", ["a", 1], 3, "yes"]),
        ({Word.YES: 1, ID: 2, date(2026, 1, 5): 3, 7: 4, None: 5, True: 6}, {
            "yes": 1, str(ID): 2, "2026-01-05": 3, "7": 4, "null": 5, "true": 6,
        }),
        (Pair(timedelta(minutes=1), time(9)), [60.0, "09:00:00"]),
        ([AnyUrl("https://x.test/"), ip_network("10.0.0.0/8")], ["https://x.test/", "10.0.0.0/8"]),
        ({"a": (one for one in (1, Decimal("2.50")))}, {"a": [1, 2.5]}),
        (OrderedDict(b=1, a=Money(1.5)), {"b": 1, "a": 1.5}),
        ([re.compile("a+"), ip_address("::1"), b"caf\xc3\xa9"], ["a+", "::1", "café"]),
        ({3, 1, 2}, [1, 2, 3]),
    ],
)  # fmt: skip
def test_values_of_these_types_have_a_json(value: Any, expected: Any) -> None:
    assert checked(value) == expected


class Car:
    colour = "red"


LOOP: dict[str, Any] = {}
LOOP["self"] = deque([LOOP])
WIDE: Any = deque([1])
for _ in range(40):
    WIDE = deque([WIDE, WIDE])


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"cars": [Car()]}, "the output.cars[0] is a `Car`, which is not JSON"),
        (Order(ID, NOW, [Car()]), "the output.lines[0] is a `Car`, which is not JSON"),  # type: ignore[list-item]
        ({"a": b"\xff"}, "the output.a is `bytes` that is no text"),
        ({"a": {Colour.DEEP: 1}}, "the output.a has the key"),
        ({1: 1, "1": 2}, "the output has two keys that are `1` in JSON"),
        ({"a": {"x": Decimal("1e20")}, "b": {1}}, "the output.a.x is a decimal beyond"),
        (LOOP, "nested more than 200 levels deep"),
        (WIDE, "more than the 4 MiB"),
        (lambda: 1, "the output is a `function`, which is not JSON"),
    ],
)
def test_what_has_no_json_is_refused_with_its_type_and_place(value: Any, complaint: str) -> None:
    with pytest.raises(NotJsonError, match=re.escape(complaint)):
        checked(value)
