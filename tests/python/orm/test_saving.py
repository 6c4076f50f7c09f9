"""Instances and their own rows: what they know of them, and what they write."""
# ruff: noqa: PT012 - a transaction that raises where it ends is one statement of several lines

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, NoRowError, StaleRowError, Table
from data_bridge.postgres.errors import InterfaceError, UniqueViolationError

from .models import Company, Everything, Post, Stock, User

pytestmark = pytest.mark.usefixtures("db")


class Note(Table, table="orm_notes"):
    id: Col[int] = Column(primary_key=True, init=False)
    text: Col[str]
    pages: Col[int] = Column(default=0)
    tags: Col[list[str] | None] = Column(default=None)
    rev: Col[int] = Column(version=True, init=False)


Wide: Any = type(Table)(
    "Wide",
    (Table,),
    {
        "__annotations__": {"id": int, **{f"c{n}": int | None for n in range(100)}},
        "id": Column(primary_key=True, init=False),
    },
    table="orm_wide",
)


@pytest.fixture(autouse=True)
async def notes(db: pg.Database) -> AsyncIterator[None]:
    await pg.drop_all([Note])
    await pg.create_all([Note])
    yield
    await pg.drop_all([Note])


async def counted(db: pg.Database) -> int:
    return int(await db.fetch_val("SELECT count(*) FROM orm_notes"))


@pytest.mark.smoke
async def test_save_inserts_and_then_writes_what_has_changed() -> None:
    user = User(email="a@x.io")
    assert user.changed_columns() == {"email", "name", "age", "company_code"}
    assert await user.save() is user
    assert user.id == 1
    assert user.changed_columns() == frozenset()
    await User.update_many(True, {"age": 9})
    user.name = "A"
    assert user.changed_columns() == {"name"}
    await user.save()
    assert user.changed_columns() == frozenset()
    found = await User.fetch_one()
    assert found is not None
    assert (found.name, found.age) == ("A", 9), "a column that did not change is not written"
    assert user.age == 9, "the instance is as its row is"
    assert await User.count() == 1


async def test_nothing_changed_is_no_statement() -> None:
    user = await User.insert_one(User(email="a@x.io", name="A"))
    user.name = "A"
    assert user.changed_columns() == frozenset()
    await User.delete_many(True)
    await user.save()  # the row is gone, and nobody asks


async def test_instances_from_queries_are_clean_and_know_what_changes() -> None:
    await User.insert_many([{"email": f"{n}@x.io"} for n in range(3)])
    for user in await User.fetch_many():
        assert user.changed_columns() == frozenset()
        user.age = user.id
        await user.save()
    for user in await User.select().order_by(User.id):
        assert user.age == user.id
        user.age = None
        await user.save()
    assert await User.count(User.age == None) == 3  # noqa: E711


async def test_rows_that_were_written_in_other_ways_are_clean() -> None:
    users = [User(email=f"{n}@x.io") for n in range(3)]
    await User.insert_many(users)
    assert {user.changed_columns() for user in users} == {frozenset()}
    users[0].name = "x"
    with pytest.raises(InterfaceError, match="has no value for id"):
        await users[0].save()
    more = [User(email=f"{n}@x.io") for n in range(5)]
    await User.upsert_many(more, conflict_columns=["email"])
    assert {user.changed_columns() for user in more} == {frozenset()}
    one = User(email="0@x.io", name="A")
    await one.upsert(conflict_columns=[User.email])
    assert (one.id, one.changed_columns()) == (1, frozenset())


async def test_a_failed_write_leaves_the_instance_as_it_was() -> None:
    await User.insert_one(User(email="a@x.io"))
    user = User(email="a@x.io")
    with pytest.raises(UniqueViolationError):
        await user.save()
    user.email = "b@x.io"
    await user.save()
    user.email = "a@x.io"
    with pytest.raises(UniqueViolationError):
        await user.save()
    assert user.changed_columns() == {"email"}
    users = [User(email="c@x.io"), User(email="a@x.io")]
    with pytest.raises(UniqueViolationError):
        await User.insert_many(users)
    assert "email" in users[0].changed_columns()


async def test_a_link_is_a_change_of_its_key() -> None:
    company = await Company.insert_one(Company(code="x", name="X"))
    user = await User.insert_one(User(email="a@x.io"))
    user.company = company  # type: ignore[assignment, unused-ignore]
    assert user.changed_columns() == {"company_code"}
    await user.save()
    found = await User.fetch_one(fetch_links=["company"])
    assert found is not None
    assert found["company"]["name"] == "X"


