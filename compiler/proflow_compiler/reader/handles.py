"""Handles that name no outcome, and what they seem to be meant for."""

import re

from proflow_compiler.problems import closest

_ERROR_WORDS = frozenset(
    ["err", "errored", "erroneous", "fail", "failed", "fails", "failure", "exception", "catch"]
)
_ERROR_IN_CHINESE = ("失败", "失敗", "错误", "錯誤", "异常", "異常", "出错", "出錯")


def means_error(handle: str) -> bool:
    """Whether a handle that is no outcome seems to be meant for `error`: `onError`, `failed`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", handle[:100])
    words = re.split(r"[\W_]+", spaced.lower())
    return any(word in handle for word in _ERROR_IN_CHINESE) or any(
        word in _ERROR_WORDS or closest(word, ["error"], cutoff=0.75) is not None for word in words
    )
