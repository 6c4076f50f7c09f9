"""``Table``: classes whose annotations are columns."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast, dataclass_transform, get_origin

from data_bridge import _native
from data_bridge._native import Query
from data_bridge.postgres import _show

from . import _annotations, _filters, _registry, _saving, _verbs  # pyright: ignore[reportPrivateUsage]
from ._columns import MISSING, Column, ColumnSpec, ForeignKey

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from data_bridge.postgres._bulk import UpsertResult

    from ._saving import Named
    from ._verbs import Links, OnDuplicate, OrderBy, Rows, Where

_INTEGERS = ("bigint", "integer", "int", "int4", "int8", "smallint", "int2")


class _Declared:
    """The columns and links of a class body, before they become a table."""

    def __init__(self) -> None:
        self.columns: dict[str, ColumnSpec] = {}
        self.links: dict[str, tuple[str, Any]] = {}
        #: The columns that tell deleted rows, and tenants.
        self.soft_delete: str | None = None
        self.tenant: str | None = None

    def extend(self, other: _Declared) -> None:
        # Copies, since what a table makes of a column is its own.
        self.columns.update({name: replace(spec) for name, spec in other.columns.items()})
        self.links.update(other.links)
        self.kept_by(other.soft_delete, other.tenant)

    def kept_by(self, soft_delete: str | None, tenant: str | None) -> None:
        self.soft_delete = soft_delete or self.soft_delete
        self.tenant = tenant or self.tenant


@dataclass_transform(kw_only_default=True, field_specifiers=(Column,))
class TableMeta(type):
    """Turns a class body into a table: slots for the values, native descriptors for the columns."""

    __declared__: _Declared
    __model__: _native.Model

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        table: str | None = None,
        schema: str | None = None,
        comment: str | None = None,
        abstract: bool = False,
        soft_delete: str | None = None,
        tenant: str | None = None,
    ) -> Any:
        """Read the annotations, give the class its slots, and replace their descriptors by columns."""
        is_root = not any(isinstance(base, TableMeta) for base in bases)
        for base in bases:
            if "__model__" in vars(base):
                raise TypeError(
                    f"{name} cannot derive from {base.__name__}, which is a table; derive both from an abstract=True class"
                )
        declared = _Declared()
        for base in reversed(bases):
            declared.extend(getattr(base, "__declared__", _Declared()))
        if not is_root:
            declared.extend(_read_body(name, namespace))
        declared.kept_by(soft_delete, tenant)
        concrete = not (is_root or abstract)
        if concrete:
            _filters.mark(name, declared.columns, declared.soft_delete, declared.tenant)
            _settle(name, declared)
        slots = {link: f"_linked_{link}" for link in declared.links}
        namespace["__slots__"] = (*declared.columns, *slots.values(), "_state") if concrete else ()
        namespace["__declared__"] = declared
        cls: Any = super().__new__(mcs, name, bases, namespace)
        if concrete:
            links = [
                (link, slots[link], column, _target_column(declared, column), _resolver(declared, column, target))
                for link, (column, target) in declared.links.items()
            ]
            specs = list(declared.columns.values())
            table = _snake_case(name) if table is None else table
            model = _native.Model(cls, table, schema, comment, specs, links)
            cls.__model__ = model
            for attribute, descriptor in model.descriptors().items():
                setattr(cls, attribute, descriptor)
            _registry.register(cls)
        return cls

    def __init__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        table: str | None = None,
        schema: str | None = None,
        comment: str | None = None,
        abstract: bool = False,
        soft_delete: str | None = None,
        tenant: str | None = None,
    ) -> None:
        """Take the class's options, which :meth:`__new__` has used."""
        super().__init__(name, bases, namespace)


