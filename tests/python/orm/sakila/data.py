"""Rows for Sakila's tables from a seeded generator: the original's data is not at hand, so these are made up, the same each time.

Smaller than the original (200 films of 1,000, 2,000 rentals of 16,044), with what its questions need: films without copies,
actors and customers of one name, rentals that were never returned, late returns, films in several languages.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from data_bridge.postgres import Database, Table

from .models import (
    Actor,
    Address,
    Category,
    City,
    Country,
    Customer,
    Film,
    FilmActor,
    FilmCategory,
    Inventory,
    Language,
    Payment,
    Rental,
    Staff,
    Store,
)


def words(text: str) -> list[str]:
    return text.split()


FIRST = words("Ada Ben Cleo Dan Ella Finn Gina Hugo Iris Jack Kate Liam Mona Nick Olga Paul Rita Sam Tess Uma")
LAST = words(
    "Berger Chaplin Degener Eastman Fawcett Gable Hopper Johansson Kilmer Leigh Monroe Nolte Olivier Pengen Wood"
)
CATEGORIES = words(
    "Action Animation Children Classics Comedy Documentary Drama Family Foreign Games Horror Music New Sci-Fi Sports Travel"
)
LANGUAGES = words("English Italian Japanese Mandarin French German")
COUNTRIES = words("Argentina Brazil Canada Denmark Egypt France Germany India Japan Kenya")
ADJECTIVES = words("Amazing Boring Crazy Dark Epic Fateful Golden Hidden Insane Joyful")
NOUNS = words(
    "Dinosaur Robot Squirrel Teacher Monkey Pilot Astronaut Dentist Pirate Explorer Crocodile Hunter Cat Moose Boat"
)
VERBS = words("Chase Battle Discover Escape Find Meet Outrun Redeem")
PLACES = words("Sahara Jungle Mansion Outback Theatre Monastery Balloon Submarine")
FEATURES = ("Trailers", "Commentaries", "Deleted Scenes", "Behind the Scenes")
RATINGS = ("G", "PG", "PG-13", "R", "NC-17")

FILMS, ACTORS, CUSTOMERS, COPIES, RENTALS = 200, 60, 120, 500, 2_000
START = datetime(2022, 5, 1, 8, tzinfo=UTC)

Rows = list[dict[str, Any]]


def rows() -> dict[type[Table], Rows]:
    """The rows of every table, in an order in which references are met; stores come without their managers."""
    rng = random.Random(1895)
    made: dict[type[Table], Rows] = {
        Actor: [
            {"actor_id": i, "first_name": rng.choice(FIRST), "last_name": rng.choice(LAST)}
            for i in range(1, ACTORS + 1)
        ],
        Category: [{"category_id": i, "name": name} for i, name in enumerate(CATEGORIES, 1)],
        Language: [{"language_id": i, "name": name} for i, name in enumerate(LANGUAGES, 1)],
        Film: [_film(rng, i) for i in range(1, FILMS + 1)],
    }
    films = range(1, FILMS + 1)
    made[FilmActor] = [
        {"film_id": film, "actor_id": actor}
        for film in films
        for actor in sorted(rng.sample(range(1, ACTORS + 1), rng.randint(0, 6)))
    ]
    made[FilmCategory] = [{"film_id": film, "category_id": rng.randint(1, 16)} for film in films]
    made[Country] = [{"country_id": i, "country": name} for i, name in enumerate(COUNTRIES, 1)]
    made[City] = [{"city_id": i, "city": f"City {i}", "country_id": (i - 1) % 10 + 1} for i in range(1, 31)]
    made[Address] = [
        {
            "address_id": i,
            "address": f"{i} {rng.choice(LAST)} Street",
            "address2": "upstairs" if i % 7 == 0 else None,
            "district": f"District {i % 9}",
            "city_id": rng.randint(1, 30),
            "postal_code": f"{rng.randint(10_000, 99_999)}",
            "phone": f"{rng.randint(10**9, 10**10)}",
        }
        for i in range(1, CUSTOMERS + 5)
    ]
    made[Store] = [{"store_id": i, "address_id": CUSTOMERS + i} for i in (1, 2)]
    made[Staff] = [
        {
            "staff_id": 1,
            "first_name": "Mike",
            "last_name": "Hillyer",
            "address_id": 123,
            "store_id": 1,
            "username": "Mike",
        },
        {
            "staff_id": 2,
            "first_name": "Jon",
            "last_name": "Stephens",
            "address_id": 124,
            "store_id": 2,
            "username": "Jon",
        },
    ]
    made[Customer] = [
        {
            "customer_id": i,
            "store_id": rng.randint(1, 2),
            "first_name": rng.choice(FIRST),
            "last_name": rng.choice(LAST),
            "email": None if i % 11 == 0 else f"customer{i}@sakilacustomer.org",
            "address_id": i,
            "activebool": rng.random() < 0.9,
            "create_date": date(2022, 2, 14) + timedelta(days=rng.randint(0, 60)),
        }
        for i in range(1, CUSTOMERS + 1)
    ]
    stocked = rng.sample(films, FILMS - 15)  # fifteen films have no copy
    made[Inventory] = [
        {"inventory_id": i, "film_id": rng.choice(stocked), "store_id": rng.randint(1, 2)} for i in range(1, COPIES + 1)
    ]
    made[Rental] = [_rental(rng, i) for i in range(1, RENTALS + 1)]
    made[Payment] = [
        {
            "payment_id": i,
            "customer_id": rental["customer_id"],
            "staff_id": rental["staff_id"],
            "rental_id": rental["rental_id"],
            "amount": Decimal(rng.choice((99, 199, 299, 499, 599))).scaleb(-2),
            "payment_date": rental["rental_date"] + timedelta(minutes=rng.randint(1, 600)),
        }
        for i, rental in enumerate((rental for rental in made[Rental] if rental["rental_id"] % 10), 1)
    ]
    return made


def _film(rng: random.Random, number: int) -> dict[str, Any]:
    who, whom = rng.sample(NOUNS, 2)
    adjective, verb = rng.choice(ADJECTIVES), rng.choice(VERBS)
    return {
        "film_id": number,
        "title": f"{adjective} {who} {number}",
        "description": f"A {adjective} Story of a {who} And a {whom} who must {verb} a {rng.choice(NOUNS)} "
        f"in A {rng.choice(PLACES)}",
        "release_year": 2000 + rng.randint(0, 20),
        "language_id": rng.choice((1, 1, 1, 2, 3, 5)),
        "original_language_id": rng.choice((None, None, None, 4, 6)),
        "rental_duration": rng.randint(3, 7),
        "rental_rate": rng.choice((Decimal("0.99"), Decimal("2.99"), Decimal("4.99"))),
        "length": None if number % 40 == 0 else rng.randint(46, 185),
        "replacement_cost": Decimal(rng.randint(9, 29)) + Decimal("0.99"),
        "rating": rng.choice(RATINGS),
        "special_features": None if number % 25 == 0 else [each for each in FEATURES if rng.random() < 0.5],
    }


def _rental(rng: random.Random, number: int) -> dict[str, Any]:
    rented = START + timedelta(minutes=43 * number + rng.randint(0, 40))
    out = number > RENTALS - 60 and rng.random() < 0.5
    return {
        "rental_id": number,
        "rental_date": rented,
        "inventory_id": rng.randint(1, COPIES),
        "customer_id": rng.randint(1, CUSTOMERS - 3),  # three have rented nothing
        "return_date": None if out else rented + timedelta(hours=rng.randint(10, 230)),
        "staff_id": rng.randint(1, 2),
    }


async def fill(db: Database) -> None:
    """Fill the tables that `create_all` has made."""
    for table, found in rows().items():
        await table.insert_many(found, db=db)
    for store in (1, 2):
        await Store.update_many(Store.store_id == store, {"manager_staff_id": store}, db=db)
