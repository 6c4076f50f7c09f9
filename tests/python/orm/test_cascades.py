"""What becomes of rows when those that they refer to are deleted or get another key: one test for each case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, DeniedError, ForeignKey, Table, select
from data_bridge.postgres.errors import IntegrityError, InterfaceError

pytestmark = pytest.mark.smoke


class Author(Table, table="cascade_authors"):
    id: Col[int] = Column(primary_key=True)


class Book(Table, table="cascade_books"):
    id: Col[int] = Column(primary_key=True)
    author_id: Col[int] = Column(foreign_key="cascade_authors.id", on_delete="CASCADE", on_update="CASCADE")
    author: ForeignKey[Author] = ForeignKey("author_id")


class Chapter(Table, table="cascade_chapters"):
    id: Col[int] = Column(primary_key=True)
    book_id: Col[int] = Column(foreign_key="cascade_books.id", on_delete="CASCADE")


class Page(Table, table="cascade_pages"):
    id: Col[int] = Column(primary_key=True)
    chapter_id: Col[int] = Column(foreign_key="cascade_chapters.id", on_delete="CASCADE")


class Loan(Table, table="cascade_loans"):
    id: Col[int] = Column(primary_key=True)
    book_id: Col[int] = Column(foreign_key="cascade_books.id", on_delete="RESTRICT")


class Review(Table, table="cascade_reviews"):
    id: Col[int] = Column(primary_key=True)
    book_id: Col[int | None] = Column(foreign_key="cascade_books.id", on_delete="SET NULL", default=None)


class Hen(Table, table="cascade_hens"):
    id: Col[int] = Column(primary_key=True)
    egg_id: Col[int | None] = Column(
        foreign_key="cascade_eggs.id", on_delete="CASCADE", deferrable=True, initially="DEFERRED", default=None
    )


class Egg(Table, table="cascade_eggs"):
    id: Col[int] = Column(primary_key=True)
    hen_id: Col[int | None] = Column(
        foreign_key="cascade_hens.id", on_delete="CASCADE", deferrable=True, initially="DEFERRED", default=None
    )


class Marked(Table, abstract=True, soft_delete="deleted_at"):
    id: Col[int] = Column(primary_key=True)
    deleted_at: Col[datetime | None] = Column(default=None, init=False)


class Team(Marked, table="rule_teams"):
    pass


class Project(Marked, table="rule_projects"):
    team_id: Col[int] = Column(foreign_key="rule_teams.id", rule="soft")


class Task(Marked, table="rule_tasks"):
    project_id: Col[int] = Column(foreign_key="rule_projects.id", rule="soft")
    parent_id: Col[int | None] = Column(foreign_key="rule_tasks.id", rule="soft", default=None)


class Invoice(Table, table="rule_invoices"):
    id: Col[int] = Column(primary_key=True)
    project_id: Col[int] = Column(foreign_key="rule_projects.id", rule="deny")


class Device(Marked, table="rule_devices"):
    code: Col[str | None] = Column(unique=True, default=None)


class Part(Marked, table="rule_parts"):
    device_code: Col[str | None] = Column(foreign_key="rule_devices.code", rule="soft", default=None)


class Claim(Table, table="rule_claims"):
    id: Col[int] = Column(primary_key=True)
    device_code: Col[str | None] = Column(foreign_key="rule_devices.code", rule="deny", default=None)


MODELS = [Device, Part, Claim, Author, Book, Chapter, Page, Loan, Review, Hen, Egg, Team, Project, Task, Invoice]


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    """Author 1 with the books 1 and 2, chapter 1 and page 1 in book 1; team 1 with project 1, and task 1."""
    async with await pg.connect(url, pool_max=2) as database:
        await pg.drop_all(MODELS)
        await pg.create_all(MODELS)
        await Author.insert_one({"id": 1})
        await Book.insert_many([{"id": 1, "author_id": 1}, {"id": 2, "author_id": 1}])
        await Chapter.insert_one({"id": 1, "book_id": 1})
        await Page.insert_one({"id": 1, "chapter_id": 1})
        await Team.insert_one({"id": 1})
        await Project.insert_one({"id": 1, "team_id": 1})
        await Task.insert_one({"id": 1, "project_id": 1})
        yield database
        await pg.drop_all(MODELS)


async def counts(*classes: type[Table]) -> list[int]:
    return [await cls.count() for cls in classes]


async def test_on_delete_cascade(db: pg.Database) -> None:
    assert await Author.delete_many(Author.id == 1) == 1
    assert await counts(Author, Book) == [0, 0]


async def test_on_delete_restrict(db: pg.Database) -> None:
    await Loan.insert_one({"id": 1, "book_id": 1})
    with pytest.raises(IntegrityError) as raised:
        await Book.delete_many(Book.id == 1)
    error = raised.value
    assert error.sqlstate in ("23001", "23503")
    assert (error.table_name, error.constraint_name) == ("cascade_loans", "cascade_loans_book_id_fkey")
    assert await counts(Book, Chapter) == [2, 1]


async def test_on_delete_set_null(db: pg.Database) -> None:
    await Review.insert_one({"id": 1, "book_id": 2})
    await Book.delete_many(Book.id == 2)
    assert await select(Review.id, Review.book_id) == [(1, None)]


async def test_on_update_cascade(db: pg.Database) -> None:
    assert await Author.update_many(Author.id == 1, {"id": 7}) == 1
    assert await select(Book.author_id).distinct().scalars() == [7]


async def test_back_reference(db: pg.Database) -> None:
    await Author.insert_one({"id": 2})
    await Book.update_many(Book.id == 2, {"author_id": 2})
    author = await Author.fetch_one(Author.id == 1)
    assert author is not None
    await author.delete()
    # What refers to the other one is still there, and still refers to it.
    book = await Book.fetch_one(fetch_links=["author"])
    assert book is not None
    assert (book.id, book["author"]["id"]) == (2, 2)


async def test_three_and_more_levels(db: pg.Database) -> None:
    assert await counts(Author, Book, Chapter, Page) == [1, 2, 1, 1]
    await Author.delete_many(True)
    assert await counts(Author, Book, Chapter, Page) == [0, 0, 0, 0]


async def test_circular(db: pg.Database) -> None:
    async with db.transaction():
        await Hen.insert_one({"id": 1, "egg_id": 1})
        await Egg.insert_one({"id": 1, "hen_id": 1})
    assert await Hen.delete_many(Hen.id == 1) == 1
    assert await counts(Hen, Egg) == [0, 0]


async def test_circular_rules_are_refused_where_they_are_declared() -> None:
    class First(Marked, table="circle_first"):
        third_id: Col[int | None] = Column(foreign_key="circle_third.id", rule="soft", default=None)

    class Second(Marked, table="circle_second"):
        first_id: Col[int] = Column(foreign_key="circle_first.id", rule="soft")

    with pytest.raises(TypeError, match="circle_third -> circle_first -> circle_second -> circle_third"):

        class Third(Marked, table="circle_third"):
            second_id: Col[int] = Column(foreign_key="circle_second.id", rule="soft")

    assert First.__model__.table_name == "circle_first"
    assert Second.__model__.table_name == "circle_second"


async def test_deny_rule(db: pg.Database) -> None:
    await Invoice.insert_many([{"id": 1, "project_id": 1}, {"id": 2, "project_id": 1}])
    with pytest.raises(DeniedError, match="2 rows of rule_invoices refer to rows of rule_projects") as raised:
        await Project.delete_many(Project.id == 1)
    assert (raised.value.sqlstate, raised.value.column_name) == ("23001", "project_id")
    # Also where it is reached by a cascade: then nothing of that is done.
    with pytest.raises(DeniedError):
        await Team.delete_many(True)
    project = await Project.fetch_one()
    assert project is not None
    with pytest.raises(DeniedError):
        await project.delete()
    with pytest.raises(DeniedError):
        await Project.delete_one(Project.id == 1)
    with pytest.raises(InterfaceError, match="use delete_many"):
        await pg.delete(Project).where(Project.id == 1)
    assert await counts(Team, Project, Task) == [1, 1, 1]
    await Invoice.delete_many(True)
    await project.delete()
    assert await counts(Team, Project, Task) == [1, 0, 0]


async def test_soft_delete(db: pg.Database) -> None:
    await Task.insert_many([{"id": n, "project_id": 1, "parent_id": n - 1} for n in range(2, 5)])
    await Team.insert_one({"id": 2})
    await Project.insert_one({"id": 2, "team_id": 2})
    team = await Team.fetch_one(Team.id == 1)
    assert team is not None
    with db.capture() as queries:
        await team.delete()
    assert not [text for text in queries.sql if text.startswith("DELETE")]
    assert await counts(Team, Project, Task) == [1, 1, 0]
    with pg.with_deleted():
        assert await counts(Team, Project, Task) == [2, 2, 4]


async def test_soft_delete_of_one_row_and_by_keys(db: pg.Database) -> None:
    await Task.insert_one({"id": 2, "project_id": 1})
    assert (await Task.delete_one(Task.id == 2)).id == 2
    await Project.delete_one(Project.id == 1)
    assert await counts(Team, Project, Task) == [1, 0, 0]
    assert await Team.delete_many(keys=[1]) == 1


async def test_soft_delete_of_a_tree_that_bites_its_own_tail(db: pg.Database) -> None:
    await Task.insert_one({"id": 2, "project_id": 1, "parent_id": 1})
    await Task.update_many(Task.id == 1, {"parent_id": 2})
    assert await Task.delete_many(Task.id == 1) == 1
    assert await Task.count() == 0


async def test_rules_by_a_column_that_may_be_null(db: pg.Database) -> None:
    await Device.insert_many([{"id": n, "code": code} for n, code in ((1, None), (2, "b"), (3, None), (4, "d"))])
    await Part.insert_many([{"id": 1, "device_code": "b"}, {"id": 2, "device_code": None}])
    await Claim.insert_many([{"id": 1, "device_code": "d"}, {"id": 2, "device_code": None}])
    first = await Device.select().where(Device.id == 1).one()
    await first.delete()
    assert await counts(Device, Part) == [3, 2]
    with pytest.raises(DeniedError):
        await Device.delete_many(True)
    assert await Device.delete_many(Device.id < 4) == 2
    assert await counts(Device, Part) == [1, 1]
    assert await Device.delete_many(Device.id == 1, hard=True) == 1
    assert await Device.delete_many(Device.id == 9) == 0


async def test_rules_where_a_query_has_left_out_what_is_referred_to(db: pg.Database) -> None:
    await Device.insert_many([{"id": 1, "code": "a"}, {"id": 2, "code": "b"}])
    await Part.insert_one({"id": 1, "device_code": "a"})
    await Claim.insert_one({"id": 1, "device_code": "b"})
    first, second = await Device.select().only(Device.id).order_by(Device.id)
    await first.delete()
    assert await counts(Device, Part) == [1, 0]
    with pytest.raises(DeniedError):
        await second.delete()


async def test_soft_delete_needs_its_column() -> None:
    with pytest.raises(TypeError, match="soft_delete="):

        class Bare(Table, table="rule_bare"):
            id: Col[int] = Column(primary_key=True)
            team_id: Col[int] = Column(foreign_key="rule_teams.id", rule="soft")

    with pytest.raises(TypeError, match="needs a foreign_key"):

        class Loose(Table, table="rule_loose"):
            id: Col[int] = Column(primary_key=True)
            other: Col[int] = Column(rule="deny")


async def test_a_thousand_children_and_more(db: pg.Database) -> None:
    await Book.insert_many({"id": n, "author_id": 1} for n in range(10, 2_010))
    await Task.insert_many({"id": n, "project_id": 1} for n in range(10, 2_010))
    await Author.delete_many(True)
    with db.capture() as queries:
        assert await Team.delete_many(True) == 1
    assert await counts(Book, Task) == [0, 0]
    # The statements are as many as the levels need, not as the rows.
    assert len(queries) < 12


async def test_rollback(db: pg.Database) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - a transaction that raises where it ends is one statement
        async with db.transaction():
            await Author.delete_many(True)
            await Team.delete_many(True)
            assert await counts(Book, Task) == [0, 0]
            raise ZeroDivisionError
    assert await counts(Author, Book, Chapter, Page, Team, Project, Task) == [1, 2, 1, 1, 1, 1, 1]


async def test_deferred(db: pg.Database) -> None:
    async with db.transaction():
        await Hen.insert_one({"id": 1, "egg_id": 5})  # no such egg, yet
        await Egg.insert_one({"id": 5})
    with pytest.raises(IntegrityError) as raised:
        async with db.transaction():
            await Hen.insert_one({"id": 2, "egg_id": 6})
    assert raised.value.constraint_name == "cascade_hens_egg_id_fkey"
    assert await counts(Hen) == [1]


def test_rules_on_the_blocking_front(url: str) -> None:
    with pg.connect_sync(url) as database:
        pg.drop_all(MODELS)
        pg.create_all(MODELS)
        Team.insert_one({"id": 1})
        Project.insert_one({"id": 1, "team_id": 1})
        Invoice.insert_one({"id": 1, "project_id": 1})
        with pytest.raises(DeniedError):
            Team.delete_many(True)
        found: Any = Project.count()
        assert found == 1
        Invoice.delete_many(True)
        assert Team.delete_many(True) == 1  # type: ignore[comparison-overlap]
        assert database.fetch_val("SELECT count(*) FROM rule_projects WHERE deleted_at IS NULL") == 0
        pg.drop_all(MODELS)
