"""An existing database as classes, or as the source text of classes.

The native side asks the catalogs, four questions whatever the number of tables, and gives descriptions. From these a source
text is written, and classes are what that text makes: there is one way, and it can be read.
"""

from __future__ import annotations

import keyword
import re
import sys
from itertools import count
from types import ModuleType
from typing import TYPE_CHECKING, Any

from data_bridge import _native

from . import _executor
from ._table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    type Described = dict[str, Any]

#: Python's types of PostgreSQL's, and whether the annotation alone means that type.
_ANNOTATIONS: dict[str, tuple[str, bool]] = {
    "boolean": ("bool", True),
    "smallint": ("int", False),
    "integer": ("int", False),
    "bigint": ("int", True),
    "real": ("float", False),
    "double precision": ("float", True),
    "numeric": ("Decimal", True),
    "text": ("str", True),
    "varchar": ("str", False),
    "char": ("str", False),
    "bytea": ("bytes", True),
    "uuid": ("UUID", True),
    "date": ("dt.date", True),
    "time": ("dt.time", True),
    "timestamp": ("dt.datetime", False),
    "timestamptz": ("dt.datetime", True),
    "int4range": ("pg.Range[int]", False),
    "int8range": ("pg.Range[int]", True),
    "numrange": ("pg.Range[Decimal]", True),
    "daterange": ("pg.Range[dt.date]", True),
    "tsrange": ("pg.Range[dt.datetime]", False),
    "tstzrange": ("pg.Range[dt.datetime]", True),
    "int8multirange": ("pg.Multirange[int]", True),
    "nummultirange": ("pg.Multirange[Decimal]", True),
    "datemultirange": ("pg.Multirange[dt.date]", True),
    "tstzmultirange": ("pg.Multirange[dt.datetime]", True),
}

_IMPORTS = {
    "Decimal": "from decimal import Decimal",
    "UUID": "from uuid import UUID",
    "Any": "from typing import Any",
    "dt": "import datetime as dt",
}

#: What annotations and declarations name; a column of such a name would hide it in its class.
_NAMES = frozenset({"Any", "Decimal", "UUID", "bool", "bytes", "dt", "enum", "float", "int", "list", "pg", "str"})
_TAKEN = frozenset(dir(Table)) | {"_state", "_batch"} | _NAMES
_numbers = count(1)


def reflect_source(
    db: Any = None, *, schema: str = "public", tables: Iterable[str] | None = None, timeout: float | None = None
) -> Coroutine[Any, Any, str]:
    """The source text of a module with a class for each table of a schema, or for these.

    In the schema ``public`` names stand alone; of any other the classes have ``schema=``.
    """
    return _described(db, schema, tables, timeout, lambda found: _Module(found, schema).text())


def reflect(
    db: Any = None, *, schema: str = "public", tables: Iterable[str] | None = None, timeout: float | None = None
) -> Coroutine[Any, Any, dict[str, type[Table]]]:
    """A class for each table of a schema, or for these, by the tables' names; links and all, as :func:`reflect_source` has it."""
    return _described(db, schema, tables, timeout, lambda found: _classes(_Module(found, schema)))


def described(db: Any, make: Callable[[list[Described]], Any], *, schema: str, tables: Iterable[str] | None) -> Any:
    """What ``make`` makes of the descriptions of tables, for those who show them."""
    return _described(db, schema, tables, None, make)


def _described[R](
    db: Any,
    schema: str,
    tables: Iterable[str] | None,
    timeout: float | None,
    make: Callable[[list[Described]], R],
) -> Coroutine[Any, Any, R]:
    wanted = None if tables is None else set(tables)

    async def steps(holder: Any) -> R:
        async with holder.transaction() as transaction:
            # What is in the schema stands alone in texts where it is public, and else has its schema with it.
            path = "public" if schema == "public" else "pg_catalog"
            await transaction.fetch("SELECT pg_catalog.set_config('search_path', $1, true)", path)
            answers = [
                [tuple(row) for row in await transaction.fetch(sql, [schema])] for sql in _native.orm_reflect_queries()
            ]
        found = _native.orm_reflect(answers, "public" if schema == "public" else None)
        if wanted is not None:
            missing = wanted - {table["name"] for table in found}
            if missing:
                raise LookupError(f"the schema {schema!r} has no table {', '.join(map(repr, sorted(missing)))}")
            found = [table for table in found if table["name"] in wanted]
        return make(found)

    return _executor.in_steps(db, steps, timeout)


