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

    @property
    def references(self) -> list[tuple[Line, str]]:
        """The columns that refer to other rows, and the tables that those are in."""
        return [(line, line.refers_to.rpartition(".")[0]) for line in self.lines if line.refers_to]


def of_classes(classes: Iterable[Any]) -> list[Shape]:
    """The tables of these classes, in the order of their names."""
    return sorted((_shape(cls) for cls in classes), key=lambda shape: shape.name)


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