async def test_values_changed_in_place_are_marked() -> None:
    row = await Everything.insert_one(Everything(id=1, words=["a"], settings={"a": 1}))
    assert row.words is not None
    assert row.settings is not None
    row.words.append("b")
    row.settings["b"] = 2
    assert row.changed_columns() == frozenset()
    row.mark_changed("words", Everything.settings)
    assert row.changed_columns() == {"words", "settings"}
    await row.save()
    found = await Everything.fetch_one()
    assert found is not None
    assert (found.words, found.settings) == (["a", "b"], {"a": 1, "b": 2})
    words = found.words
    assert words is not None
    words.append("c")
    found.words = words  # the same object: it may have changed
    assert found.changed_columns() == {"words"}


async def test_refresh_reads_all_or_some_columns() -> None:
    user = await User.insert_one(User(email="a@x.io", name="A"))
    await User.update_many(True, {"name": "B", "age": 4})
    user.email = "mine@x.io"
    assert await user.refresh("name") is user
    assert (user.name, user.age, user.email) == ("B", None, "mine@x.io")
    assert user.changed_columns() == {"email"}
    await user.refresh(User.email, User.age)
    assert (user.age, user.email, user.changed_columns()) == (4, "a@x.io", frozenset())
    user.email = "mine@x.io"
    await user.refresh()
    assert (user.email, user.changed_columns()) == ("a@x.io", frozenset())
    await User.delete_many(True)
    with pytest.raises(NoRowError, match="gone"):
        await user.refresh()


async def test_delete() -> None:
    user = await User.insert_one(User(email="a@x.io"))
    await user.delete()
    assert await User.count() == 0
    with pytest.raises(InterfaceError, match="not in the database"):
        await user.delete()
    await user.save()
    assert user.id == 2, "a deleted instance is new again"
    await User.delete_many(True)
    with pytest.raises(StaleRowError, match="gone"):
        await user.delete()
    user.name = "x"
    with pytest.raises(StaleRowError, match="gone"):
        await user.save()
    with pytest.raises(InterfaceError, match="not in the database"):
        await User(email="b@x.io").refresh()


async def test_a_changed_key_is_refused() -> None:
    company = await Company.insert_one(Company(code="x", name="X"))
    company.code = "y"
    for work in (company.save(), company.delete(), company.refresh()):
        with pytest.raises(InterfaceError, match="has another code"):
            await work


async def test_a_table_without_a_key_is_refused(db: pg.Database) -> None:
    class Log(Table, table="orm_log"):
        text: Col[str]

    await pg.create_all([Log])
    try:
        log = await Log.insert_one(Log(text="a"))
        log.text = "b"
        with pytest.raises(InterfaceError, match="no primary key"):
            await log.save()
    finally:
        await pg.drop_all([Log])


async def test_composite_keys_and_onupdate() -> None:
    stock = await Stock.insert_one(Stock(shop="s", item="i"))
    await Stock.insert_one(Stock(shop="s", item="j"))
    assert (stock.changed, stock.touched_at) == (0, None)
    stock.amount = 5
    await stock.save()
    assert (stock.amount, stock.changed) == (5, 7)
    assert stock.touched_at is not None
    assert await Stock.count(Stock.amount == 5) == 1
    await stock.delete()
    assert await Stock.count() == 1


@pytest.mark.smoke
async def test_the_version_counts_and_guards() -> None:
    note = await Note(text="a").save()
    assert note.rev == 1
    other = await Note.fetch_one(Note.id == note.id)
    assert other is not None
    note.text = "b"
    await note.save()
    assert note.rev == 2
    other.pages = 3
    with pytest.raises(StaleRowError, match="changed or deleted"):
        await other.save()
    with pytest.raises(StaleRowError, match="changed or deleted"):
        await other.delete()
    assert other.changed_columns() == {"pages"}
    await other.refresh()
    other.pages = 3
    await other.save()
    assert (other.text, other.pages, other.rev) == ("b", 3, 3)
    # The version that a form was made from may be given.
    other.rev = 2
    other.text = "from an old form"
    with pytest.raises(StaleRowError):
        await other.save()


async def test_every_kind_of_update_counts_versions() -> None:
    note = await Note(text="a").save()
    await Note.update_many(True, {"pages": 1})
    await note.refresh()
    assert note.rev == 2
    await note.upsert()
    assert note.rev == 3
    await Note.upsert_many([note], conflict_columns=["id"])
    await note.refresh()
    assert note.rev == 4
    assert await Note.count() == 1