def _classes(module: _Module) -> dict[str, type[Table]]:
    """Run the text, in which every name is an identifier or a literal made by ``repr``."""
    name = f"data_bridge.postgres.reflected_{next(_numbers)}"
    made = ModuleType(name)
    # Annotations are looked up in the module.
    sys.modules[name] = made
    try:
        exec(compile(module.text(), f"<{name}>", "exec"), vars(made))  # noqa: S102
    except BaseException:
        del sys.modules[name]
        raise
    return {table: getattr(made, cls) for table, cls in module.class_names.items()}


class _Module:
    """A source text in the making."""

    def __init__(self, tables: list[Described], schema: str) -> None:
        # A table without columns holds nothing to read.
        self.tables = [table for table in tables if table["columns"]]
        self.schema = schema
        self.names = set(_NAMES)
        self.used: set[str] = set()
        self.enums: dict[tuple[str | None, str], str] = {}
        self.class_names = {table["name"]: self._free(_class_name(table["name"])) for table in self.tables}

    def text(self) -> str:
        enums: list[str] = []
        for table in self.tables:
            for column in table["columns"]:
                self._enum(column["enum"], enums)
        bodies = [self._class(table) for table in self.tables]
        imports = sorted({_IMPORTS[name] for name in self.used if name in _IMPORTS})
        if enums:
            imports.insert(0, "import enum")
        head = ['"""Tables as the database has them."""', "", "from __future__ import annotations", "", *imports]
        return "\n".join([*head, "", "import data_bridge.postgres as pg", *enums, *bodies]) + "\n"

    def _free(self, name: str) -> str:
        candidates = (name if number == 1 else f"{name}{number}" for number in count(1))
        free = next(candidate for candidate in candidates if candidate not in self.names)
        self.names.add(free)
        return free

    def _enum(self, described: tuple[str | None, str, list[str]] | None, texts: list[str]) -> None:
        if described is None or (described[0], described[1]) in self.enums:
            return
        schema, name, labels = described
        cls = self._free(_class_name(name, singular=False))
        self.enums[schema, name] = cls
        lines = ["", "", f"class {cls}(enum.Enum):"]
        sql_name = _part(name) if schema is None or schema == self.schema else f"{_part(schema)}.{_part(name)}"
        if sql_name != _snake_case(cls):
            lines.append(f"    __sql_name__ = {sql_name!r}")
        members: set[str] = {"name", "value", "mro"}
        for label in labels:
            member = _identifier(label.upper(), members)
            members.add(member)
            lines.append(f"    {member} = {label!r}")
        texts.extend(lines if labels else [*lines, "    pass"])

    def _class(self, table: Described) -> str:
        cls = self.class_names[table["name"]]
        options = [f"table={table['name']!r}"]
        if table["schema"] is not None:
            options.append(f"schema={table['schema']!r}")
        if table["comment"] is not None:
            options.append(f"comment={table['comment']!r}")
        body = _Body(self, table)
        return "\n".join(["", "", f"class {cls}(pg.Table, {', '.join(options)}):", *body.lines()])

    def annotation(self, column: Described) -> tuple[str, str | None]:
        """The annotation of a column, and the type to name where that does not mean it."""
        text, ty = "Any", column["type"]
        if column["enum"] is not None:
            schema, name, _ = column["enum"]
            text, ty = self.enums[schema, name], None
        elif column["builtin"] in _ANNOTATIONS:
            text, alone = _ANNOTATIONS[column["builtin"]]
            plain = column["builtin"] + ("[]" if column["is_array"] else "")
            ty = None if alone and ty == plain else ty
        if column["serial"]:
            ty = {"smallint": "smallserial", "integer": "serial"}.get(column["type"], "bigserial")
        if column["is_array"] and text != "Any":
            text = f"list[{text}]"
        self.used.update(re.findall(r"\w+", text))
        return text, ty


