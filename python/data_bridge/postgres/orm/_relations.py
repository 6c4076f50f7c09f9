"""Links in a class body: ``ForeignKey``, ``BackReference``, ``ManyToMany``, and what finds their other ends."""

from __future__ import annotations

import re
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, Union, cast, get_args, get_origin, overload
from weakref import WeakKeyDictionary

from . import _registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from data_bridge import _native
    from data_bridge._native import Collection, Expression, Link, Order

    from ._columns import ColumnSpec, Condition
    from ._loading import Branch
    from ._table import Table

    type Prefetched = Relation[Any] | Branch | str

type Lazy = Literal["batch", "single", "raise"]


class Relation[T]:
    """A link to another class. The class gets a native descriptor in its place; here is how that looks to a type checker."""

    kind: str

    def __init__(self, columns: tuple[str, ...], lazy: Lazy) -> None:
        self.columns = columns
        self.lazy = lazy

    if TYPE_CHECKING:

        def any(self, *conditions: Condition | bool) -> Condition: ...
        def has(self, *conditions: Condition | bool) -> Condition: ...
        def where(self, *conditions: Condition | bool) -> Branch: ...
        def order_by(self, *by: Expression[Any] | Order | None) -> Branch: ...
        def limit(self, rows: int) -> Branch: ...
        def prefetch(self, *links: Prefetched) -> Branch: ...
        def fetch_links(self, *links: Prefetched) -> Branch: ...
        def only(self, *columns: Any) -> Branch: ...
        def defer(self, *columns: Any) -> Branch: ...
        def __getattr__(self, name: str) -> Any: ...


class ForeignKey[T](Relation[T]):
    """The way to the row that a column refers to; ``ForeignKey[User | None]`` where the column takes NULL.

    It names the referring column, or of a key of several columns all of them. On an instance it is a :class:`Link`. What
    :meth:`Link.fetch` loads is said by ``lazy``: by default the rows of all instances of the same result (``"batch"``), else
    the one row (``"single"``), or nothing, so that only a query can load it (``"raise"``).
    """

    kind = "one"

    def __init__(self, *columns: str, lazy: Lazy = "batch") -> None:
        super().__init__(columns, lazy)

    @overload
    def __get__(self, instance: None, owner: type, /) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type, /) -> Link[T]: ...
    def __get__(self, instance: object, owner: type, /) -> Any:
        """Stand in the class body until the class is made."""
        return self

    def __set__(self, instance: object, value: T, /) -> None:
        """Refer to another row; the key column follows."""
        raise AttributeError("a ForeignKey belongs into the body of a Table class")


class _ToMany[T](Relation[T]):
    """A link to many rows: on an instance a :class:`Collection`."""

    @overload
    def __get__(self, instance: None, owner: type, /) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type, /) -> Collection[T]: ...
    def __get__(self, instance: object, owner: type, /) -> Any:
        """Stand in the class body until the class is made."""
        return self


class BackReference[T](_ToMany[T]):
    """The rows of another class whose foreign key refers to this one.

    ``posts: BackReference["Post"] = BackReference("author_id")`` names that class's column, which may be left out where only
    one refers here. On an instance it is a :class:`Collection`. For ``lazy`` see :class:`ForeignKey`.
    """

    kind = "many"

    def __init__(self, *columns: str, lazy: Lazy = "batch") -> None:
        super().__init__(columns, lazy)


class ManyToMany[T](_ToMany[T]):
    """The rows of another class that rows of a table between lead to.

    The table between is made by :func:`create_all`: ``User.roles`` has ``user_roles(user_id, role_id)``, or what ``table``
    says. Where it has columns of its own it is a class, and ``through`` names that. ``back`` makes the other side of a link
    that is declared there: ``users: ManyToMany[User] = ManyToMany(back="roles")``. With ``symmetric=True``, of a class with
    itself, each row of a pair has the other. ``columns`` names the columns of ``through`` that refer here and there, where
    that is not plain. For ``lazy`` see :class:`ForeignKey`.
    """

    kind = "through"

    def __init__(
        self,
        *,
        through: type[Table] | str | None = None,
        table: str | None = None,
        back: str | None = None,
        symmetric: bool = False,
        columns: tuple[str, str] | None = None,
        lazy: Lazy = "batch",
    ) -> None:
        if (through is not None) + (table is not None) + (back is not None) > 1:
            raise TypeError("a ManyToMany has one of through, table and back")
        super().__init__(columns or (), lazy)
        self.through = through
        self.table = table
        self.back = back
        self.symmetric = symmetric


