"""What other approval products and schedulers call what a design says, and how it is said here.

What they call settings of nodes stands in the records of the node types.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from proflow_schemas.node_types import NodeType
from proflow_schemas.node_types.foreign import STARTS, TRIES, Meaning, called

from proflow_compiler.problems import shown


def fold(key: str) -> str:
    """A key without the marks by which spellings differ: `sla_hours`, `SlaHours` → `slahours`."""
    return _folded(key[:80])


@lru_cache(maxsize=4096)
def _folded(key: str) -> str:
    return re.sub(r"[_\-\s]", "", key).lower()


def meaning(kind: NodeType, key: str) -> Meaning | None:
    """What a key means on a node of a type."""
    folded = fold(key)
    found = kind.meanings.get(folded)
    timed = "timeout" in kind.config.model_fields
    if found is None and timed and (unit := _DURATION.fullmatch(folded)) is not None:
        return _timeout(unit[1])
    return found


def of_edge(key: str) -> Meaning | None:
    """What a key means on an edge, or in its data."""
    return _OF_EDGE.get(fold(key))


def of_design(key: str) -> Meaning | None:
    """What a key means at the top level."""
    return _OF_DESIGN.get(fold(key))


_DURATION = re.compile(
    r"(?:sla|due|duein|timeout|timelimit|deadline|expires?|expirein|expiration|limit)"
    r"(|hours?|hrs?|h|minutes?|mins?|m|days?|d|seconds?|secs?|s)"
)
_UNITS = {"h": "h", "m": "m", "d": "d", "s": "s"}


def _timeout(unit: str) -> Meaning:
    letter = _UNITS.get(unit[:1])

    def written(_: str, value: Any) -> dict[str, Any] | None:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | str) or not value:
            return None
        if isinstance(value, int):
            return None if letter is None else {"timeout": f"{value}{letter}"}
        return {"timeout": value} if letter is None else None

    example = f", such as `48{letter}`" if letter else ", such as `24h`"
    return Meaning(f"`timeout`{example}", written)


def _text_rule(_: str, value: Any) -> dict[str, Any] | None:
    return {"when": value} if isinstance(value, str) and value.strip() else None


_OF_EDGE: Mapping[str, Meaning] = {
    **dict.fromkeys(
        (
            *("conditionexpression", "expression", "expr", "rule", "guard", "if", "filter"),
            *("formula", "predicate", "conditiontext", "conditionexpr"),
        ),
        Meaning('`data.when`, such as `"data": {"when": "event.data.amount > 100"}`', _text_rule),
    ),
    **dict.fromkeys(
        ("conditions", "rules", "conditionlist", "conditiongroup"),
        Meaning('`data.condition`, such as `{"field": "amount", "operator": ">", "value": 100}`'),
    ),
    **called("default", "isdefault", "otherwise", "defaultflow", "iselse", "defaultedge"),
    **called("priority", "prioritylevel", "precedence", "conditionorder"),
    **dict.fromkeys(
        ("maxloops", "loopcount", "maxiterations", "isback", "isloop", "back", "maxreturns"),
        Meaning('`data.loop`, such as `"data": {"loop": {"max": 3}}`'),
    ),
    **dict.fromkeys(
        (
            *("outcome", "branch", "sourceport", "sourceportid", "sourceanchor", "sourceanchorid"),
            *("fromport", "fromhandle", "outputname", "exit", "sourcehandleid", "port", "action"),
        ),
        Meaning("`sourceHandle`, which names the outcome that the edge leaves by"),
    ),
}

_OF_DESIGN: Mapping[str, Meaning] = {
    **STARTS,
    "timeout": Meaning('`timeouts`, such as `"timeouts": {"finish": "7d"}`'),
    "executiontimeout": Meaning('`timeouts`, such as `"timeouts": {"finish": "7d"}`'),
    **TRIES,
    **called("concurrency", "maxconcurrency", "maxactiveruns", "parallelism", "concurrencylimit"),
    **called("idempotency", "idempotencykey", "dedupekey", "deduplicationkey"),
    **called("cancelOn", "cancel", "cancelevent", "cancelevents", "abortson"),
    **called("onFailure", "onerror", "errorhandler", "failurehandler", "onfail"),
    **called("throttle", "ratelimit"),
    **called("description", "desc"),
}


def title(written: Mapping[str, Any]) -> str:
    """What a fix changes, for its title."""
    if "approverType" in written:
        ids = ", ".join(f"`{shown(one)}`" for one in written["approverIds"][:5])
        return f"ask the {written['approverType']} {ids}"
    if list(written) == ["timeout"]:
        return f"time out after `{shown(written['timeout'])}`"
    texts = [
        f"`{key}: {shown(json.dumps(one, ensure_ascii=False))}`" for key, one in written.items()
    ]
    return f"let it count: write {' and '.join(texts)}"
