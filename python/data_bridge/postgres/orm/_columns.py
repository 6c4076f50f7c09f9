"""What a class body may say about a column, and how columns and links look to a type checker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Self, TypeVar, overload

from data_bridge import _native

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")

Action = Literal["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final[Any] = _Missing()


@dataclass(frozen=True)
class Sql:
    """A piece of SQL where a value could stand, such as ``func.now()``. It is code: never build it from input."""

    text: str


class _Functions:
    """``func.name()`` is the SQL function of that name, called without arguments."""

    def __getattr__(self, name: str) -> Callable[[], Sql]:
        if not name.isidentifier() or name.startswith("_"):
            raise AttributeError(name)
        return lambda: Sql(f"{name}()")


func = _Functions()


@dataclass(kw_only=True, slots=True)
class ColumnSpec:
    """A column as the native side takes it; the fields are those of :func:`Column`, all names and types known."""

    name: str = ""
    sql_type: str = ""
    nullable: bool = False
    primary_key: bool = False
    unique: bool = False
    index: bool = False
    identity: str | None = None
    server_default: str | None = None
    check: str | None = None
    collation: str | None = None
    comment: str | None = None
    foreign_key: str | None = None
    on_delete: str | None = None
    on_update: str | None = None
    init: bool = True
    default: tuple[Any] | None = None
    default_factory: Callable[[], Any] | None = None
    onupdate_sql: str | None = None
    onupdate: Callable[[], Any] | None = None
    # Not for the native side:
    asked_identity: bool | str | None = None


def Column(  # noqa: N802 - the name of what it declares
    *,
    type: str | None = None,  # noqa: A002 - what it is called in SQL
    primary_key: bool = False,
    unique: bool = False,
    index: bool = False,
    nullable: bool | None = None,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | None = None,
    server_default: str | Sql | None = None,
    onupdate: Any = MISSING,
    check: str | None = None,
    foreign_key: str | None = None,
    on_delete: Action | None = None,
    on_update: Action | None = None,
    init: bool = True,
    identity: bool | Literal["always", "by default"] | None = None,
    collation: str | None = None,
    comment: str | None = None,
) -> Any:
    """Declare a column of a :class:`Table`.

    ``type`` is PostgreSQL's type as in DDL (``"varchar(40)"``); left out, it follows from the annotation, as ``nullable`` does
    from ``| None``. ``default`` and ``default_factory`` are for the constructor, ``server_default`` is SQL for the server.
    ``onupdate`` (a value, a callable, or SQL such as ``func.now()``) is what updates set the column to when they do not name it.
    ``check`` is an SQL expression. ``foreign_key`` is ``"table.column"`` or ``"schema.table.column"``. With ``init=False`` the
    constructor does not take the column.

    A lone integer primary key without a default is an identity column: always numbered by the server with ``init=False``, else
    where no value is given. ``identity=False`` prevents it.
    """
    if default is not MISSING and default_factory is not None:
        raise TypeError("a column has either default or default_factory, not both")
    if isinstance(default, list | dict | set | bytearray):
        raise TypeError(
            f"a {default.__class__.__name__} as default would be shared by all instances; use default_factory"
        )
    if foreign_key is None and (on_delete or on_update):
        raise TypeError("on_delete and on_update need a foreign_key")
    return ColumnSpec(
        sql_type=type or "",
        nullable=bool(nullable),
        primary_key=primary_key,
        unique=unique,
        index=index,
        server_default=server_default.text if isinstance(server_default, Sql) else server_default,
        check=check,
        collation=collation,
        comment=comment,
        foreign_key=foreign_key,
        on_delete=on_delete,
        on_update=on_update,
        init=init,
        default=None if default is MISSING else (default,),
        default_factory=default_factory,
        onupdate_sql=onupdate.text if isinstance(onupdate, Sql) else None,
        onupdate=_as_callable(onupdate),
        asked_identity=identity,
    )


def _as_callable(onupdate: Any) -> Callable[[], Any] | None:
    if onupdate is MISSING or isinstance(onupdate, Sql):
        return None
    return onupdate if callable(onupdate) else lambda: onupdate


if TYPE_CHECKING:

    class Condition:
        """A condition on rows, such as ``User.id == 1``; combine with ``&``, ``|`` and ``~``."""

        def __and__(self, other: Condition | bool) -> Condition: ...
        def __rand__(self, other: bool) -> Condition: ...
        def __or__(self, other: Condition | bool) -> Condition: ...
        def __ror__(self, other: bool) -> Condition: ...
        def __invert__(self) -> Condition: ...

    class Order:
        """A column of an ORDER BY, such as ``User.name.desc()``."""

        def nulls_first(self) -> Order: ...
        def nulls_last(self) -> Order: ...

    class Col(Generic[T]):
        """A column: on the class an expression, on an instance its value."""

        @overload
        def __get__(self, instance: None, owner: type, /) -> Self: ...
        @overload
        def __get__(self, instance: object, owner: type, /) -> T: ...
        def __set__(self, instance: object, value: T, /) -> None: ...
        def __eq__(self, other: object) -> Condition: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Condition: ...  # type: ignore[override]
        def __lt__(self, other: T | Col[T]) -> Condition: ...
        def __le__(self, other: T | Col[T]) -> Condition: ...
        def __gt__(self, other: T | Col[T]) -> Condition: ...
        def __ge__(self, other: T | Col[T]) -> Condition: ...
        def __hash__(self) -> int: ...
        @property
        def name(self) -> str: ...
        @property
        def type(self) -> str: ...
        def in_(self, values: Iterable[T]) -> Condition: ...
        def not_in(self, values: Iterable[T]) -> Condition: ...
        def like(self, pattern: str) -> Condition: ...
        def ilike(self, pattern: str) -> Condition: ...
        def between(self, low: T, high: T) -> Condition: ...
        def is_(self, value: T | None) -> Condition: ...
        def is_not(self, value: T | None) -> Condition: ...
        def asc(self) -> Order: ...
        def desc(self) -> Order: ...

    class Link(Generic[T]):
        """The link of one instance. It never does I/O by itself."""

        @property
        def ref(self) -> Any: ...
        @property
        def loaded(self) -> T: ...
        @property
        def is_loaded(self) -> bool: ...
        def fetch(self, *, db: Any = None) -> Awaitable[T]: ...
        def __getitem__(self, column: str) -> Any: ...

    class ForeignKey(Generic[T]):
        """The way to the row that a column refers to; ``ForeignKey[User | None]`` where the column takes NULL."""

        def __init__(self, column: str) -> None: ...
        @overload
        def __get__(self, instance: None, owner: type, /) -> Self: ...
        @overload
        def __get__(self, instance: object, owner: type, /) -> Link[T]: ...
        def __set__(self, instance: object, value: T, /) -> None: ...

else:
    Col = _native.orm.Col
    Condition = _native.orm.Condition
    Order = _native.orm.Order
    Link = _native.orm.Link

    class ForeignKey:
        """What a class body says of a link; the class gets a native descriptor in its place."""

        def __init__(self, column: str) -> None:
            self.column = column

        def __class_getitem__(cls, target: Any) -> Any:
            from types import GenericAlias

            return GenericAlias(cls, (target,))


def col(column: T) -> Col[T]:
    """Give a column of a bare annotation its expression type: ``col(Post.id).desc()``. At run time it is the column itself."""
    if not isinstance(column, _native.orm.Col):
        raise TypeError(f"expected a column such as Post.id, not {type(column).__name__}")
    return column  # type: ignore[return-value, unused-ignore]
