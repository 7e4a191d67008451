"""The drawings that runs are pinned to, by digest; they never change."""

from __future__ import annotations

from collections import OrderedDict

from proflow_schemas.definition import Canvas

from proflow_runtime.store import designs

KEPT = 256
"""Drawings that a process keeps."""
_known: OrderedDict[str, Canvas] = OrderedDict()


async def canvas_of(digest: str) -> Canvas | None:
    """The drawing of a definition; None: nobody has published it."""
    if digest not in _known:
        definition = await designs.definition(digest)
        if definition is None:
            return None
        _known[digest] = definition.canvas
        while len(_known) > KEPT:
            _known.popitem(last=False)
    _known.move_to_end(digest)
    return _known[digest]
