"""The ORM: tables as classes, conditions on their attributes, rows as instances that are built in Rust.

::

    class User(Table, table="users"):
        id: Col[int] = Column(primary_key=True, init=False)
        email: Col[str] = Column(unique=True)

    class Post(Table, table="posts"):
        id: Col[int] = Column(primary_key=True, init=False)
        author_id: Col[int] = Column(foreign_key="users.id", on_delete="CASCADE")
        title: Col[str]
        author: ForeignKey[User] = ForeignKey("author_id")

    await create_all()
    ann = await insert_one(User(email="ann@example.com"))
    post = await Post.fetch_one(Post.title.like("A%"), fetch_links=["author"])

Reading an attribute never does I/O: a link that was not fetched raises :class:`NotLoadedError`, which names the cure.
"""

from data_bridge._native import Query

from ._columns import (
    BackReference,
    Col,
    Collection,
    Column,
    Condition,
    Expression,
    ForeignKey,
    Identity,
    Link,
    ManyToMany,
    Order,
    Sql,
    col,
)
from ._constraints import Check, Exclude, ForeignKeyConstraint, Index, Part, PrimaryKey, Unique
from ._detect import NPlusOneError, NPlusOneWarning, detect_n_plus_one
from ._errors import (
    DeniedError,
    ManyRowsError,
    MissingRowError,
    NoRowError,
    NotLoadedError,
    StaleRowError,
    ValidationError,
)
from ._expressions import alias, all_, and_, any_, case, cast, extract, literal, not_, or_, text, tuple_, values
from ._filters import schema, tenant, unscoped, with_deleted
from ._functions import func
from ._hooks import (
    after_delete,
    after_insert,
    after_load,
    after_update,
    before_delete,
    before_insert,
    before_update,
    remove_hook,
)
from ._hybrid import hybrid_property
from ._reflect import reflect, reflect_source
from ._select import from_sql, select
from ._table import Table
from ._validation import Email, Max, MaxLength, Min, MinLength, Regex, Url, escape_html, strip
from ._verbs import (
    count,
    create_all,
    create_table,
    delete_many,
    delete_one,
    drop_all,
    exists,
    fetch_many,
    fetch_one,
    insert_many,
    insert_one,
    update_many,
    update_one,
    upsert_many,
    upsert_one,
)
from ._writes import delete, insert, update, upsert

__all__ = [
    "BackReference",
    "Check",
    "Col",
    "Collection",
    "Column",
    "Condition",
    "DeniedError",
    "Email",
    "Exclude",
    "Expression",
    "ForeignKey",
    "ForeignKeyConstraint",
    "Identity",
    "Index",
    "Link",
    "ManyRowsError",
    "ManyToMany",
    "Max",
    "MaxLength",
    "Min",
    "MinLength",
    "MissingRowError",
    "NPlusOneError",
    "NPlusOneWarning",
    "NoRowError",
    "NotLoadedError",
    "Order",
    "Part",
    "PrimaryKey",
    "Query",
    "Regex",
    "Sql",
    "StaleRowError",
    "Table",
    "Unique",
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
    "case",
    "cast",
    "col",
    "count",
    "create_all",
    "create_table",
    "delete",
    "delete_many",
    "delete_one",
    "detect_n_plus_one",
    "drop_all",
    "escape_html",
    "exists",
    "extract",
    "fetch_many",
    "fetch_one",
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
