"""Renders diagnostics as text for people, as JSON, as SARIF, or as GitHub annotations."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Literal
from urllib.parse import quote

from proflow_schemas.language import Language, Text, Texts, in_language

from proflow_compiler.diagnostics import Diagnostic, Level, Related, has_errors, said_in
from proflow_compiler.diagnostics.excerpt import excerpt, visible
from proflow_compiler.diagnostics.json_text import JsonText
from proflow_compiler.diagnostics.patching import replacements
from proflow_compiler.diagnostics.source import Extent, Position, Source

_Positions = list[tuple[Related, Position]]
Format = Literal["text", "json", "sarif", "github"]
SARIF_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

TEXTS = Texts(
    "report",
    {
        "error": Text("error", "错误"),
        "warning": Text("warning", "警告"),
        "info": Text("info", "提示"),
        "path": Text("path", "路径"),
        "help": Text("help", "建议"),
        "fix": Text("fix", "修复"),
        "unsafe-fix": Text("unsafe fix", "修复（会改变运行）"),
        "note": Text("note", "注意"),
        "beside": Text("{path:raw}, while {beside:list}", "{path:raw}，同时 {beside:list}"),
        "line": Text("{name}: {text:raw}", "{name}：{text:raw}"),
        "untried": Text(
            "{count:1 fix was|# fixes were} not tried: checking the file again with each of them "
            "takes too long",
            "有 {count} 个修复未验证：逐个重新检查文件耗时过长",
        ),
    },
)
_COLOURS = {Level.ERROR: "31", Level.WARNING: "33", Level.INFO: "36"}
_SARIF_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_GITHUB_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}


@dataclass(frozen=True)
class FileReport:
    """The diagnostics of a file, or of one design of a file with several.

    Attributes:
        source: The file.
        diagnostics: The diagnostics.
        workflow: The id of the design, if it is known.
        path: The path that reports show, such as `PATH#id`; None: that of the file.
        language: The language of the messages.
    """

    source: Source
    diagnostics: Sequence[Diagnostic]
    workflow: str | None = None
    path: str | None = None
    language: Language = "en"

    @property
    def shown_path(self) -> str:
        """The path that reports show."""
        return self.source.path if self.path is None else self.path

    def located(self) -> list[Diagnostic]:
        """Return the diagnostics with lines and columns, in the order of the text."""
        found = locate(self.diagnostics, self.source)
        return [said_in(one, self.language) for one in found]


def render(
    diagnostics: Iterable[Diagnostic],
    source: Source,
    format: Format = "text",
    *,
    color: bool = False,
    strict: bool = False,
    workflow: str | None = None,
    language: Language = "en",
) -> str:
    """Render the diagnostics of one file; see `render_files`."""
    report = FileReport(source, list(diagnostics), workflow)
    return render_files([report], format, color=color, strict=strict, language=language)


def render_files(
    files: Sequence[FileReport],
    format: Format = "text",
    *,
    color: bool = False,
    strict: bool = False,
    language: Language = "en",
) -> str:
    """Render the diagnostics of several files as one document.

    Args:
        files: The files with their diagnostics.
        format: The format.
        color: Use terminal colours; only in `text`.
        strict: Count warnings as errors; only in `json`.
        language: The language of the messages.

    Returns:
        The document. It ends with a line break, unless it is empty.
    """
    files = [replace(file, language=language) for file in files]
    match format:
        case "text":
            return "\n".join(
                _text(diagnostic, file.source, related, color, language)
                for file in files
                for diagnostic, related in _with_related(file)
            )
        case "json":
            return _json(check_report(files, strict=strict), language)
        case "sarif":
            return _json(sarif_log(files), language)
        case "github":
            return "".join(
                _github(diagnostic, file.source, language)
                for file in files
                for diagnostic in file.located()
            )


def _json(report: dict[str, Any], language: Language) -> str:
    """Write a report; in ASCII as ever, but for Chinese, which people are to read."""
    return json.dumps(report, indent=2, ensure_ascii=language == "en") + "\n"


def locate(diagnostics: Iterable[Diagnostic], source: Source) -> list[Diagnostic]:
    """Fill in missing lines and columns, and sort by them.

    Args:
        diagnostics: The diagnostics.
        source: The file that their pointers refer to.
    """
    found = list(diagnostics)
    missing = {one.pointer for one in found if one.line is None}
    if missing:
        extents = source.extents(missing)
        found = [
            _located(one, source, extents[one.pointer]) if one.line is None else one
            for one in found
        ]
    return sorted(found, key=_order)


def _located(diagnostic: Diagnostic, source: Source, extent: Extent) -> Diagnostic:
    start, end = extent.start, extent.end
    if diagnostic.on_key and extent.key is not None:
        start, end = extent.key
    elif diagnostic.span is not None:
        start, end = source.within(extent, diagnostic.span)
    position = source.position(start, end)
    return replace(
        diagnostic,
        line=position.line,
        column=position.column,
        end_line=position.end_line,
        end_column=position.end_column,
    )


def _order(diagnostic: Diagnostic) -> tuple[int, int, str, str]:
    return (diagnostic.line or 0, diagnostic.column or 0, diagnostic.code, diagnostic.message)


def _text(
    diagnostic: Diagnostic, source: Source, related: _Positions, color: bool, language: Language
) -> str:
    paint = _COLOURS[diagnostic.level]

    def word(key: str) -> str:
        return in_language(TEXTS(key), language)

    def bold(text: str, colour: str) -> str:
        return f"\x1b[1;{colour}m{text}\x1b[0m" if color else text

    colon = "：" if language == "zh" else ": "
    head = bold(f"{word(diagnostic.level.value)}[{diagnostic.code}]", paint)
    lines = [f"{head}{colon}{visible(diagnostic.message)}"]
    line, column = diagnostic.line or 1, diagnostic.column or 1
    width = max(len(str(number)) for number in (line, *(position.line for _, position in related)))
    pad = " " * width

    def gutter(text: str) -> str:
        return bold(text, "34")

    def quoted(position: tuple[int, int, int, int], label: str | None, mark: str) -> Iterator[str]:
        shown = excerpt(source, *position)
        if shown is None:
            return
        text, indent, length = shown
        underline = mark * length + (f" {visible(label)}" if label else "")
        yield gutter(f"{pad} |")
        yield f"{gutter(f'{position[0]:>{width}} |')} {text}".rstrip()
        yield f"{gutter(f'{pad} |')} {' ' * indent}{bold(underline, paint if mark == '^' else '34')}"

    at = f"{visible(source.path)}:{line}:{column}"
    pointer = f" ({visible(diagnostic.pointer)})" if diagnostic.pointer else ""
    lines.append(f"{pad}{gutter('-->')} {at}{pointer}")
    end = (diagnostic.end_line or line, diagnostic.end_column or column + 1)
    lines += quoted((line, column, *end), diagnostic.label, "^")
    for other, position in related:
        lines.append(
            f"{pad}{gutter(':::')} {visible(source.path)}:{position.line}:{position.column}"
        )
        where = (position.line, position.column, position.end_line, position.end_column)
        lines += quoted(where, other.message, "-")
    notes = [("path", visible(in_language(path_text(diagnostic), language)))]
    notes.append(("help", visible(diagnostic.help or "")))
    for one in diagnostic.fixes:
        notes.append(("fix" if one.safe else "unsafe-fix", visible(one.title)))
    if diagnostic.untried:
        notes.append(("note", in_language(untried_note(diagnostic.untried), language)))
    if any(text for _, text in notes):
        lines.append(gutter(f"{pad} |"))
        lines += [f"{gutter(f'{pad} =')} {word(name)}{colon}{text}" for name, text in notes if text]
    return "\n".join(lines) + "\n"


def path_text(diagnostic: Diagnostic) -> str:
    """Write the path of a diagnostic with the outcomes of its nodes: `check [yes] → done`."""
    chosen = dict(diagnostic.choices)
    path = [f"{node} [{chosen[node]}]" if node in chosen else node for node in diagnostic.path]
    beside = [f"{node} [{chosen[node]}]" for node in chosen if node not in diagnostic.path]
    shown = " → ".join(path)
    return TEXTS("beside", path=shown, beside=beside) if path and beside else shown


def untried_note(count: int) -> str:
    """Write the note that some fixes were not tried."""
    return TEXTS("untried", count=count)


def _with_related(file: FileReport) -> Iterator[tuple[Diagnostic, _Positions]]:
    """Pair each diagnostic with the positions of its related locations, in one search."""
    located = file.located()
    extents = file.source.extents({one.pointer for found in located for one in found.related})
    for found in located:
        positions = []
        for one in found.related:
            extent = extents[one.pointer]
            positions.append((one, file.source.position(extent.start, extent.end)))
        yield found, positions


def check_report(files: Sequence[FileReport], *, strict: bool = False) -> dict[str, Any]:
    """Build the JSON report of `proflow check --format json`.

    Args:
        files: The files with their diagnostics.
        strict: Count warnings as errors.
    """
    shown = [
        {
            "path": file.shown_path,
            "workflow": file.workflow,
            "ok": not has_errors(file.diagnostics, strict=strict),
            "diagnostics": [_as_json(diagnostic) for diagnostic in file.located()],
        }
        for file in files
    ]
    return {"ok": all(file["ok"] for file in shown), "files": shown}


def _as_json(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "name": diagnostic.name,
        "level": diagnostic.level.value,
        "message": diagnostic.message,
        "pointer": diagnostic.pointer,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "end_line": diagnostic.end_line,
        "end_column": diagnostic.end_column,
        "node": diagnostic.node,
        "edge": diagnostic.edge,
        "help": diagnostic.help,
        "path": list(diagnostic.path),
        "fixes": [fix.as_json() for fix in diagnostic.fixes],
        **({"fixes_untried": diagnostic.untried} if diagnostic.untried else {}),
        "key": diagnostic.key,
        "arguments": dict(diagnostic.arguments),
    }


def sarif_log(files: Sequence[FileReport]) -> dict[str, Any]:
    """Build a SARIF 2.1.0 log with one run."""
    located = [(file, *found) for file in files for found in _with_related(file)]
    documents = {file.source.path: JsonText(file.source.text) for file in files}
    rules = sorted({(diagnostic.code, diagnostic.name) for _, diagnostic, _ in located})
    index = {code: at for at, (code, _) in enumerate(rules)}
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "proflow",
                        "rules": [{"id": code, "name": name} for code, name in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [
                    _sarif_result(
                        diagnostic, file.source, positions, index[diagnostic.code], file.language
                    )
                    | _sarif_fixes(diagnostic, file.source, documents[file.source.path])
                    for file, diagnostic, positions in located
                ],
            }
        ],
    }


def _sarif_result(
    diagnostic: Diagnostic,
    source: Source,
    positions: _Positions,
    rule: int,
    language: Language,
) -> dict[str, Any]:
    uri = _uri(source.path)
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": _SARIF_LEVELS[diagnostic.level],
        "message": {"text": _with_notes(diagnostic, language)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri},
                    "region": _region(
                        Position(
                            diagnostic.line or 1,
                            diagnostic.column or 1,
                            diagnostic.end_line or diagnostic.line or 1,
                            diagnostic.end_column or diagnostic.column or 1,
                        )
                    ),
                },
                "logicalLocations": [{"fullyQualifiedName": diagnostic.pointer, "kind": "member"}],
            }
        ],
    }
    related = [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": uri},
                "region": _region(position),
            },
            "message": {"text": other.message},
        }
        for other, position in positions
    ]
    if related:
        result["relatedLocations"] = related
    return result


def _sarif_fixes(diagnostic: Diagnostic, source: Source, document: JsonText) -> dict[str, Any]:
    fixes = [
        {
            "description": {"text": fix.title},
            "artifactChanges": [
                {
                    "artifactLocation": {"uri": _uri(source.path)},
                    "replacements": [
                        {
                            "deletedRegion": _region(source.position(one.start, one.end)),
                            "insertedContent": {"text": one.text},
                        }
                        for one in replacements(document, fix.edits)
                    ],
                }
            ],
        }
        for fix in diagnostic.fixes
    ]
    return {"fixes": fixes} if fixes else {}


def _region(position: Position) -> dict[str, int]:
    return {
        "startLine": position.line,
        "startColumn": position.column,
        "endLine": position.end_line,
        "endColumn": position.end_column,
    }


def _uri(path: str) -> str:
    pure = PurePath(path)
    encoded = quote(os.fsencode(pure.as_posix()))
    return f"file://{encoded}" if pure.is_absolute() else encoded


def _with_notes(diagnostic: Diagnostic, language: Language) -> str:
    notes = []
    if diagnostic.path:
        notes.append(TEXTS("line", name=TEXTS("path"), text=path_text(diagnostic)))
    if diagnostic.help:
        notes.append(TEXTS("line", name=TEXTS("help"), text=diagnostic.help))
    return "\n".join([diagnostic.message, *(in_language(one, language) for one in notes)])


def _github(diagnostic: Diagnostic, source: Source, language: Language) -> str:
    """Write the workflow command that annotates a line on GitHub; it is always a single line."""
    position: dict[str, Any] = {"file": source.path, "line": diagnostic.line or 1}
    position["endLine"] = diagnostic.end_line or position["line"]
    if position["endLine"] == position["line"]:
        position["col"] = diagnostic.column or 1
        position["endColumn"] = diagnostic.end_column or position["col"]
    position["title"] = f"{diagnostic.code} {diagnostic.name}"
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in position.items())
    command = _GITHUB_LEVELS[diagnostic.level]
    return f"::{command} {properties}::{_data(_with_notes(diagnostic, language))}\n"


def _data(text: str) -> str:
    safe = visible(text, keep="\n")
    return safe.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
