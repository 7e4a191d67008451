"""Internal: texts for people, in English and Chinese.

Every text is a template with named arguments, written in both languages beside the code that uses it:

    TEXTS = Texts("subject", {"missing": Text("there is no `{name}`", "`{name}` 不存在")})
    TEXTS("missing", name="boss")

The result is a `Message`: a string that reads in English, and that `in_language` says in another
language. So whoever makes a message need not know who reads it, and whoever shows it decides the
language. Arguments are plain values; the format of a template's field says how they are written
(see `wording`), which each language does in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from proflow_schemas.language.wording import fields, worded

Language = Literal["en", "zh"]
"""A language in which texts exist; English is what a `Message` reads in by itself."""

LANGUAGES: tuple[Language, ...] = get_args(Language)


@dataclass(frozen=True, slots=True)
class Text:
    """A template in each language; both have the same named arguments.

    Attributes:
        en: The English template.
        zh: The Chinese template; None if it is not translated, then the English one is used.
    """

    en: str
    zh: str | None = None

    def template(self, language: Language) -> tuple[str, Language]:
        """Return the template for a language, and the language that it is in."""
        if language == "zh" and self.zh is not None:
            return self.zh, "zh"
        return self.en, "en"


class Message(str):
    """A text for people: a string in one language that can be said in the others.

    Attributes:
        key: The name of the text, such as `PF210.skipped`.
        text: Its templates.
        arguments: The values of its fields.
        language: The language of the string.
    """

    key: str
    text: Text
    arguments: Mapping[str, Any]
    language: Language

    def __new__(
        cls, key: str, text: Text, arguments: Mapping[str, Any], language: Language = "en"
    ) -> Message:
        """Fill in the template of a language; the English one, if there is none."""
        template, found = text.template(language)
        self = super().__new__(cls, worded(template, arguments, found, in_language))
        self.key, self.text, self.arguments, self.language = key, text, arguments, language
        return self

    def __str__(self) -> str:
        """Return the message itself, so that `str(error)` of an exception keeps its translation."""
        return self

    def __getnewargs__(  # type: ignore[override]
        self,
    ) -> tuple[str, Text, Mapping[str, Any], Language]:
        """Say how a copy is made, for `copy` and `pickle`."""
        return self.key, self.text, self.arguments, self.language


class Texts:
    """The texts of one subject.

    Args:
        subject: The first part of their keys: a rule's code, or what a module is about.
        texts: The texts by the second part of their keys.
    """

    def __init__(self, subject: str, texts: Mapping[str, Text]) -> None:
        self.subject, self.texts = subject, texts

    def __call__(self, key: str, /, **arguments: Any) -> Message:
        """Return a text with its arguments filled in."""
        return Message(f"{self.subject}.{key}", self.texts[key], arguments)


def in_language(text: str, language: Language) -> str:
    """Say a text in a language. A plain string, which is in no catalogue, stays as it is."""
    if not isinstance(text, Message) or text.language == language:
        return text
    return Message(text.key, text.text, text.arguments, language)


def said(value: Any, language: Language) -> Any:
    """Say all texts of a JSON value in a language."""
    match value:
        case str():
            return in_language(value, language)
        case dict():
            return {key: said(one, language) for key, one in value.items()}
        case list() | tuple():
            return [said(one, language) for one in value]
        case _:
            return value


def untranslated(text: str, language: Language) -> bool:
    """Return True if a text, or another that it is composed of, does not exist in a language."""
    if not isinstance(text, Message) or text.text.template(language)[1] != language:
        return True
    used = fields(text.text.en)
    return any(
        isinstance(part, Message) and untranslated(part, language)
        for name, value in text.arguments.items()
        if name in used
        for part in (value if isinstance(value, list | tuple) else (value,))
    )


def as_json(message: str) -> dict[str, Any]:
    """Return the key and the arguments of a message; nothing of a plain string."""
    if not isinstance(message, Message):
        return {}
    arguments = {name: _plain(value) for name, value in message.arguments.items()}
    return {"key": message.key, "arguments": arguments}


_MOST_SHOWN = 200
"""The most characters of a text, and items of a list, that `as_json` keeps of an argument."""


def _plain(value: Any) -> Any:
    match value:
        case Message():
            return {"text": f"{value}", **as_json(value)}
        case str():
            return value[:_MOST_SHOWN]
        case None | bool() | int() | float():
            return value
        case list() | tuple():
            return [_plain(one) for one in value[:_MOST_SHOWN]]
        case _:
            return str(value)[:_MOST_SHOWN]
