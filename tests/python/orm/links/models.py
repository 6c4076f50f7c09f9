"""A small world of links: companies, people, posts, comments, roles, friends."""

from __future__ import annotations

from data_bridge.postgres import BackReference, Col, Column, ForeignKey, ManyToMany, Table


class Company(Table, table="ln_companies"):
    id: Col[int] = Column(primary_key=True, init=False)
    name: Col[str]
    people: BackReference[Person] = BackReference("company_id")


class Person(Table, table="ln_people"):
    id: Col[int] = Column(primary_key=True, init=False)
    email: Col[str] = Column(unique=True)
    company_id: Col[int | None] = Column(foreign_key="ln_companies.id", default=None)
    boss_id: Col[int | None] = Column(foreign_key="ln_people.id", default=None)
    bio: Col[str] = Column(default="")
    company: ForeignKey[Company | None] = ForeignKey("company_id")
    boss: ForeignKey[Person | None] = ForeignKey("boss_id")
    reports: BackReference[Person] = BackReference("boss_id")
    posts: BackReference[Post] = BackReference("author_id")
    edited: BackReference[Post] = BackReference("editor_id")
    roles: ManyToMany[Role] = ManyToMany()
    friends: ManyToMany[Person] = ManyToMany(symmetric=True)


class Role(Table, table="ln_roles"):
    id: Col[int] = Column(primary_key=True, init=False)
    name: Col[str] = Column(unique=True)
    people: ManyToMany[Person] = ManyToMany(back="roles")


class Post(Table, table="ln_posts"):
    id: int = Column(primary_key=True, init=False)
    author_id: int = Column(foreign_key="ln_people.id", on_delete="CASCADE")
    editor_id: int | None = Column(foreign_key="ln_people.id", on_delete="SET NULL", default=None)
    title: str
    stars: int = Column(default=0)
    author: ForeignKey[Person] = ForeignKey("author_id")
    editor: ForeignKey[Person | None] = ForeignKey("editor_id")
    comments: BackReference[Comment] = BackReference()


class Comment(Table, table="ln_comments"):
    id: Col[int] = Column(primary_key=True, init=False)
    post_id: Col[int] = Column(foreign_key="ln_posts.id", on_delete="CASCADE")
    text: Col[str]
    post: ForeignKey[Post] = ForeignKey("post_id")


MODELS = [Company, Person, Role, Post, Comment]
