"""How the examples are tested: each against a database of its own, and one handler in a transaction that is rolled back."""

from __future__ import annotations

import guestbook
import pytest
from fastapi.testclient import TestClient as FastApiClient
from guestbook import Entry, Guest
from httpx import ASGITransport, AsyncClient
from litestar.testing import TestClient as LitestarClient

import data_bridge.postgres as pg

ANN = {"email": "ann@example.com", "name": "Ann"}


@pytest.fixture(scope="session")
def pg_prepare():
    return lambda db: pg.create_all([Guest, Entry], db=db)


@pytest.fixture(params=["fastapi", "litestar"])
def client(request, pg_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", pg_url)
    if request.param == "fastapi":
        import fastapi_app

        wrapped = FastApiClient(fastapi_app.app)
    else:
        import litestar_app

        wrapped = LitestarClient(litestar_app.app)
    with wrapped as opened:
        yield opened


def test_entries_are_written_read_and_erased(client):
    for number in range(3):
        answer = client.post("/entries", json={**ANN, "text": f"Hello {number}"})
        assert (answer.status_code, answer.json()["guest"]) == (201, "Ann")
    assert [entry["text"] for entry in client.get("/entries", params={"limit": 2}).json()] == ["Hello 2", "Hello 1"]
    assert [entry["id"] for entry in client.get("/entries", params={"before": 2}).json()] == [1]
    assert client.delete("/entries/1").status_code == 204
    assert client.delete("/entries/1").status_code == 404
    assert client.post("/entries", json={**ANN, "text": ""}).status_code == 422
    assert client.post("/entries", json={**ANN, "name": "Anne", "text": "?"}).json()["guest"] == "Anne"


async def test_a_handler_alone(pg_db, pg_make):
    """In one transaction with the test, which sees what the handler has done before all of it is rolled back."""
    import fastapi_app

    await pg_make.many(Entry, 3)
    fastapi_app.app.dependency_overrides[fastapi_app.database] = lambda: pg_db
    async with AsyncClient(transport=ASGITransport(fastapi_app.app), base_url="http://test") as client:
        assert len((await client.get("/entries")).json()) == 3
        await client.post("/entries", json={**ANN, "text": "Hello"})
    assert await guestbook.Entry.count() == 4
    fastapi_app.app.dependency_overrides.clear()
