"""Arguments whose methods use the connection that they are on their way to: an answer or an error, never a deadlock.

A deadlock holds the interpreter, so that no timeout within it could tell. Each case therefore runs in a process of its own,
which is killed when it takes too long.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Seconds for one process, start included.
LIMIT = 60.0

PRELUDE = """
import asyncio, contextlib, sys
import data_bridge.postgres as pg
from data_bridge.postgres import errors

class Meddling(list):
    '''Acts in every method that an encoder may call, and when it goes.'''
    act = None
    acted = 0
    busy = False

    def _meddle(self, *_):
        kind = type(self)
        if kind.act is not None and not kind.busy:
            kind.busy = True
            try:
                kind.act()
                kind.acted += 1
            finally:
                kind.busy = False

    def _number(self):
        self._meddle()
        return 7

    def _text(self):
        self._meddle()
        return 'seven'

    __index__ = _number
    __float__ = lambda self: float(self._number())
    __str__ = __repr__ = _text
    __bytes__ = lambda self: self._text().encode()
    __len__ = lambda self: self._meddle() or 1
    __iter__ = lambda self: iter([self._number()])
    __hash__ = _number
    __eq__ = lambda self, other: bool(self._meddle())
    __del__ = _meddle

KINDS = ['int4', 'float8', 'numeric', 'text', 'bytea', 'json', 'int4[]', 'timestamptz', 'interval', 'uuid', 'bool']
"""

ASYNCIO = (
    PRELUDE
    + """
async def main(url):
    replies = []
    async with await pg.connect(url, pool_max=1) as db:
        def act():
            replies.append(db.fetch_val('SELECT 1'))
            replies[-1].cancel() if len(replies) % 3 == 0 else None
            repr(db), db._counts()
        Meddling.act = act

        async def tried(work):
            with contextlib.suppress(errors.Error, asyncio.CancelledError):
                await work

        for kind in KINDS:
            sql = f'SELECT $1::{kind}'
            # Encoded at once, and encoded where the statement's types have come in.
            await tried(db.fetch(sql, Meddling()))
            await tried(db.fetch(sql, Meddling()))
            # Given up while it waits for its statement, while it runs, and while it waits for a connection.
            for turns in range(3):
                call = db.fetch(f'{sql} /* {turns} */', Meddling())
                for _ in range(turns):
                    await asyncio.sleep(0)
                call.cancel()
                await tried(call)
            async with db.connection() as connection:
                waiting = db.fetch(sql, Meddling())
                waiting.cancel()
                await tried(waiting)
                await tried(connection.fetch(sql, Meddling()))
            await tried(db.fetch_many(sql, [(Meddling(),), (Meddling(),)]))
        for method in ('copy', 'unnest'):
            async with db.connection() as connection:
                await connection.execute('CREATE TEMPORARY TABLE IF NOT EXISTS meddled (a int, b text)')
                await tried(connection.insert_many('meddled', [(Meddling(), Meddling())], ['a', 'b'], method=method))
        # Still waiting when the pool is closed.
        async with db.connection() as connection:
            waiting = [db.fetch('SELECT $1::int4', Meddling()) for _ in range(3)]
            await tried(connection.execute('SELECT pg_terminate_backend(pg_backend_pid())'))
        await asyncio.gather(*waiting, return_exceptions=True)
        assert await db.fetch_val('SELECT 8') == 8
        Meddling.act = None
        await asyncio.gather(*replies, return_exceptions=True)
        assert {await r for r in replies if not r.cancelled() and r.exception() is None} == {1}
    print(Meddling.acted)

asyncio.run(main(sys.argv[1]))
"""
)

BLOCKING = (
    PRELUDE
    + """
def main(url):
    seen = set()
    with pg.connect_sync(url, pool_max=1) as db, db.connection() as connection:
        def act():
            # The pool has no other connection: who asks it waits.
            for holder, options in ((connection, {}), (db, {'timeout': 0.01})):
                try:
                    seen.add(holder.fetch_val('SELECT 1', **options))
                except errors.Error as error:
                    seen.add(type(error).__name__)
            repr(db), db._counts()
        Meddling.act = act

        def tried(work, *args, **options):
            with contextlib.suppress(errors.Error):
                work(*args, **options)

        for kind in KINDS:
            sql = f'SELECT $1::{kind}'
            for _ in range(2):
                tried(connection.fetch, sql, Meddling())
            tried(connection.fetch_many, sql, [(Meddling(),), (Meddling(),)])
        connection.execute('CREATE TEMPORARY TABLE meddled (a int, b text)')
        for method in ('copy', 'unnest'):
            tried(connection.insert_many, 'meddled', [(Meddling(), Meddling())], ['a', 'b'], method=method)
        # The connection has one user at a time.
        assert {'ConcurrentUse', 'QueryTimeout'} <= seen <= {1, 'ConcurrentUse', 'QueryTimeout', 'InterfaceError'}, seen
        assert connection.fetch_val('SELECT 8') == 8
        Meddling.act = None
    print(Meddling.acted)

main(sys.argv[1])
"""
)


@pytest.mark.parametrize("program", [ASYNCIO, BLOCKING], ids=["asyncio", "blocking"])
def test_arguments_that_use_their_own_connection(program: str, url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-W", "error", "-c", program, url],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20, "the arguments were asked for something"
