"""Links over foreign keys: never I/O by surprise, one JOIN when asked."""

from __future__ import annotations

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, ForeignKey, NotLoadedError, Table

from .models import Company, Post, User


@pytest.fixture
async def written(db: pg.Database) -> None:
    await Company.insert_one(Company(code="x", name="X Inc"))
    ann = await User.insert_one(User(email="ann@x.io", name="Ann", company_code="x"))
    bob = await User.insert_one(User(email="bob@x.io"))
    first = await Post.insert_one(Post(title="first", author_id=ann.id, editor_id=bob.id))
    await Post.insert_one(Post(title="second", author_id=bob.id, parent_id=first.id))
    await Post.insert_one(Post(title="nobody's"))


@pytest.mark.smoke
@pytest.mark.usefixtures("written")
async def test_one_join_loads_the_link(db: pg.Database) -> None:
    post = await Post.fetch_one(Post.title == "first", fetch_links=["author"])
    assert post is not None
    assert post.author.loaded.email == "ann@x.io"
    assert post["author"]["name"] == "Ann"
    assert post.author["name"] == "Ann"
    assert post.author.name == "Ann"  # type: ignore[attr-defined]
    assert post.author.is_loaded
    assert post.author.ref == post.author_id


@pytest.mark.usefixtures("written")
async def test_several_links_and_conditions_across_them() -> None:
    posts = await Post.fetch_many(
        User.email.like("%@x.io"),
        fetch_links=[Post.author, "editor", "parent"],
        order_by=[User.email.desc(), "id"],
    )
    assert [post["title"] for post in posts] == ["second", "first"]
    second, first = posts
    assert (first["editor"]["email"], first["parent"]) == ("bob@x.io", None)
    assert (second["editor"], second["parent"]["title"]) == (None, "first")


@pytest.mark.usefixtures("written")
async def test_a_missing_row_reads_as_none(db: pg.Database) -> None:
    post = await Post.fetch_one(Post.title == "nobody's", fetch_links=["author"])
    assert post is not None
    assert post.author.loaded is None
    assert post["author"] is None
    unloaded = await Post.fetch_one(Post.title == "nobody's")
    assert unloaded is not None
    assert unloaded.author.loaded is None, "no key, no row: that needs no query"
    assert await unloaded.author.fetch() is None


@pytest.mark.usefixtures("written")
async def test_an_unloaded_link_raises_and_names_the_cure() -> None:
    post = await Post.fetch_one(Post.title == "first")
    assert post is not None
    for read in (
        lambda: post.author.loaded,
        lambda: post["author"],
        lambda: post.author["name"],
        lambda: post.author.email,
    ):  # type: ignore[attr-defined]
        with pytest.raises(
            NotLoadedError,
            match=r'Post.author is not loaded.*fetch_links=\["author"\].*fetch\(\)',
        ):
            read()
    assert not post.author.is_loaded
    assert "not loaded" in repr(post.author)
    assert not hasattr(post.author, "__deepcopy__")


@pytest.mark.usefixtures("written")
async def test_fetch_loads_it_and_keeps_it(db: pg.Database) -> None:
    post = await Post.fetch_one(Post.title == "first")
    assert post is not None
    author = await post.author.fetch()
    assert author.email == "ann@x.io"
    assert post.author.loaded is author
    company = await author.company.fetch(db=db)
    assert company is not None
    assert company.name == "X Inc"


@pytest.mark.usefixtures("written")
async def test_to_set_a_link_sets_the_key() -> None:
    post = await Post.fetch_one(Post.title == "first")
    bob = await User.fetch_one(User.email == "bob@x.io")
    assert post is not None
    assert bob is not None
    post.author = bob
    assert post.author_id == bob.id
    assert post.author.loaded is bob
    assert Post(title="third", author=bob).author_id == bob.id
    with pytest.raises(TypeError, match="expected an instance of User"):
        post.author = post  # type: ignore[assignment]
    with pytest.raises(TypeError, match="insert it first"):
        post.author = User(email="new@x.io")


@pytest.mark.usefixtures("written")
async def test_a_dangling_key_reads_as_none(db: pg.Database) -> None:
    await db.execute("ALTER TABLE orm_posts DROP CONSTRAINT orm_posts_author_id_fkey")
    await Post.update_many(Post.title == "first", {"author_id": 12345})
    post = await Post.fetch_one(Post.title == "first", fetch_links=["author"])
    assert post is not None
    assert post.author.loaded is None
    again = await Post.fetch_one(Post.title == "first")
    assert again is not None
    assert await again.author.fetch() is None
    assert again.author.loaded is None


async def test_a_strict_link_minds_a_missing_row(db: pg.Database) -> None:
    class Owner(Table, table="orm_owners"):
        id: Col[int] = Column(primary_key=True)

    class Pet(Table, table="orm_pets"):
        id: Col[int] = Column(primary_key=True)
        owner_id: Col[int | None] = Column(foreign_key="orm_owners.id", strict=True, default=None)
        owner: ForeignKey[Owner | None] = ForeignKey("owner_id")

    await pg.create_all([Owner, Pet])
    await db.execute("ALTER TABLE orm_pets DROP CONSTRAINT orm_pets_owner_id_fkey")
    await Pet.insert_many([Pet(id=1, owner_id=9), Pet(id=2)])
    stray = await Pet.fetch_one(Pet.id == 2, fetch_links=["owner"])
    assert stray is not None
    assert stray.owner.loaded is None, "no key is no missing row"
    with pytest.raises(pg.MissingRowError, match=r"Pet\.owner is strict"):
        await Pet.fetch_one(Pet.id == 1, fetch_links=["owner"])
    lost = await Pet.fetch_one(Pet.id == 1)
    assert lost is not None
    with pytest.raises(pg.MissingRowError, match=r"Pet\.owner is strict"):
        await lost.owner.fetch()
    await pg.drop_all([Owner, Pet])


async def test_tables_whose_columns_have_the_same_names(db: pg.Database) -> None:
    class Left(Table, table="orm_left"):
        id: Col[int] = Column(primary_key=True)
        name: Col[str]
        right_id: Col[int] = Column(foreign_key="orm_right.id")

    class Right(Table, table="orm_right"):
        id: Col[int] = Column(primary_key=True)
        name: Col[str]
        right: Col[str]

    await pg.create_all([Left, Right])
    await Right.insert_one(Right(id=7, name="r", right="x"))
    await Left.insert_one(Left(id=1, name="l", right_id=7))
    left = await Left.fetch_one(fetch_links=["right"])
    assert left is not None
    assert left.to_dict() == {"id": 1, "name": "l", "right_id": 7}
    assert left["right"].to_dict() == {"id": 7, "name": "r", "right": "x"}
    await pg.drop_all([Left, Right])


def test_a_link_to_a_class_that_is_not_there() -> None:
    class Lonely(Table, table="orm_lonely"):
        id: Col[int] = Column(primary_key=True)
        friend_id: Col[int] = Column(foreign_key="orm_nobody.id")
        friend: ForeignKey[User] = ForeignKey("friend_id")

    class Orphan(Table, table="orm_orphan"):
        id: Col[int] = Column(primary_key=True)
        friend_id: Col[int] = Column(foreign_key="orm_nobody.id")

    with pytest.raises(LookupError, match="orm_nobody"):
        Orphan.fetch_many(fetch_links=["friend"])
