"""Read by mypy and pyright in strict mode, never run: the types of expressions and of what is selected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, assert_type
from uuid import UUID

from data_bridge.postgres import (
    Col,
    Column,
    Condition,
    Expression,
    Query,
    Table,
    all_,
    any_,
    case,
    extract,
    from_sql,
    func,
    select,
    values,
)


class Item(Table, table="items"):
    id: Col[int] = Column(primary_key=True, init=False)
    name: Col[str]
    note: Col[str | None] = Column(default=None)
    price: Col[Decimal]
    weight: Col[float]
    made: Col[datetime]
    tags: Col[list[str]]
    data: Col[dict[str, Any]]


class Total(NamedTuple):
    name: str
    total: int


async def results() -> None:
    assert_type(await select(Item.name, func.count()), list[tuple[str, int]])
    assert_type(await select(Item.name, Item.note, func.now()), list[tuple[str, str | None, datetime]])
    assert_type(await select(func.count()).scalars().one(), int)
    assert_type(await select(Item, Item.id * 2).first(), tuple[Item, int] | None)
    assert_type(await select(Item.name).after("a").limit(10), list[tuple[str]])
    assert_type(await Item.select().order_by(Item.id).after(None).all(timeout=3), list[Item])
    assert_type(select(Item.weight).scalars().stream(batch=10, timeout=1.5), AsyncIterator[float])
    assert_type(select(Item.id).union(select(Item.id)), Query[tuple[int]])
    assert_type(await Item.from_sql("SELECT * FROM items WHERE id = $1", [1]), list[Item])
    assert_type(await from_sql(Total, "SELECT name, count(*) AS total FROM items GROUP BY name"), list[Total])


def functions() -> None:
    assert_type(func.count(Item.id).filter(Item.id > 3), Expression[int])
    assert_type(func.sum(Item.weight), Expression[float | None])
    assert_type(func.sum(Item.price), Expression[Decimal | None])
    assert_type(func.sum(Item.id), Expression[int | Decimal | None])
    assert_type(func.avg(Item.id), Expression[Decimal | None])
    assert_type(func.avg(Item.weight), Expression[float | None])
    assert_type(func.max(Item.made), Expression[datetime | None])
    assert_type(func.coalesce(Item.note, "none"), Expression[str])
    assert_type(func.coalesce(Item.name, Item.note), Expression[str])
    assert_type(func.lower(Item.name), Expression[str])
    assert_type(func.upper(Item.note), Expression[str | None])
    assert_type(func.array_agg(Item.name).order_by(Item.id), Expression[list[str] | None])
    assert_type(func.unnest(Item.tags), Expression[str])
    assert_type(func.row_number().over(partition_by=Item.name, rows=(None, 0)), Expression[int])
    assert_type(func.lag(Item.price).over(order_by=Item.id), Expression[Decimal | None])
    assert_type(func.date_trunc("day", Item.made), Expression[datetime])
    assert_type(func.gen_random_uuid(), Expression[UUID])
    assert_type(extract("year", Item.made), Expression[float])
    func.anything_else(1).label("x")


def operators() -> None:
    assert_type(Item.id + 1, Expression[int])
    assert_type(Item.id - 1, Expression[int])
    assert_type(Item.price * Decimal("1.5"), Expression[Decimal])
    assert_type(Item.made - Item.made, Expression[timedelta])
    assert_type(Item.made - timedelta(days=1), Expression[datetime])
    assert_type(Item.name + "!", Expression[str])
    assert_type(Item.tags[1], Expression[str | None])
    assert_type(Item.tags[1:3], Expression[list[str]])
    assert_type(Item.tags.contains(["x"]), Condition)
    assert_type(any_(Item.tags), Expression[str])
    assert_type(any_(Item.tags) == "x", Condition)
    assert_type(all_(Item.tags) > "x", Condition)
    assert_type(Item.data["a"].as_int(), Expression[int | None])
    assert_type(Item.data["a"]["b"].as_text(), Expression[str | None])
    assert_type(Item.data.has_key("a"), Condition)
    assert_type(Item.name.match("words"), Condition)
    assert_type(case((Item.id < 3, "few"), else_="many"), Expression[str])
    wanted = values("wanted", {"id": int}, [(1,)])
    select(Item.name).join(wanted, wanted.c.id == Item.id).where(Item.name.op("%%")("x"))


async def wrong() -> None:
    for name, number in await select(Item.name, func.count()):
        print(name + 1)  # wrong
        print(number.upper())  # wrong
    print((await select(func.max(Item.id)).scalars().one()) + 1)  # wrong
    Item.name.between(1, 2)  # wrong
    print(any_(Item.tags) > 3)  # wrong
    Item.data.has_key(3)  # wrong
    Item.name.match(3)  # wrong
    func.row_number().over(rows=(0.5, 1))  # wrong
    Item.select().join(Item, how="outer")  # wrong
    Item.select().after(None).limit("10")  # wrong
    print((await Item.from_sql("SELECT 1"))[0].nmae)  # wrong
    await select(Item.id).all(timeout="1")  # wrong
