"""What a class body and its bases say about a table, before there is one."""

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, get_origin

from . import _annotations, _relations
from ._columns import MISSING, Column, ColumnSpec
from ._constraints import TableArg
from ._relations import Declared as Relation

if sys.version_info >= (3, 14):
    import annotationlib  # pyright: ignore[reportMissingImports]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_INTEGERS = ("bigint", "integer", "int", "int4", "int8", "smallint", "int2")
_NO_COLUMN = ("__table_args__", "__slots__")


@dataclass
class Declared:
    """The columns, links and table arguments of a class and its bases."""

    columns: dict[str, ColumnSpec] = field(default_factory=dict[str, ColumnSpec])
    links: dict[str, Relation] = field(default_factory=dict[str, Relation])
    args: list[TableArg] = field(default_factory=list[TableArg])
    schema: str | None = None
    naming: Mapping[str, str] = field(default_factory=dict[str, str])
    #: The columns that tell deleted rows, and tenants.
    soft_delete: str | None = None
    tenant: str | None = None
    #: Whether the class is one kind among those that share a table.
    is_kind: bool = False

    def column_name(self, attribute: str) -> str:
        """The name of the column that an attribute is for."""
        return self.columns[attribute].name if attribute in self.columns else attribute

    def extend(self, other: Declared) -> None:
        """Take over what a base declares."""
        # Copies, since what a table makes of a column is its own.
        self.columns.update({name: replace(spec) for name, spec in other.columns.items()})
        self.links.update(other.links)
        self.args.extend(other.args)
        self.take(other.schema, other.naming, other.soft_delete, other.tenant)

    def take(
        self, schema: str | None, naming: Mapping[str, str] | None, soft_delete: str | None, tenant: str | None
    ) -> None:
        """Take over the options that a class states."""
        self.schema = schema or self.schema
        self.naming = {**self.naming, **(naming or {})}
        self.soft_delete = soft_delete or self.soft_delete
        self.tenant = tenant or self.tenant


def read_bases(name: str, bases: Iterable[type], is_table: Callable[[type], bool]) -> Declared:
    """What the bases declare: ``Table`` classes, and plain classes with annotations, which are mixins."""
    declared = Declared()
    for base in reversed(list(bases)):
        if is_table(base):
            declared.extend(getattr(base, "__declared__", Declared()))
            continue
        for part in reversed(base.__mro__[:-1]):
            namespace = {attribute: value for attribute, value in vars(part).items() if _is_declared(value)}
            scope = vars(sys.modules.get(part.__module__, sys))
            declared.extend(_read(name, _annotations_of_class(part), namespace, scope))
            declared.args.extend(vars(part).get("__table_args__", ()))
    return declared


def read_body(name: str, namespace: dict[str, Any], around: Mapping[str, Any]) -> Declared:
    """Take the columns and links out of a class body; ``around`` are the local names where the class stands."""
    module = sys.modules.get(namespace.get("__module__", ""))
    # A column hides no type of its name: ``date: Col[date]``.
    own = {name: value for name, value in namespace.items() if not _is_declared(value)}
    scope = {**(vars(module) if module else {}), **around, **own}
    declared = _read(name, _annotations_of_body(namespace), namespace, scope)
    args = namespace.pop("__table_args__", ())
    for arg in (args,) if isinstance(args, TableArg) else args:
        if not isinstance(arg, TableArg):
            raise TypeError(
                f"{name}.__table_args__ holds {arg!r}; it takes Check, Unique, Index, Exclude, PrimaryKey and "
                "ForeignKeyConstraint"
            )
        declared.args.append(arg)
    for attribute, value in namespace.items():
        if _is_declared(value):
            raise TypeError(f"{name}.{attribute} needs an annotation, for example {attribute}: int = Column()")
    return declared


def shared_table(name: str, bases: Iterable[type], discriminator: Any) -> Any:
    """The base whose table the class shares, if it does."""
    for base in bases:
        declared = vars(base).get("__declared__")
        if "__model__" not in vars(base) or not isinstance(declared, Declared):
            continue
        if not any(spec.discriminator for spec in declared.columns.values()):
            raise TypeError(
                f"{name} cannot derive from {base.__name__}, which is a table; derive both from an abstract=True class, or give "
                f"{base.__name__} a Column(discriminator=True)"
            )
        if discriminator is None or declared.is_kind:
            where = "a class that is one kind itself" if declared.is_kind else f"{base.__name__}"
            raise TypeError(
                f'{name} derives from {where}; say discriminator="..." and derive it from the class of all kinds'
            )
        return base
    return None


