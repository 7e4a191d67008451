"""Definitions of small designs."""

from typing import Any

from proflow_schemas.definition import Definition


def defined(code: str = "leave", **settings: Any) -> Definition:
    """A design with a start and an end; the settings given are of the definition."""
    base = {
        "id": code,
        "name": code,
        "triggers": [{"event": f"{code}/start"}],
        "canvas": {"nodes": [], "edges": []},
        "steps": [{"fn": "end", "id": "done", "node": "done"}],
    }
    return Definition.model_validate({**base, **settings}).with_digest()
