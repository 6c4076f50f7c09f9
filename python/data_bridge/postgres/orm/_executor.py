"""How statements reach a database: the one place of the ORM that knows the fronts.

A statement alone is handed over, and what comes back is the caller's: an awaitable, or the answer itself from a blocking
database. What takes several steps is written once, as a coroutine; a blocking database runs it to its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any
from weakref import ref

from data_bridge import _native
from data_bridge.postgres import _bulk, _default, errors
from data_bridge.postgres._limits import checked
from data_bridge.postgres.errors import InterfaceError
from data_bridge.postgres.sync import SyncConnection, SyncTransaction, SyncVerbs, iterate
from data_bridge.postgres.sync import run as run_to_end
from data_bridge.postgres.transaction import Transaction

from . import _filters, _hooks
from ._errors import ManyRowsError, NoRowError, StaleRowError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data_bridge.postgres._bulk import OnDuplicate, UpsertResult

    from ._saving import Named
    from ._table import Table

    #: Whether all columns come back, or which.
    type Returning = bool | Sequence[Named]


def run(db: Any, statement: _native.Statement, timeout: float | None = None) -> Coroutine[Any, Any, Any]:
    """Run one statement."""
    db = database(db)
    running: Coroutine[Any, Any, Any] = db._run_statement(bound(statement, db), timeout=timeout)
    return running


def database(db: Any) -> Any:
    """What is meant by ``db=``."""
    return _default.get() if db is None else db


def bound(statement: _native.Statement, db: Any) -> _native.Statement:
    """The statement, whose instances will know what they were loaded from, for their links."""
    if statement._has_links:
        statement._bind((ref(db), _pool(db)))
    return statement


def home(known: Any) -> Any:
    """Where an instance was loaded from: the transaction or connection while it is in use, then the database while it is
    open. ``None`` where that is not known any more."""
    if known is None:
        return None
    holder, pool = known[0](), known[1]
    if pool is not None:
        if holder is not None and _is_usable(holder):
            return holder
        holder = pool()
    return _default.inside(holder) if holder is not None and holder._is_open else None


def home_to_write(known: Any) -> Any:
    """The same where something is to be written: what came from a replica goes to the primary."""
    found = home(known)
    return _default.inside(found._to_write()) if hasattr(found, "_to_write") else found


def is_blocking(db: Any) -> bool:
    """Whether calls on it are done when they return."""
    return isinstance(database(db), SyncVerbs)


def answered[R](answer: R) -> Coroutine[Any, Any, R]:
    """An answer that needs no query."""

    async def steps() -> R:
        return answer

    return steps()


def _holder(db: Any) -> Any:
    if isinstance(db, SyncTransaction):
        return db._transaction
    return db._connection if isinstance(db, SyncConnection) else db


def _pool(db: Any) -> Any:
    """A weak reference to the database that a transaction or connection is of, nothing for a database itself."""
    holder = _holder(db)
    member = holder if isinstance(holder, Transaction) else getattr(holder, "_lent", None)
    return None if member is None else member._pool


def _is_usable(db: Any) -> bool:
    try:
        _holder(db)._check()
    except InterfaceError:
        return False
    return True


def write(
    db: Any, instance: Table | None, statement: _native.Statement, timeout: float | None
) -> Coroutine[Any, Any, Any]:
    """Run one statement that writes the row of this instance, if it is one's."""
    db = _default.get() if db is None else db
    if instance is None or _transaction_of(db._coroutines() if isinstance(db, SyncVerbs) else db) is None:
        return run(db, statement, timeout)

    async def steps(holder: Any) -> Any:
        with remembered(holder, [instance]):
            return await holder._run_statement(bound(statement, db))

    return in_steps(db, steps, timeout)


def write_with_hooks(
    db: Any,
    model: _native.Model,
    row: Any,
    statement: Callable[[Any, list[str] | None], _native.Statement],
    timeout: float | None,
    *,
    after: bool = True,
) -> Coroutine[Any, Any, Any]:
    """Run one statement that writes one row, with what is to be called before and behind it. What makes the statement is told
    which columns were given, where the row is not an instance."""
    db = database(db)

    async def steps(holder: Any) -> Any:
        instance = _hooks.instance(model, row)
        given = None if after else _hooks.given(model, [row], [instance])

        async def work(holder: Any) -> Any:
            with remembered(holder, [instance]):
                made = statement(instance, None if given is None else given())
                return await holder._run_statement(bound(made, db))

        return await _hooks.around(holder, model, "insert", [instance], work, after=after)

    return in_steps(db, steps, timeout)


