"""Links as type checkers see them: ForeignKey, BackReference, ManyToMany, and what loads them."""

from __future__ import annotations

from typing import assert_type

from data_bridge.postgres import (
    BackReference,
    Col,
    Collection,
    Column,
    Condition,
    ForeignKey,
    Link,
    ManyToMany,
    Query,
    Table,
)


class Country(Table, table="countries"):
    id: Col[int] = Column(primary_key=True, init=False)
    name: Col[str]
    cities: BackReference[City] = BackReference("country_id")


class Language(Table, table="languages"):
    id: Col[int] = Column(primary_key=True, init=False)
    name: Col[str]
    cities: ManyToMany[City] = ManyToMany(back="languages")


class City(Table, table="cities"):
    id: Col[int] = Column(primary_key=True, init=False)
    name: Col[str]
    country_id: Col[int]
    twin_id: Col[int | None] = Column(default=None)
    country: ForeignKey[Country] = ForeignKey("country_id")
    twin: ForeignKey[City | None] = ForeignKey("twin_id", lazy="raise")
    languages: ManyToMany[Language] = ManyToMany()


async def on_an_instance(city: City, country: Country, language: Language) -> None:
    assert_type(city.country, Link[Country])
    assert_type(await city.country.fetch(), Country)
    assert_type(city.country.loaded.name, str)
    assert_type(await city.twin.fetch(refresh=True), City | None)
    city.country = country
    city.twin = None
    city.country = language  # wrong
    assert_type(country.cities, Collection[City])
    assert_type(await country.cities.fetch(), list[City])
    assert_type(country.cities.loaded, list[City])
    assert_type([each.name for each in country.cities], list[str])
    assert_type(country.cities[0], City)
    assert_type(len(country.cities), int)
    assert_type(await country.cities.count(City.name == "x"), int)
    await city.languages.add(language, Language(name="x"))
    await city.languages.add(country)  # wrong
    await city.languages.set([language])
    await city.languages.clear()
    _ = city.twin.loaded.name  # wrong
    _ = country.cities.name  # wrong


async def on_a_class() -> None:
    assert_type(Country.cities.any(City.name == "x"), Condition)
    assert_type(City.country.has(Country.name == "x"), Condition)
    cities = City.select().where(City.country.name == "x", City.languages.any(Language.name == "y"))
    assert_type(cities, Query[City])
    some = Country.cities.where(City.name > "m").order_by(City.name.desc()).limit(3).only(City.name)
    assert_type(Country.select().prefetch(some, Country.cities, "cities.languages"), Query[Country])
    assert_type(await City.select().fetch_links("country", City.twin).defer(City.name), list[City])
    assert_type(await City.fetch_one(fetch_links=[City.country, "languages"]), City | None)
    Country.cities.limit("3")  # wrong
    ForeignKey[City]("city_id", lazy="never")  # wrong


City(name="a", country_id=1)
City(name="a")  # wrong
