"""Loading links along with a query: which are joined, which are loaded by queries of their own, and those queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

from data_bridge import _native
from data_bridge._native import Query
from data_bridge.postgres.errors import InterfaceError
from data_bridge.postgres.sync import iterate

from . import _executor, _expressions, _functions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from data_bridge._native import LinkField

    from ._columns import Condition


class Branch:
    """Linked rows to load along with others, by one query for all of them: what ``User.posts.where(...)`` makes."""

    __slots__ = ("_most", "field", "prefix", "query")

    def __init__(self, field: LinkField, query: Query[Any], prefix: str = "", most: int | None = None) -> None:
        self.field = field
        self.query = query
        #: The joined links on the way to the rows that the link is of.
        self.prefix = prefix
        self._most = most

    def where(self, *conditions: Condition | bool) -> Self:
        """Keep the rows for which all conditions are true."""
        return self._with(self.query.where(*conditions))

    def order_by(self, *by: Any) -> Self:
        """Order the rows of each row."""
        return self._with(self.query.order_by(*by))

    def prefetch(self, *links: Any) -> Self:
        """Load what the rows link to, by one query for each link."""
        return self._with(self.query.prefetch(*links))

    def fetch_links(self, *links: Any) -> Self:
        """Load what the rows link to: one row by a JOIN, many by one query for each link."""
        return self._with(self.query.fetch_links(*links))

    def only(self, *columns: Any) -> Self:
        """Load only these columns, and the keys."""
        return self._with(self.query.only(*columns))

    def defer(self, *columns: Any) -> Self:
        """Load all columns but these."""
        return self._with(self.query.defer(*columns))

    def limit(self, rows: int) -> Self:
        """Load at most so many rows for each row."""
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError("limit must be a whole number from 0 up")
        return type(self)(self.field, self.query, self.prefix, rows)

    def _with(self, query: Query[Any]) -> Self:
        return type(self)(self.field, query, self.prefix, self._most)

    def _below(self, prefix: str) -> Branch:
        return Branch(self.field, self.query, prefix, self._most)

    def _merged(self, later: Branch) -> Branch:
        """Both at once: what the later one says of the rows, and what either loads below them."""
        below = (self.query._branches or ()) + (later.query._branches or ())
        return later._with(later.query._branched(_merge(below))) if below else later

    def statement(self, keys: Sequence[Any]) -> _native.Statement:
        """The query of the rows that belong to these keys."""
        query = _of_keys(self.field, self.query, keys)
        return (query if self._most is None else self._ranked(keys))._statement("rows")

    def _ranked(self, keys: Sequence[Any]) -> Query[Any]:
        """The first rows of each key, by a window over them."""
        target, _, to, between = self.field._ends
        ways = _columns(between[0] if between else target, between[1] if between else to)
        own = _columns(target, target.key_names)
        if not own:
            raise TypeError(f"limit needs a primary key in {target.cls.__name__}")
        order = self.query._orders
        number = _functions.func.row_number().over(partition_by=ways, order_by=order or None).label("place")
        rows = _of_keys(self.field, self.query.order_by(None), keys)
        ranked = rows._selecting((*own, *ways, number)).subquery("ranked")
        columns = [ranked.c[name] for name in _names(len(own) + len(ways) + 1, ranked)]
        first = _native.Query._of(tuple(columns[:-1]), False).select_from(ranked).where(columns[-1] <= self._most)
        return _of_keys(self.field, self.query, keys).where(_expressions.tuple_(*own, *ways).in_(first))


def branch(field: LinkField) -> Branch:
    """All rows that a link leads to."""
    return Branch(field, Query._of((field._ends[0].cls,), True))


def prefetch(query: Query[Any], links: tuple[Any, ...]) -> Query[Any]:
    """Do what :meth:`Query.prefetch` says."""
    found: list[Branch] = list(query._branches or ())
    found += [link if isinstance(link, Branch) else _along(query._model, _path(link)) for link in links]
    for each in found:
        if each.field._model is not query._model and not each.prefix:
            link, own = each.field, query._model.cls.__name__
            raise TypeError(f"{link._model.cls.__name__}.{link._name} is no link of {own}, whose rows the query loads")
    return query._branched(_merge(tuple(found)))


def fetch_links(query: Query[Any], links: tuple[Any, ...]) -> Query[Any]:
    """Do what :meth:`Query.fetch_links` says."""
    for link in links:
        if isinstance(link, Branch):
            query = prefetch(query, (link,))
            continue
        at, model, way = None, query._model, _path(link).split(".")
        for index, name in enumerate(way):
            field = _field(model, name) if at is None else getattr(at, name)
            if field._is_many:
                below = _along(model, ".".join(way[index:]), joined=True)._below(".".join(way[:index]))
                query = query._branched(_merge((*(query._branches or ()), below)))
                break
            query = query._joined(field)
            at, model = field, field._ends[0]
    return query


def fetch(
    cls: Any,
    where: Any,
    links: tuple[Any, ...],
    order_by: Any,
    limit: int | None,
    offset: int | None,
    wanted: Any,
    db: Any,
    timeout: float | None,
) -> Coroutine[Any, Any, Any]:
    """What :func:`fetch_one` and :func:`fetch_many` do where links are to be loaded."""
    query: Query[Any] = Query._of((cls,), True)
    if where is not None:
        query = query.where(where)
    if order_by is not None:
        orders = order_by if isinstance(order_by, list | tuple) else (order_by,)  # pyright: ignore[reportUnknownVariableType]
        query = query.order_by(*(_order(cls, one) for one in orders))  # pyright: ignore[reportUnknownVariableType]
    if limit is not None:
        query = query.limit(limit)
    if offset is not None:
        query = query.offset(offset)
    return run(fetch_links(query, links), wanted, db, timeout, lambda found: found)


def _order(cls: Any, by: Any) -> Any:
    if not isinstance(by, str):
        return by
    name = by.removeprefix("-")
    if name not in cls.__model__.column_names:
        raise InterfaceError(f"{cls.__model__.table_name} has no column {name!r}")
    column = getattr(cls, name)
    return column.desc() if name != by else column


def _along(model: _native.Model, path: str, *, joined: bool = False) -> Branch:
    """What loads the links of a path one after another."""
    name, _, rest = path.partition(".")
    first = branch(_field(model, name))
    if not rest:
        return first
    return first.fetch_links(rest) if joined else first.prefetch(rest)


def _path(link: Any) -> str:
    if isinstance(link, str):
        return link
    if isinstance(link, _native.LinkField):
        return link._path
    raise TypeError(f"expected a link such as Post.author, or its name, not {type(link).__name__}")


def _field(model: _native.Model, name: str) -> LinkField:
    if name not in model.link_names:
        known = ", ".join(model.link_names) or "none"
        raise ValueError(f"{model.table_name} has no link {name!r}; it has {known}")
    return cast("LinkField", getattr(model.cls, name))


def _merge(branches: tuple[Branch, ...]) -> tuple[Branch, ...]:
    """One branch for each link: what is said twice is loaded once."""
    merged: dict[tuple[str, str], Branch] = {}
    for each in branches:
        place = each.prefix, each.field._name
        known = merged.get(place)
        merged[place] = each if known is None else known._merged(each)
    return tuple(merged.values())


def _of_keys(field: LinkField, query: Query[Any], keys: Sequence[Any]) -> Query[Any]:
    """The rows that belong to these keys; of a link through a table between, with the key behind each."""
    target, _, to, between = field._ends
    if between is None:
        return query.where(_among(_columns(target, to), keys))
    model, own, others = between
    ends = zip(_columns(model, others), _columns(target, to), strict=True)
    condition = _expressions.and_(*(one == other for one, other in ends))
    ways = _columns(model, own)
    return query.join(model.cls, condition).where(_among(ways, keys))._also(tuple(ways))


def _among(columns: list[Any], keys: Sequence[Any]) -> Condition:
    condition: Condition = (columns[0] if len(columns) == 1 else _expressions.tuple_(*columns)).in_(keys)
    return condition


def _columns(model: _native.Model, names: Sequence[str]) -> list[Any]:
    return [getattr(model.cls, name) for name in names]


def _names(count: int, derived: Any) -> list[str]:
    names: list[str] = derived._column_names
    return names[:count]


def run(
    query: Query[Any], wanted: Any, db: Any, timeout: float | None, make: Callable[[Any], Any]
) -> Coroutine[Any, Any, Any]:
    """Run a query, load its links, and make something of the rows."""
    db = _executor.database(db)
    statement = _executor.bound(query._statement(wanted), db)
    branches = query._branches or ()

    async def steps(holder: Any) -> Any:
        found = await holder._run_statement(statement)
        rows: list[Any] = found if isinstance(found, list) else [] if found is None else [found]  # pyright: ignore[reportUnknownVariableType]
        await load(holder, db, rows, branches, single=query._single)
        return make(found)  # pyright: ignore[reportUnknownArgumentType]

    return _executor.in_steps(db, steps, timeout)


def stream(query: Query[Any], batch: int, timeout: float | None, db: Any) -> Any:
    """The rows one by one, whose links are loaded for ``batch`` of them at a time."""
    db = _executor.database(db)
    if _executor.is_blocking(db):
        return iterate(_stream(query, batch, timeout, db, db._coroutines()))
    return _stream(query, batch, timeout, db, db)


async def _stream(query: Query[Any], batch: int, timeout: float | None, db: Any, holder: Any) -> AsyncIterator[Any]:
    statement = _executor.bound(query._statement("rows"), db)
    rows: list[Any] = []
    async for row in _executor.streamed(holder, statement, batch, timeout):
        rows.append(row)
        if len(rows) == batch:
            await load(holder, db, rows, query._branches or (), single=query._single)
            for each in rows:
                yield each
            rows = []
    await load(holder, db, rows, query._branches or (), single=query._single)
    for each in rows:
        yield each


async def load(holder: Any, home: Any, rows: list[Any], branches: tuple[Branch, ...], *, single: bool = True) -> None:
    """Load links of these rows: one query for each, whatever their number."""
    firsts = rows if single else [row[0] for row in rows]
    for each in branches:
        owners = _along_joins(firsts, each.prefix)
        keys = each.field._keys(owners)
        found: list[Any] = []
        if keys:
            found = await holder._run_statement(_executor.bound(each.statement(keys), home))
        each.field._spread(owners, found)
        below = each.query._branches
        if below and found:
            linked = [row[0] for row in found] if isinstance(found[0], tuple) else found
            await load(holder, home, linked, below)


def _along_joins(rows: list[Any], prefix: str) -> list[Any]:
    """The instances that joined links lead to."""
    found = [row for row in rows if row is not None]
    for name in prefix.split(".") if prefix else ():
        found = [linked for row in found if (linked := getattr(row, name).loaded) is not None]
    return found
