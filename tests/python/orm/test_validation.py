"""Validators of columns, and the Pydantic models made of tables."""

from __future__ import annotations

import enum
import pickle
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import (
    Col,
    Column,
    Email,
    Max,
    MaxLength,
    Min,
    MinLength,
    Regex,
    Table,
    Url,
    ValidationError,
    errors,
    escape_html,
    func,
    strip,
)


class Role(enum.Enum):
    USER = "user"
    ADMIN = "admin"


class Person(Table, table="validated_people"):
    id: Col[int] = Column(primary_key=True, init=False)
    email: Col[str] = Column(unique=True, validate=[strip, Email()])
    name: Col[Annotated[str, MinLength(2), MaxLength(10)] | None] = Column(default=None)
    nick: Col[Annotated[str, MinLength(2)]] = Column(default="ann")
    age: Col[int] = Column(default=18, validate=(Min(0), Max(150)))
    site: Col[str | None] = Column(default=None, validate=Url())
    code: Col[str] = Column(default="AB1", validate=Regex(r"[A-Z]{2}\d", "is no code such as AB1"))
    about: Col[str] = Column(default="", validate=escape_html)
    role: Col[Role] = Column(type="text", default=Role.USER)
    password: Col[str] = Column(default="secret", secret=True)
    made_at: Col[datetime] = Column(server_default=func.now(), init=False)


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    async with await pg.connect(url, pool_max=2) as database:
        await pg.drop_all([Person])
        await pg.create_all([Person])
        yield database
        await pg.drop_all([Person])


REFUSED: list[tuple[str, Any, str]] = [
    ("email", "nobody", "is no mail address"),
    ("email", "a@b", "is no mail address"),
    ("email", "a..b@x.io", "is no mail address"),
    ("email", "a@x.io\nBcc: b@x.io", "is no mail address"),
    ("email", 5, "must be a str, not int"),
    ("nick", "a", "at least 2"),
    ("age", -1, "must be at least 0"),
    ("age", 151, "must be at most 150"),
    ("age", "x", "not supported between"),
    ("site", "javascript:alert(1)", "is no URL of http, https"),
    ("site", "https://", "is no URL"),
    ("site", "https://x.io/a b", "is no URL"),
    ("site", "http://[::1", "is no URL"),
    ("code", "ab1", "is no code such as AB1"),
    ("code", "AB1\n", "is no code"),
]


@pytest.mark.parametrize(("column", "value", "reason"), REFUSED)
async def test_refused_wherever_input_comes_in(db: pg.Database, column: str, value: object, reason: str) -> None:
    given: dict[str, Any] = {"email": "a@x.io", column: value}
    person = Person(email="a@x.io")
    ways: list[Any] = [
        lambda: Person(**given),
        lambda: setattr(person, column, value),
        lambda: Person.insert_one(given),
        lambda: Person.upsert_one(given, conflict_columns=["email"]),
        lambda: Person.update_many(True, {column: value}),
    ]
    for way in ways:
        with pytest.raises(ValidationError, match=reason) as caught:
            way()
        assert (caught.value.table, caught.value.column) == ("validated_people", column)
        assert reason in caught.value.reason
        assert str(caught.value) == f"validated_people.{column}: {caught.value.reason}"
    with pytest.raises(ValidationError, match=reason):
        await Person.insert_many([given])
    with pytest.raises(ValidationError, match=reason):
        await Person.update_many([{"id": 1, column: value}])
    with pytest.raises(ValidationError, match=reason):
        await pg.insert(Person).values(given)
    with pytest.raises(ValidationError, match=reason):
        await pg.update(Person).values({column: value}).where(True)
    assert getattr(person, column) != value
    assert await Person.count() == 0


async def test_what_validators_give_is_kept(db: pg.Database) -> None:
    person = Person(email="  Ann@X.IO ", about="<b>", site="https://x.io/?q=1", name=None)
    assert (person.email, person.about, person.site) == ("Ann@x.io", "&lt;b&gt;", "https://x.io/?q=1")
    await Person.insert_one({"email": " b@X.io"})
    assert [one.email for one in await Person.fetch_many()] == ["b@x.io"]
    await db.execute("UPDATE validated_people SET age = 218")
    assert [one.age for one in await Person.fetch_many()] == [218]  # rows of the database are not looked at


