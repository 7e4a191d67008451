"""Names the exits of drawn loops: an enumeration for each loop that has several."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from proflow_schemas.outcomes import Outcomes
from proflow_schemas.step_ids import loop_of

from proflow_compiler.emit.literals import Source, docstring, literal, mention
from proflow_compiler.emit.names import Names, identifier


@dataclass(frozen=True, slots=True)
class _Enumeration:
    """The class of one loop: its name, and exit → member."""

    name: str
    loop: str
    members: dict[str, str] = field(default_factory=dict)


class Exits:
    """The enumerations of a module; one is made when an exit of its loop is first mentioned."""

    def __init__(self, outcomes: Outcomes, names: Names) -> None:
        self._outcomes, self._names = outcomes, names
        self._found: dict[str, _Enumeration] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def of(self, node: str, exit: str) -> Source:
        """Return the expression of an exit.

        Args:
            node: The id of the loop's exits (`exit_id`).
            exit: The exit.
        """
        known = self._found.get(node)
        if known is None:
            known = self._found[node] = self._enumeration(node)
        return Source(f"{known.name}.{known.members[exit]}")

    def lines(self) -> Iterator[str]:
        """Yield the source of the classes."""
        for one in self._found.values():
            yield f"class {one.name}(StrEnum):"
            yield f"    {docstring(f'The exits of the loop that begins with {mention(one.loop)}.')}"
            yield ""
            yield from (f"    {member} = {literal(exit)}" for exit, member in one.members.items())
            yield ""

    def _enumeration(self, node: str) -> _Enumeration:
        loop = loop_of(node)
        words = identifier(loop).split("_")
        name = "".join(word[:1].upper() + word[1:] for word in words)
        found = _Enumeration(self._names.claim(f"{name}Exit"), loop)
        taken: set[str] = set()
        for exit in self._outcomes.of(node):
            found.members[exit] = _member(exit, taken)
        return found


def _member(exit: str, taken: set[str]) -> str:
    """Return the name of a member, and add it to `taken`."""
    plain = identifier(exit)
    upper = unicodedata.normalize("NFKC", plain.upper())
    plain = upper if upper.isidentifier() else plain
    name, count = plain, 1
    while name in taken:
        count += 1
        name = f"{plain}_{count}"
    taken.add(name)
    return name
