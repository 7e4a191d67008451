"""Tables of measurements, with the target beside what was measured."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; the first column is text, the others are figures."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def verdict(measured: float, target: float) -> str:
    """`11.2 ≤ 12`, or the same with `MISSED`."""
    return (
        f"{measured:.2f} ≤ {target:g}"
        if measured <= target
        else f"{measured:.2f} MISSED {target:g}"
    )
