"""What the documentation site takes from the package itself: the names of the reference pages, and native docstrings.

MkDocs loads this file as hooks, and griffe, which reads the sources for the reference, as an extension.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import griffe

import data_bridge.postgres as pg
from data_bridge import _native
from data_bridge.postgres import errors, orm

# Roles of reStructuredText, which docstrings use and Markdown does not know.
ROLE = re.compile(r":(?:class|func|meth|mod|attr|exc|data):`~?([^`]+)`")
NAMES = re.compile(r"^<!-- names: (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Puts the names of a group where a page asks for them, so that no page goes stale when the package grows."""
    return NAMES.sub(lambda found: "\n\n".join(f"::: {name}" for name in names(found[1])), markdown)


def names(group: str) -> list[str]:
    """Full names, in the order of the alphabet."""
    package = "data_bridge.postgres"
    if group == "errors":
        # The classes for single SQLSTATEs are some hundred, and say no more than their names.
        own = [f"{package}.errors.{name}" for name in errors.__all__ if hasattr(errors._errors, name)]
        return own + [
            f"{package}.{name}" for name in sorted(pg.__all__) if is_error(getattr(pg, name)) and name != "Error"
        ]
    wanted = [name for name in sorted(pg.__all__) if (name in orm.__all__) == (group == "orm")]
    return [f"{package}.{name}" for name in wanted if not is_error(getattr(pg, name))]


def is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


class Docstrings(griffe.Extension):
    """Stubs give types, the compiled module gives docstrings: this brings the two together, and makes all of it Markdown."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        native = pkg.members.get("_native")
        if isinstance(native, griffe.Module):
            fill(native, _native)
        plain(pkg)


def fill(described: griffe.Object, real: object) -> None:
    for name, member in described.members.items():
        found = getattr(real, name, None)
        if found is None or member.is_alias or not isinstance(member, griffe.Object):
            continue
        text = inspect.getdoc(found)
        if text and not (name.startswith("__") and name.endswith("__")):
            member.docstring = griffe.Docstring(text, parent=member, parser=griffe.Parser.google)
        fill(member, found)


def plain(described: griffe.Object) -> None:
    if described.docstring is not None:
        described.docstring.value = ROLE.sub(r"`\1`", described.docstring.value)
    for member in described.members.values():
        if isinstance(member, griffe.Object) and not member.is_alias:
            plain(member)
