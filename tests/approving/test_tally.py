"""What votes come to, against all that could still happen."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proflow_runtime.approvals.tally import Ballot, decided, needed_of, ratio_of

VOTES = ("open", "approved", "rejected")


def final(mode: str, ratio: Fraction, votes: tuple[str, ...]) -> str:
    """Of votes that everybody has given."""
    if mode == "quorum":
        enough = votes.count("approved") >= max(1, -(-ratio * len(votes) // 1))
        return "approved" if enough else "rejected"
    return "approved" if "rejected" not in votes else "rejected"


@given(
    st.sampled_from(["all", "sequential", "quorum"]),
    st.fractions(min_value=Fraction(1, 100), max_value=1),
    st.lists(st.sampled_from(VOTES), min_size=1, max_size=7),
)
def test_it_is_decided_as_soon_as_nothing_can_change_it(
    mode: str, ratio: Fraction, votes: list[str]
) -> None:
    ways = product(*(("approved", "rejected") if vote == "open" else (vote,) for vote in votes))
    possible = {final(mode, ratio, way) for way in ways}
    expected = possible.pop() if len(possible) == 1 else None
    assert decided(mode, ratio, [Ballot(vote) for vote in votes]) == expected  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(VOTES), max_size=5))
def test_any_is_decided_by_the_first_vote(votes: list[str]) -> None:
    found = decided("any", Fraction(1), [Ballot(vote) for vote in votes])  # type: ignore[arg-type]
    assert (found is None) == (set(votes) <= {"open"})


def test_somebody_after_whom_another_has_to_agree_does_not_decide_for_all() -> None:
    assert decided("any", Fraction(1), [Ballot("approved", last=False), Ballot("open")]) is None
    assert (
        decided("any", Fraction(1), [Ballot("rejected", last=False), Ballot("open")]) == "rejected"
    )


@pytest.mark.parametrize("mode", ["any", "all", "sequential", "quorum"])
def test_a_return_decides_at_once_and_nobody_decides_nothing(mode: str) -> None:
    ballots = [Ballot("open"), Ballot("returned"), Ballot("queued")]
    assert decided(mode, Fraction(1), ballots) == "returned"  # type: ignore[arg-type]
    assert decided(mode, Fraction(1), []) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "approvers", "needed"),
    [(0.6, 5, 3), (60, 5, 3), (66.7, 3, 3), (0.07, 100, 7), (1, 4, 4), (None, 4, 4), (0.01, 3, 1)],
)
def test_a_quorum_is_counted_exactly(given: float | None, approvers: int, needed: int) -> None:
    assert needed_of(ratio_of(given), approvers) == needed