class Table(metaclass=TableMeta):
    """A row of a table; the annotations of a derived class are its columns.

    ``class User(Table, table="users")``; without ``table`` the name is the class's in snake case. ``schema`` and ``comment``
    are further options, and ``abstract=True`` makes a class that only passes its columns and options on.

    ``soft_delete`` names the column that says when (or, a boolean, that) a row was deleted: deleting sets it, and such rows are
    left out of whatever reads or writes the table. ``tenant`` names the column that says whose a row is: see :func:`tenant`.
    """

    __slots__ = ()
    __model__: ClassVar[_native.Model]
    __declared__: ClassVar[_Declared]

    if not TYPE_CHECKING:

        def __init__(self, **values):
            self.__model__.construct(self, values)

    def __getitem__(self, name: str) -> Any:
        """A column's value, or the instance that a loaded link leads to."""
        return self.__model__.item(self, name)

    def to_dict(self) -> dict[str, Any]:
        """Names and values of the columns that have one."""
        return self.__model__.values(self)

    def save(self, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, Self]:
        """Insert a new instance, which takes what the server fills in; else update the columns that have changed, if any.

        :class:`StaleRowError` where the row is gone, or has another version than the instance.
        """
        return _saving.save(self, timeout, db)

    def refresh(self, *columns: Named, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, Self]:
        """Read the row again, or these columns of it; changes to them that were not saved are lost."""
        return _saving.refresh(self, columns, timeout, db)

    def delete(self, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, None]:
        """Delete the row. :class:`StaleRowError` where it is gone, or has another version than the instance."""
        return _saving.delete(self, timeout, db)

    def upsert(
        self,
        *,
        conflict_columns: Sequence[Named] | None = None,
        update_columns: Sequence[Named] | None = None,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, Self]:
        """Insert the instance, or update the row that has the same ``conflict_columns``, by default the primary key.

        The instance then is as the row is, unless an empty ``update_columns`` has left that as it was.
        """
        return _saving.upsert(self, conflict_columns, update_columns, timeout, db)

    def changed_columns(self) -> frozenset[str]:
        """The names of the columns that :meth:`save` would write: of a new instance all that have a value."""
        return self.__model__.changed(self)

    def mark_changed(self, *columns: Named) -> None:
        """Have :meth:`save` write columns whose values were changed in place, which an instance cannot see."""
        self.__model__.mark_changed(self, _saving.names(columns))

    @classmethod
    def select(cls) -> Query[Self]:
        """A query of this class's rows: ``await User.select().where(User.age > 30).order_by(User.name)``."""
        return Query._of((cls,), True)

    @classmethod
    def fetch_one(
        cls,
        where: Where = None,
        *,
        fetch_links: Links = (),
        order_by: OrderBy = None,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, Self | None]:
        """The first row for which the condition is true, or ``None``."""
        return _verbs.fetch_one(cls, where, fetch_links=fetch_links, order_by=order_by, timeout=timeout, db=db)

    @classmethod
    def fetch_many(
        cls,
        where: Where = None,
        *,
        fetch_links: Links = (),
        order_by: OrderBy = None,
        limit: int | None = None,
        offset: int | None = None,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, list[Self]]:
        """The rows for which the condition is true; without one, all."""
        return _verbs.fetch_many(
            cls, where, fetch_links=fetch_links, order_by=order_by, limit=limit, offset=offset, timeout=timeout, db=db
        )

    @classmethod
    def count(cls, where: Where = None, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, int]:
        """How many rows there are for which the condition is true."""
        return _verbs.count(cls, where, timeout=timeout, db=db)

    @classmethod
    def exists(cls, where: Where = None, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, bool]:
        """Whether there is a row for which the condition is true."""
        return _verbs.exists(cls, where, timeout=timeout, db=db)

    @classmethod
    def insert_one(
        cls, row: Self | Mapping[str, Any], *, timeout: float | None = None, db: Any = None
    ) -> Coroutine[Any, Any, Self]:
        """Insert a row; the answer is the given instance, or a new one, with all that the server filled in."""
        return _verbs.insert_one(cls, row, timeout=timeout, db=db)

    @classmethod
    def insert_many(cls, rows: Rows[Self], *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, int]:
        """Insert rows, by COPY where they are many; the answer is how many."""
        return _verbs.insert_many(cls, rows, timeout=timeout, db=db)

    @classmethod
    def upsert_one(
        cls,
        row: Self | Mapping[str, Any],
        *,
        conflict_columns: Sequence[str],
        update_columns: Sequence[str] | None = None,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, Self | None]:
        """Insert a row, or update the one that has the same ``conflict_columns``; ``None`` where that one is left as it is,
        because there is no column to update."""
        return _verbs.upsert_one(
            cls, row, conflict_columns=conflict_columns, update_columns=update_columns, timeout=timeout, db=db
        )

    @classmethod
    def upsert_many(
        cls,
        rows: Rows[Self],
        *,
        conflict_columns: Sequence[str],
        update_columns: Sequence[str] | None = None,
        on_duplicate: OnDuplicate = "last",
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, UpsertResult]:
        """Insert rows, and update those whose ``conflict_columns`` are there; ``.inserted`` and ``.updated`` say how many."""
        return _verbs.upsert_many(
            cls,
            rows,
            conflict_columns=conflict_columns,
            update_columns=update_columns,
            on_duplicate=on_duplicate,
            timeout=timeout,
            db=db,
        )

    @classmethod
    def update_many(
        cls, where: Where, values: Mapping[str, Any], *, timeout: float | None = None, db: Any = None
    ) -> Coroutine[Any, Any, int]:
        """Update the rows for which the condition is true; the answer is how many."""
        return _verbs.update_many(cls, where, values, timeout=timeout, db=db)

    @classmethod
    def delete_many(
        cls, where: Where, *, hard: bool = False, timeout: float | None = None, db: Any = None
    ) -> Coroutine[Any, Any, int]:
        """Delete the rows for which the condition is true; the answer is how many. See :func:`delete_many`."""
        return _verbs.delete_many(cls, where, hard=hard, timeout=timeout, db=db)

    @classmethod
    def create_table(cls, *, if_not_exists: bool = False, db: Any = None) -> Coroutine[Any, Any, None]:
        """Create the table with its constraints and indexes."""
        return _verbs.create_all([cls], if_not_exists=if_not_exists, db=db)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"{type(self).__name__}({values})"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return _show.html_of(self)