_KINDS: dict[str, type[Relation[Any]]] = {
    "ForeignKey": ForeignKey,
    "BackReference": BackReference,
    "ManyToMany": ManyToMany,
}
_TEXT = re.compile(r"(?:\w+\.)*(ForeignKey|BackReference|ManyToMany)\b(?:\[(.*)\])?\s*$", re.DOTALL)


@dataclass(frozen=True)
class Declared:
    """A link of a class body."""

    relation: Relation[Any]
    #: The other class, its name, or nothing where the foreign key says it.
    target: Any


def is_relation(annotation: Any) -> bool:
    """Whether an annotation, which may still be a text, is of a link."""
    if isinstance(annotation, str):
        return _TEXT.match(annotation) is not None
    return (get_origin(annotation) or annotation) in _KINDS.values()


def declare(attribute: str, annotation: Any, value: Any) -> Declared:
    """The link that an annotation and the value beside it declare."""
    if isinstance(annotation, str) and (text := _TEXT.match(annotation)):
        kind: Any = _KINDS[text[1]]
        target = _target(text[2])
    else:
        kind = get_origin(annotation) or annotation
        target = _target(get_args(annotation)[0]) if get_args(annotation) else None
    if isinstance(value, Relation):
        return Declared(value, target)  # pyright: ignore[reportUnknownArgumentType]
    names: tuple[str, ...] = (f"{attribute}_id",) if kind is ForeignKey else ()
    made: Any = cast("Any", kind)(*names)
    return Declared(made, target)


def _target(annotation: Any) -> Any:
    """The class, or its name, without ``| None``."""
    if isinstance(annotation, str):
        parts = [part.strip().strip("\"'") for part in annotation.split("|")]
        names = [part for part in parts if part not in ("None", "")]
        return names[0].split(".")[-1] if len(names) == 1 else None
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not types.NoneType]
        annotation = members[0] if len(members) == 1 else None
    name = getattr(annotation, "__forward_arg__", None)
    return _target(name) if name is not None else annotation


def settle(
    name: str, columns: Mapping[str, ColumnSpec], links: dict[str, Declared], taken: Callable[[str], bool]
) -> None:
    """Check the links of a class, and add those that follow from foreign keys."""
    for link, declared in links.items():
        if not isinstance(declared.relation, ForeignKey):
            continue
        for column in declared.relation.columns:
            alone = len(declared.relation.columns) == 1
            if column not in columns or (alone and columns[column].foreign_key is None):
                raise TypeError(
                    f"{name}.{link} needs the column {column!r} with a foreign_key, which {name} does not have"
                )
    linked = {declared.relation.columns for declared in links.values() if declared.relation.kind == "one"}
    for column, spec in columns.items():
        link = column.removesuffix("_id")
        free = link not in (column, *columns, *links) and not taken(link)
        if spec.foreign_key is not None and (column,) not in linked and free:
            links[link] = Declared(ForeignKey(column), None)


type Spec = tuple[str, str, str, list[str], bool, str, Callable[[], Any]]


def specs(cls: type[Table], columns: Mapping[str, ColumnSpec], links: Mapping[str, Declared]) -> list[Spec]:
    """The links as the native side takes them."""
    found: list[Spec] = []
    for name, declared in links.items():
        relation = declared.relation
        own = list(relation.columns) if relation.kind == "one" else []
        strict = any(columns[column].strict for column in own)
        found.append((name, slot(name), relation.kind, own, strict, relation.lazy, _resolver(cls, name, declared)))
    return found


