"""Django's ORM on psycopg, blocking: its `async` methods run the same code in a thread, and are slower."""

from __future__ import annotations

import django

from suite.model import Contender
from suite.orm import operations
from suite.orm.django_orm import DjangoOrm

# A process that has an event loop is refused otherwise; this one does nothing else meanwhile.
DJANGO = Contender("Django", django.get_version(), environment={"DJANGO_ALLOW_ASYNC_UNSAFE": "true"})
CONTENDERS = [DJANGO]

operations.register(DJANGO, DjangoOrm)
