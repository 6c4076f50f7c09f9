"""PostgreSQL types from Python annotations."""

from __future__ import annotations

import types
import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from ._columns import Col, ForeignKey

SQL_TYPES: dict[Any, str] = {
    bool: "boolean",
    int: "bigint",
    float: "double precision",
    Decimal: "numeric",
    str: "text",
    bytes: "bytea",
    uuid.UUID: "uuid",
    date: "date",
    datetime: "timestamptz",
    time: "time",
    timedelta: "interval",
    dict: "jsonb",
}


class Reading(NamedTuple):
    """What an annotation says."""

    sql_type: str | None
    nullable: bool


def read(annotation: Any) -> Reading:
    """The PostgreSQL type (``None`` where the annotation does not tell) and whether NULL is a value."""
    inner, nullable = _without_none(_unwrapped(annotation))
    return Reading(_sql_type(inner), nullable)


def linked_class(annotation: Any) -> Any:
    """The ``T`` of ``ForeignKey[T]``, ``None`` for other annotations."""
    if get_origin(annotation) is not ForeignKey:
        return None
    target, _ = _without_none(get_args(annotation)[0])
    return target


def is_link(annotation: Any) -> bool:
    """Whether it is ``ForeignKey`` or ``ForeignKey[T]``."""
    return annotation is ForeignKey or get_origin(annotation) is ForeignKey


def _unwrapped(annotation: Any) -> Any:
    while get_origin(annotation) in (Col, Annotated):
        annotation = get_args(annotation)[0]
    return annotation


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    members = get_args(annotation)
    others = [member for member in members if member is not types.NoneType]
    return (others[0] if len(others) == 1 else annotation), len(others) < len(members)


def _sql_type(annotation: Any) -> str | None:
    origin = get_origin(annotation)
    if origin is list:
        element = _sql_type(_without_none(get_args(annotation)[0])[0])
        return None if element is None else element.removesuffix("[]") + "[]"
    return SQL_TYPES.get(origin or annotation)
