"""What votes come to. Pure: no database, no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Mode = Literal["any", "all", "sequential", "quorum"]
Vote = Literal["queued", "open", "approved", "rejected", "returned"]
Decided = Literal["approved", "rejected", "returned"]


@dataclass(frozen=True)
class Seat:
    """One approver of now. `last`: nobody has to agree after them."""

    vote: Vote
    last: bool = True


def decided(mode: Mode, ratio: Fraction, seats: Sequence[Seat]) -> Decided | None:
    """The decision, as soon as nothing can change it; None: it is open, as it is for nobody.

    any: the first vote, but for those after whom another has to agree. all, sequential: the first
    rejection, or everybody's agreement. quorum: ⌈`ratio` × approvers⌉ agreements, or so many others
    that these can no longer come. A return decides at once.
    """
    votes = [seat.vote for seat in seats]
    if not votes:
        return None
    if "returned" in votes:
        return "returned"
    if mode == "quorum":
        needed = needed_of(ratio, len(votes))
        if votes.count("approved") >= needed:
            return "approved"
        return "rejected" if len(votes) - votes.count("rejected") < needed else None
    if "rejected" in votes:
        return "rejected"
    if mode == "any":
        agreed = any(seat.vote == "approved" and seat.last for seat in seats)
    else:
        agreed = all(vote == "approved" for vote in votes)
    return "approved" if agreed else None


def needed_of(ratio: Fraction, approvers: int) -> int:
    """How many have to agree."""
    return max(1, math.ceil(ratio * approvers))


def ratio_of(value: float | None) -> Fraction:
    """A share up to 1, or a percentage above; exactly as it was written. All, without one."""
    if value is None:
        return Fraction(1)
    exact = Fraction(str(value))
    return exact / 100 if exact > 1 else exact
