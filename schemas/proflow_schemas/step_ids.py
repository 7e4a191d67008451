"""Inngest step ids, derived from node ids alone and unique by construction.

`x` is the node's own step, `x/wait` and `x/notify` are parts of an approval, `x#k` the k-th
execution of a node in a loop (k ≥ 2), `x[i]` the item i of a container. The characters that carry
this meaning are percent-escaped in node ids, so that no node id can imitate another's step.
"""

import re

_SPECIAL = re.compile(r"[#\[\]/%]")
_ESCAPE = re.compile(r"%(23|5B|5D|2F|25)")


def escape(node: str) -> str:
    """A node id as it stands in step ids."""
    return _SPECIAL.sub(lambda m: f"%{ord(m[0]):02X}", node)


def step_id(node: str, part: str | None = None, *, execution: int = 1) -> str:
    """The step id of a node, or of one part of it, at its k-th execution."""
    own = escape(node) + (f"#{execution}" if execution > 1 else "")
    return f"{own}/{part}" if part else own


def node_of(step: str) -> str:
    """The node id a step id was derived from."""
    own = re.split(r"[#\[/]", step, maxsplit=1)[0]
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), own)
