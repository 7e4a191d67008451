"""The format of definitions, and the error for a format that this version cannot read."""

import re
from typing import Literal

from proflow_schemas.errors import ProFlowError

FORMAT: Literal["proflow/definition@2"] = "proflow/definition@2"
"""The format that this version writes, and the only one that it reads."""
_FORMAT_NAME = re.compile(r"proflow/definition@([0-9]{1,6})")


class UnknownFormatError(ProFlowError):
    """Raised when a definition has a format that this version of ProFlow cannot read.

    Attributes:
        format: The format that the definition names.
        workflow: The id of its workflow; None if it has no id.
    """

    def __init__(self, format: str, workflow: str | None = None) -> None:
        of = "" if workflow is None else f" of `{workflow}`"
        super().__init__(
            f"the definition{of} has the format `{format}`;"
            f" this version of ProFlow reads `{FORMAT}` only"
        )
        self.format = format
        self.workflow = workflow

    @property
    def is_older(self) -> bool:
        """True if the format precedes the current one, so that compiling the design again helps."""
        return is_older(self.format)


def is_older(format: str) -> bool:
    """Return True if `format` precedes the current format.

    A text that names no format of definitions precedes nothing.
    """
    return 0 < _number(format) < _number(FORMAT)


def _number(format: str) -> int:
    """The number after the `@`; 0 if the text names no format of definitions."""
    found = _FORMAT_NAME.fullmatch(format)
    return 0 if found is None else int(found[1])
