"""What a design needs of its host, and what the host lacks, so that no run waits for it in vain.

Node types say what a node needs (`NodeType.needs`), the host says what of it is missing, and the rule
`not-ready` reports that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

NeedKind = Literal["channel", "mail", "model", "approver", "recipient", "workflow"]
"""What can be needed:

- `channel`: a notification channel, by its name
- `mail`: a mail server
- `model`: a language model, by its name; an empty name is the host's default
- `approver`: somebody who can decide, such as `user:7` or `role:finance`
- `recipient`: somebody who can get a notification, in the same form
- `workflow`: a published workflow, by its id
"""


@dataclass(frozen=True)
class Need:
    """Something that a design needs of its host.

    Attributes:
        kind: What it is.
        name: Which one; empty if there is only one.
    """

    kind: NeedKind
    name: str = ""


@dataclass(frozen=True)
class Lack:
    """Why a need is not met.

    Attributes:
        message: What is missing.
        help: What to do.
        passing: True if it is a setting that is missing now. Otherwise the design can never work.
    """

    message: str
    help: str | None = None
    passing: bool = False


Lacks = Mapping[Need, Lack]
"""The needs of a design that are not met."""


@dataclass(frozen=True)
class NodeNeed:
    """A need of one node.

    Attributes:
        need: What it needs.
        key: The key of its config that says so.
    """

    need: Need
    key: str