def found[F, R](
    db: Any, statement: _native.Statement, make: Callable[[F], R], timeout: float | None = None
) -> Coroutine[Any, Any, R]:
    """Run one statement and make something of what it found."""
    db = database(db)
    bound(statement, db)

    async def steps(holder: Any) -> R:
        return make(await holder._run_statement(statement))

    return in_steps(db, steps, timeout)


def only(db: Any, statement: _native.Statement, timeout: float | None) -> Coroutine[Any, Any, Any]:
    """Run a statement that writes exactly one row; what it returns of that."""
    return in_steps(db, lambda holder: only_row(holder, statement), timeout)


async def only_row(holder: Any, statement: _native.Statement) -> Any:
    """The same as a step of a routine."""
    try:
        rows = await holder._run_statement(statement)
    except errors.CardinalityViolationError as error:
        raise ManyRowsError("the condition is true for more than one row; none was written") from error
    if not rows:
        raise NoRowError(
            "there is no row for which the condition is true; where that can be, use update_many or delete_many"
        )
    return rows[0]


def explain(
    db: Any, statement: _native.Statement, words: str, timeout: float | None = None
) -> Coroutine[Any, Any, str]:
    """What the server plans for a statement."""

    async def steps(holder: Any) -> str:
        lines = await holder._run(f"{words} {statement.sql}", statement.args, "rows", types=statement.types)
        return "\n".join(line[0] for line in lines)

    return in_steps(db, steps, timeout)


def stream(db: Any, statement: _native.Statement, batch: int, timeout: float | None = None) -> Any:
    """The rows of a statement one by one: an async iterator, or a plain one from a blocking database."""
    db = database(db)
    bound(statement, db)
    if isinstance(db, SyncVerbs):
        return iterate(streamed(db._coroutines(), statement, batch, timeout))
    return streamed(db, statement, batch, timeout)


def streamed(holder: Any, statement: _native.Statement, batch: int, timeout: float | None) -> AsyncIterator[Any]:
    """The same from what runs coroutines."""
    options: dict[str, Any] = {"types": statement.types, "typed": statement.typed, "builder": statement.row_builder}
    rows: AsyncIterator[Any] = holder._stream(statement.sql, statement.args, batch, timeout, **options)
    return rows


def script(db: Any, statements: Sequence[str]) -> Coroutine[Any, Any, None]:
    """Run statements without parameters in one transaction."""

    async def steps(holder: Any) -> None:
        async with holder.transaction() as transaction:
            if (path := _filters.search_path()) is not None:
                await transaction.execute(path)
            for sql in statements:
                await transaction.execute(sql)

    return in_steps(db, steps)


def insert_many(
    db: Any, cls: type[Table] | None, table: Any, rows: Any, returning: Returning, timeout: float | None
) -> Coroutine[Any, Any, Any]:
    """Insert instances, mappings or tuples; without a class as the database takes them."""

    async def work(model: _native.Model, holder: Any, rows: Any, _: object) -> Any:
        if returning is not False:
            rows = await _listed(rows)
        reader, tuples = await _read(model, rows)
        if reader is None:
            return 0 if returning is False else []
        target = _filters.placed(model)
        with _written(holder, model, rows):
            if returning is False:
                return int(await holder.insert_many(target, tuples, columns=reader.columns))
            names = _returned(model, returning)
            records = await holder.insert_many(target, tuples, columns=reader.columns, returning=names)
            return _native.orm_take(model, rows, records, names)

    async def steps(holder: Any) -> Any:
        if cls is None:
            options = {} if returning is False else {"returning": _named(table, returning)}
            return await holder.insert_many(_filters.named(table), rows, **options)
        return await _hooks.around_rows(holder, cls.__model__, rows, work)

    return in_steps(db, steps, timeout)


