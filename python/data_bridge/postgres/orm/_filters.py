"""What statements are narrowed to by the block they run in: one tenant, one schema; and the ways out.

A class says what it is narrowed by: ``class Note(Table, soft_delete="deleted_at", tenant="tenant_id")``. The conditions
themselves are added where SQL is rendered (``scope.rs`` of the ORM crate), so that no way of asking is without them.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from data_bridge import _native
from data_bridge.postgres.errors import InterfaceError

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._columns import ColumnSpec


@dataclass(frozen=True, slots=True)
class Scope:
    """What the blocks around a statement have set. The native half reads it."""

    tenant: tuple[Any] | None = None
    schema: str | None = None
    with_deleted: bool = False
    unscoped: bool = False


_NOTHING = Scope()

current: ContextVar[Scope | None] = ContextVar("data_bridge_scope", default=None)


@contextmanager
def tenant(key: Any, /) -> Generator[None]:
    """Narrows what runs in the block to the rows of one tenant, and gives its key to those that are inserted.

    It holds for the block's own context: for all that is awaited in it and the tasks that are started in it, and for no other.

    >>> async def example(db):
    ...     with pg.tenant("acme"):
    ...         await Note.insert_one({"text": "only acme sees this"})
    """
    if key is None:
        raise InterfaceError("a tenant is never None; for the rows of all tenants there is unscoped()")
    with _set(tenant=(key,), unscoped=False):
        yield


@contextmanager
def schema(name: str, /) -> Generator[None]:
    """Puts tables whose class names no schema into this one, for what runs in the block: a schema for each tenant.

    >>> async def example(db):
    ...     with pg.schema("acme"):
    ...         await pg.create_all([Note])
    """
    if not name or "." in name:
        raise InterfaceError(f"a schema is one name, not {name!r}")
    with _set(schema=name):
        yield


@contextmanager
def with_deleted() -> Generator[None]:
    """Shows rows that were deleted softly to what runs in the block, subqueries and links included."""
    with _set(with_deleted=True):
        yield


@contextmanager
def unscoped() -> Generator[None]:
    """Shows the rows of all tenants, and those that were deleted softly, to what runs in the block."""
    with _set(unscoped=True):
        yield


@contextmanager
def _set(**values: Any) -> Generator[None]:
    outer = current.get()
    current.set(replace(outer or _NOTHING, **values))
    _native.scoping(1)
    try:
        yield
    finally:
        _native.scoping(-1)
        current.set(outer)  # no token: a fixture is left in another context than it was entered in


def mark(name: str, columns: dict[str, ColumnSpec], soft_delete: str | None, tenant: str | None) -> None:
    """Has the columns of a class say what they are for."""
    for option, column in (("soft_delete", soft_delete), ("tenant", tenant)):
        if column is not None and column not in columns:
            raise TypeError(f"{name} has no column {column!r}, which {option}= names")
    if soft_delete is not None:
        columns[soft_delete].soft_delete = True
    if tenant is not None:
        spec = columns[tenant]
        spec.tenant = True
        if spec.default is None and spec.default_factory is None:
            spec.default_factory = current_tenant


def current_tenant() -> Any:
    """The tenant of the block that this runs in: the default of the column that a class names as ``tenant``."""
    scope = current.get()
    if scope is None or scope.tenant is None:
        raise InterfaceError(
            "no tenant is set: make and insert this row in `with tenant(...):`, or give the column a value and insert it in "
            "`with unscoped():`"
        )
    return scope.tenant[0]


def check_tenant_is_set(model: _native.Model) -> None:
    """Refuses SQL about rows of tenants that is not narrowed by itself, where nobody says whose turn it is."""
    scope = current.get()
    if scope is None or (scope.tenant is None and not scope.unscoped):
        raise InterfaceError(
            f"the rows of {model.table_name} belong to tenants, and none is set: run this within tenant(...), or say that it is "
            "for all of them with unscoped()"
        )


def current_schema() -> str | None:
    """The schema of tables that name none."""
    scope = current.get()
    return None if scope is None else scope.schema


def placed(model: _native.Model) -> str:
    """A table's name for SQL, quoted."""
    schema = current_schema() if model.schema_name is None else None
    name: str = model.qualified_name
    return name if schema is None else f"{_native.quoted_table(schema)}.{name}"


def search_path() -> str | None:
    """What makes DDL go to the schema of the block, for the rest of a transaction."""
    schema = current_schema()
    return None if schema is None else f"SET LOCAL search_path TO {_native.quoted_table(schema)}, public"


def named(table: str) -> str:
    """A table that is given by name."""
    schema = current_schema()
    return table if schema is None or "." in table else f"{schema}.{table}"
