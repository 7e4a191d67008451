"""Makes typed dicts usable for pydantic on every Python version."""

import types
import typing
from typing import Any

import typing_extensions


def readable(hint: Any, within: tuple[Any, ...] = ()) -> Any:
    """Replace the typed dicts in a type hint by those of `typing_extensions`.

    Before Python 3.12, pydantic accepts no others. A reference of a typed dict to itself becomes `Any`.

    Args:
        hint: The type hint.
        within: The typed dicts that enclose it.
    """
    if typing.is_typeddict(hint):
        if hint in within:
            return Any
        fields = {
            name: readable(one, (*within, hint))
            for name, one in typing.get_type_hints(hint).items()
        }
        required = hint.__required_keys__
        return typing_extensions.TypedDict(  # type: ignore[operator]
            hint.__name__,
            {
                name: one if name in required else typing_extensions.NotRequired[one]
                for name, one in fields.items()
            },
        )
    origin, given = typing.get_origin(hint), typing.get_args(hint)
    if origin in (None, typing.Literal):
        return hint
    if origin is typing.Annotated:
        return typing.Annotated[(readable(given[0], within), *hint.__metadata__)]
    args = tuple(one if one is ... else readable(one, within) for one in given)
    return typing.Union[args] if origin in (typing.Union, types.UnionType) else origin[args]  # noqa: UP007
