"""How many queries links take: in loops over 10, 100 and 1000 rows, by JOIN, in batches, over several levels; and who watches."""

from __future__ import annotations

import sys
import tracemalloc
import warnings

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, ForeignKey, NotLoadedError, NPlusOneError, NPlusOneWarning, Table

from .models import Comment, Company, Person, Post, Role


@pytest.fixture
async def many(db: pg.Database) -> pg.Database:
    """A thousand posts, each of another author."""
    await Person.insert_many([Person(email=f"p{number}@x.io") for number in range(1000)])
    people = await Person.select().order_by(Person.id)
    await Post.insert_many([Post(author_id=person.id, title=person.email) for person in people])
    return db


@pytest.mark.parametrize("rows", [10, 100, 1000])
async def test_a_loop_of_fetches(many: pg.Database, rows: int) -> None:
    with many.capture() as queries:
        for post in await Post.select().limit(rows):
            assert (await post.author.fetch()).email == post.title
    assert len(queries) == 2


@pytest.mark.parametrize("rows", [10, 100, 1000])
async def test_a_loop_that_loads_row_by_row(many: pg.Database, rows: int) -> None:
    class Slow(Table, table="ln_posts"):
        id: Col[int] = Column(primary_key=True)
        author_id: Col[int] = Column(foreign_key="ln_people.id")
        author: ForeignKey[Person] = ForeignKey("author_id", lazy="single")

    with many.capture() as queries:
        for post in await Slow.select().limit(rows):
            await post.author.fetch()
    assert len(queries) == rows + 1


async def test_join(many: pg.Database) -> None:
    with many.capture() as queries:
        posts = await Post.fetch_many(fetch_links=["author"])
    assert len(queries) == 1
    assert all(post.author.loaded.email == post.title for post in posts)


async def test_batched(many: pg.Database) -> None:
    with many.capture() as queries:
        posts = await Post.select().prefetch(Post.author)
    assert len(queries) == 2
    assert all(post.author.loaded.email == post.title for post in posts)


async def test_four_levels(world: pg.Database) -> None:
    with world.capture() as queries:
        companies = await Company.select().prefetch("people.posts.comments").order_by(Company.id)
    assert len(queries) == 4
    texts = [
        comment.text
        for company in companies
        for person in company.people
        for post in person.posts
        for comment in post.comments
    ]
    assert len(texts) == 18
    with world.capture() as queries:
        for company in await Company.select():
            for person in await company.people.fetch():
                for post in await person.posts.fetch():
                    await post.comments.fetch()
    assert len(queries) == 4


async def test_memory_lazy_against_eager(many: pg.Database) -> None:
    async def held(query: pg.Query[Post]) -> int:
        tracemalloc.start()
        try:
            posts = await query
            assert len(posts) == 1000
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    await held(Post.select())
    lazy, eager = await held(Post.select()), await held(Post.select().prefetch(Post.author))
    assert lazy < eager
    (post,) = await Post.select().limit(1)
    assert sys.getsizeof(post) < 250, "a slot for each column and link, and two more"


async def test_a_class_without_links_has_no_slot_for_them() -> None:
    class Plain(Table, table="ln_plain"):
        id: Col[int] = Column(primary_key=True)

    assert "_batch" not in vars(Plain)


async def one_by_one(ids: list[int]) -> None:
    for number in ids:
        post = await Post.fetch_one(Post.id == number)
        assert post is not None
        await post.author.fetch()


async def test_a_loop_that_loads_row_by_row_is_found(world: pg.Database) -> None:
    ids = [post.id for post in await Post.select()]
    line = one_by_one.__code__.co_firstlineno + 4
    with (
        pytest.raises(
            NPlusOneError, match=rf"test_counts\.py:{line} has loaded Post\.author row by row 4 times.*prefetch"
        ),
        pg.detect_n_plus_one(),
    ):
        await one_by_one(ids)
    warned = pytest.warns(NPlusOneWarning, match=r"Post\.author row by row 6 times")
    with warned, pg.detect_n_plus_one(limit=5, action="warn"):
        await one_by_one(ids)
    with warnings.catch_warnings(), pg.detect_n_plus_one(limit=0):
        warnings.simplefilter("error")
        for post in await Post.select():
            await post.author.fetch()
    await one_by_one(ids)


async def test_links_that_only_a_query_may_load(world: pg.Database) -> None:
    class Strict(Table, table="ln_posts"):
        id: Col[int] = Column(primary_key=True)
        author_id: Col[int] = Column(foreign_key="ln_people.id")
        author: ForeignKey[Person] = ForeignKey("author_id", lazy="raise")

    post = await Strict.select().order_by(Strict.id).first()
    assert post is not None
    with pytest.raises(NotLoadedError, match=r'fetch_links=\["author"\]$'):
        await post.author.fetch()
    loaded = await Strict.fetch_one(fetch_links=[Strict.author])
    assert loaded is not None
    assert (await loaded.author.fetch()).email


async def test_a_result_of_more_rows_than_a_batch_holds(many: pg.Database) -> None:
    posts = await Post.select().limit(1)
    await Comment.insert_many([Comment(post_id=posts[0].id, text="x") for _ in range(10_001)])
    with many.capture() as queries:
        for comment in await Comment.select():
            await comment.post.fetch()
    assert len(queries) == 3


def test_the_blocking_front(url: str) -> None:
    models = [Company, Person, Role, Post, Comment]
    with pg.connect_sync(url) as db:
        pg.drop_all(models, db=db)
        pg.create_all(models, db=db)
        ann = Person.insert_one(Person(email="ann@x.io"), db=db)
        ann.posts.add(Post(author=ann, title="one"), Post(author=ann, title="two"), db=db)
        with db.capture() as queries:
            (read,) = Person.select().prefetch(Person.posts).all(db=db)
            assert [post.title for post in read.posts] == ["one", "two"]
        assert len(queries) == 2
        with db.capture() as queries:
            for post in Post.select().all(db=db):
                assert post.author.fetch().email == "ann@x.io"
        assert len(queries) == 2
        with db.transaction() as tx:
            (post, _) = Post.fetch_many(fetch_links=["author.posts"], order_by="id", db=tx)
            assert len(post.author.loaded.posts) == 2
            assert post.comments.fetch() == []
            post.comments.add(Comment(post=post, text="yes"))
            assert post.comments.count() == 1
        assert [len(person.posts) for person in Person.select().prefetch(Person.posts).stream(db=db)] == [2]
        pg.drop_all(models, db=db)