def upsert_many(
    db: Any,
    cls: type[Table] | None,
    table: Any,
    rows: Any,
    conflict: list[str],
    update: list[str] | None,
    on_duplicate: OnDuplicate,
    returning: Returning,
    timeout: float | None,
) -> Coroutine[Any, Any, UpsertResult[Any]]:
    """Insert instances, mappings or tuples, or update what is there."""
    options: dict[str, Any] = {"conflict_columns": conflict, "on_duplicate": on_duplicate}

    async def work(
        model: _native.Model, holder: Any, rows: Any, given: Callable[[], list[str]] | None
    ) -> UpsertResult[Any]:
        reader, tuples = await _read(model, rows, conflict)
        if reader is None:
            return _bulk.UpsertResult(0, 0, [])
        # A default is for a row that is new, not for one that is there.
        own = reader.given if given is None else [name for name in given() if name in reader.columns]
        updated = [name for name in own if name not in conflict] if update is None else update
        if update is None or update:
            fixed, values = model.on_update([*conflict, *(update or ())])
            options["fixed"], options["fixed_values"] = fixed, values
        names = None if returning is False else _returned(model, returning)
        # An update counts the version on, and only the server knows from where.
        counted = _counted(model, rows) if update is None or update else []
        versions = [*conflict, model.version_name or ""] if counted else []
        given_back = list(dict.fromkeys([*(names or ()), *versions]))
        # Instances of which only some columns were written are not as their rows are.
        with remembered(holder, counted if update else ()), _written(holder, model, rows if update is None else ()):
            result: UpsertResult[Any] = await _bulk.upsert_many(
                holder,
                _filters.placed(model),
                tuples,
                columns=reader.columns,
                update_columns=updated,
                where=_native.orm_conflict_filter(model),
                overriding=reader.overrides,
                returning=given_back if counted else names,
                **options,
            )
            if counted:
                told = set(conflict).issubset(reader.columns)
                places = [given_back.index(name) for name in versions]
                _take_versions(model, counted, conflict, ([row[n] for n in places] for row in result.rows if told))
        if names is None:
            return _bulk.UpsertResult(result.inserted, result.updated, [])
        taken = _native.orm_take(model, None, result.rows, names)
        return _bulk.UpsertResult(result.inserted, result.updated, taken)

    async def steps(holder: Any) -> UpsertResult[Any]:
        if cls is None:
            names = None if returning is False else _named(table, returning)
            result: UpsertResult[Any] = await holder.upsert_many(
                _filters.named(table), rows, update_columns=update, returning=names, **options
            )
            return result
        return await _hooks.around_rows(holder, cls.__model__, rows, work, after=False)

    return in_steps(db, steps, timeout)


def _counted(model: _native.Model, rows: Any) -> list[Any]:
    """The instances that know a version, which an upsert counts on; what an iterator gave is not there to be told."""
    if model.version_name is None or not isinstance(rows, list | tuple):
        return []
    return [row for row in rows if isinstance(row, model.cls) and model.state(row)[1] is not None]  # pyright: ignore[reportUnknownVariableType]


def _take_versions(model: _native.Model, instances: list[Any], key: list[str], found: Iterable[list[Any]]) -> None:
    """Has upserted instances take their rows' versions, of which each is found behind its key.

    Rows come back in no order and not all of them, so the key tells them apart. An instance whose row is not found, since
    the server writes the key in another way or left the row alone, has no version then rather than a wrong one: its next save
    says so.
    """
    versions: dict[tuple[Any, ...], Any] = {}
    for *values, version in found:
        # NULL tells no rows apart, and a list or a dict cannot be looked up.
        with suppress(TypeError):
            if None not in values:
                versions[tuple(values)] = version
    for row in instances:
        version = None
        if versions:
            with suppress(TypeError):
                version = versions.get(tuple(model.item(row, name) for name in key))
        state, _ = model.state(row)
        model.restore(row, (state, version))


