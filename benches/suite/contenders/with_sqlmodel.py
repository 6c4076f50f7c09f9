"""SQLModel: its classes in SQLAlchemy's sessions."""

from __future__ import annotations

import sqlmodel

from suite.model import Contender
from suite.orm import operations, sqlmodel_models
from suite.orm.alchemy import Alchemy

SQLMODEL = Contender("SQLModel", sqlmodel.__version__)
CONTENDERS = [SQLMODEL]


class _Mapper(Alchemy):
    models = sqlmodel_models


operations.register(SQLMODEL, _Mapper)
