"""Which language somebody reads, and how a message is said in it."""

import copy
import pickle

import pytest
from proflow_schemas.language import (
    Language,
    Message,
    Text,
    Texts,
    as_json,
    in_language,
    untranslated,
)
from proflow_schemas.language.choosing import (
    UnknownLanguageError,
    language_accepted,
    language_named,
    language_of_environment,
)

TEXTS = Texts(
    "test",
    {
        "nodes": Text("{names:and} lead to `{end}`", "{names:and} 通向 `{end}`"),
        "count": Text("{count:no nodes|one node|# nodes}", "{count} 个节点"),
        "kind": Text("must be a text, not {value:kind}", "必须是文本，不能是{value:kind}"),
        "part": Text("because {why}", "因为{why}"),
        "english": Text("only in English"),
    },
)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        *((one, "zh") for one in ("zh", "zh-CN", "ZH_cn.UTF-8", "zh_TW", "zh-Hans-CN", " zh ")),
        *((one, "en") for one in ("en", "en_US.UTF-8", "EN-gb", "C", "C.UTF-8", "POSIX", "en@x")),
    ],
)
def test_tags_and_locales_name_a_language(name: str, language: Language) -> None:
    assert language_named(name) == language
    assert language_of_environment({"PROFLOW_LANG": name}) == language


@pytest.mark.parametrize("name", ["fr", "zhx", "", "english", "*", "de_DE.UTF-8", "z" * 10_000])
def test_other_languages_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownLanguageError, match="there is no language"):
        language_named(name)


def test_without_a_variable_it_is_english() -> None:
    assert language_of_environment({}) == "en"
    assert language_of_environment({"PROFLOW_LANG": " "}) == "en"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.5", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("fr, de;q=0.9", "en"),
        ("fr, zh;q=0.1", "zh"),
        ("en;q=0.2, zh;q=0.8", "zh"),
        ("zh;q=0", "en"),
        ("*", "en"),
        ("zh;q=nonsense, en;q=0.1", "en"),
        ("zh;q=7", "en"),
        (",,;;q=,zh", "zh"),
        ("x," * 100_000, "en"),
    ],
)
def test_the_preferred_language_of_a_header_is_taken(header: str | None, language: str) -> None:
    assert language_accepted(header) == language


def test_lists_numbers_and_kinds_are_written_as_each_language_does() -> None:
    def both(message: Message) -> tuple[str, str]:
        return str(message), in_language(message, "zh")

    assert both(TEXTS("nodes", names=["a", "b", "c"], end="e")) == (
        "`a`, `b` and `c` lead to `e`",
        "`a`、`b` 和 `c` 通向 `e`",
    )
    many = both(TEXTS("nodes", names=list("abcdefg"), end="e"))
    assert many[0].startswith("`a`, `b`, `c`, `d`, `e` and 2 more")
    assert many[1].startswith("`a`、`b`、`c`、`d`、`e` 等 7 个")
    assert [str(TEXTS("count", count=one)) for one in (0, 1, 3)] == [
        *("no nodes", "one node", "3 nodes")
    ]
    assert both(TEXTS("kind", value=[1])) == (
        "must be a text, not a list",
        "必须是文本，不能是列表",
    )


def test_a_message_in_a_message_is_said_in_the_same_language() -> None:
    message = TEXTS("part", why=TEXTS("count", count=2))
    assert message == "because 2 nodes"
    assert in_language(message, "zh") == "因为 2 个节点"
    assert not untranslated(message, "zh")
    assert untranslated(TEXTS("part", why=TEXTS("english")), "zh")


def test_chinese_has_a_space_beside_code_and_latin_only() -> None:
    texts = Texts(
        "spaces",
        {
            "is": Text("is {what:raw}", "这是{what:raw}，是吗"),
            "or": Text("{kinds:either}", "{kinds:either}"),
            "text": Text("a text", "文本"),
            "number": Text("a number", "数字"),
        },
    )

    def said(key: str, **arguments: object) -> str:
        return in_language(texts(key, **arguments), "zh")

    assert said("is", what="null") == "这是 null，是吗"
    assert said("is", what="`x`") == "这是 `x`，是吗"
    assert said("is", what=texts("text")) == "这是文本，是吗"
    assert said("or", kinds=[texts("text"), texts("number")]) == "文本或数字"
    assert said("or", kinds=["`a`", "`b`", texts("text")]) == "`a` 或 `b` 或文本"
    assert in_language(TEXTS("nodes", names=["订单"], end="财务"), "zh") == "`订单` 通向 `财务`"


def test_what_is_not_translated_is_said_in_english_as_a_whole() -> None:
    assert in_language(TEXTS("english"), "zh") == "only in English"
    assert in_language("plain", "zh") == "plain"


def test_a_message_survives_copies_errors_and_translation() -> None:
    message = TEXTS("nodes", names=["a"], end="e")
    for same in (pickle.loads(pickle.dumps(message)), copy.deepcopy(message)):
        assert same == message
        assert in_language(same, "zh") == "`a` 通向 `e`"
    assert in_language(str(ValueError(message)), "zh") == "`a` 通向 `e`"
    chinese = in_language(message, "zh")
    assert in_language(chinese, "en") == message
    assert as_json(chinese) == as_json(message)


def test_arguments_are_values_for_whoever_words_the_message_elsewhere() -> None:
    assert as_json(TEXTS("nodes", names=["a", "b"], end="e")) == {
        "key": "test.nodes",
        "arguments": {"names": ["a", "b"], "end": "e"},
    }
    assert as_json("plain") == {}
    assert as_json(TEXTS("part", why=TEXTS("count", count=2)))["arguments"] == {
        "why": {"text": "2 nodes", "key": "test.count", "arguments": {"count": 2}}
    }


def test_untrusted_arguments_are_data_and_never_templates() -> None:
    message = TEXTS("nodes", names=["{end}", "{0.__class__}"], end="{names}")
    assert message == "`{end}` and `{0.__class__}` lead to `{names}`"
    assert in_language(message, "zh") == "`{end}` 和 `{0.__class__}` 通向 `{names}`"
    assert len(TEXTS("nodes", names=["x" * 10_000], end="e")) < 120
