"""Loading links along with rows: by a JOIN, by one query for each level, by themselves for all rows of a result."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import NotLoadedError, col, select
from data_bridge.postgres.errors import InterfaceError

from .models import MODELS, Comment, Company, Person, Post


async def test_one_join_for_several_levels(world: pg.Database) -> None:
    with world.capture() as queries:
        comments = await Comment.fetch_many(fetch_links=["post.author.company", "post.editor"], order_by="id")
    assert len(queries) == 1
    first = comments[0]
    assert first["post"]["author"]["company"]["name"] == "Acme"
    assert first.post.loaded.editor.loaded is not None
    assert first.post.loaded.editor.loaded.email == "ann@x.io"
    assert queries.sql[0].count("LEFT JOIN") == 4


async def test_collections_load_in_one_query_for_each_level(world: pg.Database) -> None:
    with world.capture() as queries:
        people = await Person.select().order_by(Person.id).fetch_links("company", "posts.comments")
    assert len(queries) == 3
    assert [person["company"]["name"] for person in people] == ["Acme", "Acme", "Bolt"]
    assert [len(person.posts) for person in people] == [3, 3, 3]
    assert {len(post.comments) for person in people for post in person.posts} == {2}
    assert people[0].posts[0].author.loaded is people[0], "rows know what they were loaded for"


async def test_a_collection_behind_a_joined_link(world: pg.Database) -> None:
    with world.capture() as queries:
        posts = await Post.fetch_many(fetch_links=["author.reports"], order_by="id")
    assert len(queries) == 2
    assert [len(post.author.loaded.reports) for post in posts[:4]] == [2, 2, 2, 0]


async def test_prefetch_with_conditions_order_and_depth(world: pg.Database) -> None:
    starred = Person.posts.where(col(Post.stars) > 0).order_by(col(Post.stars).desc()).prefetch(Post.comments)
    with world.capture() as queries:
        people = await Person.select().prefetch(starred, "company.people", Person.company).order_by(Person.id).all()
    assert len(queries) == 5
    assert [[post.stars for post in person.posts] for person in people] == [[2, 1]] * 3
    assert len(people[0].posts[0].comments) == 2
    company = people[0].company.loaded
    assert company is people[1].company.loaded, "instances of one prefetch are shared"
    assert company is not None
    assert {person.email for person in company.people} == {"ann@x.io", "bob@x.io"}


async def test_at_most_so_many_for_each_row(world: pg.Database) -> None:
    newest = Person.posts.order_by(col(Post.id).desc()).limit(2)
    with world.capture() as queries:
        people = await Person.select().prefetch(newest).order_by(Person.id)
    assert len(queries) == 2
    assert [[post.stars for post in person.posts] for person in people] == [[2, 1]] * 3


async def test_prefetch_of_one_row_and_of_none(world: pg.Database) -> None:
    ann = await Person.select().prefetch(Person.posts).where(Person.email == "ann@x.io").one()
    assert len(ann.posts) == 3
    with world.capture() as queries:
        assert await Person.select().prefetch(Person.posts).where(Person.email == "no").first() is None
    assert len(queries) == 1
    nobody = await Person.select().where(Person.email == "cy@x.io").prefetch(Person.reports).one()
    assert nobody.reports.loaded == []


async def test_streams_prefetch_batch_by_batch(world: pg.Database) -> None:
    with world.capture() as queries:
        found = [
            len(person.posts)
            async for person in Person.select().prefetch(Person.posts).order_by(Person.id).stream(batch=2)
        ]
    assert found == [3, 3, 3]
    assert sum('"ln_posts"' in sql for sql in queries.sql) == 2


async def test_siblings_load_together(world: pg.Database) -> None:
    with world.capture() as queries:
        for post in await Post.select():
            author = await post.author.fetch()
            company = await author.company.fetch()
            assert company is not None
    assert len(queries) == 3
    with world.capture() as queries:
        for person in await Person.fetch_many():
            for post in await person.posts.fetch():
                assert len(await post.comments.fetch()) == 2
    assert len(queries) == 3


async def test_siblings_load_together_for_tasks_at_the_same_time(world: pg.Database) -> None:
    posts = await Post.select()
    with world.capture() as queries:
        authors = await asyncio.gather(*(post.author.fetch() for post in posts))
    assert len(queries) == 1
    assert len({id(author) for author in authors}) == 3


async def test_a_load_that_is_given_up_is_done_by_another(world: pg.Database) -> None:
    posts = await Post.select()
    given_up = asyncio.ensure_future(posts[0].author.fetch())
    others = [asyncio.ensure_future(post.author.fetch()) for post in posts[1:]]
    await asyncio.sleep(0)
    given_up.cancel()
    assert {author.email for author in await asyncio.gather(*others)} == {"ann@x.io", "bob@x.io", "cy@x.io"}


async def test_fetch_asks_once_unless_told(world: pg.Database) -> None:
    post = await Post.select().order_by(Post.id).first()
    assert post is not None
    author = await post.author.fetch()
    with world.capture() as queries:
        assert await post.author.fetch() is author
        assert len(queries) == 0
        assert await post.author.fetch(refresh=True) is not author
        assert len(queries) == 1
    post.author_id = 2
    assert not post.author.is_loaded, "another key, another row"
    assert (await post.author.fetch()).id == 2


async def test_an_unloaded_collection_names_the_cure(world: pg.Database) -> None:
    ann = await Person.fetch_one(order_by="id")
    assert ann is not None
    for read in (
        lambda: ann.posts.loaded,
        lambda: len(ann.posts),
        lambda: list(ann.posts),
        lambda: ann.posts[0],
        lambda: ann["posts"],
    ):
        with pytest.raises(
            NotLoadedError,
            match=r'Person\.posts is not loaded.*\.prefetch\(Person\.posts\).*fetch_links=\["posts"\].*fetch\(\)',
        ):
            read()
    assert not ann.posts.is_loaded
    assert await ann.posts.count() == 3
    assert await ann.posts.count(col(Post.stars) > 0) == 2
    with pytest.raises(AttributeError, match="collection"):
        ann.posts = []  # type: ignore[assignment]
    with pytest.raises(NotLoadedError, match="insert it first"):
        await Person(email="new").posts.fetch()


async def test_columns_of_links_in_conditions(world: pg.Database) -> None:
    query = Post.select().where(Post.author.email == "bob@x.io", Post.editor.email == "ann@x.io")
    assert await query.count() == 3
    assert query.sql().count("LEFT JOIN") == 2
    at_acme = Post.select().where(Post.author.company.name == "Acme").order_by(Post.author.email.desc(), Post.id)
    assert (await at_acme.first()).title == "bob 0"  # type: ignore[union-attr]
    assert await select(Post.author.company.name).order_by(Post.id).limit(1).scalars() == ["Acme"]
    assert await Person.select().where(Person.boss.email == "ann@x.io").count() == 2


async def test_any_and_has(world: pg.Database) -> None:
    assert await Person.select().where(Person.posts.any(col(Post.stars) > 1)).count() == 3
    assert await Person.select().where(~Person.reports.any()).count() == 2
    bosses = await Person.fetch_many(Person.reports.any(Person.email == "cy@x.io"))
    assert [boss.email for boss in bosses] == ["ann@x.io"]
    assert await Post.select().where(Post.author.has(Person.company.has(Company.name == "Bolt"))).count() == 3
    deep = Company.people.any(Person.posts.any(Post.comments.any(Comment.text.like("1 on cy%"))))
    assert [company.name for company in await Company.fetch_many(deep)] == ["Bolt"]


async def test_joins_over_links(world: pg.Database) -> None:
    counts = select(Person.email, pg.func.count(Post.id)).join(Person.posts).group_by(Person.id).order_by(Person.id)
    assert await counts == [("ann@x.io", 3), ("bob@x.io", 3), ("cy@x.io", 3)]
    pairs = select(Person.email, Person.boss.email).join(Person.boss).order_by(Person.id)
    assert await pairs == [("bob@x.io", "ann@x.io"), ("cy@x.io", "ann@x.io")]
    boss = pg.alias(Person, "chief")
    of_chiefs = select(boss.email, pg.func.count(Post.id)).join(boss.posts).group_by(boss.id).order_by(boss.id)
    assert (await of_chiefs)[0] == ("ann@x.io", 3)
    both = await select(Post, Person).join(Post.author).where(Person.email == "cy@x.io")
    assert {(post.title[:2], person.email) for post, person in both} == {("cy", "cy@x.io")}


async def test_a_link_runs_where_its_row_came_from(world: pg.Database, url: str) -> None:
    post = await Post.fetch_one(order_by="id")
    assert post is not None
    async with await pg.connect(url) as other:
        assert pg.capture is not None
        await other.execute("SET search_path TO pg_catalog")
        with world.capture() as queries:
            await post.author.fetch()
        assert len(queries) == 1
    async with world.transaction() as tx:
        await Person.insert_one(Person(email="new@x.io"), db=tx)
        new = await Person.fetch_one(Person.email == "new@x.io", db=tx)
        assert new is not None
        await Post.insert_one(Post(author_id=new.id, title="in the transaction"), db=tx)
        assert len(await new.posts.fetch()) == 1, "in the same transaction, which alone sees it"
    assert len(await new.posts.fetch(refresh=True)) == 1, "the database, now that the transaction is over"


async def test_columns_that_are_left_out(world: pg.Database) -> None:
    ann = await Person.select().only(Person.email).order_by(Person.id).first()
    assert ann is not None
    assert (ann.id, ann.email, ann.company.ref) == (1, "ann@x.io", 1)
    with pytest.raises(NotLoadedError, match=r'bio.*refresh\("bio"\)'):
        _ = ann.bio
    await ann.refresh("bio")
    assert ann.bio == ""
    query = Person.select().defer(Person.bio).prefetch(Person.posts.only(Post.title))
    person = (await query)[0]
    with pytest.raises(NotLoadedError):
        _ = person.bio
    assert person.posts[0].title
    with pytest.raises(NotLoadedError):
        _ = person.posts[0].stars


async def test_links_of_instances_that_no_query_made(world: pg.Database) -> None:
    ann = await Person.select().where(Person.email == "ann@x.io").one()
    saved = await Post(author_id=ann.id, title="saved").save()
    bulk = Post(author_id=ann.id, title="bulk")
    await Post.insert_many([bulk])
    upserted = await Post(author_id=ann.id, title="upserted").upsert()
    unpickled = pickle.loads(pickle.dumps(saved))
    for post in (saved, bulk, upserted, unpickled, Post(author_id=ann.id, title="never written")):
        with world.capture() as queries:
            assert (await post.author.fetch()).email == "ann@x.io"
            author = await post.author.fetch()
            assert len(await author.posts.fetch()) == 6
        assert len(queries) == 2, "what is loaded is not loaded again"
    async with world.transaction() as tx:
        late = await Person(email="late@x.io").save(db=tx)
        post = Post(author_id=late.id, title="within")
        assert (await post.author.fetch()).email == "late@x.io", "the transaction is the default within it"


async def test_what_is_loaded_needs_no_database(url: str) -> None:
    async with await pg.connect(url) as db:
        await pg.drop_all(MODELS)
        await pg.create_all(MODELS)
        person = await Person(email="ann@x.io").save()
        post = await Post(author_id=person.id, title="first").save()
        author = await post.author.fetch()
        await pg.drop_all(MODELS, db=db)
    assert await post.author.fetch() is author
    with pytest.raises(InterfaceError, match="no database is open"):
        await post.author.fetch(refresh=True)


def test_links_of_instances_that_no_query_made_by_a_blocking_database(url: str) -> None:
    with pg.connect_sync(url):
        pg.drop_all(MODELS)
        pg.create_all(MODELS)
        person: Any = Person(email="ann@x.io")
        person.save()
        post: Any = Post(author_id=person.id, title="first")
        post.save()
        for _ in range(2):
            assert post.author.fetch().email == "ann@x.io"
            assert [each.title for each in person.posts.fetch()] == ["first"]
        pg.drop_all(MODELS)