class _Body:
    """The body of one class."""

    def __init__(self, module: _Module, table: Described) -> None:
        self.module = module
        self.table = table
        self.attributes: dict[str, str] = {}
        for column in table["columns"]:
            taken = {*self.attributes.values(), *_TAKEN, *module.class_names.values(), *module.enums.values()}
            self.attributes[column["name"]] = _identifier(column["name"], taken)

    def lines(self) -> list[str]:
        beside: dict[str, dict[str, Any]] = {column["name"]: {} for column in self.table["columns"]}
        args = [self._constraint(one) for one in self.table["constraints"] if not self._beside(one, beside)]
        for index in self.table["indexes"]:
            columns = [part["column"] for part in index["parts"]]
            plain = (
                index["usual"] and len(columns) == 1 and self._call("pg.Index", index) == f"pg.Index({columns[0]!r})"
            )
            if plain and columns[0] == self.attributes[columns[0]]:
                beside[columns[0]]["index"] = True
            else:
                args.append(self._index(index))
        keys = [name for name, options in beside.items() if options.get("primary_key")]
        lines = [
            self._column(column, beside[column["name"]], keys == [column["name"]]) for column in self.table["columns"]
        ]
        lines += self._links(beside)
        if args:
            lines += ["    __table_args__ = (", *(f"        {arg}," for arg in args), "    )"]
        return lines or ["    pass"]

    def _beside(self, constraint: Described, beside: dict[str, dict[str, Any]]) -> bool:
        """Write a constraint beside its column, if it can be said there."""
        kind, columns = constraint["kind"], constraint.get("columns", [])
        if not constraint["usual"] or (len(columns) != 1 and kind != "primary key") or constraint.get("include"):
            return False
        options = beside[columns[0]]
        if kind == "primary key" and not constraint["timing"]:
            in_order = [name for name in beside if name in columns]
            if in_order != columns:
                return False
            for name in columns:
                beside[name]["primary_key"] = True
            return True
        if (
            kind == "unique"
            and not constraint["timing"]
            and not constraint["nulls_not_distinct"]
            and "unique" not in options
        ):
            options["unique"] = True
            return True
        if (
            kind == "foreign key"
            and "foreign_key" not in options
            and not constraint["set_columns"]
            and not constraint["full"]
        ):
            options["foreign_key"] = ".".join(map(_part, [*_target(constraint), *constraint["target_columns"]]))
            options.update(_actions(constraint))
            options.update(_timing(constraint))
            return True
        return False

    def _column(self, column: Described, beside: dict[str, Any], is_key: bool) -> str:
        attribute = self.attributes[column["name"]]
        annotation, ty = self.module.annotation(column)
        options: dict[str, Any] = {}
        if attribute != column["name"]:
            options["name"] = column["name"]
        if ty is not None:
            options["type"] = ty
        options.update(beside)
        if column["identity"] is not None:
            options.update(_identity(column, is_key))
        elif is_key and _would_number_itself(column) and "foreign_key" not in options:
            options["identity"] = False
        for option, key in (("server_default", "default"), ("generated", "generated")):
            if column[key] is not None:
                options[option] = column[key]
        if not column["stored"]:
            options["virtual"] = True
        for option in ("collation", "comment"):
            if column[option] is not None:
                options[option] = column[option]
        if column["nullable"]:
            if annotation == "Any":
                options["nullable"] = True
            else:
                annotation += " | None"
            if column["default"] is None and column["generated"] is None:
                options["default"] = None
        if column["serial"]:
            options["init"] = False
        inside = ", ".join(f"{name}={_Source(value)!r}" for name, value in options.items())
        return f"    {attribute}: pg.Col[{annotation}]" + (f" = pg.Column({inside})" if inside else "")

    def _links(self, beside: dict[str, dict[str, Any]]) -> list[str]:
        lines: list[str] = []
        taken = {*self.attributes.values(), *_TAKEN}
        for constraint in self.table["constraints"]:
            columns = constraint.get("columns", [])
            if constraint["kind"] != "foreign key" or len(columns) != 1 or "foreign_key" not in beside[columns[0]]:
                continue
            cls = self.module.class_names.get(constraint["target"])
            attribute = self.attributes[columns[0]]
            if cls is None or constraint["target_schema"] != self.table["schema"] or attribute != columns[0]:
                continue
            stem = attribute.removesuffix("_id")
            link = _identifier(stem if stem != attribute else f"{attribute}_row", taken)
            taken.add(link)
            nullable = next(column["nullable"] for column in self.table["columns"] if column["name"] == columns[0])
            optional = " | None" if nullable else ""
            lines.append(f"    {link}: pg.ForeignKey[{cls}{optional}] = pg.ForeignKey({attribute!r})")
        return lines

    def _constraint(self, constraint: Described) -> str:
        kind = constraint["kind"]
        options: dict[str, Any] = {} if constraint["usual"] else {"name": constraint["name"]}
        columns = [self.attributes[name] for name in constraint.get("columns", [])]
        include = [self.attributes[name] for name in constraint.get("include", [])]
        if include:
            options["include"] = include
        options.update(_timing(constraint))
        if kind == "check":
            if constraint["no_inherit"]:
                options["no_inherit"] = True
            return _call("pg.Check", [constraint["sql"]], options)
        if kind == "exclude":
            if constraint["using"] != "gist":
                options["using"] = constraint["using"]
            if constraint["where"] is not None:
                options["where"] = constraint["where"]
            pairs = zip(constraint["parts"], constraint["operators"], strict=True)
            elements = [_Code(f"({self._part(part)}, {operator!r})") for part, operator in pairs]
            return _call("pg.Exclude", elements, options)
        if kind == "foreign key":
            options.update(_actions(constraint))
            if constraint["set_columns"]:
                options["set_columns"] = [self.attributes[name] for name in constraint["set_columns"]]
            if constraint["full"]:
                options["match"] = "FULL"
            target = ".".join(map(_part, _target(constraint)))
            return _call(
                "pg.ForeignKeyConstraint", [columns, f"{target}({', '.join(constraint['target_columns'])})"], options
            )
        if kind == "unique" and constraint["nulls_not_distinct"]:
            options["nulls_not_distinct"] = True
        return _call("pg.Unique" if kind == "unique" else "pg.PrimaryKey", columns, options)

    def _index(self, index: Described) -> str:
        return self._call("pg.Index", index)

    def _call(self, function: str, index: Described) -> str:
        options: dict[str, Any] = {} if index["usual"] else {"name": index["name"]}
        for option in ("unique", "where", "using", "nulls_not_distinct"):
            if index[option]:
                options[option] = index[option]
        if index["include"]:
            options["include"] = [self.attributes[name] for name in index["include"]]
        if index["options"]:
            options["options"] = dict(index["options"])
        return _call(function, [_Code(self._part(part)) for part in index["parts"]], options)

    def _part(self, part: Described) -> str:
        of: Any = _Code(f"pg.Sql({part['sql']!r})") if part["column"] is None else self.attributes[part["column"]]
        options: dict[str, Any] = {"desc": True} if part["descending"] else {}
        for option in ("nulls", "collation", "opclass"):
            if part[option] is not None:
                options[option] = part[option]
        if part["opclass_options"]:
            options["opclass_options"] = dict(part["opclass_options"])
        return _call("pg.Part", [of], options) if options else repr(_Source(of))


