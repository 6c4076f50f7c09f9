"""Validators: what input must be before it becomes a column's value.

They run on what users give (the constructor, attributes, the values of inserts and updates), never on rows of the database.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from data_bridge import _native

from ._errors import ValidationError

#: Takes a value and gives the one to keep; raises ``ValueError`` or ``TypeError`` for one that it refuses.
type Validator = Callable[[Any], Any]


class Check:
    """Base of the validators here, which ``Annotated`` may hold too: ``Col[Annotated[str, MinLength(3)]]``."""

    __slots__ = ()

    def __call__(self, value: Any) -> Any:
        """The value to keep, or a ``ValueError`` that says what is wrong."""
        raise NotImplementedError


@dataclass(frozen=True)
class MinLength(Check):
    """At least so many characters or elements."""

    length: int

    def __call__(self, value: Any) -> Any:
        """The value itself."""
        if len(value) < self.length:
            raise ValueError(f"at least {self.length} characters or elements are needed, not {len(value)}")
        return value


@dataclass(frozen=True)
class MaxLength(Check):
    """At most so many characters or elements."""

    length: int

    def __call__(self, value: Any) -> Any:
        """The value itself."""
        if len(value) > self.length:
            raise ValueError(f"at most {self.length} characters or elements are allowed, not {len(value)}")
        return value


@dataclass(frozen=True)
class Min(Check):
    """Not less than this."""

    least: Any

    def __call__(self, value: Any) -> Any:
        """The value itself."""
        if not value >= self.least:
            raise ValueError(f"must be at least {self.least}")
        return value


@dataclass(frozen=True)
class Max(Check):
    """Not more than this."""

    most: Any

    def __call__(self, value: Any) -> Any:
        """The value itself."""
        if not value <= self.most:
            raise ValueError(f"must be at most {self.most}")
        return value


@dataclass(frozen=True)
class Regex(Check):
    """All of a text matches a regular expression; ``message`` is what to say where it does not."""

    pattern: str
    message: str = ""

    def __call__(self, value: Any) -> Any:
        """The value itself."""
        if re.fullmatch(self.pattern, _text(value)) is None:
            raise ValueError(self.message or f"must match {self.pattern}")
        return value


# A local part of dots and what RFC 5321 allows without quotes, and a domain of labels; longer parts no mail server takes.
_EMAIL = re.compile(
    r"(?!.{255})[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,63})*"
    r"@(?:[A-Za-z0-9\u00a1-\uffff](?:[A-Za-z0-9\u00a1-\uffff-]{0,61}[A-Za-z0-9\u00a1-\uffff])?\.)+"
    r"[A-Za-z\u00a1-\uffff](?:[A-Za-z0-9\u00a1-\uffff-]{0,61}[A-Za-z0-9\u00a1-\uffff])"
)


@dataclass(frozen=True)
class Email(Check):
    """A mail address of the usual form. The domain is made lower-case; whether it receives mail, only mail tells."""

    def __call__(self, value: Any) -> Any:
        """The address with its domain in lower case."""
        address = _text(value)
        local, _, domain = address.rpartition("@")
        if _EMAIL.fullmatch(address) is None or len(local) > 64:
            raise ValueError("is no mail address")
        return f"{local}@{domain.lower()}"


@dataclass(frozen=True)
class Url(Check):
    """An address of the web with a host: of http and https, unless other ``schemes`` are named."""

    schemes: tuple[str, ...] = ("http", "https")

    def __call__(self, value: Any) -> Any:
        """The value itself."""
        text = _text(value)
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host, parts = None, None
        # Spaces and control characters split headers and log lines; urlsplit drops some of them without a word.
        sound = (
            parts is not None
            and host
            and parts.scheme in self.schemes
            and re.search(r"[\s\x00-\x1f\x7f<>\"]", text) is None
        )
        if not sound:
            raise ValueError(f"is no URL of {', '.join(self.schemes)}")
        return value


def escape_html(value: str) -> str:
    """A text whose ``&``, ``<``, ``>`` and quotes are written for HTML; as a validator, what comes in is kept so.

    Most templates escape what they show. Then text is kept as it is, for escaped twice it shows ``&amp;lt;``.
    """
    return html.escape(_text(value))


def strip(value: str) -> str:
    """A text without white space at its ends."""
    return _text(value).strip()


def run(table: str, column: str, validators: tuple[Validator, ...], value: Any) -> Any:
    """Run validators in turn, each on what the one before it gave; the native side calls it.

    ``None`` is a matter of ``nullable``, and what the server computes is not known here: neither is looked at.
    """
    kept = value
    if value is None or isinstance(value, _native.Expression):
        return kept
    for validator in validators:
        try:
            value = validator(value)
        except (ValueError, TypeError) as error:
            raise ValidationError(table, column, str(error)) from error
        if value is None:
            name = getattr(validator, "__name__", type(validator).__name__)
            raise TypeError(f"the validator {name} of {table}.{column} gave None; it must return the value to keep")
    return value


def as_values(row: Any) -> Any:
    """A row as names and values: of a Pydantic model those that were set, of anything else itself."""
    given = getattr(row, "model_fields_set", None)
    return row if given is None else {name: getattr(row, name) for name in given}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"must be a str, not {type(value).__name__}")
    return value