def kind(name: str, declared: Declared, discriminator: Any, base: Declared | None) -> tuple[str, str] | None:
    """The column that tells kinds apart and the text of this class's kind, which becomes the column's default."""
    found = [spec for spec in declared.columns.values() if spec.discriminator]
    if discriminator is None:
        return None
    if len(found) != 1:
        raise TypeError(
            f"{name} has discriminator={discriminator!r} and {len(found)} columns with discriminator=True, not one"
        )
    found[0].default, found[0].default_factory = (discriminator,), None
    if base is not None:
        declared.is_kind = True
        # The rows of other kinds have no value there.
        for attribute, spec in declared.columns.items():
            spec.nullable = spec.nullable or attribute not in base.columns
    text = _annotations.label(discriminator) if isinstance(discriminator, enum.Enum) else str(discriminator)
    return found[0].name, text


def settle(name: str, declared: Declared, taken: Callable[[str], bool]) -> None:
    """What depends on several columns: identity keys, and the links that follow from foreign keys unless their name is taken."""
    if not declared.columns:
        raise TypeError(f"{name} has no columns; annotate some, or derive it with abstract=True")
    keys = [spec for spec in declared.columns.values() if spec.primary_key]
    in_args = any(arg.kind == "primary key" for arg in declared.args)
    for spec in declared.columns.values():
        asked = spec.asked_identity
        if isinstance(asked, str):
            spec.identity = asked
        elif asked or (asked is None and keys == [spec] and not in_args and _numbers_itself(spec)):
            spec.identity = "by default" if spec.init else "always"
    _relations.settle(name, declared.columns, declared.links, taken)


def _read(name: str, annotations: Mapping[str, Any], namespace: dict[str, Any], scope: Mapping[str, Any]) -> Declared:
    """The declared columns and links; their values are taken out of the namespace."""
    declared = Declared()
    for attribute, annotation in annotations.items():
        annotation = _evaluated(name, attribute, annotation, scope)
        is_column = get_origin(annotation) is not ClassVar and annotation is not ClassVar
        if not is_column or attribute in _NO_COLUMN or attribute.startswith("__"):
            continue
        value = namespace.pop(attribute, MISSING)
        if isinstance(value, _relations.Relation) or _relations.is_relation(annotation):
            declared.links[attribute] = _relations.declare(attribute, annotation, value)
        else:
            declared.columns[attribute] = _column(name, attribute, annotation, value)
    return declared


def _column(name: str, attribute: str, annotation: Any, value: Any) -> ColumnSpec:
    # A copy: a mixin's column becomes one of several tables.
    spec: ColumnSpec = replace(value) if isinstance(value, ColumnSpec) else Column(default=value)
    spec.attribute, spec.name = attribute, spec.name or attribute
    reading = _annotations.read(annotation, spec.sql_type or None)
    spec.nullable = spec.nullable or reading.nullable
    spec.enum_labels = reading.enum_labels
    _annotations.complete(spec, annotation)
    if not spec.sql_type:
        if reading.sql_type is None:
            raise TypeError(
                f"{name}.{attribute} is annotated {annotation!r}, which has no PostgreSQL type of its own; "
                'name one: Column(type="jsonb")'
            )
        spec.sql_type = reading.sql_type
    return spec


def _is_declared(value: Any) -> bool:
    return isinstance(value, ColumnSpec | _relations.Relation)


def _evaluated(name: str, attribute: str, annotation: Any, scope: Mapping[str, Any]) -> Any:
    """An annotation that is a text, as under ``from __future__ import annotations``, as the object that it means."""
    text = getattr(annotation, "__forward_arg__", annotation)
    if not isinstance(text, str):
        return annotation
    # The class that a link names need not be there yet.
    if _relations.is_relation(text):
        return text
    try:
        return eval(text, dict(scope))  # noqa: S307
    except NameError as error:
        raise TypeError(f"the annotation of {name}.{attribute} cannot be read: {error}") from error


# Since Python 3.14 annotations are computed when they are asked for. Names that are not there yet come as forward references.
if sys.version_info >= (3, 14):

    def _annotations_of_body(namespace: dict[str, Any]) -> Mapping[str, Any]:
        annotate = annotationlib.get_annotate_from_class_namespace(namespace)
        if annotate is None:
            return namespace.get("__annotations__", {})
        return annotationlib.call_annotate_function(annotate, annotationlib.Format.FORWARDREF)

    def _annotations_of_class(cls: type) -> Mapping[str, Any]:
        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)

else:

    def _annotations_of_body(namespace: dict[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = namespace.get("__annotations__", {})
        return found

    def _annotations_of_class(cls: type) -> Mapping[str, Any]:
        found: Mapping[str, Any] = vars(cls).get("__annotations__", {})
        return found


def _numbers_itself(spec: ColumnSpec) -> bool:
    has_default = spec.default is not None or spec.default_factory is not None or spec.server_default is not None
    is_plain = spec.foreign_key is None and spec.generated is None
    return spec.sql_type.lower() in _INTEGERS and is_plain and not has_default
