"""The commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

import data_bridge.postgres as pg
from data_bridge import _native
from data_bridge.postgres.orm import _reflect, _registry

from . import drawing, listing, shapes, shell
from .shapes import Shape

app = typer.Typer(help="Look into a PostgreSQL database, or work with it line by line.", no_args_is_help=True)

Models = Annotated[list[str], typer.Option("--models", "-m", help="A module with Table classes; may be repeated.")]


Url = Annotated[str | None, typer.Argument(help="The database; without it PGHOST and its like decide.")]


class Format(StrEnum):
    """What `inspect` prints."""

    table = "table"
    sql = "sql"
    python = "python"
    mermaid = "mermaid"
    svg = "svg"


@app.command()
def inspect(
    url: Url = None,
    models: Models = [],  # noqa: B006 - typer reads it, nobody changes it
    table: Annotated[list[str] | None, typer.Option("--table", "-t", help="Only this table; may be repeated.")] = None,
    schema: Annotated[str, typer.Option(help="The schema whose tables are meant.")] = "public",
    format: Annotated[Format, typer.Option("--format", "-f", help="What to print.")] = Format.table,  # noqa: A002
) -> None:
    """Print the tables of a database, draw them, or write classes for them; with --models those of classes."""
    try:
        if models and url is None:
            printed = _of_models(_chosen(_declared(models), table), format)
        else:
            with pg.connect_sync(url, pool_max=1) as db:
                printed = _of_database(db, schema, table or None, format)
    except (pg.Error, LookupError) as error:
        _end(f"cannot inspect: {error.args[0] if isinstance(error, LookupError) else error}")
    if isinstance(printed, str):
        sys.stdout.write(printed)
    else:
        listing.show(Console(), printed)


def _of_models(classes: list[Any], wanted: Format) -> str | list[Shape]:
    if wanted is Format.python:
        _end("--format python writes classes for a database; these are classes already")
    return _ddl(classes) if wanted is Format.sql else _drawn(shapes.of_classes(classes), wanted)


def _of_database(db: Any, schema: str, tables: list[str] | None, wanted: Format) -> str | list[Shape]:
    match wanted:
        case Format.sql:
            found: Any = pg.reflect(db, schema=schema, tables=tables)
            return _ddl(list(found.values()))
        case Format.python:
            source: Any = pg.reflect_source(db, schema=schema, tables=tables)
            return str(source)
        case _:
            return _drawn(_reflect.described(db, shapes.of_described, schema=schema, tables=tables), wanted)


def _drawn(found: list[Shape], wanted: Format) -> str | list[Shape]:
    match wanted:
        case Format.mermaid:
            return listing.mermaid(found)
        case Format.svg:
            return drawing.svg(found)
        case _:
            return found


def _ddl(classes: list[Any]) -> str:
    statements = _native.orm_create_statements([cls.__model__ for cls in classes], False)
    return "".join(f"{statement.rstrip(';')};\n" for statement in statements)


@app.command(name="shell")
def open_shell(
    url: Url = None,
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


def _end(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(1)
