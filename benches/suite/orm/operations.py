"""The operations, and the cases that are made of them: the loops are the same for everybody.

A mapper is a class with those of the methods below that it can do; `register` makes its cases.

    open(env)                      async context manager: the mapper, connected
    script(sql)                    run statements, untimed
    get(key)                       the item of that key
    objects(first, last)           the items first < id <= last, in order
    insert(row)                    an item from a dict without its key
    insert_many(rows)              the same for many; gives the new keys
    singles(count)                 the first items of the table of single inserts, to be changed; untimed
    rename(item, name)             change its name, and write that
    tree()                         the bodies of all comments, through authors[:10] -> posts -> comments
    joined()                       (body, name of the writer) of all comments, by one JOIN
    tagged()                       (title, name of the tag) of all posts, many-to-many
    writers_one_by_one(count)      the name of the writer of each of the first comments, loaded inside a loop
    writers_together(count)        the same, said to be needed beforehand
    upsert(rows)                   (id, name, score) of bench_keyed
    five_conditions()              a query for items with five conditions, built and rendered; (text, query)
    rows_of(query)                 what it finds; untimed
    notes(count), notes_and_items(count)   as many objects, without and with what they refer to

of the journal:

    create(level, text)            one entry
    transaction()                  async context manager in which `create` takes part
    create_many(entries)           (level, text) each
    by_level(level, limit)         entries as objects, in the order of their keys where there is a limit
    entry(key)                     one entry
    dicts(level), tuples(level)    entries as dicts of all columns, tuples of all columns
    entries(count)                 the first ones, to be changed; untimed
    save(entry, level, text)       change both and write the whole entry
    save_text(entry, text)         change the text and write only that
    delete(entry)                  delete it
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from suite.data import COLUMNS, ROWS
from suite.model import Contender, Env, Op
from suite.orm import world

# What the query of five conditions asks.
FIVE = (ROWS // 2, "name-%", 500.0, True, Decimal("1000"), datetime(2013, 1, 1, tzinfo=UTC))

Body = Callable[[Any, Env], Op]
_BODIES: dict[str, tuple[tuple[str, ...], Body]] = {}


def register(contender: Contender, mapper: Any) -> None:
    """Add the cases that a mapper can do, apart from those that the contender does in its own way."""
    for name, (needs, body) in _BODIES.items():
        if name not in contender.cases and all(hasattr(mapper, method) for method in needs):
            contender.case(name)(_opened(mapper, body))


def _opened(mapper: Any, body: Body) -> Callable[[Env], AsyncGenerator[Op]]:
    async def case(env: Env) -> AsyncGenerator[Op]:
        async with mapper.open(env) as it:
            yield body(it, env)

    return case


def _case(name: str, *needs: str) -> Callable[[Body], Body]:
    def keep(body: Body) -> Body:
        _BODIES[name] = needs, body
        return body

    return keep


@_case("orm_fetch_one", "get")
def _fetch_one(it: Any, env: Env) -> Op:
    async def run() -> Any:
        found = None
        for i in range(env.ops):
            found = await it.get(env.ids[i])
        return found

    return Op(run)


@_case("orm_filter_100", "objects")
def _filter_100(it: Any, env: Env) -> Op:
    async def run() -> Any:
        found = None
        for i in range(env.ops):
            first = env.ids[i] % (ROWS - 100)
            found = await it.objects(first, first + 100)
        return found

    return Op(run)


@_case("orm_objects_1k", "objects")
def _objects_1k(it: Any, env: Env) -> Op:
    async def run() -> Any:
        found = None
        for i in range(env.ops // 1_000):
            found = await it.objects(i * 1_000, (i + 1) * 1_000)
        return found

    return Op(run)


@_case("orm_objects", "objects")
def _objects(it: Any, _env: Env) -> Op:
    return Op(lambda: it.objects(0, ROWS))


@_case("orm_insert_one", "insert")
def _insert_one(it: Any, env: Env) -> Op:
    rows = [{name: row[name] for name in COLUMNS[1:]} for row in env.dicts[: env.ops]]

    async def run() -> None:
        for row in rows:
            await it.insert(row)

    return Op(run, lambda: it.script(world.EMPTY_SINGLE))


@_case("orm_insert_1k", "insert_many")
def _insert_1k(it: Any, env: Env) -> Op:
    rows = [{name: row[name] for name in COLUMNS[1:]} for row in env.dicts[:1_000]]

    async def run() -> list[int]:
        keys: list[int] = []
        for _ in range(env.ops // 1_000):
            keys = await it.insert_many(rows)
        return keys

    return Op(run, lambda: it.script(world.EMPTY_SINGLE))


@_case("orm_update_one", "singles", "rename")
def _update_one(it: Any, env: Env) -> Op:
    items: list[Any] = []

    async def before() -> None:
        await it.script(world.FRESH_SINGLE.format(rows=env.ops))
        items[:] = await it.singles(env.ops)

    async def run() -> None:
        for number, item in enumerate(items):
            await it.rename(item, f"renamed {number}")

    return Op(run, before)


def _times(count: Callable[[Env], int], call: Callable[[Any], Any]) -> Body:
    """Ask the same question several times; the last answer."""

    def body(it: Any, env: Env) -> Op:
        async def run() -> Any:
            found = None
            for _ in range(count(env)):
                found = await call(it)
            return found

        return Op(run)

    return body


_case("orm_three_levels", "tree")(_times(lambda env: env.ops, lambda it: it.tree()))
_case("orm_joined", "joined")(_times(lambda env: env.ops, lambda it: it.joined()))
_case("orm_many_to_many", "tagged")(_times(lambda env: env.ops, lambda it: it.tagged()))


def _writers(method: str, size: int) -> Body:
    return _times(lambda env: max(1, env.ops // size), lambda it: getattr(it, method)(size))


for _size in (10, 100, 1_000):
    _case(f"orm_loop_{_size}", "writers_one_by_one")(_writers("writers_one_by_one", _size))
_case("orm_batched_1000", "writers_together")(_writers("writers_together", 1_000))


def _upsert(size: int) -> Body:
    def body(it: Any, env: Env) -> Op:
        rows = [{"id": key, "name": f"after {key}", "score": key * 0.5} for key in range(1, env.ops + 1)]
        batches = [rows[start : start + size] for start in range(0, len(rows), size)]

        async def run() -> None:
            for batch in batches:
                await it.upsert(batch)

        return Op(run, lambda: it.script(world.HALF_KEYED.format(rows=env.ops)))

    return body


for _size in (10, 100, 1_000, 10_000):
    _case(f"orm_upsert_{_size}", "upsert")(_upsert(_size))


@_case("orm_render", "five_conditions", "rows_of")
def _render(it: Any, env: Env) -> Op:
    found: list[Any] = []

    async def before() -> None:
        # The texts differ, but the queries must find the same.
        found[:] = sorted(item.id for item in await it.rows_of(it.five_conditions()[1]))

    async def run() -> list[Any]:
        for _ in range(env.ops):
            it.five_conditions()
        return found

    return Op(run, before)


@_case("memory_lazy", "notes")
def _memory_lazy(it: Any, env: Env) -> Op:
    return _held(lambda: it.notes(env.ops))


@_case("memory_eager", "notes_and_items")
def _memory_eager(it: Any, env: Env) -> Op:
    return _held(lambda: it.notes_and_items(env.ops))


def _held(load: Callable[[], Any]) -> Op:
    async def run() -> int:
        return len(await load())  # all are alive while they are counted

    return Op(run)


# The journal: eleven operations.


@_case("journal_insert", "create")
def _journal_insert(it: Any, env: Env) -> Op:
    async def run() -> None:
        for i in range(env.ops):
            await it.create(world.LEVELS[i % 5], f"entry {i}")

    return Op(run, lambda: it.script(world.EMPTY_JOURNAL))


@_case("journal_insert_atomic", "create", "transaction")
def _journal_insert_atomic(it: Any, env: Env) -> Op:
    async def run() -> None:
        async with it.transaction():
            for i in range(env.ops):
                await it.create(world.LEVELS[i % 5], f"entry {i}")

    return Op(run, lambda: it.script(world.EMPTY_JOURNAL))


@_case("journal_insert_bulk", "create_many")
def _journal_insert_bulk(it: Any, env: Env) -> Op:
    entries = [(world.LEVELS[i % 5], f"entry {i}") for i in range(env.ops)]

    async def run() -> None:
        await it.create_many(entries)

    return Op(run, lambda: it.script(world.EMPTY_JOURNAL))


def _reading(name: str, method: str, body: Callable[[Any, Env], Callable[[], Any]]) -> None:
    """A case that reads a full journal."""

    def op(it: Any, env: Env) -> Op:
        run, filled = body(it, env), False

        async def before() -> None:
            nonlocal filled
            if not filled:
                await it.script(world.FULL_JOURNAL.format(rows=world.JOURNAL))
                filled = True

        return Op(run, before)

    _case(name, method)(op)


def _by_level(method: str) -> Callable[[Any, Env], Callable[[], Any]]:
    def body(it: Any, _env: Env) -> Callable[[], Any]:
        async def run() -> Any:
            found: list[Any] = []
            for level in world.LEVELS:
                found = await getattr(it, method)(level)
            return found

        return run

    return body


def _filter_small(it: Any, env: Env) -> Callable[[], Any]:
    async def run() -> Any:
        found: list[Any] = []
        for i in range(env.ops):
            found = await it.by_level(world.LEVELS[i % 5], 20)
        return found

    return run


def _get(it: Any, env: Env) -> Callable[[], Any]:
    async def run() -> Any:
        found = None
        for i in range(env.ops):
            found = await it.entry(env.ids[i] % world.JOURNAL + 1)
        return found

    return run


_reading("journal_filter_large", "by_level", _by_level("by_level"))
_reading("journal_filter_small", "by_level", _filter_small)
_reading("journal_get", "entry", _get)
_reading("journal_dicts", "dicts", _by_level("dicts"))
_reading("journal_tuples", "tuples", _by_level("tuples"))


def _changing(name: str, method: str, change: Callable[[Any, Any, int], Any]) -> None:
    """A case that changes entries which are at hand."""

    def op(it: Any, env: Env) -> Op:
        entries: list[Any] = []

        async def before() -> None:
            await it.script(world.FULL_JOURNAL.format(rows=env.ops))
            entries[:] = await it.entries(env.ops)

        async def run() -> None:
            for number, entry in enumerate(entries):
                await change(it, entry, number)

        return Op(run, before)

    _case(name, "entries", method)(op)


_changing("journal_update", "save", lambda it, entry, i: it.save(entry, world.LEVELS[i % 5], f"changed {i}"))
_changing("journal_update_partial", "save_text", lambda it, entry, i: it.save_text(entry, f"changed {i}"))
_changing("journal_delete", "delete", lambda it, entry, _: it.delete(entry))
