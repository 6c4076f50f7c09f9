"""PostgreSQL types from Python annotations, and what converts the values of those that are more than a type."""

from __future__ import annotations

import enum
import ipaddress
import re
import types
import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    TypeAliasType,
    Union,
    get_args,
    get_origin,
)

from data_bridge import _native
from data_bridge.postgres import _json
from data_bridge.postgres.range import Multirange, Range

from . import _validation
from ._columns import Col

if TYPE_CHECKING:
    from ._columns import ColumnSpec

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
    ipaddress.IPv4Address: "inet",
    ipaddress.IPv6Address: "inet",
    ipaddress.IPv4Interface: "inet",
    ipaddress.IPv6Interface: "inet",
    ipaddress.IPv4Network: "cidr",
    ipaddress.IPv6Network: "cidr",
}


#: The type of ranges over a Python type. Those of ``integer`` and of timestamps without a zone are to be named.
RANGES: dict[Any, str] = {int: "int8range", Decimal: "numrange", date: "daterange", datetime: "tstzrange"}


class Reading(NamedTuple):
    """What an annotation says."""

    sql_type: str | None
    nullable: bool
    #: Where the type is an enum of the database: its labels, in their order.
    enum_labels: tuple[str, ...] | None = None


def read(annotation: Any, sql_type: str | None = None) -> Reading:
    """The PostgreSQL type (``None`` where the annotation does not tell) and whether NULL is a value.

    ``sql_type`` is the type that the column names by itself, if it does.
    """
    inner, nullable, _ = _peeled(annotation)
    labels = None
    element = _element(inner)
    if sql_type is None and _is_label_enum(element):
        labels = tuple(label(member) for member in element)
    return Reading(sql_type or _sql_type(inner), nullable, labels)


def complete(spec: ColumnSpec, annotation: Any) -> None:
    """What a column takes from its annotation beside the type: its converter, and validators in ``Annotated``."""
    spec.converter = converter(annotation, spec)
    spec.annotation, _, checks = _peeled(annotation)
    spec.validators = (*spec.validators, *checks)


#: The numbers of converters by what they are for. A converter is kept for good, as a class mostly is.
_converters: dict[Any, int] = {}


def converter(annotation: Any, spec: ColumnSpec) -> int | None:
    """The number of what converts the values of a column, ``None`` where the driver's are what the annotation says."""
    if spec.load is not None or spec.dump is not None:
        return _native.orm_converter(load=spec.load, dump=spec.dump)
    inner, _, _ = _peeled(annotation)
    sql_type = spec.sql_type.lower() or _sql_type(inner) or ""
    if sql_type.endswith("[]"):
        inner = _element(inner)
        sql_type = sql_type.removesuffix("[]")
    is_json = sql_type in ("json", "jsonb")
    if not is_json and not (isinstance(inner, type) and issubclass(inner, enum.Enum)):
        return None
    key = (inner, is_json, bool(spec.sql_type))
    try:
        known = _converters.get(key)
    except TypeError:
        return None  # An annotation that cannot be hashed is none that would need one.
    if known is None:
        made = _json_converter(inner) if is_json else _enum_converter(inner, by_value=bool(spec.sql_type))
        if made is None:
            return None
        known = _converters[key] = made
    return known


def label(member: enum.Enum) -> str:
    """The label of a member: its value where that is a ``str``, else its name."""
    return member.value if isinstance(member.value, str) else member.name


def type_name(cls: type) -> str:
    """The name of a class as SQL writes names, or what it has in ``__sql_name__``."""
    given: str | None = vars(cls).get("__sql_name__")
    if given is not None:
        return given
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()


def _peeled(annotation: Any) -> tuple[Any, bool, list[_validation.Check]]:
    """What an annotation is about, whether ``None`` is a value, and the validators in it."""
    nullable = False
    checks: list[_validation.Check] = []
    while True:
        if get_origin(annotation) is Annotated:
            checks += [one for one in annotation.__metadata__ if isinstance(one, _validation.Check)]
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) is Col:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, TypeAliasType):
            annotation = annotation.__value__
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        else:
            inner, found = _without_none(annotation)
            if not found:
                return annotation, nullable, checks
            annotation, nullable = inner, True


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    members = get_args(annotation)
    others = [member for member in members if member is not types.NoneType]
    return (others[0] if len(others) == 1 else Union[tuple(others)]), len(others) < len(members)  # noqa: UP007


def _element(annotation: Any) -> Any:
    """What a list is of; anything else is its own element."""
    while get_origin(annotation) is list:
        annotation, _ = _without_none(get_args(annotation)[0])
    return annotation


def _sql_type(annotation: Any) -> str | None:
    origin = get_origin(annotation)
    if origin is list:
        element = _sql_type(_without_none(get_args(annotation)[0])[0])
        return None if element is None else element.removesuffix("[]") + "[]"
    if origin in (Union, types.UnionType):
        # Addresses of both versions are of one type.
        of_members = {_sql_type(member) for member in get_args(annotation)}
        return of_members.pop() if len(of_members) == 1 else None
    if origin is Literal:
        of_values = {_sql_type(type(value)) for value in get_args(annotation)}
        return of_values.pop() if len(of_values) == 1 else None
    if origin in (Range, Multirange):
        found = RANGES.get(get_args(annotation)[0])
        return found if found is None or origin is Range else found.replace("range", "multirange")
    if _json.is_model(annotation):
        return "jsonb"
    if _is_label_enum(annotation):
        return type_name(annotation)
    if isinstance(annotation, type) and issubclass(annotation, int) and issubclass(annotation, enum.Enum):
        return "bigint"
    return SQL_TYPES.get(origin or annotation)


def _is_label_enum(annotation: Any) -> bool:
    """Whether its members are labels of an enum of the database; those of an ``IntEnum`` or ``IntFlag`` are numbers."""
    is_enum = isinstance(annotation, type) and issubclass(annotation, enum.Enum)
    return is_enum and not issubclass(annotation, int | enum.Flag)


def _enum_converter(cls: type[enum.Enum], *, by_value: bool) -> int:
    missing = f"the database holds a value that no member of {cls.__name__} stands for"
    if issubclass(cls, enum.Flag):
        return _native.orm_converter(load=cls)
    members = cls.__members__.values()
    by_value = by_value or not _is_label_enum(cls)
    table = {member.value if by_value else label(member): member for member in members}
    return _native.orm_converter(table=table, missing=missing)


def _json_converter(annotation: Any) -> int | None:
    load_json = _json.text_loader(annotation)
    if load_json is None:
        return None
    return _native.orm_converter(load_json=load_json, load=_json.loader(annotation))
