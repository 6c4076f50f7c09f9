"""A database of two companies, three people with three posts each, and two comments on each of these."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import data_bridge.postgres as pg

from .models import MODELS, Comment, Company, Person, Post


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    async with await pg.connect(url, pool_max=2) as database:
        await pg.drop_all(MODELS)
        await pg.create_all(MODELS)
        yield database
        await pg.drop_all(MODELS)


@pytest.fixture
async def world(db: pg.Database) -> pg.Database:
    acme = await Company.insert_one(Company(name="Acme"))
    bolt = await Company.insert_one(Company(name="Bolt"))
    ann = await Person.insert_one(Person(email="ann@x.io", company_id=acme.id))
    for name, company in (("bob", acme), ("cy", bolt)):
        await Person.insert_one(Person(email=f"{name}@x.io", company_id=company.id, boss_id=ann.id))
    people = await Person.fetch_many(order_by="id")
    for person in people:
        for number in range(3):
            post = Post(author_id=person.id, editor_id=ann.id, title=f"{person.email[:-5]} {number}", stars=number)
            await Post.insert_one(post)
    posts = await Post.fetch_many()
    await Comment.insert_many(
        [Comment(post_id=post.id, text=f"{n} on {post.title}") for post in posts for n in range(2)]
    )
    return db