def update_by_key(
    db: Any,
    cls: type[Table] | None,
    table: Any,
    rows: Any,
    key: list[str] | None,
    update: list[str] | None,
    on_duplicate: OnDuplicate,
    timeout: float | None,
) -> Coroutine[Any, Any, int]:
    """Update the rows that have the keys of instances, mappings or tuples."""

    async def work(model: _native.Model, holder: Any, listed: list[Any], keys: list[str]) -> int:
        instances = [row for row in listed if isinstance(row, model.cls)]
        changed = _updated(model, listed, instances, keys) if update is None else update
        if not changed:
            return 0
        version = model.version_name if len(instances) == len(listed) else None
        matched = [*keys, version] if version is not None else keys
        wanted = _known(model, [*matched, *changed])
        reader = _native.RowReader(model, listed[0], (), only=wanted, others=update is not None)
        fixed, values = model.on_update([*keys, *changed])
        where, tenant = _native.orm_conflict_filter(model), _native.orm_tenant(model)
        columns = reader.columns
        tuples: Iterator[tuple[Any, ...]] = map(reader, listed)
        if tenant is not None and tenant[0] not in columns:
            # What the rows that are there are compared with: the new ones need not say whose they are.
            name, value = tenant
            columns, tuples = [*columns, name], ((*row, value) for row in tuples)
        # Where a row has moved on, none is to be written.
        async with holder.transaction() if version is not None else nullcontext(holder) as within:
            with _written(within, model, instances if update is None else ()):
                count = await _bulk.update_many(
                    within,
                    _filters.placed(model),
                    tuples,
                    key_columns=matched,
                    update_columns=changed,
                    columns=columns,
                    on_duplicate=on_duplicate,
                    where=where,
                    fixed=fixed,
                    fixed_values=values,
                )
                if version is not None:
                    if count != len(listed):
                        raise StaleRowError(
                            f"{len(listed) - count} of {len(listed)} rows of {model.cls.__name__} were changed or deleted since "
                            "they were read, so none is updated"
                        )
                    for row in instances:
                        setattr(row, version, getattr(row, version) + 1)
        return count

    async def steps(holder: Any) -> int:
        if cls is None:
            if key is None or update is None:
                raise TypeError(f"no class is known for {table!r}, so give key_columns and update_columns")
            return await _bulk.update_many(
                holder, _filters.named(table), rows, key_columns=key, update_columns=update, on_duplicate=on_duplicate
            )
        model = cls.__model__
        keys = model.key_names if key is None else key
        if not keys:
            raise errors.InterfaceError(
                f"{cls.__name__} has no primary key; give key_columns, by which its rows are found"
            )
        listed = await _listed(rows)
        if not listed:
            return 0
        instances = [row for row in listed if isinstance(row, cls)]
        if not _hooks.wanted(model, "update") or len(instances) < len(listed):
            return await work(model, holder, listed, keys)
        return await _hooks.around(
            holder, model, "update", instances, lambda transaction: work(model, transaction, listed, keys)
        )

    return in_steps(db, steps, timeout)


def _updated(model: _native.Model, rows: list[Any], instances: list[Any], keys: list[str]) -> list[str]:
    """What has changed in any of the instances, or the columns that the first row gives."""
    if instances:
        changed = {name for row in instances for name in model.changed(row)}
    elif isinstance(rows[0], tuple):
        changed = set(model.column_names)
    else:
        changed = set(rows[0])
    return sorted(changed.difference(keys))


def _known(model: _native.Model, columns: list[str]) -> list[str]:
    """The columns, all of which there must be."""
    unknown = [name for name in columns if name not in model.column_names]
    if unknown:
        raise errors.InterfaceError(f"{model.table_name} has no column {', '.join(unknown)}")
    return columns


def _returned(model: _native.Model, returning: Returning) -> list[str]:
    """The columns that come back."""
    return model.column_names if returning is True else _named(model.table_name, returning)


def _named(table: Any, returning: Returning) -> list[str]:
    if isinstance(returning, bool):
        raise TypeError(f"no class is known for {table!r}, so name the columns that come back: returning=[...]")
    return names(returning)


async def _listed(rows: Any) -> list[Any]:
    """All rows, to be told apart when what they became comes back."""
    if isinstance(rows, AsyncIterable):
        return [row async for row in rows]  # pyright: ignore[reportUnknownVariableType]
    return list(_checked(rows))


