"""Defines what a rule is: its code, its name, and the texts of its doc page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proflow_schemas.language import Language, Message, Text, Texts, in_language

from proflow_compiler.diagnostics import Diagnostic, Fix, Level, Related

TEXTS = Texts(
    "rule",
    {
        "error": Text("error", "错误"),
        "warning": Text("warning", "警告"),
        "info": Text("info", "提示"),
        "reports": Text("Reports {summary:raw}.", "Reports {summary:raw}."),
        "why": Text("Why", "原因"),
        "incorrect": Text("Incorrect", "错误示例"),
        "correct": Text("Correct", "正确示例"),
        "how": Text("How to fix", "修复方法"),
        "fixable": Text(
            "Where one is known, `proflow check` shows a fix, and `proflow check --fix` applies a "
            "safe one.",
            "`proflow check` 会显示已知的修复，`proflow check --fix` 会应用其中安全的修复。",
        ),
    },
)


@dataclass(frozen=True)
class Rule:
    """A rule and its documentation. All texts are Markdown.

    Attributes:
        code: The code, such as `PF201`.
        name: The name, such as `missing-start`.
        level: The level of its diagnostics, unless a diagnostic has another one.
        summary: What it reports: completes the sentence "Reports …".
        why: Why that is a problem.
        incorrect: A file that it reports, or a description of one.
        correct: A file that it does not report, or a description of one.
        fix: How to fix the problem.
        fixable: True if some of its diagnostics have fixes.
        texts: What its diagnostics say, in each language, by keys of its own.
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
    texts: Mapping[str, Text] = field(default_factory=dict)

    def text(self, key: str, /, **arguments: Any) -> Message:
        """Return one of the rule's texts with its arguments filled in."""
        return Texts(self.code, self.texts)(key, **arguments)

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
        """Create a diagnostic of this rule; the arguments are those of `Diagnostic`."""
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

    def markdown(self, language: Language = "en") -> str:
        """Return the doc page: what it reports, why, two examples, and how to fix it.

        Args:
            language: The language of the headings.
        """

        def word(key: str) -> str:
            return in_language(TEXTS(key), language)

        fixable = f"\n\n{word('fixable')}" if self.fixable else ""
        return (
            f"# {self.code} · {self.name}\n\n"
            f"*{word(self.level.value)}* · {in_language(TEXTS('reports', summary=self.summary), language)}\n\n"
            f"## {word('why')}\n\n{self.why.strip()}\n\n"
            f"## {word('incorrect')}\n\n{_block(self.incorrect)}\n"
            f"## {word('correct')}\n\n{_block(self.correct)}\n"
            f"## {word('how')}\n\n{self.fix.strip()}{fixable}\n"
        )


def _block(example: str) -> str:
    """Format an example as a JSON block, or as text if it is a description."""
    text = example.strip()
    return f"```json\n{text}\n```\n" if text[:1] in ("{", "[") else f"{text}\n"
