"""What a class body may say about a column, and how columns and links look to a type checker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from data_bridge._native import Col, Collection, Expression, Link, Order

from ._relations import BackReference, ForeignKey, ManyToMany

__all__ = [
    "MISSING",
    "BackReference",
    "Col",
    "Collection",
    "Column",
    "ColumnSpec",
    "Condition",
    "Expression",
    "ForeignKey",
    "Identity",
    "Link",
    "ManyToMany",
    "Order",
    "Sql",
    "col",
    "timing",
]

#: What ``User.id == 1`` is: an expression that is true or false for each row.
Condition = Expression[bool]

Action = Literal["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final[Any] = _Missing()


@dataclass(frozen=True)
class Sql:
    """A piece of SQL in a table's definition. It is code: never build it from input."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """How the server numbers a column: ``Column(identity=Identity(start=1000, increment=10))``.

    With ``always=False`` an INSERT may give a number itself.
    """

    always: bool = True
    start: int | None = None
    increment: int | None = None
    min: int | None = None
    max: int | None = None
    cache: int | None = None
    cycle: bool = False


@dataclass(kw_only=True, slots=True)
class ColumnSpec:
    """A column as the native side takes it; the fields are those of :func:`Column`, all names and types known."""

    name: str = ""
    attribute: str = ""
    sql_type: str = ""
    nullable: bool = False
    primary_key: bool = False
    unique: bool = False
    index: bool = False
    identity: str | None = None
    sequence: Identity | None = None
    generated: str | None = None
    stored: bool = True
    renamed_from: str | None = None
    server_default: str | None = None
    check: str | None = None
    collation: str | None = None
    comment: str | None = None
    foreign_key: str | None = None
    on_delete: str | None = None
    on_update: str | None = None
    timing: str = ""
    strict: bool = False
    #: What the class says of it, not ``Column``.
    soft_delete: bool = False
    tenant: bool = False
    init: bool = True
    default: tuple[Any] | None = None
    default_factory: Callable[[], Any] | None = None
    onupdate_sql: str | None = None
    onupdate: Callable[[], Any] | None = None
    converter: int | None = None
    validators: tuple[Callable[[Any], Any], ...] = ()
    #: The labels of the enum type that the column's type is, in their order.
    enum_labels: tuple[str, ...] | None = None
    version: bool = False
    discriminator: bool = False
    # Not for the native side:
    rule: Literal["deny", "soft"] | None = None
    asked_identity: bool | str | None = None
    load: Callable[[Any], Any] | None = None
    dump: Callable[[Any], Any] | None = None
    secret: bool = False
    annotation: Any = None


def Column(  # noqa: N802 - the name of what it declares
    *,
    name: str | None = None,
    type: str | None = None,  # noqa: A002 - what it is called in SQL
    primary_key: bool = False,
    unique: bool = False,
    index: bool = False,
    nullable: bool | None = None,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | None = None,
    server_default: str | Sql | Expression[Any] | None = None,
    onupdate: Any = MISSING,
    check: str | None = None,
    foreign_key: str | None = None,
    on_delete: Action | None = None,
    on_update: Action | None = None,
    rule: Literal["deny", "soft"] | None = None,
    strict: bool = False,
    init: bool = True,
    deferrable: bool = False,
    initially: Literal["IMMEDIATE", "DEFERRED"] | None = None,
    identity: bool | Literal["always", "by default"] | Identity | None = None,
    generated: str | Sql | Expression[Any] | None = None,
    virtual: bool = False,
    renamed_from: str | None = None,
    collation: str | None = None,
    comment: str | None = None,
    load: Callable[[Any], Any] | None = None,
    dump: Callable[[Any], Any] | None = None,
    validate: Callable[[Any], Any] | Sequence[Callable[[Any], Any]] = (),
    secret: bool = False,
    version: bool = False,
    discriminator: bool = False,
) -> Any:
    """Declare a column of a :class:`Table`.

    ``name`` is the column's name where it is not the attribute's: ``class_: Col[str] = Column(name="class")``. New rows
    that are mappings have attributes as keys; texts that name columns, such as ``conflict_columns``, mean the column's name.

    ``type`` is PostgreSQL's type as in DDL (``"varchar(40)"``); left out, it follows from the annotation, as ``nullable`` does
    from ``| None``. ``default`` and ``default_factory`` are for the constructor, ``server_default`` is SQL for the server.
    ``onupdate`` (a value, a callable, or SQL such as ``func.now()``) is what updates set the column to when they do not name it.
    ``check`` is an SQL expression. ``foreign_key`` is ``"table.column"`` or ``"schema.table.column"``; with
    ``strict=True`` a key whose row is not there is an error when the link is loaded, instead of ``None``. With ``init=False`` the
    constructor does not take the column. ``rule`` says what becomes of this row when the one that it refers to is deleted, softly
    too: ``"deny"`` has that refused, ``"soft"`` has this one deleted softly along with it.

    ``load`` makes the attribute's value of the one that the driver read, and ``dump`` makes the one to send of the attribute's:
    for types of your own. NULL is ``None`` without them.

    ``validate`` is a callable, or several that run in turn: each takes a value and gives the one to keep, or raises
    ``ValueError``. They see what the constructor, attributes, inserts and updates are given, and never a row of the database.
    ``secret=True`` shows the value as ``***`` and leaves it out of JSON.

    A lone integer primary key without a default is an identity column: always numbered by the server with ``init=False``, else
    where no value is given. ``identity=False`` prevents it.

    ``generated`` is SQL over other columns of the row that the server computes the value from, and keeps; with ``virtual=True``
    (PostgreSQL 18) it does so on reading. ``deferrable`` and ``initially`` say when a foreign key is looked at.
    ``renamed_from`` is the name that the column had before, for migrations.

    With ``discriminator=True`` rows of several classes are told apart by the column: classes derived with
    ``discriminator="its value"`` share the table.

    With ``version=True`` the column counts the row's versions: every update adds 1, and saving or deleting an instance whose row
    has another version by then is a :class:`StaleRowError`. It starts at 1, unless a default says otherwise.
    """
    if default is not MISSING and default_factory is not None:
        raise TypeError("a column has either default or default_factory, not both")
    if isinstance(default, list | dict | set | bytearray):
        type_name = default.__class__.__name__  # pyright: ignore[reportUnknownMemberType]
        raise TypeError(f"a {type_name} as default would be shared by all instances; use default_factory")
    if version and onupdate is not MISSING:
        raise TypeError("a version column counts by itself; it takes no onupdate")
    if version and server_default is None and default is MISSING and default_factory is None:
        server_default = "1"
    if foreign_key is None and (on_delete or on_update or strict or deferrable or initially):
        raise TypeError("on_delete, on_update, deferrable, initially and strict need a foreign_key")
    if generated is not None and (default is not MISSING or default_factory is not None or onupdate is not MISSING):
        raise TypeError("a generated column takes no value: neither default, default_factory nor onupdate")
    sequence = identity if isinstance(identity, Identity) else None
    if isinstance(identity, Identity):
        identity = "always" if identity.always else "by default"
    validators = (validate,) if callable(validate) else tuple(validate)
    if not all(map(callable, validators)):
        raise TypeError("validate takes callables such as MinLength(3), not " + ", ".join(map(repr, validators)))
    return ColumnSpec(
        name=name or "",
        sql_type=type or "",
        nullable=bool(nullable),
        primary_key=primary_key,
        unique=unique,
        index=index,
        server_default=_sql(server_default),
        check=check,
        collation=collation,
        comment=comment,
        foreign_key=foreign_key,
        on_delete=on_delete,
        on_update=on_update,
        timing=timing(deferrable, initially),
        strict=strict,
        rule=rule,
        init=init and generated is None,
        default=None if default is MISSING else (default,),
        default_factory=default_factory,
        onupdate_sql=_sql(onupdate) if _is_sql(onupdate) else None,
        onupdate=_as_callable(onupdate),
        version=version,
        discriminator=discriminator,
        asked_identity=identity,
        sequence=sequence,
        generated=_sql(generated),
        stored=not virtual,
        renamed_from=renamed_from,
        load=load,
        dump=dump,
        validators=validators,
        secret=secret,
    )


def timing(deferrable: bool, initially: str | None) -> str:
    """When a constraint is looked at, as the native side takes it: ``""``, ``"DEFERRABLE"`` or ``"DEFERRED"``."""
    if initially not in (None, "IMMEDIATE", "DEFERRED"):
        raise TypeError(f'initially is "IMMEDIATE" or "DEFERRED", not {initially!r}')
    if initially == "DEFERRED":
        return "DEFERRED"
    return "DEFERRABLE" if deferrable else ""


def _is_sql(value: Any) -> bool:
    return isinstance(value, Sql | Expression)


def _sql(code: str | Sql | Expression[Any] | None) -> str | None:
    if isinstance(code, Sql):
        return code.text
    return code._text() if isinstance(code, Expression) else code


def _as_callable(onupdate: Any) -> Callable[[], Any] | None:
    if onupdate is MISSING or _is_sql(onupdate):
        return None
    return onupdate if callable(onupdate) else lambda: onupdate


def col[C](column: C) -> Col[C]:
    """Give a column of a bare annotation its expression type: ``col(Post.id).desc()``. At run time it is the column itself."""
    if not isinstance(column, Expression):
        raise TypeError(f"expected a column such as Post.id, not {type(column).__name__}")
    return column  # type: ignore[return-value, unused-ignore]
