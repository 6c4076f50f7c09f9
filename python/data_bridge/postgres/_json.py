"""Objects of classes as JSON and back: dataclasses, Pydantic models, msgspec structs, and what is nested in them.

Neither Pydantic nor msgspec is imported: a class of theirs brings what is needed along, and msgspec is there once a struct is.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import sys
import types
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

type Load = Callable[[Any], Any]

#: Values that JSON has no form for, within objects of classes; their text is what ``_from_text`` reads.
_AS_TEXT: tuple[type, ...] = (uuid.UUID, Decimal)
_FROM_TEXT: dict[Any, Load] = {
    uuid.UUID: uuid.UUID,
    Decimal: Decimal,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    timedelta: lambda seconds: timedelta(seconds=seconds),
}


def default(value: Any) -> Any:
    """What the JSON encoder takes for an object that it does not know by itself."""
    cls: Any = value.__class__
    if is_pydantic(cls):
        return value.model_dump(mode="json", by_alias=True, round_trip=True)
    if is_struct(cls):
        return sys.modules["msgspec"].to_builtins(value)
    if dataclasses.is_dataclass(cls):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def is_pydantic(cls: Any) -> bool:
    """Whether it is a Pydantic model."""
    return isinstance(cls, type) and hasattr(cls, "model_dump_json") and hasattr(cls, "model_validate_json")


def is_struct(cls: Any) -> bool:
    """Whether it is a msgspec struct."""
    return isinstance(cls, type) and hasattr(cls, "__struct_fields__")


def is_model(cls: Any) -> bool:
    """Whether objects of the class are kept as JSON."""
    if not isinstance(cls, type):
        return False
    known: Any = cls
    return dataclasses.is_dataclass(known) or is_pydantic(known) or is_struct(known) or is_typeddict(known)


def text_loader(annotation: Any) -> Callable[[bytes], Any] | None:
    """What makes an object of JSON's bytes; ``None`` where that is what ``json.loads`` gives."""
    if is_pydantic(annotation):
        return annotation.model_validate_json  # type: ignore[no-any-return, unused-ignore]
    if is_struct(annotation):
        return sys.modules["msgspec"].json.Decoder(annotation).decode  # type: ignore[no-any-return, unused-ignore]
    load = loader(annotation)
    return None if load is None else lambda text: load(json.loads(text))


def loader(annotation: Any) -> Load | None:
    """What makes an object of what ``json.loads`` gives; ``None`` where they are the same."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (list, tuple, dict) or origin in (Union, types.UnionType):
        return _container(origin, args)
    if annotation in _FROM_TEXT:
        return _FROM_TEXT[annotation]
    if is_pydantic(annotation):
        return annotation.model_validate  # type: ignore[no-any-return, unused-ignore]
    if is_struct(annotation):
        return partial(sys.modules["msgspec"].convert, type=annotation)
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return _of_dataclass(annotation)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return annotation
    return None


def _container(origin: Any, args: tuple[Any, ...]) -> Load | None:
    if origin is dict:
        return _mapped(loader(args[1]), lambda load, made: {key: load(value) for key, value in made.items()})
    if origin is list:
        return _mapped(loader(args[0]), lambda load, made: [load(value) for value in made])
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return _mapped(loader(args[0]), lambda load, made: tuple(load(value) for value in made)) or tuple
        loads = [loader(arg) for arg in args]
        return lambda made: tuple(
            value if load is None else load(value) for load, value in zip(loads, made, strict=True)
        )
    # A union: of one class and None. Which of several classes was meant, JSON does not say.
    others = [arg for arg in args if arg is not types.NoneType]
    load = loader(others[0]) if len(others) == 1 else None
    return _mapped(load, lambda load, made: None if made is None else load(made))


def _mapped(load: Load | None, over: Callable[[Load, Any], Any]) -> Load | None:
    return None if load is None else partial(over, load)


def _of_dataclass(cls: type[Any]) -> Load:
    known: dict[str, Load | None] = {}

    def load(made: Any) -> Any:
        if not isinstance(made, Mapping):
            raise TypeError(f"{cls.__name__} is kept as a JSON object, and the value is {type(made).__name__}")
        # Only now, since a dataclass may refer to itself, or to one that is defined later.
        if not known:
            hints = get_type_hints(cls)
            known.update({field.name: loader(hints[field.name]) for field in dataclasses.fields(cls) if field.init})
        given: dict[str, Any] = {}
        values: Mapping[str, Any] = made  # pyright: ignore[reportUnknownVariableType]
        for name, of_field in known.items():
            if name in values:
                given[name] = values[name] if of_field is None else of_field(values[name])
        return cls(**given)

    return load


def _plain(value: Any) -> Any:
    """A value within a dataclass as JSON has it."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, _AS_TEXT):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value
