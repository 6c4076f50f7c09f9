"""Pydantic models of tables. Pydantic is imported where the first is made."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional
from weakref import WeakKeyDictionary

from . import _validation

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ._columns import ColumnSpec
    from ._instance import Instance

type Kind = Literal["create", "read", "update"]

_made: WeakKeyDictionary[type, dict[str, type[BaseModel]]] = WeakKeyDictionary()


def model(cls: type[Instance], kind: Kind) -> type[BaseModel]:
    """The model of this kind."""
    if kind not in ("create", "read", "update"):
        raise ValueError(f'the kinds of models are "create", "read" and "update", not {kind!r}')
    kinds = _made.setdefault(cls, {})
    if kind not in kinds:
        kinds[kind] = _make(cls, kind)
    return kinds[kind]


def _make(cls: type[Instance], kind: Kind) -> type[BaseModel]:
    try:
        pydantic: Any = importlib.import_module("pydantic")
    except ImportError as error:
        raise ImportError(f"{cls.__name__}.pydantic() needs Pydantic 2: pip install pydantic") from error
    fields = {name: _field(pydantic, spec, kind) for name, spec in cls.__declared__.columns.items() if _has(spec, kind)}
    config: dict[str, Any] = {"from_attributes": True, "arbitrary_types_allowed": True}
    if kind != "read":
        config["extra"] = "forbid"
    made: type[BaseModel] = pydantic.create_model(
        f"{cls.__name__}{kind.title()}",
        __config__=pydantic.ConfigDict(**config),
        __module__=cls.__module__,
        __doc__=f"{cls.__doc__ or cls.__name__} ({kind})",
        **fields,
    )
    return made


def _has(spec: ColumnSpec, kind: Kind) -> bool:
    if kind == "read":
        return not spec.secret
    given = spec.init and not spec.version and spec.identity != "always"
    return given and not (kind == "update" and spec.primary_key)


def _field(pydantic: Any, spec: ColumnSpec, kind: Kind) -> tuple[Any, Any]:
    annotation = _annotation(pydantic, spec, kind)
    # Of what is known at run time only there is no `|`.
    optional: Any = Optional[annotation]  # noqa: UP045
    options = {"description": spec.comment} if spec.comment else {}
    if kind == "update":
        return optional, pydantic.Field(default=None, **options)
    if kind == "create":
        if spec.default is not None:
            return annotation, pydantic.Field(default=spec.default[0], **options)
        if spec.default_factory is not None:
            return annotation, pydantic.Field(default_factory=spec.default_factory, **options)
        if spec.nullable or spec.server_default is not None or spec.identity is not None:
            return optional, pydantic.Field(default=None, **options)
    return annotation, pydantic.Field(**options)


def _annotation(pydantic: Any, spec: ColumnSpec, kind: Kind) -> Any:
    """The column's annotation with its validators; ``None`` is not for them to look at."""
    annotation: Any = spec.annotation
    options: dict[str, Any] = {}
    rest: list[Any] = []
    for validator in spec.validators if kind != "read" else ():
        option = _option(validator)
        if option is None:
            rest.append(pydantic.AfterValidator(validator))
        else:
            options[option[0]] = option[1]
    if options or rest:
        annotation = Annotated[annotation, pydantic.Field(**options), *rest]
    return Optional[annotation] if spec.nullable else annotation  # noqa: UP045


def _option(validator: Any) -> tuple[str, Any] | None:
    """What Pydantic calls it, so that the JSON schema says it too."""
    match validator:
        case _validation.MinLength(length):
            return "min_length", length
        case _validation.MaxLength(length):
            return "max_length", length
        case _validation.Min(least):
            return "ge", least
        case _validation.Max(most):
            return "le", most
        case _:
            return None
