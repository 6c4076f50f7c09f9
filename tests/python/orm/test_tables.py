"""Class bodies to tables."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, ForeignKey, Table, func
from data_bridge.postgres.errors import Error, InterfaceError

from .models import MODELS, Everything, Post, User


@pytest.mark.smoke
async def test_tables_are_made_in_any_order_and_again(db: pg.Database) -> None:
    await db.drop_all(*MODELS)
    await pg.create_all(reversed(MODELS))
    await db.create_all(*MODELS)
    assert await db.fetch_val("SELECT obj_description('orm_everything'::regclass)") == "One column of each kind"
    assert await db.fetch_val("SELECT col_description('orm_everything'::regclass, 4)") == "it's money"
    with pytest.raises(Error, match="already exists"):
        await User.create_table()


async def test_constraints_hold_and_have_the_names_that_postgresql_gives(
    db: pg.Database,
) -> None:
    names = await db.fetch(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'orm_users'::regclass AND contype <> 'n'"
    )
    assert {row["conname"] for row in names} == {
        "orm_users_pkey",
        "orm_users_email_key",
        "orm_users_email_check",
        "orm_users_company_code_fkey",
    }
    index = await db.fetch_val("SELECT indexdef FROM pg_indexes WHERE indexname = 'orm_posts_title_idx'")
    assert "(title)" in index


async def test_a_circle_of_references_is_made_and_dropped(db: pg.Database) -> None:
    class Hen(Table, table="orm_hens"):
        id: Col[int] = Column(primary_key=True)
        egg_id: Col[int | None] = Column(foreign_key="orm_eggs.id", default=None)

    class Egg(Table, table="orm_eggs"):
        id: Col[int] = Column(primary_key=True)
        hen_id: Col[int | None] = Column(foreign_key="orm_hens.id", default=None)

    for _ in range(2):
        await pg.create_all([Hen, Egg])
    await Hen.insert_one(Hen(id=1))
    await Egg.insert_one(Egg(id=1, hen_id=1))
    egg = await Egg.fetch_one(fetch_links=["hen"])
    assert egg is not None
    assert egg["hen"]["id"] == 1
    await pg.drop_all([Hen, Egg])
    assert await db.fetch_val("SELECT to_regclass('orm_hens') IS NULL AND to_regclass('orm_eggs') IS NULL")


def test_the_constructor_takes_what_the_annotations_say() -> None:
    user = User(email="a@x.io")
    assert (user.email, user.name) == ("a@x.io", None)
    assert repr(user) == "User(email='a@x.io', name=None, age=None, company_code=None)"
    assert user.to_dict() == {
        "email": "a@x.io",
        "name": None,
        "age": None,
        "company_code": None,
    }
    for values, why in [
        ({}, "needs a value for email"),
        ({"email": "a", "id": 1}, "init=False"),
        ({"email": "a", "emial": "b"}, "no column emial"),
    ]:
        with pytest.raises(TypeError, match=why):
            User(**values)  # type: ignore[arg-type]


def test_attributes_are_slots() -> None:
    user = User(email="a@x.io")
    with pytest.raises(AttributeError, match="emial"):
        user.emial = "b"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="no value yet"):
        _ = user.id
    assert not hasattr(user, "__dict__")
    with pytest.raises(TypeError, match="expected an instance of User, not Post"):
        vars(User)["email"].__get__(Post(title="x"), Post)
    assert User(email="x")["email"] == "x"
    with pytest.raises(KeyError):
        User(email="x")["nothing"]


def test_defaults_are_fresh() -> None:
    class Bag(Table, table="orm_bags"):
        id: int = Column(primary_key=True)
        things: list[str] = Column(default_factory=list)
        plain: str = "x"

    one, two = Bag(id=1), Bag(id=2)
    assert one.things == []
    assert one.things is not two.things
    assert one.plain == "x"
    with pytest.raises(TypeError, match="shared by all instances"):
        Column(default=[])


def test_instances_copy_and_pickle_with_their_links() -> None:
    user = User(email="a@x.io")
    user.id = 3
    post = Post(title="t")
    post.author = user
    assert post.author_id == 3
    for twin in (
        copy.copy(post),
        copy.deepcopy(post),
        pickle.loads(pickle.dumps(post)),
    ):
        assert twin.to_dict() == post.to_dict()
        assert twin.author.loaded.email == "a@x.io"


def test_values_are_released() -> None:
    marker = f"{sys.maxsize} of its own"
    before = sys.getrefcount(marker)
    user = User(email=marker)
    user.name = marker
    user.name = None
    assert sys.getrefcount(marker) == before + 1
    del user
    assert sys.getrefcount(marker) == before


def test_an_instance_in_a_cycle_is_collected() -> None:
    class Node(Table, table="orm_nodes"):
        id: int = Column(primary_key=True)
        settings: dict[str, Any] = Column(default_factory=dict)

    class Canary:
        alive = 0

        def __init__(self) -> None:
            Canary.alive += 1

        def __del__(self) -> None:
            Canary.alive -= 1

    node = Node(id=1)
    node.settings["self"] = node
    node.settings["canary"] = Canary()
    del node
    gc.collect()
    assert Canary.alive == 0


def test_columns_of_an_abstract_class_are_each_tables_own() -> None:
    class Stamped(Table, abstract=True):
        id: int = Column(primary_key=True, init=False)
        made: str | None = Column(default=None)

    class A(Stamped, table="orm_a"):
        x: int

    class B(Stamped, table="orm_b"):
        x: int

    assert repr(A.id) == "<column orm_a.id>"
    assert repr(B.id) == "<column orm_b.id>"
    assert A(x=1).to_dict() == {"made": None, "x": 1}
    with pytest.raises(TypeError, match="abstract=True"):

        class _C(A):
            y: int


def test_names_follow_from_the_class() -> None:
    class HTTPLogEntry(Table):
        id: int = Column(primary_key=True)

    assert HTTPLogEntry.__model__.table_name == "http_log_entry"


def test_bodies_that_cannot_be_meant() -> None:
    def body(annotations: dict[str, Any], **values: Any) -> type:
        return type(Table)(
            "Bad",
            (Table,),
            {"__annotations__": annotations, "__module__": __name__, **values},
        )

    cases: list[tuple[dict[str, Any], dict[str, Any], type[Exception], str]] = [
        ({}, {}, TypeError, "no columns"),
        ({}, {"id": Column()}, TypeError, "needs an annotation"),
        ({"id": object}, {}, TypeError, "no PostgreSQL type"),
        ({"id": "Nonsense"}, {}, TypeError, "cannot be read"),
        (
            {"id": int},
            {"id": Column(check="true); DROP TABLE x; --")},
            InterfaceError,
            "bracket",
        ),
        (
            {"id": int},
            {"id": Column(server_default="1; DROP TABLE x")},
            InterfaceError,
            "semicolon",
        ),
        (
            {"id": int},
            {"id": Column(foreign_key="pg_catalog.pg_class.oid")},
            Error,
            "system catalog",
        ),
        ({"id": int}, {"id": Column(foreign_key="users")}, Error, "table.column"),
        (
            {"id": int},
            {"id": Column(foreign_key="a.b", on_delete="EXPLODE")},
            InterfaceError,
            "referential",
        ),  # type: ignore[arg-type]
        ({"id": int}, {"id": Column(identity="never")}, InterfaceError, "identity"),  # type: ignore[arg-type]
        ({"id": int, "x": ForeignKey}, {}, TypeError, "needs the column 'x_id'"),
        ({"ctid": int}, {}, Error, "system column"),
    ]
    for body_annotations, values, error, why in cases:
        with pytest.raises(error, match=why):
            body(body_annotations, **values)
    with pytest.raises(TypeError, match="need a foreign_key"):
        Column(on_delete="CASCADE")
    with pytest.raises(TypeError, match="not both"):
        Column(default=1, default_factory=int)


def test_functions_are_sql() -> None:
    assert func.now()._text() == "now()"
    assert func.app.price()._text() == '"app"."price"()'
    with pytest.raises(TypeError, match="cannot hold values"):
        func.lower("X")._text()
    with pytest.raises(AttributeError):
        _ = func.__secret__


async def test_every_type_goes_there_and_back(db: pg.Database) -> None:
    import uuid
    from datetime import UTC, date, datetime, time, timedelta
    from decimal import Decimal

    row = Everything(
        id=1,
        flag=True,
        ratio=-0.5,
        price=Decimal("1.10"),
        data=b"\x00\xff",
        key=uuid.UUID(int=7),
        day=date(2024, 2, 29),
        moment=datetime(2024, 2, 29, 12, tzinfo=UTC),
        clock=time(23, 59, 59, 999999),
        span=timedelta(days=-1, microseconds=1),
        words=["a", 'b"', "ü"],
        settings={"a": [1, None]},
        short="12345",
    )
    await Everything.insert_one(row)
    back = await Everything.fetch_one(Everything.key == uuid.UUID(int=7))
    assert back is not None
    assert back.to_dict() == row.to_dict()
    assert str(back.price) == "1.10"
