"""Makes readable, unique identifiers for a generated module from node ids."""

import builtins
import keyword
import re
import unicodedata

MAX_LENGTH = 40

_OUTSIDE = re.compile(r"\W+")
_CASES = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_RESERVED = frozenset(
    name
    for name in (
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        *("flow", "handlers", "client", "inngest", "timedelta", "workflow", "fan_out"),
        *(
            "on_failure",
            "functions",
            "partial",
            "Flow",
            "Result",
            "Again",
            "ApprovalPolicy",
            "NoReturn",
            "Branch",
            "Exit",
            "InnerList",
            "Reminders",
            "Retry",
            "StrEnum",
            "FUNCTIONS",
        ),
        *("ended", "again", "over", "WITH_CALL", "WITH_PARENT"),
        *("l", "O", "I"),
    )
)


class Names:
    """The names in use in one module. A node may have several, for different purposes."""

    def __init__(self) -> None:
        self._taken = set(_RESERVED)
        self._given: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def of(self, node: str, purpose: str = "") -> str:
        """Return the name of a node; `purpose` is appended if the plain name is taken."""
        key = (node, purpose)
        if key not in self._given:
            self._given[key] = self._free(identifier(node), purpose)
        return self._given[key]

    def claim(self, name: str) -> str:
        """Return `name`, or a variant of it if it is taken, and reserve it."""
        return self._free(name, "")

    def exactly(self, name: str) -> str:
        """Return a host's name unchanged, even if it is reserved, unless the module defines it."""
        if name in self._taken - _RESERVED:
            return self._free(name, "")
        self._taken.add(name)
        return name

    def _free(self, plain: str, purpose: str) -> str:
        name = plain
        if name in self._taken and purpose:
            name = f"{plain}_{purpose}"
        elif name in _RESERVED:
            name = f"{plain}_"
        count = self._counts.get(plain, 1)
        while name in self._taken:
            count += 1
            name = f"{plain}_{count}"
        self._counts[plain] = count
        self._taken.add(name)
        return name


def identifier(text: str) -> str:
    """Return an identifier that resembles a text: lower case, words joined by underscores."""
    normal = unicodedata.normalize("NFKC", text)
    words = _OUTSIDE.sub("_", _CASES.sub("_", normal)).lower().strip("_")[:MAX_LENGTH].strip("_")
    found = re.sub(r"_{2,}", "_", unicodedata.normalize("NFKC", words))
    if not found or not found.isprintable():
        return "step"
    if not found.isidentifier():
        found = f"step_{found}"
    return found if found.isidentifier() else "step"