async def test_rows_as_tuples(db: pg.Database) -> None:
    class Pair(Table, table="validated_pairs"):
        id: Col[int] = Column(primary_key=True, validate=Min(1))
        price: Col[int] = Column(type="text", load=int, dump=str)

    await pg.drop_all([Pair])
    await pg.create_all([Pair])
    await Pair.insert_many([(1, 5), (2, 6)])
    assert [pair.price for pair in await Pair.fetch_many(order_by="id")] == [5, 6]
    with pytest.raises(ValidationError, match="must be at least 1"):
        await Pair.insert_many([(3, 5), (0, 6)])
    assert await Pair.count(Pair.price > 5) == 1
    await pg.drop_all([Pair])


def test_the_error_is_a_value_error_and_pickles() -> None:
    with pytest.raises(ValueError, match="no mail address") as caught:
        Person(email="x")
    assert isinstance(caught.value, errors.DataError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.column, again.outcome) == (str(caught.value), "email", "not_sent")


def test_wrong_validators() -> None:
    with pytest.raises(TypeError, match="validate takes callables"):
        Column(validate=[5])  # type: ignore[list-item]

    class Odd(Table, table="validated_odd", abstract=False):
        id: Col[int] = Column(primary_key=True, validate=lambda _: None)

    with pytest.raises(TypeError, match="must return the value"):
        Odd(id=1)


@pytest.mark.parametrize(
    "good", ["a@x.io", "first.last+tag@sub.example.co.uk", "ü@x.io".replace("ü", "u"), "a@bücher.de"]
)
def test_mail_addresses(good: str) -> None:
    assert Email()(good) == good


async def test_pydantic_models(db: pg.Database) -> None:
    pydantic = pytest.importorskip("pydantic")
    create, read, update = Person.pydantic("create"), Person.pydantic(), Person.pydantic("update")
    assert create is Person.pydantic("create")
    assert "id" not in create.model_fields
    assert "password" in create.model_fields
    assert "password" not in read.model_fields
    assert set(update.model_fields) == set(create.model_fields)
    schema = create.model_json_schema()
    assert schema["required"] == ["email"]
    assert schema["properties"]["age"]["minimum"] == 0
    assert schema["properties"]["nick"]["minLength"] == 2
    for wrong in (
        {"email": "x"},
        {"email": "a@x.io", "age": 200},
        {"email": "a@x.io", "no": 1},
        {"email": "a@x.io", "role": "x"},
    ):
        with pytest.raises(pydantic.ValidationError):
            create.model_validate(wrong)

    person = await Person.insert_one(create.model_validate({"email": "A@X.io", "age": "30", "role": "admin"}))
    assert (person.email, person.age, person.role, person.nick) == ("A@x.io", 30, Role.ADMIN, "ann")
    seen = read.model_validate(person)
    assert seen.model_dump()["role"] is Role.ADMIN
    assert read.model_validate(person, from_attributes=True) == seen
    assert await Person.update_many(Person.id == person.id, update.model_validate({"age": 31})) == 1
    await Person.insert_many([create.model_validate({"email": f"{n}@x.io", "age": n}) for n in range(3)])
    assert sorted(one.age for one in await Person.fetch_many()) == [0, 1, 2, 31]
    with pytest.raises(ValueError, match="kinds of models"):
        Person.pydantic("all")  # type: ignore[arg-type]


def test_moments_are_read_from_attributes() -> None:
    pytest.importorskip("pydantic")
    person = Person.from_dict({"id": 1, "email": "a@x.io", "made_at": datetime(2024, 1, 1, tzinfo=UTC)})
    assert Person.pydantic().model_validate(person).model_dump(mode="json")["made_at"] == "2024-01-01T00:00:00Z"
