"""Definitions as type checkers see them: constructors, table arguments, mixins, kinds and hybrid properties."""

from __future__ import annotations

from typing import assert_type

from data_bridge.postgres import (
    Check,
    Col,
    Column,
    Exclude,
    Expression,
    ForeignKeyConstraint,
    Identity,
    Index,
    Part,
    PrimaryKey,
    Sql,
    Table,
    Unique,
    func,
    hybrid_property,
    reflect,
    reflect_source,
)


class Base(Table, abstract=True, naming={"ix": "ix_{table}_{columns}"}, schema="app"):
    id: Col[int] = Column(primary_key=True, init=False, identity=Identity(start=10, cycle=True))


class Staff(Base, table="staff", comment="Who works here", renamed_from="people"):
    kind: Col[str] = Column(discriminator=True, default="staff")
    first: Col[str] = Column(renamed_from="first_name")
    last: Col[str | None] = Column(default=None)
    length: Col[int] = Column(init=False, generated="length(first)")
    boss_id: Col[int | None] = Column(foreign_key="staff.id", deferrable=True, initially="DEFERRED", default=None)

    __table_args__ = (
        Check("first <> ''"),
        Unique("first", "last", nulls_not_distinct=True),
        PrimaryKey("id", name="key"),
        ForeignKeyConstraint(["first", "last"], "names(first, last)", match="FULL", on_delete="SET NULL"),
        Exclude(("first", "="), (Sql("int4range(1, 2)"), "&&"), using="gist"),
        Index("-id", Part("first", nulls="first", opclass="text_pattern_ops"), using="btree", include=["last"]),
    )

    @hybrid_property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @name.expression
    def _name(cls) -> Expression[str]:  # noqa: N805
        return func.concat(cls.first, " ", cls.last)


class Manager(Staff, discriminator="manager"):
    level: Col[int]


async def use() -> None:
    ann = Manager(first="Ann", level=3)
    assert_type(ann.level, int)
    assert_type(ann.first, str)
    assert_type(ann.length, int)
    assert_type(ann.name, str)
    assert_type(Staff.name, Expression[str])
    assert_type(await Manager.select().all(), list[Manager])
    assert_type(await reflect_source(schema="app"), str)
    assert_type(await reflect(schema="app"), dict[str, type[Table]])
    Index("first", order="desc")  # wrong
    Unique(1)  # wrong
    Manager(first="Ann")  # wrong
    Manager(first="Ann", level="3")  # wrong
    Staff(first="Ann", length=3)  # wrong
    Column(identity=Identity(begin=1))  # wrong
    Column(foreign_key="a.b", initially="LATER")  # wrong
