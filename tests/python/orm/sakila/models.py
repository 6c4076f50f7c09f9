"""Sakila, the sample database of a film rental, as models: tables, columns and keys of its public definition for PostgreSQL.

What differs: identity columns in the place of sequences, `bigint` keys, `timestamptz` in the place of `timestamp`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from data_bridge.postgres import BackReference, Col, Column, ForeignKey, ManyToMany, Table, func


class Tracked(Table, abstract=True):
    """Every table says when a row was written last."""

    last_update: Col[datetime] = Column(server_default=func.now(), onupdate=func.now(), init=False)


class Actor(Tracked, table="actor"):
    actor_id: Col[int] = Column(primary_key=True)
    first_name: Col[str] = Column(type="varchar(45)")
    last_name: Col[str] = Column(type="varchar(45)", index=True)
    films: ManyToMany[Film] = ManyToMany(through="FilmActor")


class Category(Tracked, table="category"):
    category_id: Col[int] = Column(primary_key=True)
    name: Col[str] = Column(type="varchar(25)", unique=True)
    films: ManyToMany[Film] = ManyToMany(through="FilmCategory")


class Language(Tracked, table="language"):
    language_id: Col[int] = Column(primary_key=True)
    name: Col[str] = Column(type="varchar(20)")


class Film(Tracked, table="film"):
    film_id: Col[int] = Column(primary_key=True)
    title: Col[str] = Column(type="varchar(255)", index=True)
    description: Col[str | None] = Column(default=None)
    release_year: Col[int | None] = Column(default=None, check="release_year BETWEEN 1901 AND 2155")
    language_id: Col[int] = Column(foreign_key="language.language_id", on_delete="RESTRICT", on_update="CASCADE")
    original_language_id: Col[int | None] = Column(foreign_key="language.language_id", default=None)
    rental_duration: Col[int] = Column(default=3)
    rental_rate: Col[Decimal] = Column(type="numeric(4,2)", default=Decimal("4.99"))
    length: Col[int | None] = Column(default=None)
    replacement_cost: Col[Decimal] = Column(type="numeric(5,2)", default=Decimal("19.99"))
    rating: Col[str] = Column(default="G", check="rating IN ('G', 'PG', 'PG-13', 'R', 'NC-17')")
    special_features: Col[list[str] | None] = Column(default=None)
    language: ForeignKey[Language] = ForeignKey("language_id")
    original_language: ForeignKey[Language | None] = ForeignKey("original_language_id")
    actors: ManyToMany[Actor] = ManyToMany(through="FilmActor")
    categories: ManyToMany[Category] = ManyToMany(through="FilmCategory")
    copies: BackReference[Inventory] = BackReference("film_id")


class FilmActor(Tracked, table="film_actor"):
    actor_id: Col[int] = Column(primary_key=True, foreign_key="actor.actor_id")
    film_id: Col[int] = Column(primary_key=True, foreign_key="film.film_id", index=True)
    actor: ForeignKey[Actor] = ForeignKey("actor_id")
    film: ForeignKey[Film] = ForeignKey("film_id")


class FilmCategory(Tracked, table="film_category"):
    film_id: Col[int] = Column(primary_key=True, foreign_key="film.film_id")
    category_id: Col[int] = Column(primary_key=True, foreign_key="category.category_id")
    film: ForeignKey[Film] = ForeignKey("film_id")
    category: ForeignKey[Category] = ForeignKey("category_id")


class Country(Tracked, table="country"):
    country_id: Col[int] = Column(primary_key=True)
    country: Col[str] = Column(type="varchar(50)")


class City(Tracked, table="city"):
    city_id: Col[int] = Column(primary_key=True)
    city: Col[str] = Column(type="varchar(50)")
    country_id: Col[int] = Column(foreign_key="country.country_id", index=True)
    country: ForeignKey[Country] = ForeignKey("country_id")


class Address(Tracked, table="address"):
    address_id: Col[int] = Column(primary_key=True)
    address: Col[str] = Column(type="varchar(50)")
    address2: Col[str | None] = Column(type="varchar(50)", default=None)
    district: Col[str] = Column(type="varchar(20)")
    city_id: Col[int] = Column(foreign_key="city.city_id", index=True)
    postal_code: Col[str | None] = Column(type="varchar(10)", default=None)
    phone: Col[str] = Column(type="varchar(20)")
    city: ForeignKey[City] = ForeignKey("city_id")


class Store(Tracked, table="store"):
    """A store has a manager, who works in a store: a circle."""

    store_id: Col[int] = Column(primary_key=True)
    manager_staff_id: Col[int | None] = Column(foreign_key="staff.staff_id", unique=True, default=None)
    address_id: Col[int] = Column(foreign_key="address.address_id")
    address: ForeignKey[Address] = ForeignKey("address_id")
    manager: ForeignKey[Staff | None] = ForeignKey("manager_staff_id")


class Staff(Tracked, table="staff"):
    staff_id: Col[int] = Column(primary_key=True)
    first_name: Col[str] = Column(type="varchar(45)")
    last_name: Col[str] = Column(type="varchar(45)")
    address_id: Col[int] = Column(foreign_key="address.address_id")
    email: Col[str | None] = Column(type="varchar(50)", default=None)
    store_id: Col[int] = Column(foreign_key="store.store_id")
    active: Col[bool] = Column(default=True)
    username: Col[str] = Column(type="varchar(16)")
    picture: Col[bytes | None] = Column(default=None)
    store: ForeignKey[Store] = ForeignKey("store_id")


class Customer(Tracked, table="customer"):
    customer_id: Col[int] = Column(primary_key=True)
    store_id: Col[int] = Column(foreign_key="store.store_id", index=True)
    first_name: Col[str] = Column(type="varchar(45)")
    last_name: Col[str] = Column(type="varchar(45)", index=True)
    email: Col[str | None] = Column(type="varchar(50)", default=None)
    address_id: Col[int] = Column(foreign_key="address.address_id", index=True)
    activebool: Col[bool] = Column(default=True)
    create_date: Col[date]
    store: ForeignKey[Store] = ForeignKey("store_id")
    address: ForeignKey[Address] = ForeignKey("address_id")
    rentals: BackReference[Rental] = BackReference("customer_id")


class Inventory(Tracked, table="inventory"):
    inventory_id: Col[int] = Column(primary_key=True)
    film_id: Col[int] = Column(foreign_key="film.film_id", index=True)
    store_id: Col[int] = Column(foreign_key="store.store_id")
    film: ForeignKey[Film] = ForeignKey("film_id")
    store: ForeignKey[Store] = ForeignKey("store_id")
    rentals: BackReference[Rental] = BackReference("inventory_id")


class Rental(Tracked, table="rental"):
    rental_id: Col[int] = Column(primary_key=True)
    rental_date: Col[datetime]
    inventory_id: Col[int] = Column(foreign_key="inventory.inventory_id", index=True)
    customer_id: Col[int] = Column(foreign_key="customer.customer_id", index=True)
    return_date: Col[datetime | None] = Column(default=None)
    staff_id: Col[int] = Column(foreign_key="staff.staff_id")
    inventory: ForeignKey[Inventory] = ForeignKey("inventory_id")
    customer: ForeignKey[Customer] = ForeignKey("customer_id")
    staff: ForeignKey[Staff] = ForeignKey("staff_id")


class Payment(Table, table="payment"):
    payment_id: Col[int] = Column(primary_key=True)
    customer_id: Col[int] = Column(foreign_key="customer.customer_id", index=True)
    staff_id: Col[int] = Column(foreign_key="staff.staff_id")
    rental_id: Col[int] = Column(foreign_key="rental.rental_id", on_delete="CASCADE")
    amount: Col[Decimal] = Column(type="numeric(5,2)")
    payment_date: Col[datetime]
    customer: ForeignKey[Customer] = ForeignKey("customer_id")
    rental: ForeignKey[Rental] = ForeignKey("rental_id")


MODELS: list[type[Table]] = [
    Actor, Category, Language, Film, FilmActor, FilmCategory, Country, City, Address, Store, Staff, Customer,
    Inventory, Rental, Payment,
]  # fmt: skip
