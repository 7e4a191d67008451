"""Caches the canvases of stored definitions by digest; a digest's canvas never changes."""

from __future__ import annotations

from collections import OrderedDict

from proflow_schemas.definition import Canvas

from proflow_runtime.store import formats

KEPT = 256
"""How many canvases a process caches at most."""
_known: OrderedDict[str, Canvas] = OrderedDict()


async def canvas_of(digest: str) -> Canvas | None:
    """Get the canvas of a definition.

    Args:
        digest: The digest of the definition.

    Returns:
        The canvas, or None if there is no such definition or its canvas cannot be read.
    """
    if digest not in _known:
        about = await formats.about(digest)
        if about is None or about.canvas is None:
            return None
        _known[digest] = about.canvas
        while len(_known) > KEPT:
            _known.popitem(last=False)
    _known.move_to_end(digest)
    return _known[digest]
