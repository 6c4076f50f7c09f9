"""Django finds what refers to a table among the models of installed applications only."""

from __future__ import annotations

from django.apps import AppConfig


class Bench(AppConfig):
    name = "suite.orm"
    label = "bench"
