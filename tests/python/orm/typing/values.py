"""Enums, ranges, objects in JSON, validators and copies, as type checkers see them."""

from __future__ import annotations

import copy
import enum
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Address
from typing import Annotated, Any, assert_type

from data_bridge.postgres import (
    Col,
    Column,
    Condition,
    Email,
    MinLength,
    Multirange,
    Range,
    Table,
    ValidationError,
    func,
    select,
)


class Plan(enum.Enum):
    FREE = "free"
    PRO = "pro"


@dataclass
class Settings:
    theme: str = "dark"


class Account(Table, table="typed_values"):
    id: Col[int] = Column(primary_key=True, init=False)
    email: Col[str] = Column(validate=[Email(), str.lower])
    name: Col[Annotated[str, MinLength(2)]] = Column(default="ann")
    plan: Col[Plan] = Column(default=Plan.FREE)
    plans: Col[list[Plan]] = Column(default_factory=list)
    settings: Col[Settings] = Column(default_factory=Settings)
    valid: Col[Range[date] | None] = Column(default=None)
    address: Col[IPv4Address | None] = Column(default=None)


async def main() -> None:
    account = Account(email="a@x.io", plan=Plan.PRO, settings=Settings("light"))
    Account(email="a@x.io", plan="pro")  # wrong
    assert_type(account.plan, Plan)
    assert_type(account.name, str)
    assert_type(account.settings.theme, str)
    assert_type(account.valid, Range[date] | None)
    account.plan = Plan.FREE
    account.plan = "free"  # wrong
    assert_type(Account.plan == Plan.PRO, Condition)
    assert_type(await select(Account.plan, Account.settings), list[tuple[Plan, Settings]])
    assert_type(await select(func.max(Account.plan)).scalars(), list[Plan | None])
    assert_type(copy.deepcopy(account), Account)
    assert_type(account.to_dict(), dict[str, Any])
    assert_type(Account.from_dict({"email": "a@x.io"}), Account)


def ranges() -> None:
    one = Range(1, 5)
    assert_type(one, Range[int])
    assert_type(one.lower, int | None)
    assert_type(one & Range(2, 3), Range[int])
    assert_type(Multirange([one]), Multirange[int])
    one & Range("a", "b")  # wrong
    Range(1, 5, "[[")  # wrong


def errors(error: ValidationError) -> None:
    assert_type(error.column, str)
    assert_type(error.reason, str)
