"""Tables as text: for people in a terminal, and as Mermaid for pages that draw it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from .shapes import Line, Shape


def show(console: Console, shapes: Iterable[Shape]) -> None:
    """Prints each table with its columns."""
    for shape in shapes:
        console.print(_listed(shape))


def _listed(shape: Shape) -> RenderableType:
    grid = Grid("column", "type", "null", "key", "default", title_justify="left")
    for line in shape.lines:
        grid.add_row(*map(Text, (line.name, line.type, "" if line.nullable else "no", key_of(line), line.default)))
    title = Text(shape.name, style="bold")
    return Group(title, *([Text(shape.comment)] if shape.comment else []), grid, *map(Text, shape.others), "")


def key_of(line: Line) -> str:
    """What else there is to say about a column, in few words."""
    words = [
        "primary" if line.primary_key else "unique" if line.unique else "index" if line.indexed else "",
        f"→ {line.refers_to}" if line.refers_to else "",
    ]
    return " ".join(filter(None, words))


def mermaid(shapes: Iterable[Shape]) -> str:
    """An entity-relationship diagram as Mermaid (https://mermaid.js.org/syntax/entityRelationshipDiagram.html)."""
    shapes = list(shapes)
    shown = {shape.name for shape in shapes}
    out = ["erDiagram"]
    for shape in shapes:
        out.append(f"    {_word(shape.name)} {{")
        for line in shape.lines:
            keys = [
                key for key, is_so in (("PK", line.primary_key), ("FK", line.refers_to), ("UK", line.unique)) if is_so
            ]
            if "PK" in keys and "UK" in keys:
                keys.remove("UK")
            out.append(f"        {_word(line.type)} {_word(line.name)} {', '.join(keys)}".rstrip())
        out.append("    }")
    for shape in shapes:
        for line, target in shape.references:
            if target in shown:
                one, many = "|o" if line.nullable else "||", "o|" if line.unique else "o{"
                out.append(
                    f'    {_word(target)} {one}--{many} {_word(shape.name)} : "{line.name.replace(chr(34), chr(39))}"'
                )
    return "\n".join(out) + "\n"


def _word(text: str) -> str:
    """Names and types as Mermaid takes them: letters, digits, ``_`` and ``-``."""
    return re.sub(r"[^\w-]+", "_", text.replace("[]", "_array")).strip("_") or "_"