@pytest.mark.smoke
@pytest.mark.parametrize("count", [2, 3_500])
@pytest.mark.parametrize("returning", [False, True])
async def test_instances_know_their_versions_after_a_bulk_upsert(db: pg.Database, count: int, returning: bool) -> None:
    await Note.insert_many([{"text": f"{n}"} for n in range(count)])
    await Note.update_many(Note.id == 2, {"pages": 1})
    notes = await Note.fetch_many(order_by="id")
    await Note.update_many(Note.id == 2, {"pages": 2})
    for note in notes:
        note.text += "!"
    result = await Note.upsert_many(notes, conflict_columns=["id"], returning=["text"] if returning else False)
    assert (result.inserted, result.updated, len(result.rows)) == (0, count, count if returning else 0)
    assert [note.rev for note in notes[:2]] == [2, 4], "as the rows have it, not as the instance had it"
    assert not notes[0].changed_columns()
    for note in (notes[0], notes[1], notes[-1]):
        note.pages = 9
        await note.save()
    assert [note.rev for note in notes[:2]] == [3, 5]
    # Of some columns only: the others are still to be written, and can be.
    notes[0].text, notes[0].pages = "some", 10
    await Note.upsert_many(notes[:1], conflict_columns=["id"], update_columns=["pages"])
    assert (notes[0].rev, notes[0].changed_columns()) == (4, {"text", "pages"})
    await notes[0].save()
    assert (notes[0].rev, await db.fetch_val("SELECT text FROM orm_notes WHERE id = 1")) == (5, "some")
    # Where rows are left alone, their versions are.
    await Note.upsert_many(notes[:1], conflict_columns=["id"], update_columns=[])
    assert notes[0].rev == 5
    for update in (None, ["text"]):
        with pytest.raises(ZeroDivisionError):
            async with db.transaction() as tx:
                await Note.upsert_many(notes[:1], conflict_columns=["id"], update_columns=update, db=tx)
                assert notes[0].rev == 6
                raise ZeroDivisionError
        assert notes[0].rev == 5, "a rollback takes the count back"


