"""The drawings that runs are pinned to, by digest; they never change."""

from __future__ import annotations

from collections import OrderedDict

from proflow_schemas.definition import Canvas

from proflow_runtime.store import formats

KEPT = 256
"""Drawings that a process keeps."""
_known: OrderedDict[str, Canvas] = OrderedDict()


async def canvas_of(digest: str) -> Canvas | None:
    """The drawing of a definition; None: there is none that can be read."""
    if digest not in _known:
        about = await formats.about(digest)
        if about is None or about.canvas is None:
            return None
        _known[digest] = about.canvas
        while len(_known) > KEPT:
            _known.popitem(last=False)
    _known.move_to_end(digest)
    return _known[digest]
