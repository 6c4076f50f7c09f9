"""Instances as Python objects: copies, pickles, text, dicts and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self
from uuid import UUID

from data_bridge import _native
from data_bridge.postgres import _json

from . import _pydantic

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ._columns import ColumnSpec


class Instance:
    """What a row is beside its columns and its verbs. Two instances are equal only if they are one object."""

    __slots__ = ()
    if TYPE_CHECKING:
        __model__: ClassVar[_native.Model]
        __declared__: ClassVar[Any]

    def __init_subclass__(cls) -> None:
        """``case User(name="Ann")`` matches by attributes anyway; by position it is in the order of the columns."""
        super().__init_subclass__()
        if "__declared__" in vars(cls):
            setattr(cls, "__match_args__", tuple(columns(cls)))  # noqa: B010 - to a type checker it is fixed

    def to_dict(self, *, secrets: bool = True) -> dict[str, Any]:
        """Names and values of the columns that have one; with ``secrets=False`` without those of ``Column(secret=True)``."""
        values = self.__model__.values(self)
        return values if secrets else {name: value for name, value in values.items() if name not in self._secrets()}

    def to_json(self, *, encoder: Callable[[Any], Any] | None = None, secrets: bool = False) -> Any:
        """The columns as JSON, secret ones left out: a ``str``, or what ``encoder`` (such as ``orjson.dumps``) makes of the dict.

        Without an encoder dates and times are in ISO format, UUIDs and decimal numbers texts, enum members their values.
        """
        values = self.to_dict(secrets=secrets)
        return json.dumps(values, default=_plain, ensure_ascii=False) if encoder is None else encoder(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """A new instance of what :meth:`to_dict` gave; also of columns that the constructor does not take."""
        later = {name: value for name, value in values.items() if name in columns(cls) and not columns(cls)[name].init}
        made = cls(**{name: value for name, value in values.items() if name not in later})
        for name, value in later.items():
            setattr(made, name, value)
        return made

    @classmethod
    def pydantic(cls, kind: Literal["create", "read", "update"] = "read") -> type[BaseModel]:
        """A Pydantic model of the columns, made once for each kind.

        ``create`` has what the constructor takes, ``read`` every column that is not secret, ``update`` what can be changed, all
        optional. Inserts and updates take instances of them; ``read`` validates from the attributes of a row.
        """
        return _pydantic.model(cls, kind)

    def __repr__(self) -> str:
        secrets = self._secrets()
        shown = (f"{name}={'***' if name in secrets else repr(value)}" for name, value in self.to_dict().items())
        return f"{type(self).__name__}({', '.join(shown)})"

    @classmethod
    def _secrets(cls) -> frozenset[str]:
        """The columns that are not shown."""
        return frozenset(name for name, spec in columns(cls).items() if spec.secret)

    def __reduce__(self) -> Any:
        # The object before its state, so that instances may refer to one another in a circle.
        return _blank, (type(self),), _native.orm_state_of(self.__model__, self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what a copy or a pickle brought along."""
        _native.orm_set_state(self.__model__, self, state)


def columns(cls: type[Instance]) -> dict[str, ColumnSpec]:
    """What the class says about its columns, by name."""
    found: dict[str, ColumnSpec] = cls.__declared__.columns
    return found


def _blank(cls: type[Instance]) -> Instance:
    """An instance without values."""
    blank: Instance = _native.orm_blank(cls.__model__)
    return blank


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        raise TypeError("JSON has no bytes; give to_json() an encoder that says how they are written")
    try:
        return _json.default(value)
    except TypeError:
        return str(value)