async def test_a_version_that_is_not_known_is_not_made_up(db: pg.Database) -> None:
    await db.execute("CREATE FUNCTION orm_keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    await db.execute("CREATE TRIGGER keep BEFORE UPDATE ON orm_notes FOR EACH ROW EXECUTE FUNCTION orm_keep()")
    try:
        note = await Note(text="a").save()
        assert (await Note.upsert_many([note], conflict_columns=["id"])).updated == 0
        note.pages = 1
        with pytest.raises(InterfaceError, match=r"rev, the version of its row; refresh\(\) it"):
            await note.save()
        await note.refresh()
        assert note.rev == 1
    finally:
        await db.execute("DROP FUNCTION orm_keep CASCADE")


async def test_read_back_change_upsert() -> None:
    """Numbers that the server always gives are left to it, unless the rows are recognised by them."""
    await User.insert_many([{"email": f"{n}@x.io"} for n in range(3)])
    users = await User.fetch_many(order_by="id")
    for user in users:
        user.name = "new"
    result = await User.upsert_many(users, conflict_columns=["email"])
    assert (result.inserted, result.updated) == (0, 3)
    for user in users:
        user.name = "newer"
    result = await User.upsert_many(users, conflict_columns=["id"])
    assert (result.inserted, result.updated) == (0, 3)
    users[0].name = "newest"
    await users[0].upsert()
    assert await User.count(User.name == "newest") == 1
    gone = users[1]
    await User.delete_many(User.id == gone.id)
    await gone.upsert()
    assert gone.id == 2
    fresh = await User(email="new@x.io").upsert()
    # PostgreSQL takes a number for each row that is proposed, also where it is then updated.
    assert [user.id for user in await User.fetch_many(order_by="id")] == [1, 2, 3, fresh.id]


async def test_a_rollback_has_instances_know_what_they_knew(db: pg.Database) -> None:
    class Stop(Exception):
        pass

    kept = await Note(text="a").save()
    gone = await Note(text="b").save()
    new, other = Note(text="c"), Note(text="d")
    many = [Note(text="e"), Note(text="f")]
    with pytest.raises(Stop):
        async with db.transaction() as tx:
            kept.pages = 1
            await kept.save(db=tx)
            kept.text = "later"
            await gone.delete(db=tx)
            await new.save(db=tx)
            await pg.insert_one(other, db=tx)
            async with tx.transaction() as inner:
                await Note.insert_many(many, db=inner)
            raise Stop
    assert kept.changed_columns() == {"pages", "text"}
    assert kept.rev == 1
    await kept.save()
    assert gone.changed_columns() == frozenset()
    await gone.refresh()
    for note in (new, other, *many):
        assert "text" in note.changed_columns()
        await note.save()
    assert await counted(db) == 6


async def test_a_savepoint_is_undone_alone(db: pg.Database) -> None:
    first, second, third = Note(text="a"), Note(text="b"), Note(text="c")
    async with db.transaction() as tx:
        await first.save(db=tx)
        with pytest.raises(ZeroDivisionError):
            async with tx.transaction() as inner:
                await second.save(db=inner)
                raise ZeroDivisionError
        async with tx.transaction() as inner:
            await third.save(db=inner)
    assert first.changed_columns() == third.changed_columns() == frozenset()
    await second.save()
    assert await counted(db) == 3


@pytest.mark.parametrize("named", [False, True])
async def test_a_savepoint_undoes_what_was_written_by_the_transaction_around_it(db: pg.Database, named: bool) -> None:
    changed, gone = await Note(text="a").save(), await Note(text="b").save()
    new, many, kept = Note(text="c"), [Note(text="d"), Note(text="e")], Note(text="f")
    async with db.transaction() as tx:
        holder = tx if named else None
        with pytest.raises(ZeroDivisionError):
            async with tx.transaction():
                changed.text = "later"
                await changed.save(db=holder)
                await gone.delete(db=holder)
                await new.save(db=holder)
                await Note.insert_many(many, db=holder)
                raise ZeroDivisionError
        assert changed.changed_columns() == {"text"}
        assert gone.changed_columns() == frozenset()
        assert all("text" in note.changed_columns() for note in (new, *many))
        async with tx.transaction():
            await kept.save(db=holder)
        for note in (changed, new, *many):
            await note.save(db=holder)
        await gone.delete(db=holder)
    assert sorted(note.text for note in await Note.fetch_many()) == ["c", "d", "e", "f", "later"]


def test_a_savepoint_of_a_blocking_database_does_so_too(url: str) -> None:
    with pg.connect_sync(url) as db:
        changed: Any = Note(text="a")
        changed.save(db=db)
        new, gone = Note(text="b"), Note(text="c")
        gone.save(db=db)
        with db.transaction() as tx:
            with pytest.raises(ZeroDivisionError), tx.transaction():
                changed.text = "later"
                changed.save(db=tx)
                new.save(db=tx)
                gone.delete(db=tx)
                raise ZeroDivisionError
            changed.save(db=tx)
            new.save(db=tx)
            gone.refresh(db=tx)
        assert db.fetch_val("SELECT string_agg(text, ',' ORDER BY text) FROM orm_notes") == "b,c,later"


async def test_what_a_lent_connection_rolls_back(db: pg.Database) -> None:
    note = Note(text="a")
    async with db.connection() as connection:
        with pytest.raises(ZeroDivisionError):
            async with connection.transaction():
                await note.save(db=connection)
                raise ZeroDivisionError
    await note.save()
    assert await counted(db) == 1


async def test_more_columns_than_a_word_has_bits(db: pg.Database) -> None:
    await pg.create_all([Wide])
    try:
        wide = await Wide().save()
        wide.c0 = wide.c62 = wide.c63 = wide.c64 = wide.c99 = 1
        assert wide.changed_columns() == {"c0", "c62", "c63", "c64", "c99"}
        await wide.refresh("c64")
        assert wide.changed_columns() == {"c0", "c62", "c63", "c99"}
        await wide.save()
        assert wide.changed_columns() == frozenset()
        found = await Wide.fetch_one()
        assert (found.c0, found.c62, found.c63, found.c64, found.c99) == (1, 1, 1, None, 1)
    finally:
        await pg.drop_all([Wide])


async def test_only_what_is_a_column_can_be_named() -> None:
    note = await Note(text="a").save()
    with pytest.raises(InterfaceError, match="no column"):
        note.mark_changed("txt")
    with pytest.raises(InterfaceError, match="no column"):
        await note.refresh("txt")
    with pytest.raises(TypeError, match="counts by itself"):
        Column(version=True, onupdate=1)


@pytest.fixture
def sdb(url: str) -> Iterator[Any]:
    with pg.connect_sync(url) as database:
        yield database


def test_blocking(sdb: Any) -> None:
    note: Any = Note(text="a").save()
    note.text = "b"
    note.save(timeout=5)
    assert note.rev == 2
    note.refresh("text")
    with pytest.raises(ZeroDivisionError), sdb.transaction() as tx:
        note.pages = 1
        note.save(db=tx)
        raise ZeroDivisionError
    assert note.changed_columns() == {"pages"}
    note.upsert()
    Note.update_many(True, {"pages": 7})
    note.pages = 8
    with pytest.raises(StaleRowError):
        note.save()
    note.refresh()
    note.delete()
    assert Note.count() == 0
    assert Post.count() == 0
