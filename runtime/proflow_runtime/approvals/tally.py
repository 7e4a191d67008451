"""Decides an approval by its votes, with pure functions that use no database and no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from proflow_schemas.definition import ApprovalMode

Vote = Literal["queued", "open", "approved", "rejected", "returned"]
Decided = Literal["approved", "rejected", "returned"]


@dataclass(frozen=True)
class Ballot:
    """The vote of one approver.

    Attributes:
        vote: The status of the approver's assignment.
        last: False if another approver has to agree after this one.
    """

    vote: Vote
    last: bool = True


def decided(mode: ApprovalMode, ratio: Fraction, ballots: Sequence[Ballot]) -> Decided | None:
    """Decide an approval as soon as no further vote can change the decision.

    A vote to return decides at once. Otherwise it depends on the mode:

    - `any`: the first rejection decides, and the first agreement of an approver who is `last`.
    - `all`, `sequential`: the first rejection decides, or the agreement of everybody.
    - `quorum`: ⌈`ratio` × approvers⌉ agreements approve; the approval is rejected as soon as they
      cannot be reached any more.

    Args:
        mode: How votes are counted.
        ratio: The share of approvers who must agree, from 0 to 1; used by `quorum` only.
        ballots: The votes of all approvers.

    Returns:
        The decision, or None while the approval is open or has no approvers.
    """
    votes = [ballot.vote for ballot in ballots]
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
        agreed = any(ballot.vote == "approved" and ballot.last for ballot in ballots)
    else:
        agreed = all(vote == "approved" for vote in votes)
    return "approved" if agreed else None


def needed_of(ratio: Fraction, approvers: int) -> int:
    """Return how many of the approvers have to agree, at least one."""
    return max(1, math.ceil(ratio * approvers))


def ratio_of(value: float | None) -> Fraction:
    """Convert the pass ratio of a design to an exact share.

    Args:
        value: A share up to 1, or a percentage above 1; None means all approvers.
    """
    if value is None:
        return Fraction(1)
    exact = Fraction(str(value))
    return exact / 100 if exact > 1 else exact
