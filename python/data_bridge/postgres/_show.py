"""Results as tables: HTML in a notebook, text elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from data_bridge._native import Record

#: Characters of a value that are shown in text and in HTML.
_WIDEST = 60
_LONGEST = 400


class Shown:
    """Rows as a table; what :func:`show` gives."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[Any]], left_out: int) -> None:
        self._columns = columns
        self._rows = rows
        self._left_out = left_out

    def __repr__(self) -> str:
        """Lines of text."""
        if not self._columns:
            return "no rows"
        cells = [[_short(value, _WIDEST).replace("\n", "↵") for value in row] for row in self._rows]
        widths = [max(map(len, column)) for column in zip(self._columns, *cells, strict=True)]
        numeric = [
            bool(self._rows) and all(isinstance(row[at], int | float) or row[at] is None for row in self._rows)
            for at in range(len(self._columns))
        ]
        lines = [_line(self._columns, widths, numeric), "-+-".join("-" * width for width in widths)]
        lines += [_line(row, widths, numeric) for row in cells]
        return "\n".join([*lines, *([self._rest()] if self._left_out else [])])

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        if not self._columns:
            return "<p>no rows</p>"
        head = "".join(f"<th>{escape(name)}</th>" for name in self._columns)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self._rows)
        rest = f"<p>{self._rest()}</p>" if self._left_out else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"

    def _rest(self) -> str:
        return f"and {self._left_out} more rows"


def show(rows: Any, /, limit: int = 100) -> Shown:
    """Rows as a table, for notebooks and prompts: records, instances, tuples or dicts, one or a list of them.

    >>> show([{"id": 1, "name": "Ann"}, {"id": 2, "name": None}])
    id | name
    ---+-----
     1 | Ann
     2 | NULL

    ``limit`` is how many are shown; what else there is, is counted. Values are shortened, and as HTML escaped.
    """
    every = [rows] if _is_row(rows) else list(rows)
    shown = every[:limit]
    if not shown:
        return Shown((), (), 0)
    columns: dict[str, None] = {}
    named = [_named(row) for row in shown]
    for each in named:
        columns |= dict.fromkeys(each)
    return Shown(list(columns), [[each.get(name, "") for name in columns] for each in named], len(every) - len(shown))


def html_of(row: Any) -> str:
    """One row as HTML: a line for each column."""
    lines = "".join(f"<tr><th>{escape(name)}</th>{_cell(value)}</tr>" for name, value in _named(row).items())
    return f"<table><tbody>{lines}</tbody></table>"


def _is_row(value: Any) -> bool:
    return isinstance(value, Record | Mapping | tuple) or _is_instance(value)


def _is_instance(value: Any) -> bool:
    return hasattr(value, "__model__") and not isinstance(value, type)


def _named(row: Any) -> dict[str, Any]:
    """A row's values by name; those without one by their position."""
    if isinstance(row, Record):
        # Two columns may have one name.
        names = row.keys()
        if len(set(names)) == len(names):
            return dict(zip(names, row.values(), strict=True))
        return {f"{name} ({at})": value for at, (name, value) in enumerate(zip(names, row.values(), strict=True))}
    if isinstance(row, Mapping):
        found: Mapping[Any, Any] = row  # pyright: ignore[reportUnknownVariableType]
        return {str(name): value for name, value in found.items()}
    if _is_instance(row):
        return {name: "***" if name in row._secrets() else value for name, value in row.to_dict().items()}
    if isinstance(row, Iterable) and not isinstance(row, str | bytes):
        values: Iterable[Any] = row  # pyright: ignore[reportUnknownVariableType]
        return {str(at): value for at, value in enumerate(values)}
    return {"value": row}


def _cell(value: Any) -> str:
    if value is None:
        return '<td style="opacity: 0.5">NULL</td>'
    side = ' style="text-align: right"' if isinstance(value, int | float) and not isinstance(value, bool) else ""
    return f"<td{side}>{escape(_short(value, _LONGEST))}</td>"


def _short(value: Any, longest: int) -> str:
    text = "NULL" if value is None else value if isinstance(value, str) else str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _line(cells: Iterable[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    parts = zip(cells, widths, numeric, strict=True)
    return " | ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in parts).rstrip()
