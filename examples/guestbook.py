"""The tables of the examples."""

from __future__ import annotations

from datetime import datetime

from data_bridge.postgres import Col, Column, ForeignKey, Table, func


class Guest(Table, table="guests"):
    id: Col[int] = Column(primary_key=True, init=False)
    email: Col[str] = Column(unique=True)
    name: Col[str]


class Entry(Table, table="entries"):
    id: Col[int] = Column(primary_key=True, init=False)
    guest_id: Col[int] = Column(foreign_key="guests.id", on_delete="CASCADE", index=True)
    text: Col[str] = Column(check="text <> ''")
    written_at: Col[datetime] = Column(server_default=func.now(), init=False)
    guest: ForeignKey[Guest] = ForeignKey("guest_id")
