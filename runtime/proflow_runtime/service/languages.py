"""The language of the person who reads the answer to a request.

It is what the request's `Accept-Language` prefers. Texts are made in English, and are said in that
language where an answer is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from fastapi.requests import HTTPConnection
from proflow_schemas.language import Language
from proflow_schemas.language.choosing import DEFAULT, language_accepted

_reader: ContextVar[Language] = ContextVar("proflow_reader", default=DEFAULT)


def language_of(request: HTTPConnection) -> Language:
    """Return the language that a request asks for; English if it asks for none that exists."""
    return language_accepted(request.headers.get("accept-language"))


@contextmanager
def answering(request: HTTPConnection) -> Iterator[None]:
    """Note the language of a request while it is handled."""
    token = _reader.set(language_of(request))
    try:
        yield
    finally:
        _reader.reset(token)


def reader() -> Language:
    """Return the language of the request that is being handled; English outside of requests."""
    return _reader.get()
