"""asyncpg with SQL written by hand: what a mapper is held against. Rows stay records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg

from suite.data import COLUMN_LIST, COLUMNS, INSERT_ONE_SQL, POINT_SQL, TYPES
from suite.model import Env
from suite.orm import world

_RANGE = f"SELECT {COLUMN_LIST} FROM bench_items WHERE id > $1 AND id <= $2 ORDER BY id"
_LISTS = ", ".join(f"${i}::{kind}[]" for i, kind in enumerate(TYPES[1:], 1))
_NAMES = ", ".join(COLUMNS[1:])
_INSERT_MANY = (
    f"INSERT INTO bench_single ({_NAMES}) SELECT {_NAMES} FROM unnest({_LISTS}) WITH ORDINALITY AS t ({_NAMES}, o) "
    "ORDER BY o RETURNING id"
)
_UPSERT = (
    "INSERT INTO bench_keyed SELECT * FROM unnest($1::int8[], $2::text[], $3::float8[]) "
    "ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, score = EXCLUDED.score"
)
_ENTRY = "SELECT id, moment, level, text FROM bench_journal"


class ByHand:
    """One connection."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn

    @classmethod
    @asynccontextmanager
    async def open(cls, env: Env) -> AsyncIterator[ByHand]:
        """Connect."""
        conn = await asyncpg.connect(env.url)
        try:
            yield cls(conn)
        finally:
            await conn.close()

    async def script(self, sql: str) -> None:
        await self._conn.execute(sql)

    def transaction(self) -> Any:
        return self._conn.transaction()

    async def get(self, key: int) -> Any:
        return await self._conn.fetchrow(POINT_SQL, key)

    async def objects(self, first: int, last: int) -> Any:
        return await self._conn.fetch(_RANGE, first, last)

    async def insert(self, row: dict[str, Any]) -> Any:
        return await self._conn.fetchrow(INSERT_ONE_SQL, *row.values())

    async def insert_many(self, rows: list[dict[str, Any]]) -> list[int]:
        found = await self._conn.fetch(_INSERT_MANY, *([row[name] for row in rows] for name in COLUMNS[1:]))
        return [row[0] for row in found]

    async def singles(self, count: int) -> Any:
        return await self._conn.fetch("SELECT * FROM bench_single ORDER BY id LIMIT $1", count)

    async def rename(self, item: Any, name: str) -> None:
        await self._conn.execute("UPDATE bench_single SET name = $1 WHERE id = $2", name, item["id"])

    async def tree(self) -> list[str]:
        fetch = self._conn.fetch
        authors = await fetch("SELECT id, name FROM bench_authors WHERE id <= $1", world.BREADTH)
        posts = await fetch(
            "SELECT id, author_id, title, score FROM bench_posts WHERE author_id = ANY($1)",
            [row["id"] for row in authors],
        )
        comments = await fetch(
            "SELECT id, post_id, writer_id, body FROM bench_comments WHERE post_id = ANY($1)",
            [row["id"] for row in posts],
        )
        of_author, of_post = defaultdict(list), defaultdict(list)
        for post in posts:
            of_author[post["author_id"]].append(post)
        for comment in comments:
            of_post[comment["post_id"]].append(comment)
        return [
            comment["body"] for author in authors for post in of_author[author["id"]] for comment in of_post[post["id"]]
        ]

    async def joined(self) -> list[Any]:
        rows = await self._conn.fetch(
            "SELECT c.id, c.post_id, c.writer_id, c.body, w.id, w.name, w.email, w.created "
            "FROM bench_comments c JOIN bench_authors w ON w.id = c.writer_id"
        )
        return [(row[3], row[5]) for row in rows]

    async def tagged(self) -> list[Any]:
        posts = await self._conn.fetch("SELECT id, author_id, title, score FROM bench_posts")
        tags = await self._conn.fetch(
            "SELECT l.post_id, t.id, t.name FROM bench_post_tags l JOIN bench_tags t ON t.id = l.tag_id "
            "WHERE l.post_id = ANY($1)",
            [row["id"] for row in posts],
        )
        of_post = defaultdict(list)
        for tag in tags:
            of_post[tag["post_id"]].append(tag)
        return [(post["title"], tag["name"]) for post in posts for tag in of_post[post["id"]]]

    async def writers_one_by_one(self, count: int) -> list[str]:
        found = []
        for row in await self._conn.fetch("SELECT * FROM bench_comments WHERE id <= $1 ORDER BY id", count):
            writer = await self._conn.fetchrow("SELECT * FROM bench_authors WHERE id = $1", row["writer_id"])
            found.append(writer["name"])
        return found

    async def writers_together(self, count: int) -> list[str]:
        comments = await self._conn.fetch("SELECT * FROM bench_comments WHERE id <= $1 ORDER BY id", count)
        keys = list({row["writer_id"] for row in comments})
        writers = await self._conn.fetch("SELECT * FROM bench_authors WHERE id = ANY($1)", keys)
        by_key = {row["id"]: row for row in writers}
        return [by_key[row["writer_id"]]["name"] for row in comments]

    async def upsert(self, rows: list[dict[str, Any]]) -> None:
        await self._conn.execute(_UPSERT, *([row[name] for row in rows] for name in ("id", "name", "score")))

    async def notes(self, count: int) -> Any:
        return await self._conn.fetch("SELECT id, item_id, body FROM bench_notes WHERE id <= $1", count)

    async def notes_and_items(self, count: int) -> Any:
        return await self._conn.fetch(
            "SELECT n.id, n.item_id, n.body, i.* FROM bench_notes n JOIN bench_items i ON i.id = n.item_id WHERE n.id <= $1",
            count,
        )

    async def create(self, level: int, text: str) -> Any:
        return await self._conn.fetchrow(
            "INSERT INTO bench_journal (moment, level, text) VALUES ($1, $2, $3) RETURNING id",
            datetime.now(UTC),
            level,
            text,
        )

    async def create_many(self, entries: list[tuple[int, str]]) -> None:
        now = datetime.now(UTC)
        await self._conn.copy_records_to_table(
            "bench_journal", records=[(now, *entry) for entry in entries], columns=("moment", "level", "text")
        )

    async def by_level(self, level: int, limit: int | None = None) -> Any:
        if limit is None:
            return await self._conn.fetch(f"{_ENTRY} WHERE level = $1", level)
        return await self._conn.fetch(f"{_ENTRY} WHERE level = $1 ORDER BY id LIMIT $2", level, limit)

    async def entry(self, key: int) -> Any:
        return await self._conn.fetchrow(f"{_ENTRY} WHERE id = $1", key)

    async def dicts(self, level: int) -> Any:
        return [dict(row) for row in await self.by_level(level)]

    async def tuples(self, level: int) -> Any:
        return [tuple(row) for row in await self.by_level(level)]

    async def entries(self, count: int) -> Any:
        return await self._conn.fetch(f"{_ENTRY} ORDER BY id LIMIT $1", count)

    async def save(self, entry: Any, level: int, text: str) -> None:
        await self._conn.execute(
            "UPDATE bench_journal SET moment = $2, level = $3, text = $4 WHERE id = $1",
            entry["id"],
            entry["moment"],
            level,
            text,
        )

    async def save_text(self, entry: Any, text: str) -> None:
        await self._conn.execute("UPDATE bench_journal SET text = $2 WHERE id = $1", entry["id"], text)

    async def delete(self, entry: Any) -> None:
        await self._conn.execute("DELETE FROM bench_journal WHERE id = $1", entry["id"])
