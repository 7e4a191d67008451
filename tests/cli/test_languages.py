"""The command line in the language of who reads it: `--lang` and `PROFLOW_LANG`."""

from pathlib import Path

import pytest
from cli.conftest import Proflow
from language.test_catalogue import ENGLISH, without_code

BROKEN = '{"nodes": [{"id": "a", "type": "start"}, {"id": "b", "type": "aprove"}], "edges": []}'


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.json"
    path.write_text(BROKEN)
    return path


def test_check_reports_in_chinese(proflow: Proflow, broken: Path) -> None:
    done = proflow("check", broken, "--lang", "zh")
    assert done.code == 1
    assert "错误[PF102]：节点类型 `aprove` 不存在" in done.out
    assert "已检查 1 个文件，1 个有错误" in done.err
    assert "is no" not in done.out


@pytest.mark.parametrize("name", ["zh", "zh_CN.UTF-8", "zh-Hans-CN"])
def test_the_environment_names_the_language(proflow: Proflow, broken: Path, name: str) -> None:
    assert "已检查" in proflow("check", broken, PROFLOW_LANG=name).err


def test_an_option_comes_before_the_environment(proflow: Proflow, broken: Path) -> None:
    assert "1 file checked" in proflow("check", broken, "--lang", "en", PROFLOW_LANG="zh").err
    assert "1 file checked" in proflow("check", broken, PROFLOW_LANG="C.UTF-8").err


@pytest.mark.parametrize("command", ["check", "compile", "run", "explain"])
def test_an_unknown_language_is_wrong_usage(proflow: Proflow, broken: Path, command: str) -> None:
    done = proflow(command, broken, "--lang", "fr")
    assert done.code == 2
    assert done.err == "error: --lang: there is no language `fr`: write `en` or `zh`\n"
    done = proflow(command, broken, PROFLOW_LANG="fr_FR.UTF-8")
    assert done.code == 2
    assert done.err.startswith("error: PROFLOW_LANG: there is no language `fr_FR.UTF-8`")


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "missing.json"),
        ("check", "broken.json", "--unsafe-fixes"),
        ("check", "broken.json", "--timezone", "Asia/Shangai"),
        ("compile", "broken.json", "--client", "x"),
        ("compile", "broken.json", "--check"),
        ("compile", "broken.json"),
        ("run", "broken.json"),
        ("run", "broken.json", "--all-outcomes", "--answer", "a=b"),
        ("run", "broken.json", "--data", "@missing"),
        ("explain", "PF999"),
        ("diff", "broken.json", "missing.json"),
    ],
)
def test_errors_of_commands_are_chinese(
    proflow: Proflow, broken: Path, arguments: tuple[str, ...]
) -> None:
    done = proflow(*arguments, "--lang", "zh")
    assert done.code in (1, 2)
    said = [
        line for line in (done.out + done.err).split("\n") if "|" not in line and "-->" not in line
    ]
    assert any(said)
    for line in said:
        assert not ENGLISH.search(without_code(line)), line
        assert not line.startswith("error"), line


def test_json_reports_keep_their_fields_and_say_the_key(proflow: Proflow, broken: Path) -> None:
    one, two = (
        proflow("check", broken, "--format", "json", "--lang", lang).json["files"][0]["diagnostics"]
        for lang in ("en", "zh")
    )
    for english, chinese in zip(one, two, strict=True):
        assert english["message"] != chinese["message"]
        for key in ("code", "pointer", "line", "key", "arguments", "node"):
            assert english[key] == chinese[key]


def test_explain_has_chinese_headings(proflow: Proflow) -> None:
    page = proflow("explain", "PF210", "--lang", "zh").out
    for heading in ("## 原因", "## 错误示例", "## 正确示例", "## 修复方法"):
        assert heading in page
    assert proflow("explain", "join", "--lang", "zh").out.startswith("# 汇合\n")
