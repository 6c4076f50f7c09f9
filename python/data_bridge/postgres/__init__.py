"""The fastest and safest way between Python and PostgreSQL.

>>> import data_bridge.postgres as pg
>>> async def example():
...     db = await pg.connect("postgresql://localhost/app", pool_max=10)
...     return await db.fetch("SELECT * FROM users WHERE id = $1", 7)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_bridge import _native
from data_bridge._native import Record

from . import _replicas
from ._bulk import UpsertResult
from ._capture import Capture, Captured, capture
from ._functions import execute, execute_many, fetch, fetch_row, fetch_val
from ._replicas import Replicas
from ._replicas_sync import SyncReplicas
from ._show import show
from .connection import Connection
from .database import Database
from .errors import Error
from .interval import Interval
from .orm import (
    BackReference,
    Check,
    Col,
    Collection,
    Column,
    Condition,
    DeniedError,
    Email,
    Exclude,
    Expression,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Link,
    ManyRowsError,
    ManyToMany,
    Max,
    MaxLength,
    Min,
    MinLength,
    MissingRowError,
    NoRowError,
    NotLoadedError,
    NPlusOneError,
    NPlusOneWarning,
    Order,
    Part,
    PrimaryKey,
    Query,
    Regex,
    Sql,
    StaleRowError,
    Table,
    Unique,
    Url,
    ValidationError,
    after_delete,
    after_insert,
    after_load,
    after_update,
    alias,
    all_,
    and_,
    any_,
    before_delete,
    before_insert,
    before_update,
    case,
    cast,
    col,
    count,
    create_all,
    create_table,
    delete,
    delete_many,
    delete_one,
    detect_n_plus_one,
    drop_all,
    escape_html,
    exists,
    extract,
    fetch_many,
    fetch_one,
    from_sql,
    func,
    hybrid_property,
    insert,
    insert_many,
    insert_one,
    literal,
    not_,
    or_,
    reflect,
    reflect_source,
    remove_hook,
    schema,
    select,
    strip,
    tenant,
    text,
    tuple_,
    unscoped,
    update,
    update_many,
    update_one,
    upsert,
    upsert_many,
    upsert_one,
    values,
    with_deleted,
)
from .prepared import Prepared
from .range import Multirange, Range
from .sync import SyncConnection, SyncDatabase, SyncPrepared, SyncTransaction, connect_sync
from .transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "BackReference",
    "Capture",
    "Captured",
    "Check",
    "Col",
    "Collection",
    "Column",
    "Condition",
    "Connection",
    "Database",
    "DeniedError",
    "Email",
    "Error",
    "Exclude",
    "Expression",
    "ForeignKey",
    "ForeignKeyConstraint",
    "Identity",
    "Index",
    "Interval",
    "Link",
    "ManyRowsError",
    "ManyToMany",
    "Max",
    "MaxLength",
    "Min",
    "MinLength",
    "MissingRowError",
    "Multirange",
    "NPlusOneError",
    "NPlusOneWarning",
    "NoRowError",
    "NotLoadedError",
    "Order",
    "Part",
    "Prepared",
    "PrimaryKey",
    "Query",
    "Range",
    "Record",
    "Regex",
    "Replicas",
    "Sql",
    "StaleRowError",
    "SyncConnection",
    "SyncDatabase",
    "SyncPrepared",
    "SyncReplicas",
    "SyncTransaction",
    "Table",
    "Transaction",
    "Unique",
    "UpsertResult",
    "Url",
    "ValidationError",
    "after_delete",
    "after_insert",
    "after_load",
    "after_update",
    "alias",
    "all_",
    "and_",
    "any_",
    "before_delete",
    "before_insert",
    "before_update",
    "capture",
    "case",
    "cast",
    "col",
    "connect",
    "connect_sync",
    "count",
    "create_all",
    "create_table",
    "delete",
    "delete_many",
    "delete_one",
    "detect_n_plus_one",
    "drop_all",
    "escape_html",
    "execute",
    "execute_many",
    "exists",
    "extract",
    "fetch",
    "fetch_many",
    "fetch_one",
    "fetch_row",
    "fetch_val",
    "from_sql",
    "func",
    "hybrid_property",
    "insert",
    "insert_many",
    "insert_one",
    "literal",
    "not_",
    "or_",
    "reflect",
    "reflect_source",
    "remove_hook",
    "schema",
    "select",
    "show",
    "strip",
    "tenant",
    "text",
    "tuple_",
    "unscoped",
    "update",
    "update_many",
    "update_one",
    "upsert",
    "upsert_many",
    "upsert_one",
    "values",
    "with_deleted",
]


async def connect(
    url: str | None = None,
    /,
    *,
    pool_min: int = 1,
    pool_max: int = 10,
    acquire_timeout: float | None = 30.0,
    statement_cache: int = 256,
    warn_held: float | None = None,
    replicas: Sequence[str] | None = None,
    **settings: Any,
) -> Database:
    """Opens a pool of connections in the running event loop.

    ``url`` is a URL or ``key=value`` pairs; without it the ``PG*`` environment decides. ``settings`` are the same keys as
    keywords (``host``, ``user``, ``password``, ``sslmode``, ...) and win over it; one that is ``None`` is not given.
    ``acquire_timeout`` is how many seconds a call may wait for a connection, ``None`` for no limit. After ``warn_held`` seconds
    the log names the line of the program that still holds a connection. ``replicas`` are URLs of standby servers, for
    ``Database.replica``; ``settings`` hold for them too, but for host and port.
    """
    try:
        config = _native.Config(url, statement_cache=statement_cache, **settings)
        for_reading = _replicas.configs(url, replicas, settings, statement_cache)
    finally:
        # A traceback that shows local variables must not show the password.
        del url, settings, replicas
    kind = Database if for_reading is None else _replicas.RoutedDatabase
    database = kind(config, pool_min, pool_max, acquire_timeout)
    database._warn_held = warn_held
    try:
        if isinstance(database, _replicas.RoutedDatabase):
            await database._open_replicas(for_reading or [], (pool_min, pool_max, acquire_timeout))
        await database._start()
    except BaseException:
        await database.close()
        raise
    return database
