"""What is reported about every incorrect example, in Chinese: no sentence is left in English."""

import re
from collections.abc import Iterator

import pytest
from checks.test_rules import INCORRECT, LACKS, checked
from language.test_catalogue import ENGLISH, without_code
from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.diagnostics.rendering import FileReport, check_report, render_files
from proflow_schemas.language import Message, untranslated
from reader.test_invalid_fixtures import CASES, reading

OF_THE_HOST = {text for lack in LACKS.values() for text in (lack.message, lack.help) if text}
"""What a host says in its own words, without a translation."""


def report(case: str) -> FileReport:
    if case in CASES:
        found = reading(case)
        return FileReport(found.source, found.diagnostics, language="zh")
    of_rule, diagnostics = checked(case)
    return FileReport(of_rule.source, diagnostics, language="zh")


def said(one: Diagnostic) -> Iterator[str]:
    yield one.message
    yield from filter(None, (one.help, one.label))
    yield from (other.message for other in one.related)
    yield from (fix.title for fix in one.fixes)


@pytest.mark.parametrize("case", [*INCORRECT, *CASES])
def test_everything_said_of_an_incorrect_design_is_chinese(case: str) -> None:
    file = report(case)
    for text in (text for one in file.located() for text in said(one)):
        if any(own in text for own in OF_THE_HOST):
            continue
        assert not untranslated(text, "zh"), text
        assert not ENGLISH.search(without_code(text)), text
        assert text.count("`") % 2 == 0, text
        assert not text.endswith("。"), text


@pytest.mark.parametrize("format", ["text", "sarif", "github"])
def test_reports_for_people_have_no_english_sentence_of_ours(format: str) -> None:
    for case in INCORRECT[::7]:
        file = report(case)
        text = render_files([file], format, language="zh")  # type: ignore[arg-type]
        shown = "\n".join(line for line in text.split("\n") if not re.match(r"\s*[0-9]+ \|", line))
        for word in ("error[", "help:", "path:", "fix:", "unsafe fix", "note:"):
            assert word not in shown


def test_the_json_report_has_the_key_and_the_arguments_in_any_language() -> None:
    file = report(INCORRECT[0])
    (chinese,) = check_report([file])["files"]
    english = [one.message for one in FileReport(file.source, file.diagnostics).located()]
    for one, message in zip(chinese["diagnostics"], english, strict=True):
        assert isinstance(message, Message)
        assert one["key"] == message.key
        assert one["message"] != message
        assert one["key"].split(".")[0] == one["code"]
        assert isinstance(one["arguments"], dict)
