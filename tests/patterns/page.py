"""The page of the workflow patterns, made of the fixtures: text, drawing, generated code.

A fixture is a folder `<nn>-<name>` with a `design.json`, `runs.json` (as those of the other
fixtures) and `pattern.md`: the title, what the pattern is, a line `Supported: …` (of countersign
patterns: `A rejection: …`), how it is drawn, and remarks, as paragraphs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import fill

from proflow_compiler.drawing import figure, mermaid
from proflow_compiler.emit import Imports, emit_module
from proflow_compiler.pipeline import Compilation, compile_file

ROOT = Path(__file__).parents[2]
PATTERNS = ROOT / "fixtures" / "patterns"
PAGE = ROOT / "docs" / "patterns.md"

INTRODUCTION = """\
# Workflow patterns

The twenty basic patterns of W. van der Aalst, A. ter Hofstede, B. Kiepuszewski and A. Barros,
*Workflow Patterns*, Distributed and Parallel Databases 14 (2003): how each is drawn, what it
compiles to, and what to do where there is no such thing. Behind them, eight drawings for
countersigning. The designs are in `fixtures/patterns`; all of them are checked, compiled and run by
the tests, and this page is written from them.
"""
COUNTERSIGNING = """\
Countersigning (会签, 会审): several people or departments review a request at the same time. The
drawings differ in what a rejection does:
"""
BASIC = range(1, 21)
"""The numbers of the twenty patterns; those of countersigning follow."""


@dataclass(frozen=True)
class Pattern:
    """One fixture."""

    folder: Path

    @property
    def number(self) -> int:
        return int(self.folder.name[:2])

    @property
    def location(self) -> str:
        return str(self.folder / "design.json")

    @cached_property
    def compilation(self) -> Compilation:
        return compile_file(self.location)

    @cached_property
    def _paragraphs(self) -> list[str]:
        text = (self.folder / "pattern.md").read_text(encoding="utf-8")
        return [paragraph.strip() for paragraph in text.split("\n\n")]

    @property
    def title(self) -> str:
        return self._paragraphs[0].removeprefix("# ")

    @property
    def supported(self) -> str:
        return self._said("Supported")

    @property
    def rejection(self) -> str:
        """Of a countersign pattern: what a rejection does."""
        return self._said("A rejection")

    def _said(self, what: str) -> str:
        label, said = self._paragraphs[2].split(": ", 1)
        assert label == what, self.folder
        return said.removesuffix(".")

    @property
    def section(self) -> str:
        """The part of the page that is about it."""
        what, how, remarks = self._paragraphs[1], self._paragraphs[3], self._paragraphs[4:]
        drawn = mermaid(figure(self.compilation.reading.designs[0]))
        basic = self.number in BASIC
        missing = basic and self.supported == "no"
        lead = f"There is no such thing here. Instead: {how}" if missing else how
        return "\n\n".join(
            [
                f"## {self.number}. {self.title}",
                _wrapped(what),
                _wrapped(lead),
                f"```mermaid\n{drawn}```",
                f"```python\n{self.code}```",
                *map(_wrapped, remarks),
            ]
        )

    @property
    def code(self) -> str:
        """What it compiles to: the generated functions, without imports and settings."""
        source = emit_module(self.compilation.definitions[0], Imports())
        functions = source[: source.index("\n\n\nFUNCTIONS")]
        blocks = re.split(r"\n\n\n(?=async def |@)", functions)[1:]
        return "\n\n\n".join(_undecorated(block) for block in blocks) + "\n"


def _wrapped(paragraph: str) -> str:
    return fill(paragraph, 100, break_long_words=False, break_on_hyphens=False)


def _undecorated(block: str) -> str:
    return block[block.index("async def ") :].strip()


def patterns() -> list[Pattern]:
    return [Pattern(path.parent) for path in sorted(PATTERNS.glob("*/design.json"))]


def page() -> str:
    """The whole text of `docs/patterns.md`."""
    found = patterns()
    basic = [_row(one, one.supported) for one in found if one.number in BASIC]
    signing = [_row(one, one.rejection) for one in found if one.number not in BASIC]
    parts = [
        INTRODUCTION.strip(),
        _table("supported", basic),
        COUNTERSIGNING.strip(),
        _table("a rejection", signing),
        *(one.section for one in found),
    ]
    return "\n\n".join(parts) + "\n"


def _row(pattern: Pattern, said: str) -> str:
    return f"| {pattern.number} | [{pattern.title}](#{_anchor(pattern)}) | {said} |"


def _table(title: str, rows: Sequence[str]) -> str:
    return "\n".join([f"| | pattern | {title} |", "|---|---|---|", *rows])


def _anchor(pattern: Pattern) -> str:
    """As the renderers of Markdown make it of the heading."""
    text = f"{pattern.number}. {pattern.title}".lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
