"""Instances as Python objects: copies, pickles, text, dicts, JSON, the garbage collector."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
import weakref
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import BackReference, Col, Column, ForeignKey, Range, Table


class Owner(Table, table="copied_owners"):
    id: Col[int] = Column(primary_key=True, init=False)
    name: Col[str]
    token: Col[str] = Column(default="s3cret", secret=True)
    pets: BackReference[Pet] = BackReference("owner_id")


class Pet(Table, table="copied_pets"):
    id: Col[int] = Column(primary_key=True, init=False)
    owner_id: Col[int] = Column(foreign_key="copied_owners.id", on_delete="CASCADE")
    tags: Col[list[str]] = Column(default_factory=list)
    data: Col[dict[str, Any]] = Column(default_factory=dict)
    key: Col[UUID] = Column(default=UUID(int=1))
    owner: ForeignKey[Owner] = ForeignKey("owner_id")


@pytest.fixture
async def pet(url: str) -> AsyncIterator[Pet]:
    async with await pg.connect(url, pool_max=2):
        await pg.drop_all([Owner, Pet])
        await pg.create_all([Owner, Pet])
        owner = await Owner(name="Ann").save()
        await Pet(owner_id=owner.id, tags=["a"], data={"x": [1]}).save()
        found = await Pet.fetch_one(fetch_links=["owner"])
        assert found is not None
        yield found
        await pg.drop_all([Owner, Pet])


async def test_copies_and_pickles(pet: Pet) -> None:
    shallow, deep, pickled = copy.copy(pet), copy.deepcopy(pet), pickle.loads(pickle.dumps(pet))
    for other in (shallow, deep, pickled):
        assert other is not pet
        assert other.to_dict() == pet.to_dict()
        assert other.owner.loaded.name == "Ann"
        assert other.changed_columns() == frozenset()
    assert shallow.tags is pet.tags
    assert deep.tags is not pet.tags
    assert shallow.owner.loaded is pet.owner.loaded
    assert deep.owner.loaded is not pet.owner.loaded
    deep.tags = ["b"]
    assert (await deep.save()).tags == ["b"]
    assert (await pickled.refresh()).tags == ["b"]


async def test_collections_go_along(pet: Pet) -> None:
    await Pet(owner_id=pet.owner_id).save()
    [owner] = await Owner.select().prefetch(Owner.pets)
    for other in (copy.copy(owner), copy.deepcopy(owner), pickle.loads(pickle.dumps(owner))):
        assert [one.id for one in other.pets.loaded] == [one.id for one in owner.pets.loaded]
        assert len(await other.pets.fetch()) == 2
    assert copy.deepcopy(owner).pets.loaded[0] is not owner.pets.loaded[0]


async def test_what_has_changed_and_what_is_new_goes_along(pet: Pet) -> None:
    pet.tags = ["z"]
    assert pickle.loads(pickle.dumps(pet)).changed_columns() == {"tags"}
    new = copy.deepcopy(Owner(name="Bob"))
    await new.save()
    assert await Owner.count() == 2


def test_instances_in_a_circle() -> None:
    owner = Owner(name="Ann")
    pet = Pet(owner_id=1, data={})
    pet.data["self"] = pet
    pet.data["owner"] = owner
    again = copy.deepcopy(pet)
    assert again.data["self"] is again
    assert pickle.loads(pickle.dumps(pet)).data["owner"].name == "Ann"


@pytest.mark.parametrize("made", ["fetched", "copied", "pickled", "constructed"])
async def test_circles_are_collected(pet: Pet, made: str) -> None:
    class Mark:
        pass

    one: Any = await Pet.fetch_one() if made != "constructed" else Pet(owner_id=1)
    if made == "copied":
        one = copy.copy(one)
    elif made == "pickled":
        one = pickle.loads(pickle.dumps(one))
    mark = Mark()
    one.data = {"self": one, "mark": mark}
    gone = weakref.ref(mark)
    del mark, one
    await asyncio.sleep(0)  # the loop lets go of the answer
    gc.collect()
    assert gone() is None


def test_secrets_are_not_shown() -> None:
    owner = Owner(name="Ann", token="hidden")
    assert repr(owner) == "Owner(name='Ann', token=***)"
    assert "hidden" not in owner.to_json()
    assert owner.to_dict(secrets=False) == {"name": "Ann"}
    assert owner.to_dict() == {"name": "Ann", "token": "hidden"}
    assert json.loads(owner.to_json(secrets=True)) == {"name": "Ann", "token": "hidden"}


def test_dicts_and_json() -> None:
    pet = Pet(owner_id=1, data={"at": datetime(2024, 1, 2, tzinfo=UTC), "range": Range(1, 2)})
    assert json.loads(pet.to_json()) == {
        "owner_id": 1,
        "tags": [],
        "data": {"at": "2024-01-02T00:00:00+00:00", "range": "Range(1, 2)"},
        "key": "00000000-0000-0000-0000-000000000001",
    }
    assert pet.to_json(encoder=lambda values: sorted(values)) == ["data", "key", "owner_id", "tags"]
    again = Pet.from_dict({"id": 7, **pet.to_dict()})
    assert again.to_dict() == {"id": 7, **pet.to_dict()}
    with pytest.raises(TypeError, match="no column"):
        Pet.from_dict({"owner_id": 1, "nonsense": 1})


def test_equality_is_identity_and_patterns_match() -> None:
    one, other = Owner(name="Ann"), Owner(name="Ann")
    assert one == one and one != other and len({one, other}) == 2
    match Pet.from_dict({"id": 3, "owner_id": 4}):
        case Pet(3, owner):
            assert owner == 4
        case _:
            raise AssertionError
    assert Owner.__match_args__ == ("id", "name", "token")


def test_secrets_are_not_shown_in_notebooks_either() -> None:
    assert "hidden" not in Owner(name="Ann", token="hidden")._repr_html_()
