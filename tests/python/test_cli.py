"""``python -m data_bridge.postgres``, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

import data_bridge.postgres as pg

pytest.importorskip("typer")

MODELS = """
from data_bridge.postgres import Col, Column, ForeignKey, Table

class User(Table, table="cli_users"):
    id: Col[int] = Column(primary_key=True, init=False)
    email: Col[str] = Column(unique=True)
    boss_id: Col[int | None] = Column(foreign_key="cli_users.id", default=None)

class Post(Table, table="cli_posts"):
    id: Col[int] = Column(primary_key=True, init=False)
    author_id: Col[int] = Column(foreign_key="cli_users.id", index=True)
    tags: Col[list[str]]

class Profile(Table, table="cli_profiles"):
    user_id: Col[int] = Column(primary_key=True, foreign_key="cli_users.id")
    bio: Col[str | None] = Column(type="varchar(400)", default=None)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop_models.py").write_text(MODELS)
    return tmp_path


def run(project: Path, *arguments: str, lines: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "data_bridge.postgres", *arguments],
        cwd=project,
        input=lines,
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1", "IPYTHONDIR": str(project), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_models_are_listed_and_drawn(project: Path) -> None:
    listed = run(project, "inspect", "-m", "shop_models")
    assert listed.returncode == 0, listed.stderr
    assert "cli_users" in listed.stdout and "index → cli_users.id" in listed.stdout and "varchar(400)" in listed.stdout
    drawn = run(project, "inspect", "-m", "shop_models", "-f", "mermaid").stdout
    assert drawn.startswith("erDiagram\n")
    assert 'cli_users ||--o{ cli_posts : "author_id"' in drawn and "text_array tags" in drawn
    assert 'cli_users ||--o| cli_profiles : "user_id"' in drawn and 'cli_users |o--o{ cli_users : "boss_id"' in drawn
    only = run(project, "inspect", "-m", "shop_models", "-t", "cli_users").stdout
    assert "cli_users" in only and "cli_posts" not in only.replace("→", "")


def test_the_picture_is_svg_that_needs_nothing(project: Path) -> None:
    picture = run(project, "inspect", "-m", "shop_models", "-f", "svg").stdout
    root = ElementTree.fromstring(picture)
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"cli_users", "cli_posts", "email", "varchar(400)?"} <= texts
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) == 2 * 3
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(box.attrib["x"]) + float(box.attrib["width"]) <= width
        assert float(box.attrib["y"]) + float(box.attrib["height"]) <= height


def test_a_table_that_is_not_there_is_named(project: Path) -> None:
    missing = run(project, "inspect", "-m", "shop_models", "-t", "nope")
    assert missing.returncode == 1
    assert "no table nope; there are cli_posts, cli_profiles, cli_users" in missing.stderr


@pytest.fixture
def schema(url: str) -> Iterator[None]:
    with pg.connect_sync(url, pool_max=1) as db:
        db.execute("DROP TABLE IF EXISTS cli_users CASCADE")
        db.execute("CREATE TABLE cli_users (id int PRIMARY KEY, email text, boss_id int)")
        db.execute("INSERT INTO cli_users VALUES (7, 'ann@example.com', NULL)")
        yield
        db.execute("DROP TABLE cli_users")


DATABASE = """
    DROP SCHEMA IF EXISTS cli_shop CASCADE;
    CREATE SCHEMA cli_shop;
    CREATE TABLE cli_shop.guests (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, email text NOT NULL UNIQUE);
    COMMENT ON TABLE cli_shop.guests IS 'Who came';
    CREATE TABLE cli_shop.visits (
        guest bigint NOT NULL REFERENCES cli_shop.guests ON DELETE CASCADE,
        day date NOT NULL DEFAULT CURRENT_DATE,
        stars int CHECK (stars BETWEEN 1 AND 5),
        PRIMARY KEY (guest, day)
    );
    CREATE INDEX ON cli_shop.visits (abs(stars)) WHERE stars > 3;
    CREATE INDEX ON cli_shop.visits (stars);
"""


@pytest.mark.smoke
def test_a_database_is_listed_drawn_and_written(project: Path, url: str) -> None:
    with pg.connect_sync(url, pool_max=1) as db:
        for statement in DATABASE.split(";")[:-1]:
            db.execute(statement)
        inspect = ("inspect", url, "--schema", "cli_shop")
        listed = run(project, *inspect)
        assert listed.returncode == 0, listed.stderr
        for expected in ("Who came", "identity always", "→ cli_shop.guests.id", "CURRENT_DATE", "stars > 3"):
            assert expected in listed.stdout
        drawn = run(project, *inspect, "-f", "mermaid").stdout
        assert 'cli_shop_guests ||--o{ cli_shop_visits : "guest"' in drawn
        ElementTree.fromstring(run(project, *inspect, "-f", "svg").stdout)
        assert "visits" not in run(project, *inspect, "-t", "guests").stdout
        source = run(project, *inspect, "-f", "python").stdout
        compile(source, "models", "exec")
        assert "class Guest(" in source
        ddl = run(project, *inspect, "-f", "sql").stdout
        db.execute("DROP SCHEMA cli_shop CASCADE")
        for statement in ddl.split(";\n")[:-1]:
            db.execute(statement)
        again = run(project, *inspect)
        assert again.stdout == listed.stdout
        db.execute("DROP SCHEMA cli_shop CASCADE")
    missing = run(project, "inspect", url, "-t", "nope")
    assert missing.returncode == 1 and "no table 'nope'" in missing.stderr


def test_models_are_written_as_sql(project: Path) -> None:
    assert 'CREATE TABLE "cli_users"' in run(project, "inspect", "-m", "shop_models", "-f", "sql").stdout


LINES = """
await db.fetch_val("SELECT 40 + 2")
1 / 0
users = await User.select()
[user.email for user in users]
"""


@pytest.mark.usefixtures("schema")
def test_the_shell_awaits(project: Path, url: str) -> None:
    said = run(project, "shell", url, "-m", "shop_models", "--plain", lines=LINES)
    assert said.returncode == 0, said.stderr
    assert "42" in said.stdout and "['ann@example.com']" in said.stdout
    assert "Tables: Post, Profile, User" in said.stderr and "ZeroDivisionError" in said.stderr
    assert "unclosed" not in said.stderr and "Warning" not in said.stderr


@pytest.mark.usefixtures("schema")
def test_the_shell_uses_ipython_where_that_is(project: Path, url: str) -> None:
    pytest.importorskip("IPython")
    said = run(project, "shell", url, "-m", "shop_models", lines=LINES)
    assert said.returncode == 0, said.stderr
    assert "Out[1]: 42" in said.stdout and "['ann@example.com']" in said.stdout


def test_a_server_that_is_not_there_is_one_line(project: Path) -> None:
    for arguments in (["--plain"], []):
        said = run(project, "shell", "postgresql://nobody:hush@localhost:1/x", *arguments)
        assert said.returncode == 1
        assert said.stderr.startswith("cannot connect:") and "hush" not in said.stderr + said.stdout


def test_without_its_packages_it_says_what_to_install(project: Path) -> None:
    (project / "typer.py").write_text("raise ModuleNotFoundError('no', name='typer')")
    said = run(project, "shell")
    assert (said.returncode, said.stderr) == (
        2,
        'typer is not installed; get it with: pip install "data-bridge[cli]"\n',
    )
