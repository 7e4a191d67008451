"""Which links of a round can be taken in one run.

Two links out of one place can if they are of one outcome, or the place takes every one that holds;
else if a link into the later source is the other one, or can be taken together with it. Exact where
choices are independent. Rows are kept of *open* links only, whose target is yet to come, as the bits
of an integer; a place that one link leads to and one out of hands on the row as it is.
"""

from collections.abc import Iterator, Mapping

from proflow_compiler.places import Place, Round


def meetings(round_: Round, watched: Mapping[str, str]) -> set[tuple[str, str]]:
    """Groups of places, two links into which can be taken in one run; `watched`: place → group.

    A group meets itself if links into it can be taken together.
    """
    if not watched or not any(place.forks for place in round_.places.values()):
        return set()
    rows = _Rows()
    bits_of: dict[str, int] = dict.fromkeys(watched.values(), 0)
    for name in round_.topological:
        before = rows.into.pop(name, [])
        if name in watched:
            for bit in before:
                bits_of[watched[name]] |= 1 << bit
        else:
            rows.close(before)
        rows.lead_on(round_.places[name], before, reuse=name not in watched)
    found: set[tuple[str, str]] = set()
    for group, bits in bits_of.items():
        together = 0
        for bit in _indices(bits):
            together |= rows.row[bit]
        found |= {(group, other) for other, bits in bits_of.items() if together & bits}
    return found


class _Rows:
    """`row[i]` are the bits of the links that can be taken together with link i."""

    def __init__(self) -> None:
        self.row: list[int] = []
        self.into: dict[str, list[int]] = {}
        self.open = 0

    def close(self, links: list[int]) -> None:
        for bit in links:
            self.open &= ~(1 << bit)

    def lead_on(self, place: Place, before: list[int], *, reuse: bool) -> None:
        links = [(index, link) for index, way in enumerate(place.ways) for link in way.links]
        if reuse and len(before) == len(links) == 1:
            self.into.setdefault(links[0][1].target, []).append(before[0])
            self.open |= 1 << before[0]
            return
        together = 0
        for bit in before:
            together |= self.row[bit] | (0 if reuse else 1 << bit)
        together &= self.open
        first, by_way = len(self.row), [0] * len(place.ways)
        for offset, (index, _) in enumerate(links):
            by_way[index] |= 1 << (first + offset)
        new = sum(by_way)
        for offset, (index, link) in enumerate(links):
            siblings = new if place.every else by_way[index]
            self.row.append(together | siblings & ~(1 << (first + offset)))
            self.into.setdefault(link.target, []).append(first + offset)
        for bit in _indices(together):
            self.row[bit] |= new
        self.open |= new


def _indices(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