def slot(link: str) -> str:
    """The slot that holds what a link leads to."""
    return f"_linked_{link}"


type Ends = tuple[_native.Model, list[str], list[str], tuple[_native.Model, list[str], list[str]] | None]


def _resolver(cls: type[Table], name: str, declared: Declared) -> Callable[[], Ends]:
    """What finds the linked class when it is first needed, since it may be defined later."""
    find = {"one": _one, "many": _many, "through": _between}[declared.relation.kind]

    def resolve() -> Ends:
        return find(cls, name, declared)

    return resolve


def _one(cls: type[Table], name: str, declared: Declared) -> Ends:
    own = list(declared.relation.columns)
    reference = cls.__model__.reference(own)
    if reference is None:
        target = _class(cls, name, declared.target)
        return target.__model__, own, _primary_key(target, len(own), f"{cls.__name__}.{name}"), None
    table, columns = reference
    named: Any = declared.target
    if isinstance(named, str):
        named = _registry.by_class_name(named, cls, table=table)
    found: type[Table] = _registry.resolve(table if named is None else named)
    return found.__model__, own, columns, None


def _many(cls: type[Table], name: str, declared: Declared) -> Ends:
    target = _class(cls, name, declared.target)
    wanted = list(declared.relation.columns)
    for own, columns in _references(target, cls):
        if not wanted or own == wanted:
            others = [one for one, _ in _references(target, cls)]
            if not wanted and len(others) > 1:
                raise TypeError(
                    f"{target.__name__} refers to {cls.__name__} by {_listed(others)}; name the column that "
                    f"{cls.__name__}.{name} is about: BackReference({others[0][0]!r})"
                )
            return target.__model__, columns, own, None
    what = f"the column {_listed([wanted])} with a foreign key" if wanted else "a foreign key"
    raise TypeError(f"{cls.__name__}.{name} needs {what} to {cls.__name__}, which {target.__name__} does not have")


def _between(cls: type[Table], name: str, declared: Declared) -> Ends:
    target = _class(cls, name, declared.target)
    through, own, to = _through(cls, name, declared, target)
    (own_columns, own_keys), (to_columns, to_keys) = own, to
    return target.__model__, own_keys, to_keys, (through.__model__, own_columns, to_columns)


type _Side = tuple[list[str], list[str]]


def _through(cls: type[Table], name: str, declared: Declared, target: type[Table]) -> _Between:
    """The class of the table between, and its columns with those that they refer to, of this side and of the other."""
    relation = declared.relation
    assert isinstance(relation, ManyToMany)
    label = f"{cls.__name__}.{name}"
    if relation.back is not None:
        other = target.__declared__.links.get(relation.back)
        if other is None or not isinstance(other.relation, ManyToMany):
            raise TypeError(f"{label} is the other side of {target.__name__}.{relation.back}, which is no ManyToMany")
        through, own, to = _through(target, relation.back, other, cls)
        return through, to, own
    if relation.through is None:
        return implicit(cls, name, declared)
    through = _class(cls, name, relation.through)
    sides = [_references(through, cls), _references(through, target)]
    if relation.columns:
        sides = [
            [side for side in found if column in side[0]] for found, column in zip(sides, relation.columns, strict=True)
        ]
    first = sides[0][0] if sides[0] else None
    second = next((side for side in sides[1] if side != first), None)
    if first is None or second is None:
        lacks = cls if first is None else target
        raise TypeError(f"{label} goes through {through.__name__}, which has no foreign key to {lacks.__name__}")
    return through, first, second


type _Between = tuple[type[Table], _Side, _Side]

_implicit: WeakKeyDictionary[type[Table], dict[str, _Between]] = WeakKeyDictionary()


def implicit(cls: type[Table], name: str, declared: Declared) -> _Between:
    """The class of the table between that a ``ManyToMany`` makes itself, and its columns as :func:`_through` gives them."""
    known = _implicit.setdefault(cls, {})
    if name not in known:
        target = _class(cls, name, declared.target)
        known[name] = _make(cls, name, declared, target)
    return known[name]


