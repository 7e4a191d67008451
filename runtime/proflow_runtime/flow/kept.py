"""A mapping that can be taken back to how it was."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_MISSING: Any = object()


class Kept(dict[K, V]):
    """A dictionary that remembers what its values were when it was last marked.

    Marks nest. What is kept grows with what is changed, not with how much there is: a run marks its
    dictionaries for each item of a foreach. Nothing is changed but by `[]` and `discard`.
    """

    __slots__ = ("_before",)

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._before: list[dict[K, V]] = []

    def __setitem__(self, key: K, value: V) -> None:
        if self._before and key not in self._before[-1]:
            self._before[-1][key] = self.get(key, _MISSING)
        super().__setitem__(key, value)

    def discard(self, key: K) -> None:
        """Remove a key, if it is there."""
        if key in self:
            if self._before and key not in self._before[-1]:
                self._before[-1][key] = self[key]
            super().__delitem__(key)

    def mark(self) -> None:
        """Remember from here on what values were."""
        self._before.append({})

    def unmark(self) -> None:
        """Forget the last mark; what has changed since counts for the one before it."""
        changed = self._before.pop()
        if self._before:
            for key, value in changed.items():
                self._before[-1].setdefault(key, value)

    def changed(self) -> dict[K, V]:
        """What has other values than at the last mark, or is new."""
        return {
            key: self[key]
            for key, value in self._before[-1].items()
            if key in self and self[key] is not value
        }

    def take_back(self, keep: Container[K] = ()) -> None:
        """Make everything as it was at the last mark, but for what is to be kept."""
        changed = self._before[-1]
        for key in [key for key in changed if key not in keep]:
            value = changed.pop(key)
            if value is not _MISSING:
                super().__setitem__(key, value)
            elif key in self:
                super().__delitem__(key)
