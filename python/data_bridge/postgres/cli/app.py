"""The commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from typing import Annotated, Any

import typer
from rich.console import Console

import data_bridge.postgres as pg
from data_bridge.postgres.orm import _registry

from . import drawing, listing, shapes, shell

app = typer.Typer(help="Look into a PostgreSQL database, or work with it line by line.", no_args_is_help=True)

Models = Annotated[list[str], typer.Option("--models", "-m", help="A module with Table classes; may be repeated.")]


class Format(StrEnum):
    """What `inspect` prints."""

    table = "table"
    mermaid = "mermaid"
    svg = "svg"


@app.command()
def inspect(
    models: Models,
    table: Annotated[list[str] | None, typer.Option("--table", "-t", help="Only this table; may be repeated.")] = None,
    format: Annotated[Format, typer.Option("--format", "-f", help="What to print.")] = Format.table,  # noqa: A002
) -> None:
    """Print the tables of a database or of Table classes, or draw them."""
    found = shapes.of_classes(_chosen(_declared(models), table))
    match format:
        case Format.table:
            listing.show(Console(), found)
        case Format.mermaid:
            sys.stdout.write(listing.mermaid(found))
        case Format.svg:
            sys.stdout.write(drawing.svg(found))


@app.command(name="shell")
def open_shell(
    url: Annotated[str | None, typer.Argument(help="The database; without it PGHOST and its like decide.")] = None,
    models: Models = [],  # noqa: B006 - typer reads it, nobody changes it
    plain: Annotated[
        bool, typer.Option("--plain", help="Python's own prompt, also where IPython is installed.")
    ] = False,
) -> None:
    """A prompt that awaits, with the database as `db` and the models by their names."""
    try:
        shell.run(url, models, only_plain=plain)
    except pg.Error as error:
        _end(f"cannot connect: {error}")


def _declared(modules: Sequence[str]) -> list[Any]:
    sys.path.insert(0, "")
    for module in modules:
        import_module(module)
    return _registry.every()


def _chosen(classes: list[Any], names: Sequence[str] | None) -> list[Any]:
    if not names:
        return classes
    known = {cls.__model__.table_name: cls for cls in classes}
    missing = [name for name in names if name not in known]
    if missing:
        _end(f"no table {', '.join(missing)}; there are {', '.join(sorted(known)) or 'none'}")
    return [known[name] for name in names]


def _end(message: str) -> None:
    print(message, file=sys.stderr)
    raise typer.Exit(1)
