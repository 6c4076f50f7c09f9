"""SQLAlchemy's ORM on asyncpg, in autocommit, so that no BEGIN and COMMIT are paid where there is one statement.

A question has a session of its own, as in an application. What changes objects at hand has one session that holds them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import contains_eager, selectinload

from suite.model import Env
from suite.orm import alchemy_models, world
from suite.orm.operations import FIVE

_DIALECT = postgresql.asyncpg.dialect()


class Alchemy:
    """An engine of one connection."""

    models: Any = alchemy_models

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._holder = AsyncSession(engine, expire_on_commit=False)
        self._outer: AsyncSession | None = None
        models = self.models
        self._by_key = sa.select(models.Item).where(models.Item.id == sa.bindparam("key"))
        self._entry = sa.select(models.Journal).where(models.Journal.id == sa.bindparam("key"))

    @classmethod
    @asynccontextmanager
    async def open(cls, env: Env) -> AsyncIterator[Any]:
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda *_args, **_options: asyncpg.connect(env.url),
            pool_size=1,
            max_overflow=1,
            isolation_level="AUTOCOMMIT",
        )
        it = cls(engine)
        try:
            yield it
        finally:
            await it._holder.close()
            await engine.dispose()

    async def script(self, sql: str) -> None:
        await self._holder.close()
        self._holder = AsyncSession(self._engine, expire_on_commit=False)
        async with self._engine.connect() as conn:
            raw = await conn.get_raw_connection()
            driver: Any = raw.driver_connection
            await driver.execute(sql)

    def _session(self) -> AsyncSession:
        return AsyncSession(self._engine, expire_on_commit=False)

    async def _all(self, statement: Any) -> Any:
        async with self._session() as session:
            return (await session.execute(statement)).scalars().all()

    async def get(self, key: int) -> Any:
        async with self._session() as session:
            return (await session.execute(self._by_key, {"key": key})).scalar_one()

    async def objects(self, first: int, last: int) -> Any:
        item = self.models.Item
        return await self._all(sa.select(item).where(item.id > first, item.id <= last).order_by(item.id))

    async def insert(self, row: dict[str, Any]) -> Any:
        async with self._session() as session:
            item = self.models.Single(**row)
            session.add(item)
            await session.commit()
            return item

    async def insert_many(self, rows: list[dict[str, Any]]) -> list[int]:
        single = self.models.Single
        async with self._session() as session:
            statement = sa.insert(single).returning(single.id, sort_by_parameter_order=True)
            return list((await session.scalars(statement, rows)).all())

    async def singles(self, count: int) -> Any:
        single = self.models.Single
        return (await self._holder.execute(sa.select(single).order_by(single.id).limit(count))).scalars().all()

    async def rename(self, item: Any, name: str) -> None:
        item.name = name
        await self._holder.commit()

    async def tree(self) -> list[str]:
        m = self.models
        statement = (
            sa.select(m.Author)
            .where(m.Author.id <= world.BREADTH)
            .options(selectinload(m.Author.posts).selectinload(m.Post.comments))
        )
        authors = await self._all(statement)
        return [comment.body for author in authors for post in author.posts for comment in post.comments]

    async def joined(self) -> list[Any]:
        comment = self.models.Comment
        found = await self._all(sa.select(comment).join(comment.writer).options(contains_eager(comment.writer)))
        return [(each.body, each.writer.name) for each in found]

    async def tagged(self) -> list[Any]:
        post = self.models.Post
        posts = await self._all(sa.select(post).options(selectinload(post.tags)))
        return [(each.title, tag.name) for each in posts for tag in each.tags]

    def _first_comments(self, count: int) -> Any:
        comment = self.models.Comment
        return sa.select(comment).where(comment.id <= count).order_by(comment.id)

    async def writers_one_by_one(self, count: int) -> list[str]:
        found = []
        async with self._session() as session:
            for comment in (await session.execute(self._first_comments(count))).scalars().all():
                # What AsyncAttrs does for an attribute that is not loaded.
                writer = await session.run_sync(lambda _, comment=comment: comment.writer)
                found.append(writer.name)
        return found

    async def writers_together(self, count: int) -> list[str]:
        statement = self._first_comments(count).options(selectinload(self.models.Comment.writer))
        return [comment.writer.name for comment in await self._all(statement)]

    async def upsert(self, rows: list[dict[str, Any]]) -> None:
        insert = postgresql.insert(self.models.Keyed)
        new = insert.excluded
        async with self._session() as session:
            statement = insert.on_conflict_do_update(index_elements=["id"], set_={"name": new.name, "score": new.score})
            await session.execute(statement, rows)
            await session.commit()

    def five_conditions(self) -> Any:
        item = self.models.Item
        statement = sa.select(item).where(
            item.id < FIVE[0],
            item.name.like(FIVE[1]),
            item.score > FIVE[2],
            item.active == FIVE[3],
            item.amount > FIVE[4],
        )
        return str(statement.compile(dialect=_DIALECT)), statement

    async def rows_of(self, query: Any) -> Any:
        return await self._all(query)

    async def notes(self, count: int) -> Any:
        note = self.models.Note
        return await self._all(sa.select(note).where(note.id <= count))

    async def notes_and_items(self, count: int) -> Any:
        note = self.models.Note
        statement = sa.select(note).where(note.id <= count).join(note.item).options(contains_eager(note.item))
        return await self._all(statement)

    async def create(self, level: int, text: str) -> Any:
        entry = self.models.Journal(level=level, text=text)
        if self._outer is not None:
            self._outer.add(entry)
            await self._outer.flush()
            return entry
        async with self._session() as session:
            session.add(entry)
            await session.commit()
            return entry

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        engine = self._engine.execution_options(isolation_level="READ COMMITTED")
        async with AsyncSession(engine, expire_on_commit=False) as self._outer:
            yield
            await self._outer.commit()
        self._outer = None

    async def create_many(self, entries: list[tuple[int, str]]) -> None:
        async with self._session() as session:
            rows = [{"level": level, "text": text} for level, text in entries]
            await session.execute(sa.insert(self.models.Journal), rows)
            await session.commit()

    async def by_level(self, level: int, limit: int | None = None) -> Any:
        journal = self.models.Journal
        statement = sa.select(journal).where(journal.level == level)
        return await self._all(statement if limit is None else statement.order_by(journal.id).limit(limit))

    async def entry(self, key: int) -> Any:
        async with self._session() as session:
            return (await session.execute(self._entry, {"key": key})).scalar_one()

    async def _rows(self, level: int) -> Any:
        journal = self.models.Journal
        columns = sa.select(journal.id, journal.moment, journal.level, journal.text)
        async with self._session() as session:
            return await session.execute(columns.where(journal.level == level))

    async def dicts(self, level: int) -> Any:
        return [dict(row) for row in (await self._rows(level)).mappings()]

    async def tuples(self, level: int) -> Any:
        return [tuple(row) for row in await self._rows(level)]

    async def entries(self, count: int) -> Any:
        journal = self.models.Journal
        return (await self._holder.execute(sa.select(journal).order_by(journal.id).limit(count))).scalars().all()

    async def save(self, entry: Any, level: int, text: str) -> None:
        entry.level, entry.text = level, text
        await self._holder.commit()

    async def save_text(self, entry: Any, text: str) -> None:
        entry.text = text
        await self._holder.commit()

    async def delete(self, entry: Any) -> None:
        await self._holder.delete(entry)
        await self._holder.commit()