def implicit_tables(classes: list[type[Table]]) -> list[type[Table]]:
    """The classes, and those of the tables between that they make themselves."""
    found = list(classes)
    for cls in classes:
        for name, declared in cls.__declared__.links.items():
            relation = declared.relation
            if isinstance(relation, ManyToMany) and relation.through is None and relation.back is None:
                between = implicit(cls, name, declared)[0]
                if between not in found:
                    found.append(between)
    return found


def _make(cls: type[Table], name: str, declared: Declared, target: type[Table]) -> _Between:
    from ._columns import Column

    relation: Any = declared.relation
    body: dict[str, Any] = {"__module__": cls.__module__, "__qualname__": f"{cls.__qualname__}.{name}"}
    annotations: dict[str, Any] = {}
    sides: list[Any] = []
    for end, prefix in ((cls, snake_case(cls.__name__)), (target, snake_case(target.__name__))):
        keys = end.__model__.key_names
        if not keys:
            raise TypeError(f"{cls.__name__}.{name} needs a primary key in {end.__name__}")
        if any(f"{prefix}_{key}" in annotations for key in keys):
            # Of a class with itself, the other side is called by what it is to this one.
            prefix = name.removesuffix("s") if name.removesuffix("s") != prefix else f"other_{prefix}"
        columns = [f"{prefix}_{key}" for key in keys]
        for column, key in zip(columns, keys, strict=True):
            annotations[column] = Any
            alone = len(keys) == 1
            body[column] = Column(
                type=getattr(end, key).type,
                primary_key=True,
                index=bool(sides) and alone,
                foreign_key=f"{end.__model__.full_name}.{key}" if alone else None,
                on_delete="CASCADE" if alone else None,
            )
        sides.append((columns, end, keys))
    composite = [side for side in sides if len(side[2]) > 1]
    if composite:
        body["__table_args__"] = tuple(_composite(columns, end, keys) for columns, end, keys in composite)
    body["__annotations__"] = annotations
    table = relation.table or f"{snake_case(cls.__name__)}_{name}"
    schema = cls.__model__.schema_name
    meta: Any = type(cls)
    made: type[Table] = meta(table, (_root(cls),), body, table=table, schema=schema)
    own, to = ((columns, list(keys)) for columns, _, keys in sides)
    return made, own, to


def _composite(columns: list[str], end: type[Table], keys: list[str]) -> Any:
    from ._constraints import ForeignKeyConstraint

    target = f"{end.__model__.full_name}({', '.join(keys)})"
    return ForeignKeyConstraint(columns, target, on_delete="CASCADE")


def _root(cls: type[Table]) -> Any:
    """``Table`` itself."""
    return [base for base in cls.__mro__ if isinstance(base, type(cls))][-1]


def _references(source: type[Table], target: type[Table]) -> list[_Side]:
    """The foreign keys from one class to another: columns there, and columns here."""
    name = target.__model__.full_name
    return [(own, columns) for own, table, columns in source.__model__.references if table == name]


def _primary_key(target: type[Table], count: int, label: str) -> list[str]:
    keys: list[str] = target.__model__.key_names
    if len(keys) != count:
        raise TypeError(f"{label} has {count} columns, and the key of {target.__name__} has {len(keys)}")
    return keys


def _class(cls: type[Table], name: str, target: Any) -> type[Table]:
    """The class that a link names."""
    if isinstance(target, str):
        return _registry.by_class_name(target, cls)
    if target is None or not hasattr(target, "__model__"):
        kind = cls.__declared__.links[name].relation.__class__.__name__
        raise TypeError(f"{cls.__name__}.{name} does not say which class it leads to: annotate it {kind}[...]")
    found: type[Table] = target
    return found


def _listed(keys: list[list[str]]) -> str:
    return ", ".join("(" + ", ".join(key) + ")" if len(key) > 1 else "".join(key) for key in keys)


def snake_case(name: str) -> str:
    """``UserRole`` as ``user_role``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
