"""Guesses which outcome is meant by a handle that names none."""

import re
from collections.abc import Mapping, Sequence

from proflow_compiler.diagnostics.similar_words import closest

_ERROR_WORDS = frozenset(
    ["err", "errored", "erroneous", "fail", "failed", "fails", "failure", "exception", "catch"]
)
_ERROR_IN_CHINESE = ("失败", "失敗", "错误", "錯誤", "异常", "異常", "出错", "出錯")


def means_error(handle: str) -> bool:
    """Return True if a handle seems to be meant for the outcome `error`: `onError`, `failed`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", handle[:100])
    words = re.split(r"[\W_]+", spaced.lower())
    return any(word in handle for word in _ERROR_IN_CHINESE) or any(
        word in _ERROR_WORDS or closest(word, ["error"], cutoff=0.75) is not None for word in words
    )


_WORDS: Mapping[str, tuple[str, ...]] = {
    "approved": (
        *(
            "approve",
            "ok",
            "yes",
            "pass",
            "passed",
            "agree",
            "agreed",
            "accept",
            "accepted",
            "true",
        ),
        *("success", "complete", "completed", "同意", "通过", "批准"),
    ),
    "rejected": (
        *("reject", "no", "refuse", "refused", "deny", "denied", "disagree", "decline", "declined"),
        *("false", "fail", "failed", "驳回", "拒绝", "不同意", "不通过"),
    ),
    "timeout": ("expired", "expire", "timedout", "overdue", "timeouts", "超时"),
    "returned": ("return", "back", "sendback", "rollback", "rework", "revise", "退回", "退件"),
    "received": ("receive", "event", "ok", "done", "matched", "success"),
    "error": ("onerror", "exception", "catch"),
}


def outcome_meant(handle: str, outcomes: Sequence[str]) -> str | None:
    """Return the outcome that a handle seems to be meant for; None if none is similar."""
    folded = re.sub(r"[\W_]+", "", handle[:100].lower())
    for outcome in outcomes:
        if folded in _WORDS.get(outcome, ()):
            return outcome
    return closest(handle, list(outcomes))
