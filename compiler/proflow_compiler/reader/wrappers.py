"""A graph below `data`, `graph`, `design`, `diagram` or `workflow.graph`, as APIs wrap it."""

from typing import Any

PATHS = (("data",), ("graph",), ("design",), ("diagram",), ("workflow", "graph"), ("workflow",))


def inside(value: dict[str, Any], pointer: str) -> tuple[Any, str] | None:
    """What the wrapper holds, and where; None if there is no wrapper."""
    for path in PATHS:
        found: Any = value
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict) or (path == ("data",) and isinstance(found, list)):
            return found, f"{pointer}/{'/'.join(path)}"
    return None
