"""What handlers say that they return, as JSON Schemas."""

import sys
from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Annotated, Any, Literal, Required, TypedDict

import pytest
from proflow_schemas.handlers import handlers_module, output_schema
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer


class Line(TypedDict):
    price: float


class Order(TypedDict, total=False):
    lines: Required[list[Line]]
    note: Line | None
    sub: "Order"


class Receipt(BaseModel):
    number: str
    points: list["Point"] = Field(serialization_alias="allPoints")


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")
    number: str


@dataclass
class Point:
    x: int


class Price(BaseModel):
    net: Decimal
    shown: Annotated[Decimal, PlainSerializer(str)]


async def receipt() -> Receipt: ...
async def price() -> Price: ...
async def order() -> Order: ...
async def orders() -> list[Order] | None: ...
async def loose() -> Loose: ...
async def point() -> Point: ...
async def word() -> Literal["yes", "no"]: ...
async def nothing() -> None: ...
async def anything() -> Any: ...
async def silent(): ...
async def mapping() -> dict[str, int]: ...
async def texts() -> "list[str]": ...
async def unknown() -> "NoSuchName": ...  # noqa: F821
async def no_json() -> ModuleType: ...


def test_models_dataclasses_and_typed_dicts_have_the_fields_that_they_name() -> None:
    schema = output_schema(receipt)
    assert set(schema["properties"]) == {"number", "allPoints"}
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Point"]["additionalProperties"] is False
    assert output_schema(point)["properties"]["x"]["type"] == "integer"


def test_decimals_are_handed_on_as_numbers_unless_they_are_made_texts() -> None:
    fields = output_schema(price)["properties"]
    assert fields["net"]["type"] == "number"
    assert fields["shown"]["type"] == "string"


def test_typed_dicts_of_the_standard_library_are_read_on_every_python() -> None:
    schema = output_schema(order)
    assert set(schema["properties"]) == {"lines", "note", "sub"}
    assert schema["required"] == ["lines"]
    assert schema["$defs"]["Line"]["properties"]["price"]["type"] == "number"
    assert [one["type"] for one in output_schema(orders)["anyOf"]] == ["array", "null"]


def test_a_model_that_takes_more_has_more() -> None:
    assert output_schema(loose)["additionalProperties"] is True


def test_plain_types_are_what_they_are() -> None:
    assert output_schema(word)["enum"] == ["yes", "no"]
    assert output_schema(nothing) == {"type": "null"}
    assert output_schema(mapping) == {
        "type": "object",
        "additionalProperties": {"type": "integer"},
    }
    assert output_schema(texts) == {"type": "array", "items": {"type": "string"}}


@pytest.mark.parametrize("handler", [anything, silent, unknown, no_json])
def test_what_says_nothing_usable_may_return_anything(handler: Any) -> None:
    assert output_schema(handler) is None


def test_functions_that_are_neither_marked_nor_listed_are_no_handlers() -> None:
    found = handlers_module(sys.modules[__name__])
    assert not found.handlers
    assert {"receipt", "point"} <= found.unmarked.keys()
    assert "Receipt" not in found.unmarked
