"""A rule: its code, its name, and all that `proflow explain` and its doc page say about it."""

from collections.abc import Iterable
from dataclasses import dataclass

from proflow_compiler.diagnostics import Diagnostic, Fix, Level, Related

_FIXABLE = (
    "Where one is known, `proflow check` shows a fix, and `proflow check --fix` applies a safe one."
)


@dataclass(frozen=True)
class Rule:
    """One rule. `incorrect` and `correct` are whole files, or describe one in words.

    `summary` completes the sentence "reports …"; the texts are Markdown.
    """

    code: str
    name: str
    level: Level
    summary: str
    why: str
    incorrect: str
    correct: str
    fix: str
    fixable: bool = False
    """Its diagnostics carry fixes, where there are any."""

    def diagnostic(
        self,
        message: str,
        pointer: str,
        *,
        span: tuple[int, int] | None = None,
        node: str | None = None,
        edge: str | None = None,
        label: str | None = None,
        help: str | None = None,
        path: tuple[str, ...] = (),
        choices: Iterable[tuple[str, str]] = (),
        related: tuple[Related, ...] = (),
        level: Level | None = None,
        fixes: Iterable[Fix] = (),
    ) -> Diagnostic:
        """A diagnostic of this rule, at the rule's level unless another is given."""
        return Diagnostic(
            code=self.code,
            name=self.name,
            level=level or self.level,
            message=message,
            pointer=pointer,
            span=span,
            node=node,
            edge=edge,
            help=help,
            path=path,
            choices=tuple(choices),
            label=label,
            related=related,
            fixes=tuple(fixes),
        )

    def markdown(self) -> str:
        """The doc page: what, why, an incorrect and a correct example, how to fix it."""
        fixable = f"\n\n{_FIXABLE}" if self.fixable else ""
        return (
            f"# {self.code} · {self.name}\n\n"
            f"*{self.level.value}* · Reports {self.summary}.\n\n"
            f"## Why\n\n{self.why.strip()}\n\n"
            f"## Incorrect\n\n{_block(self.incorrect)}\n"
            f"## Correct\n\n{_block(self.correct)}\n"
            f"## How to fix\n\n{self.fix.strip()}{fixable}\n"
        )


def _block(example: str) -> str:
    """An example; one that cannot be shown as a file is described in words."""
    text = example.strip()
    return f"```json\n{text}\n```\n" if text[:1] in ("{", "[") else f"{text}\n"