def insert_into(db: Any, table: str, row: Any, timeout: float | None) -> Coroutine[Any, Any, Any]:
    """Insert one row into a table that no class is known for; the answer is a record."""

    async def steps(holder: Any) -> Any:
        return (await holder.insert_many(_filters.named(table), [row], returning=list(row)))[0]

    return in_steps(db, steps, timeout)


def upsert_into(
    db: Any, table: str, row: Any, conflict: list[str], update: list[str] | None, timeout: float | None
) -> Coroutine[Any, Any, Any]:
    """The same with an update of the row that is there; no answer where that stays as it is."""
    options: dict[str, Any] = {"conflict_columns": conflict, "update_columns": update, "returning": list(row)}

    async def steps(holder: Any) -> Any:
        result = await holder.upsert_many(_filters.named(table), [row], **options)
        return result.rows[0] if result.rows else None

    return in_steps(db, steps, timeout)


def in_steps[R](
    db: Any, steps: Callable[[Any], Coroutine[Any, Any, R]], timeout: float | None = None
) -> Coroutine[Any, Any, R]:
    """Several steps: a coroutine, or from a blocking database, which runs it to its end at once, its answer."""
    db = _default.get() if db is None else db
    checked(timeout)
    if isinstance(db, SyncVerbs):
        holder = db._coroutines()
        done: Coroutine[Any, Any, R] = run_to_end(holder._within(timeout, steps(holder)))
        return done
    within: Coroutine[Any, Any, R] = db._within(timeout, steps(db))
    return within


@contextmanager
def remembered(holder: Any, instances: Iterable[Table]) -> Generator[None]:
    """Has what the block writes be undone in these instances, if the transaction is rolled back that it is part of."""
    transaction = _transaction_of(holder)
    if transaction is None:
        yield
        return
    before = [(one, one.__model__.state(one)) for one in instances]
    yield

    def undo() -> None:
        for one, known in before:
            one.__model__.restore(one, known)

    transaction._undone.append(undo)


@contextmanager
def _written(holder: Any, model: _native.Model, rows: Any) -> Generator[None]:
    """Has instances know that their rows are in the database; what an iterator gave is not there to be told."""
    listed: list[Any] = [*rows] if isinstance(rows, list | tuple) else []  # pyright: ignore[reportUnknownVariableType]
    known = [row for row in listed if isinstance(row, model.cls)]
    with remembered(holder, known):
        yield
        model.mark_saved(known)


def _transaction_of(holder: Any) -> Transaction | None:
    """The transaction that statements of a holder are part of: the innermost that is open on its connection, also where the
    holder is one around that."""
    transaction: Transaction | None = holder._transaction
    member = getattr(holder, "_lent", None) if transaction is None else transaction._connection
    return member._transactions[-1] if member is not None and member._transactions else transaction


async def _read(model: _native.Model, rows: Any, needed: Sequence[str] = ()) -> tuple[_native.RowReader | None, Any]:
    """Every row as a tuple, and what read them; the first row says which columns there are."""
    if isinstance(rows, AsyncIterable):
        following: AsyncIterator[Any] = aiter(rows)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        try:
            first = await anext(following)
        except StopAsyncIteration:
            return None, ()
        reader = _native.RowReader(model, first, needed)
        return reader, _converted(reader, first, following)
    iterator = iter(_checked(rows))
    try:
        first = next(iterator)
    except StopIteration:
        return None, ()
    reader = _native.RowReader(model, first, needed)
    return reader, map(reader, chain((first,), iterator))


async def _converted(reader: _native.RowReader, first: Any, following: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield reader(first)
    async for row in following:
        yield reader(row)


def names(columns: Iterable[Named]) -> list[str]:
    """The names of columns that are given by name or as ``User.name``."""
    if isinstance(columns, str):
        raise TypeError(f"expected a list of columns, not one str; write [{columns!r}]")
    return [column if isinstance(column, str) else column.name for column in columns]


def _checked(rows: Any) -> Iterable[Any]:
    if isinstance(rows, dict | str | bytes):
        raise TypeError(f"expected an iterable of rows, not one {type(rows).__name__}")  # pyright: ignore[reportUnknownArgumentType]
    found: Iterable[Any] = rows
    return found
