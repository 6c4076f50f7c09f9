"""Links of every kind leave out what is deleted softly and what belongs to other tenants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import BackReference, Col, Column, ForeignKey, ManyToMany, Table, select
from data_bridge.postgres.errors import InterfaceError, NotSupportedError


class Kept(Table, abstract=True, soft_delete="deleted_at", tenant="org"):
    id: Col[int] = Column(primary_key=True)
    org: Col[str] = Column(init=False)
    deleted_at: Col[datetime | None] = Column(default=None, init=False)


class Shelf(Kept, table="kept_shelves"):
    books: BackReference[Book] = BackReference("shelf_id")


class Label(Kept, table="kept_labels"):
    pass


class Reader(Table, table="kept_readers"):
    id: Col[int] = Column(primary_key=True)
    lent: ManyToMany[Leaflet] = ManyToMany(through="Loan")
    marked: ManyToMany[Leaflet] = ManyToMany(through="Mark")


class Leaflet(Table, table="kept_leaflets"):
    id: Col[int] = Column(primary_key=True)


class Loan(Table, table="kept_loans", soft_delete="deleted_at"):
    reader_id: Col[int] = Column(primary_key=True, foreign_key="kept_readers.id")
    leaflet_id: Col[int] = Column(primary_key=True, foreign_key="kept_leaflets.id")
    deleted_at: Col[datetime | None] = Column(default=None, init=False)


class Mark(Table, table="kept_marks"):
    reader_id: Col[int] = Column(primary_key=True, foreign_key="kept_readers.id")
    leaflet_id: Col[int] = Column(primary_key=True, foreign_key="kept_leaflets.id")


class Book(Kept, table="kept_books"):
    shelf_id: Col[int] = Column(foreign_key="kept_shelves.id")
    shelf: ForeignKey[Shelf] = ForeignKey("shelf_id")
    labels: ManyToMany[Label] = ManyToMany()


MODELS = [Shelf, Label, Book]
READERS = [Reader, Leaflet, Loan, Mark]


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    """Shelf 1 of acme with the books 1, 2 (deleted) and 3, which another tenant has put there; labels alike on book 1."""
    async with await pg.connect(url, pool_max=2) as database:
        await pg.drop_all(MODELS)
        await pg.create_all(MODELS)
        with pg.tenant("acme"):
            await Shelf.insert_one({"id": 1})
            await Book.insert_many([{"id": 1, "shelf_id": 1}, {"id": 2, "shelf_id": 1}])
            await Label.insert_many([{"id": 1}, {"id": 2}])
            book = await Book.select().where(Book.id == 1).one()
            await book.labels.add(*await Label.select())
            await Book.delete_many(Book.id == 2)
            await Label.delete_many(Label.id == 2)
        with pg.tenant("initech"):
            await Book.insert_one({"id": 3, "shelf_id": 1})
        yield database
        await pg.drop_all(MODELS)


@pytest.mark.smoke
async def test_collections_are_narrowed(db: pg.Database) -> None:
    with pg.tenant("acme"):
        shelf = await Shelf.select().one()
        assert [book.id for book in await shelf.books.fetch()] == [1]
        assert await (await Shelf.select().one()).books.count() == 1
        shelf = await Shelf.select().prefetch(Shelf.books).one()
        assert [book.id for book in shelf.books] == [1]
        shelf = await Shelf.select().prefetch("books.labels").one()
        assert [label.id for label in shelf.books[0].labels] == [1]
        book = await Book.select().where(Book.id == 1).one()
        assert [label.id for label in await book.labels.fetch()] == [1]
        assert await (await Book.select().one()).labels.count() == 1


@pytest.mark.smoke
async def test_single_links_are_narrowed(db: pg.Database) -> None:
    with pg.tenant("initech"):
        book = await Book.select().one()
        assert await book.shelf.fetch() is None
        book = await Book.select().fetch_links("shelf").one()
        assert book.shelf.loaded is None
        book = await Book.select().prefetch(Book.shelf).one()
        assert book.shelf.loaded is None
        assert await select(Book.id).join(Book.shelf).scalars() == []


@pytest.mark.smoke
async def test_conditions_across_links_are_narrowed(db: pg.Database) -> None:
    with pg.tenant("acme"):
        assert await Shelf.select().where(Shelf.books.any(Book.id > 1)).count() == 0
        assert await Shelf.select().where(Shelf.books.any(Book.id == 1)).count() == 1
        assert await Book.select().where(Book.labels.any(Label.id == 2)).count() == 0
        with pg.with_deleted():
            assert await Shelf.select().where(Shelf.books.any(Book.id == 2)).count() == 1
            assert await Book.select().where(Book.labels.any(Label.id == 2)).count() == 1


async def test_links_need_a_tenant_too(db: pg.Database) -> None:
    with pg.tenant("acme"):
        shelf = await Shelf.select().one()
    with pytest.raises(InterfaceError, match="unscoped"):
        await shelf.books.fetch()
    with pg.unscoped():
        assert {book.id for book in await shelf.books.fetch()} == {1, 2, 3}


async def test_changes_of_many_to_many_need_a_tenant_too(db: pg.Database) -> None:
    with pg.tenant("acme"):
        book = await Book.select().where(Book.id == 1).one()
        label = await Label.select().one()
    for change in (
        lambda: book.labels.add(label),
        lambda: book.labels.remove(label),
        lambda: book.labels.set([]),
        lambda: book.labels.clear(),
    ):
        with pytest.raises(InterfaceError, match="none is set"):
            await change()
    with pg.tenant("acme"):
        assert await book.labels.count() == 1
    with pg.unscoped():
        await book.labels.clear()
        assert await book.labels.count() == 0


async def test_links_with_a_life_of_their_own_are_changed_as_instances(db: pg.Database) -> None:
    await pg.drop_all(READERS)
    await pg.create_all(READERS)
    reader, leaflet = await Reader.insert_one({"id": 1}), await Leaflet.insert_one({"id": 1})
    await Loan.insert_one(Loan(reader_id=1, leaflet_id=1))
    for change in (
        lambda: reader.lent.add(leaflet),
        lambda: reader.lent.remove(leaflet),
        lambda: reader.lent.set([]),
        lambda: reader.lent.clear(),
    ):
        with pytest.raises(NotSupportedError, match="instances of Loan"):
            await change()
    assert await Loan.count() == 1
    await reader.marked.add(leaflet)

    def seen(mark: Mark) -> None:
        pass

    pg.before_insert(Mark)(seen)
    try:
        with pytest.raises(NotSupportedError, match="instances of Mark"):
            await reader.marked.add(leaflet)
    finally:
        pg.remove_hook(seen)
    await reader.marked.clear()
    assert await Mark.count() == 0
    await pg.drop_all(READERS)


async def test_links_follow_the_schema_of_the_block(db: pg.Database) -> None:
    await db.execute("DROP SCHEMA IF EXISTS kept CASCADE")
    await db.execute("CREATE SCHEMA kept")
    with pg.schema("kept"), pg.tenant("acme"):
        await pg.create_all(MODELS)
        await Shelf.insert_one({"id": 9})
        book = await Book.insert_one({"id": 9, "shelf_id": 9})
        await book.labels.add(Label(id=7), Label(id=8))
        assert {label.id for label in await (await Book.select().one()).labels.fetch()} == {7, 8}
        shelf = await Shelf.select().prefetch(Shelf.books).one()
        assert [each.id for each in shelf.books] == [9]
        await book.labels.clear()
        assert await book.labels.count() == 0
    assert await db.fetch_val("SELECT count(*) FROM kept.kept_labels") == 2
    await db.execute("DROP SCHEMA kept CASCADE")
