"""What a picture or listing of tables shows of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_bridge.postgres.orm._columns import ColumnSpec


@dataclass(frozen=True)
class Line:
    """A column."""

    name: str
    type: str
    primary_key: bool
    nullable: bool
    unique: bool
    indexed: bool
    default: str
    #: ``table.column`` that it refers to.
    refers_to: str | None


@dataclass(frozen=True)
class Shape:
    """A table."""

    name: str
    comment: str | None
    lines: tuple[Line, ...]
    #: Constraints and indexes that are not those of one column.
    others: tuple[str, ...] = ()

    @property
    def references(self) -> list[tuple[Line, str]]:
        """The columns that refer to other rows, and the tables that those are in."""
        return [(line, line.refers_to.rpartition(".")[0]) for line in self.lines if line.refers_to]


def of_classes(classes: Iterable[Any]) -> list[Shape]:
    """The tables of these classes, in the order of their names."""
    return sorted((_shape(cls) for cls in classes), key=lambda shape: shape.name)


def of_described(tables: Iterable[dict[str, Any]]) -> list[Shape]:
    """The tables of a database, as reflection describes them, in the order of their names."""
    return sorted(map(_described, tables), key=lambda shape: shape.name)


def _described(table: dict[str, Any]) -> Shape:
    name = table["name"] if table["schema"] is None else f"{table['schema']}.{table['name']}"
    keys: dict[str, set[str]] = {column["name"]: set() for column in table["columns"]}
    targets: dict[str, str] = {}
    others: list[str] = []
    for constraint in table["constraints"]:
        columns = constraint.get("columns", [])
        kind = constraint["kind"]
        if kind == "primary key":
            for column in columns:
                keys[column].add(kind)
        if len(columns) == 1 and kind in ("primary key", "unique"):
            keys[columns[0]].add("unique")
        elif len(columns) == 1 and kind == "foreign key" and columns[0] not in targets:
            targets[columns[0]] = f"{_target(constraint)}.{constraint['target_columns'][0]}"
        else:
            others.append(_constraint(constraint))
    for index in table["indexes"]:
        parts = [part["column"] for part in index["parts"]]
        if len(parts) == 1 and parts[0] is not None and index["where"] is None and not index["unique"]:
            keys[parts[0]].add("index")
        else:
            others.append(_index(index))
    lines = tuple(_column(column, keys[column["name"]], targets.get(column["name"])) for column in table["columns"])
    return Shape(name, table["comment"], lines, tuple(others))


def _column(column: dict[str, Any], keys: set[str], refers_to: str | None) -> Line:
    generated, identity = column["generated"], column["identity"]
    default = column["default"] or (f"= {generated}" if generated else "")
    if identity is not None:
        default = "identity always" if identity else "identity by default"
    return Line(
        name=column["name"],
        type=column["type"],
        primary_key="primary key" in keys,
        nullable=column["nullable"],
        unique="unique" in keys,
        indexed="index" in keys,
        default="serial" if column["serial"] else default,
        refers_to=refers_to,
    )


def _target(constraint: dict[str, Any]) -> str:
    schema: str | None = constraint["target_schema"]
    return constraint["target"] if schema is None else f"{schema}.{constraint['target']}"


def _constraint(constraint: dict[str, Any]) -> str:
    columns = ", ".join(constraint.get("columns", []))
    match constraint["kind"]:
        case "check":
            return f"check {constraint['sql']}"
        case "foreign key":
            return f"({columns}) → {_target(constraint)} ({', '.join(constraint['target_columns'])})"
        case "exclude":
            pairs = zip(constraint["parts"], constraint["operators"], strict=True)
            return f"exclude ({', '.join(f'{_part(part)} with {operator}' for part, operator in pairs)})"
        case kind:
            return f"{kind} ({columns})"


def _index(index: dict[str, Any]) -> str:
    unique = "unique index" if index["unique"] else "index"
    using = f" using {index['using']}" if index["using"] not in (None, "btree") else ""
    where = f" where {index['where']}" if index["where"] else ""
    return f"{unique} ({', '.join(map(_part, index['parts']))}){using}{where}"


def _part(part: dict[str, Any]) -> str:
    return str(part["sql"] if part["column"] is None else part["column"])


def _shape(cls: Any) -> Shape:
    model = cls.__model__
    name = model.table_name if model.schema_name in (None, "public") else f"{model.schema_name}.{model.table_name}"
    specs: list[ColumnSpec] = list(cls.__declared__.columns.values())
    keys = sum(spec.primary_key for spec in specs)
    return Shape(name, getattr(model, "comment", None), tuple(_line(spec, alone=keys == 1) for spec in specs))


def _line(spec: ColumnSpec, *, alone: bool) -> Line:
    return Line(
        name=spec.name,
        type=spec.sql_type,
        primary_key=spec.primary_key,
        nullable=spec.nullable,
        unique=spec.unique or (spec.primary_key and alone),
        indexed=spec.index,
        default=spec.server_default or (f"identity {spec.identity}" if spec.identity else ""),
        refers_to=spec.foreign_key.removeprefix("public.") if spec.foreign_key else None,
    )
