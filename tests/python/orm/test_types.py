"""Columns whose values are more than the driver's: enums, typed JSON, types of one's own."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, NewType, TypedDict

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, Table, errors, func, select


class Plan(enum.Enum):
    FREE = "free"
    PRO = "pro"


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 9


class Right(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Address:
    street: str
    since: datetime | None = None


@dataclasses.dataclass
class Settings:
    theme: str = "dark"
    plan: Plan = Plan.FREE
    limit: Decimal = Decimal("1.50")
    key: uuid.UUID | None = None
    addresses: list[Address] = dataclasses.field(default_factory=list)


class Loose(TypedDict):
    a: int


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and other.cents == self.cents

    def __hash__(self) -> int:
        return hash(self.cents)


class Account(Table, table="typed_accounts"):
    id: Col[int] = Column(primary_key=True)
    plan: Col[Plan] = Column(default=Plan.FREE)
    colour: Col[Colour | None] = Column(default=None)
    plans: Col[list[Plan]] = Column(default_factory=list)
    word: Col[Plan] = Column(type="text", default=Plan.PRO)
    level: Col[Level] = Column(default=Level.LOW)
    right: Col[Right] = Column(type="int", default=Right.READ)
    settings: Col[Settings] = Column(default_factory=Settings)
    history: Col[list[Settings]] = Column(type="jsonb", default_factory=list)
    several: Col[list[Settings]] = Column(default_factory=list)
    loose: Col[Loose | None] = Column(default=None)
    price: Col[Money] = Column(type="bigint", load=Money, dump=lambda money: money.cents, default=Money(0))
    prices: Col[list[Money]] = Column(type="bigint[]", load=Money, dump=lambda money: money.cents, default_factory=list)


FULL = Settings("light", Plan.PRO, Decimal("2.5"), uuid.UUID(int=7), [Address("Elm", datetime(2024, 1, 2, tzinfo=UTC))])


def row(number: int, **values: object) -> Account:
    given: dict[str, object] = {
        "plan": Plan.PRO,
        "colour": Colour.GREEN,
        "plans": [Plan.PRO, Plan.FREE],
        "word": Plan.FREE,
        "level": Level.HIGH,
        "right": Right.READ | Right.WRITE,
        "settings": FULL,
        "history": [FULL, Settings()],
        "several": [FULL],
        "loose": {"a": 1},
        "price": Money(250),
        "prices": [Money(1), Money(2)],
        **values,
    }
    return Account(id=number, **given)


def same(one: Account, other: Account) -> None:
    assert one.to_dict() == other.to_dict()


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    async with await pg.connect(url, pool_max=2) as database:
        await pg.drop_all([Account])
        await pg.create_all([Account])
        yield database
        await pg.drop_all([Account])


@pytest.mark.smoke
async def test_instances_there_and_back(db: pg.Database) -> None:
    made = row(1)
    await Account.insert_one(made)
    same(made, row(1))
    found = await Account.fetch_one(Account.id == 1)
    assert found is not None
    same(found, made)
    assert found.plan is Plan.PRO
    assert isinstance(found.settings.addresses[0], Address)


async def test_defaults_and_nulls(db: pg.Database) -> None:
    await Account.insert_one({"id": 1})
    found = await Account.fetch_one(Account.id == 1)
    assert found is not None
    same(found, Account(id=1))


@pytest.mark.parametrize("count", [1, 3, 2000])
async def test_many_by_copy_and_upsert(db: pg.Database, count: int) -> None:
    await Account.insert_many([row(number) for number in range(count)])
    await Account.upsert_many(
        [row(number, plan=Plan.FREE, settings=Settings()) for number in range(count)], conflict_columns=["id"]
    )
    for found in await Account.fetch_many(order_by="id"):
        same(found, row(found.id, plan=Plan.FREE, settings=Settings()))


async def test_conditions_and_selected_values(db: pg.Database) -> None:
    await Account.insert_many([row(1), row(2, plan=Plan.FREE, settings=Settings(), price=Money(5))])
    for condition in [
        Account.plan == Plan.PRO,
        Account.plan.in_([Plan.PRO]),
        Account.plan != Plan.FREE,
        Account.price == Money(250),
        Account.price.in_([Money(250), Money(7)]),
        pg.tuple_(Account.plan, Account.price).in_([(Plan.PRO, Money(250))]),
        Account.price.between(Money(6), Money(900)),
        Account.settings == FULL,
    ]:
        assert [one.id for one in await Account.fetch_many(condition)] == [1], condition
    rows = await select(
        Account.plan,
        Account.plans,
        Account.word.label("w"),
        Account.level,
        Account.right,
        Account.settings,
        Account.history,
        Account.several,
        Account.price,
    ).where(Account.id == 1)
    assert rows == [
        (
            Plan.PRO,
            [Plan.PRO, Plan.FREE],
            Plan.FREE,
            Level.HIGH,
            Right.READ | Right.WRITE,
            FULL,
            [FULL, Settings()],
            [FULL],
            Money(250),
        )
    ]
    assert await select(func.max(Account.plan), func.array_agg(Account.plan), func.min(Account.price)) == [
        (Plan.PRO, [Plan.PRO, Plan.FREE], Money(5))
    ]
    assert await select(Account.level + 1).where(Account.id == 1) == [(10,)]
    inner = select(Account.plan.label("p"), Account.id).subquery("s")
    assert await select(inner.c.p).select_from(inner).order_by(inner.c.id).scalars() == [Plan.PRO, Plan.FREE]


async def test_update(db: pg.Database) -> None:
    await Account.insert_one(row(1))
    assert (
        await Account.update_many(Account.id == 1, {"plan": Plan.FREE, "price": Money(9), "settings": Settings()}) == 1
    )
    found = await Account.fetch_one(Account.id == 1)
    assert found is not None
    same(found, row(1, plan=Plan.FREE, price=Money(9), settings=Settings()))


async def test_a_label_that_no_member_has(db: pg.Database) -> None:
    await Account.insert_one(row(1))
    await db.execute("UPDATE typed_accounts SET word = 'gold'")
    with pytest.raises(
        errors.DataError, match=r'column "word" \(text\): the database holds a value that no member of Plan'
    ):
        await Account.fetch_many()


async def test_json_that_is_no_such_object(db: pg.Database) -> None:
    await Account.insert_one(row(1))
    await db.execute("UPDATE typed_accounts SET settings = '[]'")
    with pytest.raises(errors.DataError, match=r'column "settings" \(jsonb\)') as caught:
        await Account.fetch_many()
    assert isinstance(caught.value.__cause__, TypeError)


UserId = NewType("UserId", int)
type Names = list[str] | None


class Aliased(Table, table="typed_aliases"):
    id: Col[UserId] = Column(primary_key=True)
    names: Col[Names] = Column(default=None)
    kind: Col[Literal["a", "b"]] = Column(default="a")


def test_aliases_are_the_types_that_they_name() -> None:
    columns = [(name, getattr(Aliased, name).type) for name in ("id", "names", "kind")]
    assert columns == [("id", "bigint"), ("names", "text[]"), ("kind", "text")]
    assert Aliased(id=UserId(1)).names is None


class Page(Table, table="typed_pages"):
    id: Col[int] = Column(primary_key=True)
    words: Col[str] = Column(type="tsvector")
    path: Col[str] = Column(type="jsonpath", default='$."a"')


async def test_types_that_travel_as_text(url: str) -> None:
    async with await pg.connect(url):
        await pg.drop_all([Page])
        await pg.create_all([Page])
        await Page.insert_one(Page(id=1, words="'a' 'b'"))
        assert [page.to_dict() for page in await Page.fetch_many()] == [{"id": 1, "words": "'a' 'b'", "path": '$."a"'}]
        assert await select(Page.words, Page.path) == [("'a' 'b'", '$."a"')]
        await pg.drop_all([Page])


async def test_statements_of_writes(db: pg.Database) -> None:
    one = (
        await pg.insert(Account)
        .values([row(1).to_dict(), row(2, plan=Plan.FREE, price=Money(7)).to_dict()])
        .returning(Account.plan, Account.settings, Account.price)
    )
    assert one == [(Plan.PRO, FULL, Money(250)), (Plan.FREE, FULL, Money(7))]
    changed = (
        pg.update(Account)
        .values(plan=Plan.FREE, price=Money(8), plans=[Plan.PRO], settings=Settings())
        .where(Account.plan == Plan.PRO)
        .returning(Account)
    )
    [found] = await changed
    same(found, row(1, plan=Plan.FREE, price=Money(8), plans=[Plan.PRO], settings=Settings()))
    upserted = (
        pg.insert(Account)
        .values(row(1).to_dict())
        .on_conflict_do_update(["id"], set_={"plan": Plan.PRO, "price": Money(3), "level": Account.level + 0})
        .returning(Account.plan, Account.price, Account.level)
    )
    assert await upserted == [(Plan.PRO, Money(3), Level.HIGH)]


@pytest.mark.parametrize("count", [3, 2000])
async def test_rows_by_their_keys(db: pg.Database, count: int) -> None:
    made = await Account.insert_many([row(number) for number in range(count)], returning=True)
    assert made[0].plan is Plan.PRO
    assert made[0].price == Money(250)
    for account in made:
        account.plan, account.price, account.settings = Plan.FREE, Money(1), Settings()
    assert await Account.update_many(made) == count
    assert await Account.update_many([{"id": number, "plans": [Plan.FREE]} for number in range(count)]) == count
    for found in await Account.fetch_many(order_by="id"):
        same(found, row(found.id, plan=Plan.FREE, price=Money(1), settings=Settings(), plans=[Plan.FREE]))


async def test_raw_sql_into_instances(db: pg.Database) -> None:
    await Account.insert_one(row(1))
    [found] = await Account.from_sql("SELECT price, plan, id, settings FROM typed_accounts")
    assert (found.price, found.plan, found.settings) == (Money(250), Plan.PRO, FULL)
    found.plan = Plan.FREE
    await found.save()
    assert (await found.refresh("plan", "price")).plan is Plan.FREE


async def test_ranges_are_reflected(url: str) -> None:
    async with await pg.connect(url) as db:
        await db.execute("DROP TABLE IF EXISTS typed_spans")
        await db.execute(
            "CREATE TABLE typed_spans (id int PRIMARY KEY, days daterange, few int4range[], plan numrange NOT NULL)"
        )
        source = await pg.reflect_source(db, tables=["typed_spans"])
        assert "days: pg.Col[pg.Range[dt.date] | None]" in source
        assert "few: pg.Col[list[pg.Range[int]] | None] = pg.Column(type='int4range[]'" in source
        assert "plan: pg.Col[pg.Range[Decimal]]" in source
        made = await pg.reflect(db, tables=["typed_spans"])
        spans = made["typed_spans"]
        await spans.insert_one({"id": 1, "few": [pg.Range(1, 2)], "plan": pg.Range[Decimal]()})
        [found] = await spans.fetch_many()
        assert found["few"] == [pg.Range(1, 2)]
        await db.execute("DROP TABLE typed_spans")
