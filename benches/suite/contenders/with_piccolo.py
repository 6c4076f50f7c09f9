"""Piccolo on asyncpg."""

from __future__ import annotations

from piccolo import __VERSION__

from suite.model import Contender
from suite.orm import operations
from suite.orm.piccolo_orm import PiccoloOrm

PICCOLO = Contender("Piccolo", __VERSION__)
CONTENDERS = [PICCOLO]

operations.register(PICCOLO, PiccoloOrm)
