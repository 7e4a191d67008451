"""Declares functions to the CEL library's type checker such that all numbers have the type `double`.

The declarations are for checking only; `functions.py` has the functions that are evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import cel_expr_python.cel as cel

from .arithmetic import INTEGERS

_DOUBLE, _STRING, _TIME = ({"type_name": one} for one in ("double", "string", "timestamp"))
_DURATION, _BYTES = {"type_name": "duration"}, {"type_name": "bytes"}
_A, _B = ({"type_name": one, "is_type_param": True} for one in "AB")
_LIST = {"type_name": "list", "params": [_A]}
_MAP = {"type_name": "map", "params": [_A, _B]}
_OF_DURATIONS = ("getHours", "getMinutes", "getSeconds", "getMilliseconds")


def environment(variables: Mapping[str, cel.Type]) -> cel.Env:
    """Return an environment that checks types. It cannot evaluate.

    Args:
        variables: The names in scope, with their types.
    """
    return cel.NewEnv(config=_config(), variables=dict(variables))


@cache
def _config() -> cel.EnvConfig:
    declared = _declared()
    return cel.NewEnvConfigFromYaml(
        json.dumps(
            {
                "name": "proflow",
                # The library's own declarations distinguish integers from doubles.
                "stdlib": {"exclude_functions": [{"name": name} for name in declared]},
                "functions": [
                    {"name": name, "overloads": overloads} for name, overloads in declared.items()
                ],
            }
        )
    )


def _declared() -> dict[str, list[dict[str, Any]]]:
    """Return the functions that replace declarations of the library, with their overloads."""
    number = _DOUBLE
    sized = (_STRING, _BYTES, _LIST, _MAP)
    readable = [_overload(number, one) for one in (_DOUBLE, _STRING, _TIME)]
    found = {
        "size": [
            *(_overload(number, one) for one in sized),
            *(_overload(number, of=one) for one in sized),
        ],
        "int": readable,
        "uint": readable,
        "double": [_overload(number, one) for one in (_DOUBLE, _STRING)],
        "timestamp": [_overload(_TIME, one) for one in (_DOUBLE, _STRING, _TIME)],
        "_%_": [_overload(number, number, number)],
        "_[_]": [_overload(_A, _LIST, number), _overload(_B, _MAP, _A)],
        "round": [_overload(number, number), _overload(number, number, number)],
    }
    for name in sorted(INTEGERS - found.keys()):
        found[name] = [_overload(number, of=_TIME), _overload(number, _STRING, of=_TIME)]
        if name in _OF_DURATIONS:
            found[name].append(_overload(number, of=_DURATION))
    return {
        name: [{"id": f"{name} {at}", **one} for at, one in enumerate(overloads)]
        for name, overloads in found.items()
    }


def _overload(result: Any, *arguments: Any, of: Any = None) -> dict[str, Any]:
    target = {} if of is None else {"target": of}
    return {**target, "args": list(arguments), "return": result}
