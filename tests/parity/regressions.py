"""Small designs that once ran otherwise than they mean, each with its environment.

A file of `fixtures/equivalence` holds `{"about", "design", "outside"}`; `outside` has the fields of
the reference's `Outside` that are not empty.
"""

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from parity.environments import children
from reference import Answer, Outside

FOLDER = Path(__file__).parents[2] / "fixtures" / "equivalence"


@dataclass(frozen=True)
class Regression:
    name: str
    design: dict[str, Any]
    outside: Outside

    def __str__(self) -> str:
        return self.name


@cache
def regressions() -> list[Regression]:
    """All of them, by name."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        told = json.loads(path.read_text())
        given = told["outside"]
        answers = {step: Answer(**answer) for step, answer in given.get("answers", {}).items()}
        outside = Outside(**{**given, "answers": answers, "children": children()})
        found.append(Regression(path.stem, told["design"], outside))
    return found


def as_json(design: dict[str, Any], outside: Outside) -> str:
    """The text of a file, but for what it is about."""
    given: dict[str, Any] = {
        "data": dict(outside.data),
        "answers": {step: asdict(answer) for step, answer in outside.answers.items()},
        "failures": dict(outside.failures),
        "outputs": dict(outside.outputs),
    }
    told = {"about": "", "design": design, "outside": {k: v for k, v in given.items() if v}}
    return json.dumps(told, ensure_ascii=False, indent=1)