class _Code(str):
    """A piece of source, which is no text in it."""

    __slots__ = ()


class _Source:
    """A value whose ``repr`` is its source."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return str(self.value) if isinstance(self.value, _Code) else repr(self.value)


def _call(function: str, args: Iterable[Any], options: dict[str, Any]) -> str:
    inside = [repr(_Source(arg)) for arg in args]
    inside += [f"{name}={_Source(value)!r}" for name, value in options.items()]
    return f"{function}({', '.join(inside)})"


def _target(constraint: Described) -> list[str]:
    schema, table = constraint["target_schema"], constraint["target"]
    return [table] if schema is None else [schema, table]


def _actions(constraint: Described) -> dict[str, str]:
    return {name: constraint[name] for name in ("on_delete", "on_update") if constraint[name] != "NO ACTION"}


def _timing(constraint: Described) -> dict[str, Any]:
    if constraint["timing"] == "DEFERRED":
        return {"deferrable": True, "initially": "DEFERRED"}
    return {"deferrable": True} if constraint["timing"] else {}


def _would_number_itself(column: Described) -> bool:
    is_integer = column["type"] in ("smallint", "integer", "bigint")
    return is_integer and not column["serial"] and column["default"] is None


def _identity(column: Described, is_key: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"init": False} if column["identity"] else {}
    if column["sequence"]:
        always = {} if column["identity"] else {"always": False}
        options["identity"] = _Code(_call("pg.Identity", [], always | column["sequence"]))
    elif not is_key:
        options["identity"] = "always" if column["identity"] else "by default"
    return options


def _part(name: str) -> str:
    """A part of a dotted name, or the name of a type."""
    if not re.fullmatch(r"[\w $]+", name) or name != name.strip():
        doubled = name.replace('"', '""')
        return f'"{doubled}"'
    return name


def _class_name(name: str, *, singular: bool = True) -> str:
    words = re.findall(r"[^\W_]+", name)
    if singular and words:
        words[-1] = _singular(words[-1])
    text = "".join(word[:1].upper() + word[1:] for word in words)
    return _identifier(text, {"None", "True", "False"}, stem="Table")


def _singular(word: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word.removesuffix(ending) + instead
    keeps = word.endswith(("ss", "us", "is")) or not word.endswith("s")
    return word if keeps else word[:-1]


def _identifier(name: str, taken: Iterable[str], stem: str = "column") -> str:
    """The name as an identifier that is not taken."""
    text = re.sub(r"\W", "_", name)
    if not text.isidentifier():
        text = f"{stem}_{text}"
    # Two leading underscores would be mangled by the class, and identifiers are normalised by Python.
    if text.startswith("__") or not text.isidentifier() or not text.isascii():
        text = f"{stem}_" + re.sub(r"[^a-zA-Z0-9_]", "_", text).lstrip("_")
    all_taken = set(taken)
    while keyword.iskeyword(text) or text in all_taken:
        text += "_"
    return text


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
