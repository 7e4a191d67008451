"""The base class of all models of a definition, and the field types that they share."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Value = Annotated[Any, Field(description="JSON; `${…}` in strings holds an expression")]
Seconds = Annotated[int, Field(ge=1)]
Needs = Annotated[int, Field(ge=1)] | Literal["all"] | None
"""How many incoming edges must be taken for a node to run; `"all"`: all of them.

None: the node waits until each incoming edge is either taken or skipped, and runs if at least one was
taken.
"""


class Model(BaseModel):
    """The base class: keys are camelCase in JSON, unknown keys are errors, instances are immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        extra="forbid",
        frozen=True,
        defer_build=True,  # most commands use few of the models
    )
