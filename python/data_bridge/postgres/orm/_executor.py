"""How statements reach a database: the one place of the ORM that knows the fronts."""

from __future__ import annotations

from typing import Any


def run(db: Any, statement: Any) -> Any:
    """Run a statement on a database, connection or transaction."""
    return db._run_statement(statement)
