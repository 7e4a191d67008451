"""Finds the language that somebody reads, from what an option, the environment or a browser says."""

from __future__ import annotations

from collections.abc import Mapping

from proflow_schemas.errors import ProFlowError
from proflow_schemas.language import LANGUAGES, Language, Text, Texts

VARIABLE = "PROFLOW_LANG"
"""The environment variable that names the language of the command line."""
DEFAULT: Language = "en"
_MOST_RANGES = 20
"""How many languages of an `Accept-Language` are considered."""

TEXTS = Texts(
    "language",
    {
        "unknown": Text(
            "there is no language `{name}`: write {known:or}",
            "不支持语言 `{name}`，可选 {known:or}",
        ),
    },
)


class UnknownLanguageError(ProFlowError, ValueError):
    """No texts exist in the language that was asked for."""


def language_named(name: str) -> Language:
    """Return the language of a tag or of a locale: `zh`, `zh-CN`, `zh_CN.UTF-8`, `en_US`, `C`.

    Raises:
        UnknownLanguageError: There are no texts in that language.
    """
    tag = name.strip().partition(".")[0].partition("@")[0].replace("_", "-").lower()
    if tag in ("c", "posix"):
        return DEFAULT
    primary = tag.partition("-")[0]
    for language in LANGUAGES:
        if primary == language:
            return language
    raise UnknownLanguageError(TEXTS("unknown", name=name, known=LANGUAGES))


def language_of_environment(environment: Mapping[str, str]) -> Language:
    """Return the language that `PROFLOW_LANG` names; English if it is not set.

    Raises:
        UnknownLanguageError: It names another language.
    """
    name = environment.get(VARIABLE, "")
    return language_named(name) if name.strip() else DEFAULT


def language_accepted(header: str | None, default: Language = DEFAULT) -> Language:
    """Return the language that an `Accept-Language` header prefers among those that exist.

    Args:
        header: The header (RFC 9110, 12.5.4); None if the request has none.
        default: The language if the header names none that exists.
    """
    best, weight = default, 0.0
    for part in (header or "")[:1000].split(",")[:_MOST_RANGES]:
        tag, _, parameters = part.partition(";")
        quality = _quality(parameters)
        if quality <= weight or not tag.strip() or tag.strip().lower() in ("c", "posix"):
            continue
        try:
            best, weight = default if tag.strip() == "*" else language_named(tag), quality
        except UnknownLanguageError:
            continue
    return best


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        quality = float(value.strip())
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
