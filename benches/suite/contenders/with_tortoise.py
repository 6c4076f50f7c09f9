"""Tortoise ORM on asyncpg."""

from __future__ import annotations

import tortoise

from suite.model import Contender
from suite.orm import operations
from suite.orm.tortoise_orm import TortoiseOrm

TORTOISE = Contender("Tortoise", tortoise.__version__)
CONTENDERS = [TORTOISE]

operations.register(TORTOISE, TortoiseOrm)
