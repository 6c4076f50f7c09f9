"""What the ways of loading links cost, in queries and in memory: the figures in time are the benchmarks' (`make bench`)."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import data_bridge.postgres as pg

from .models import Film, FilmActor, Inventory, Rental

SIZES = [10, 100, 1_000]


def some(count: int) -> pg.Query[Rental]:
    return Rental.select().order_by(Rental.rental_id).limit(count)


async def titles(rentals: list[Rental]) -> list[str]:
    """One by one, two links deep: what would be two queries for each rental."""
    found: list[str] = []
    for rental in rentals:
        inventory = await rental.inventory.fetch()
        film = await inventory.film.fetch()
        found.append(film.title)
    return found


@pytest.mark.parametrize("count", SIZES)
async def test_lazy_in_a_loop_loads_for_all_rows_at_once(sakila: pg.Database, count: int) -> None:
    async with sakila.capture() as queries:
        lazily = await titles(await some(count))
    assert len(queries) == 3
    eagerly = await some(count).fetch_links("inventory.film")
    assert lazily == [rental.inventory.loaded.film.loaded.title for rental in eagerly]
    assert len(lazily) == count


@pytest.mark.parametrize("count", SIZES)
async def test_by_join(sakila: pg.Database, count: int) -> None:
    async with sakila.capture() as queries:
        rentals = await some(count).fetch_links("inventory.film.language")
        assert len({rental.inventory.loaded.film.loaded.language.loaded.name for rental in rentals}) > 1
    assert len(queries) == 1


@pytest.mark.parametrize("count", SIZES)
async def test_batched(sakila: pg.Database, count: int) -> None:
    async with sakila.capture() as queries:
        rentals = await some(count).prefetch("inventory.film.language")
        assert len({rental.inventory.loaded.film.loaded.language.loaded.name for rental in rentals}) > 1
    assert len(queries) == 4


async def test_three_levels_and_more(sakila: pg.Database) -> None:
    async with sakila.capture() as queries:
        films = await Film.select().order_by(Film.film_id).prefetch("copies.rentals.customer.address", "actors")
        assert sum(len(copy.rentals) for film in films for copy in film.copies) == await Rental.count()
        assert sum(len(film.actors) for film in films) == await FilmActor.count()
    assert len(queries) == 6 + 2  # the two that count
    by_city = {
        rental.customer.loaded.address.loaded.city_id
        for film in films
        for copy in film.copies
        for rental in copy.rentals
    }
    assert len(by_city) > 10


async def test_memory_of_lazy_against_eager(sakila: pg.Database) -> None:
    async def held(load: Callable[[], Awaitable[list[Any]]]) -> int:
        await load()  # what is made once is not counted
        gc.collect()
        tracemalloc.start()
        try:
            rows = await load()
            assert len(rows) == 2_000
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    async def lazy() -> list[Any]:
        return await some(2_000)

    async def joined() -> list[Any]:
        return await some(2_000).fetch_links("inventory")

    async def batched() -> list[Any]:
        return await some(2_000).prefetch("inventory")

    least, shared, most = [await held(load) for load in (lazy, batched, joined)]
    # 2,000 rentals of 500 copies: one query for each level gives every copy once, a JOIN once for each rental.
    assert least < shared < most, (least, shared, most)
    assert await Inventory.count() == 500