def _read_body(name: str, namespace: dict[str, Any]) -> _Declared:
    """Take the columns and links out of a class body."""
    declared = _Declared()
    annotations = namespace.get("__annotations__", {})
    for attribute, annotation in annotations.items():
        annotation = _evaluated(name, attribute, annotation, namespace)
        if get_origin(annotation) is ClassVar or annotation is ClassVar or attribute.startswith("__"):
            continue
        value = namespace.pop(attribute, MISSING)
        if isinstance(value, ForeignKey) or _annotations.is_link(annotation):
            column: str = cast("Any", value).column if isinstance(value, ForeignKey) else f"{attribute}_id"
            declared.links[attribute] = (column, _annotations.linked_class(annotation))
        else:
            declared.columns[attribute] = _column(name, attribute, annotation, value)
    for attribute, value in list(namespace.items()):
        if isinstance(value, ColumnSpec | ForeignKey):
            raise TypeError(f"{name}.{attribute} needs an annotation, for example {attribute}: int = Column()")
    return declared


def _evaluated(name: str, attribute: str, annotation: Any, namespace: dict[str, Any]) -> Any:
    """An annotation that is a text, as under ``from __future__ import annotations``, as the object that it means."""
    if not isinstance(annotation, str):
        return annotation
    # What a later class will be called need not be there yet: a link finds its class by the foreign key.
    if re.match(r"(\w+\.)*ForeignKey\b", annotation):
        return ForeignKey
    module = sys.modules.get(namespace.get("__module__", ""))
    # The class statement's surroundings: a class may stand in a function.
    frame = sys._getframe(3)  # pyright: ignore[reportPrivateUsage]
    try:
        return eval(annotation, {**vars(module), **frame.f_locals} if module else frame.f_globals, namespace)  # noqa: S307
    except NameError as error:
        raise TypeError(f"the annotation of {name}.{attribute} cannot be read: {error}") from error


def _column(name: str, attribute: str, annotation: Any, value: Any) -> ColumnSpec:
    spec: ColumnSpec = value if isinstance(value, ColumnSpec) else Column(default=value)
    spec.name = attribute
    reading = _annotations.read(annotation, spec.sql_type or None)
    spec.nullable = spec.nullable or reading.nullable
    spec.enum_labels = reading.enum_labels
    spec.converter = _annotations.converter(annotation, spec)
    if not spec.sql_type:
        if reading.sql_type is None:
            raise TypeError(
                f"{name}.{attribute} is annotated {annotation!r}, which has no PostgreSQL type of its own; "
                'name one: Column(type="jsonb")'
            )
        spec.sql_type = reading.sql_type
    return spec


def _settle(name: str, declared: _Declared) -> None:
    """What depends on several columns: identity keys and the links that follow from foreign keys."""
    if not declared.columns:
        raise TypeError(f"{name} has no columns; annotate some, or derive it with abstract=True")
    keys = [spec for spec in declared.columns.values() if spec.primary_key]
    for spec in declared.columns.values():
        asked = spec.asked_identity
        if isinstance(asked, str):
            spec.identity = asked
        elif asked or (asked is None and keys == [spec] and _numbers_itself(spec)):
            spec.identity = "by default" if spec.init else "always"
    for link, (column, _) in declared.links.items():
        if column not in declared.columns or declared.columns[column].foreign_key is None:
            raise TypeError(f"{name}.{link} needs the column {column!r} with a foreign_key, which {name} does not have")
    linked = {column for column, _ in declared.links.values()}
    for spec in declared.columns.values():
        link = spec.name.removesuffix("_id")
        free = (
            link != spec.name
            and link not in declared.columns
            and link not in declared.links
            and not hasattr(Table, link)
        )
        if spec.foreign_key is not None and spec.name not in linked and free:
            declared.links[link] = (spec.name, None)


def _numbers_itself(spec: ColumnSpec) -> bool:
    has_default = spec.default is not None or spec.default_factory is not None or spec.server_default is not None
    return spec.sql_type.lower() in _INTEGERS and spec.foreign_key is None and not has_default


def _target_column(declared: _Declared, column: str) -> str:
    return _native.orm_split_foreign_key(declared.columns[column].foreign_key or "")[1]


def _resolver(declared: _Declared, column: str, target: Any) -> Callable[[], _native.Model]:
    """What finds the linked class when it is first needed, since it may be defined later."""
    foreign_key = declared.columns[column].foreign_key or ""

    def resolve() -> _native.Model:
        if isinstance(target, TableMeta):
            return target.__model__
        table, _ = _native.orm_split_foreign_key(foreign_key)
        return _registry.resolve(table).__model__

    return resolve


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
