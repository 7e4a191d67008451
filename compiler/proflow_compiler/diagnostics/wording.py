"""How names from a design stand in messages."""

from collections.abc import Sequence

from proflow_compiler.diagnostics.problems import shown


def ticks(name: str) -> str:
    """A name in backticks, short and on one line."""
    return f"`{shown(name)}`"


def listed(names: Sequence[str], word: str = "and", most: int = 5) -> str:
    """Names in backticks: `a`, `b` and `c`; at most `most` of them."""
    parts = [ticks(name) for name in names[:most]]
    if len(names) > most:
        parts.append(f"{len(names) - most} more")
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def walk(path: Sequence[str]) -> str:
    """A walk through the design in words: `a` → `b` → `c`; of a long one the two ends."""
    steps = [ticks(name) for name in path]
    if len(steps) > 9:
        steps = [*steps[:4], "…", *steps[-4:]]
    return " → ".join(steps)
