"""What ``__table_args__`` holds: constraints and indexes of a whole table.

::

    class Booking(Table, table="bookings"):
        room: Col[int]
        during: Col[Range[datetime]]
        guest: Col[str]
        __table_args__ = (
            Exclude(("room", "="), ("during", "&&"), using="gist"),
            Check("guest <> ''"),
            Index(Sql("lower(guest)"), where="room > 0"),
        )

A column is named by its attribute, SQL stands in :class:`Sql` where a column could stand too. SQL is code, never built from
input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from data_bridge._native import Expression

from ._columns import Action, Sql, timing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Check", "Exclude", "ForeignKeyConstraint", "Index", "Part", "PrimaryKey", "TableArg", "Unique"]

Initially = Literal["IMMEDIATE", "DEFERRED"]


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A column or expression of an index as the native side takes it."""

    column: str | None
    sql: str | None
    collation: str | None
    opclass: str | None
    opclass_options: list[tuple[str, str]]
    descending: bool
    nulls: str | None


@dataclass(frozen=True, slots=True)
class TableArg:
    """A constraint or index as the native side takes it; ``kind`` says which of the fields count."""

    kind: str
    name: str | None = None
    columns: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    sql: str | None = None
    parts: tuple[PartSpec, ...] = ()
    operators: tuple[str, ...] = ()
    using: str | None = None
    where: str | None = None
    unique: bool = False
    nulls_not_distinct: bool = False
    no_inherit: bool = False
    options: tuple[tuple[str, str], ...] = ()
    target: str | None = None
    target_columns: tuple[str, ...] = ()
    on_delete: str | None = None
    on_update: str | None = None
    set_columns: tuple[str, ...] = ()
    full: bool = False
    timing: str = ""

    def renamed(self, name_of: Callable[[str], str]) -> TableArg:
        """The same with the names of columns for those of attributes."""

        def all_of(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(map(name_of, names))

        parts = (part if part.column is None else replace(part, column=name_of(part.column)) for part in self.parts)
        return replace(
            self,
            columns=all_of(self.columns),
            include=all_of(self.include),
            set_columns=all_of(self.set_columns),
            parts=tuple(parts),
        )


def Check(sql: str, *, name: str | None = None, no_inherit: bool = False) -> TableArg:  # noqa: N802 - what it declares
    """A condition over the columns of a row that must not be false."""
    return TableArg("check", name, sql=sql, no_inherit=no_inherit)


def PrimaryKey(  # noqa: N802
    *columns: str,
    name: str | None = None,
    include: Sequence[str] = (),
    deferrable: bool = False,
    initially: Initially | None = None,
) -> TableArg:
    """The columns that identify a row, in the order of their index; ``primary_key=True`` on each does without a name."""
    return TableArg("primary key", name, columns, tuple(include), timing=timing(deferrable, initially))


def Unique(  # noqa: N802
    *columns: str,
    name: str | None = None,
    nulls_not_distinct: bool = False,
    include: Sequence[str] = (),
    deferrable: bool = False,
    initially: Initially | None = None,
) -> TableArg:
    """No two rows agree in all of the columns. With ``nulls_not_distinct=True`` NULL agrees with NULL (PostgreSQL 15)."""
    return TableArg(
        "unique",
        name,
        columns,
        tuple(include),
        nulls_not_distinct=nulls_not_distinct,
        timing=timing(deferrable, initially),
    )


def ForeignKeyConstraint(  # noqa: N802
    columns: Sequence[str],
    target: str,
    *,
    name: str | None = None,
    on_delete: Action | None = None,
    on_update: Action | None = None,
    set_columns: Sequence[str] = (),
    match: Literal["SIMPLE", "FULL"] = "SIMPLE",
    deferrable: bool = False,
    initially: Initially | None = None,
) -> TableArg:
    """Columns that refer to a row together: ``ForeignKeyConstraint(["house", "room"], "rooms(house, number)")``.

    ``set_columns`` are those that ``on_delete="SET NULL"`` is for, where not all (PostgreSQL 15). ``match="FULL"`` wants all
    of the columns to be NULL or none.
    """
    table, bracket, inside = target.partition("(")
    names = tuple(name.strip() for name in inside.removesuffix(")").split(","))
    if isinstance(columns, str) or not bracket or not inside.endswith(")") or not all(names):
        raise TypeError(
            f'a foreign key is ForeignKeyConstraint(["a", "b"], "table(x, y)"), not ({columns!r}, {target!r})'
        )
    return TableArg(
        "foreign key",
        name,
        tuple(columns),
        target=table.strip(),
        target_columns=names,
        on_delete=on_delete,
        on_update=on_update,
        set_columns=tuple(set_columns),
        full=match == "FULL",
        timing=timing(deferrable, initially),
    )


def Part(  # noqa: N802
    of: str | Sql | Expression[Any],
    *,
    desc: bool = False,
    nulls: Literal["first", "last"] | None = None,
    collation: str | None = None,
    opclass: str | None = None,
    opclass_options: Mapping[str, str | int] | None = None,
) -> PartSpec:
    """A column or an expression (:class:`Sql`, ``func.lower(text("email"))``) of an index, with its order and operators."""
    column, sql = (of, None) if isinstance(of, str) else (None, _text(of))
    return PartSpec(column, sql, collation, opclass, list(_options(opclass_options)), desc, nulls)


def Index(  # noqa: N802
    *parts: str | Sql | Expression[Any] | PartSpec,
    name: str | None = None,
    unique: bool = False,
    where: str | None = None,
    using: str | None = None,
    include: Sequence[str] = (),
    opclass: str | Mapping[str, str] | None = None,
    nulls_not_distinct: bool = False,
    options: Mapping[str, str | int] | None = None,
) -> TableArg:
    """An index over columns (descending after a minus), expressions (:class:`Sql`), or :func:`Part` of either.

    ``where`` makes it partial, ``using`` names its method (``"gin"``), ``include`` columns that it keeps besides, ``opclass``
    the operator class of all columns or, as a mapping, of some. ``options`` are storage parameters (``{"fillfactor": 70}``).
    """
    return TableArg(
        "index",
        name,
        parts=tuple(_part(part, opclass) for part in parts),
        include=tuple(include),
        using=using,
        where=where,
        unique=unique,
        nulls_not_distinct=nulls_not_distinct,
        options=_options(options),
    )


def Exclude(  # noqa: N802
    *elements: tuple[str | Sql | Expression[Any] | PartSpec, str],
    name: str | None = None,
    using: str | None = "gist",
    where: str | None = None,
    include: Sequence[str] = (),
    deferrable: bool = False,
    initially: Initially | None = None,
) -> TableArg:
    """No two rows agree by all of the operators: ``Exclude(("room", "="), ("during", "&&"))``.

    In a GiST index, plain types such as ``int`` need the extension ``btree_gist``.
    """
    return TableArg(
        "exclude",
        name,
        parts=tuple(_part(part, None) for part, _ in elements),
        operators=tuple(operator for _, operator in elements),
        include=tuple(include),
        using=using,
        where=where,
        timing=timing(deferrable, initially),
    )


def _part(part: str | Sql | Expression[Any] | PartSpec, opclass: str | Mapping[str, str] | None) -> PartSpec:
    if not isinstance(part, PartSpec):
        descending = isinstance(part, str) and part.startswith("-")
        part = Part(part[1:] if isinstance(part, str) and descending else part, desc=descending)
    found = opclass if opclass is None or isinstance(opclass, str) else opclass.get(part.column or "")
    return part if part.opclass or found is None else replace(part, opclass=found)


def _text(code: Sql | Expression[Any]) -> str:
    return code.text if isinstance(code, Sql) else code._text()


def _options(options: Mapping[str, str | int] | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in (options or {}).items())
