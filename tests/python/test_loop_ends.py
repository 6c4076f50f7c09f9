"""What `asyncio.run` does at its end, or Ctrl-C during it, with calls that are still on their way."""

from __future__ import annotations

import subprocess
import sys
import time
from textwrap import dedent, indent
from uuid import uuid4

import pytest

import data_bridge.postgres as pg

HEADER = """
import asyncio, contextlib, os, signal, sys
import data_bridge.postgres as pg

async def in_transaction(db):
    async with db.transaction() as tx:
        await tx.execute("SELECT 1")
        await tx.execute("SELECT pg_sleep(20)")

async def cleaned(db):
    try:
        await db.execute("SELECT pg_sleep(20)")
    finally:
        print("cleaned up:", await db.fetch_val("SELECT 7"))

async def main():
    db = await pg.connect(sys.argv[1], application_name=sys.argv[3])
"""

ENDINGS = {
    "a call of a task": 'task = asyncio.create_task(db.fetch_val("SELECT pg_sleep(20)"))',
    "a transaction": "task = asyncio.create_task(in_transaction(db))",
    "a task that cleans up": "task = asyncio.create_task(cleaned(db))",
    "a stream": """
        async def read():
            async for row in db.stream("SELECT pg_sleep(20)"):
                pass
        task = asyncio.create_task(read())""",
    # Those that share a connection are not cancelled on the server, where that could hit another.
    "many calls": 'tasks = [asyncio.create_task(db.fetch_val("SELECT pg_sleep(3)")) for _ in range(30)]',
}


def run(url: str, loop: str, work: str, end: str) -> subprocess.CompletedProcess[str]:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    name = f"loop_ends_{uuid4().hex[:8]}"
    body = indent("\n".join([dedent(work).strip(), "await asyncio.sleep(0.2)", end]), "    ")
    runner = dedent("""
        factory = getattr(__import__(sys.argv[2]), "new_event_loop")
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(main())
        """)
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", HEADER + body + runner, url, loop, name],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert time.monotonic() - begun < 10
    with pg.connect_sync(url, pool_max=1) as db:
        running = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND state = 'active'"
        deadline = time.monotonic() + 9
        while db.fetch_val(running, name):
            assert time.monotonic() < deadline, "the server still runs what was given up"
            time.sleep(0.05)
    return done


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("work", ENDINGS)
def test_the_error_of_the_program_is_the_one_that_is_told(url: str, loop: str, work: str) -> None:
    done = run(url, loop, ENDINGS[work], 'raise ValueError("the real error")')
    assert done.stderr.rstrip().endswith("ValueError: the real error"), done.stderr
    assert done.stderr.count("Traceback") == 1, done.stderr
    assert done.stdout == ("cleaned up: 7\n" if "cleans up" in work else "")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("work", ENDINGS)
def test_a_program_that_returns_early_ends_well(url: str, loop: str, work: str) -> None:
    done = run(url, loop, ENDINGS[work], "return")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("work", ENDINGS)
def test_ctrl_c_ends_the_program_with_its_tasks(url: str, loop: str, work: str) -> None:
    interrupt = "asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGINT)"
    done = run(url, loop, f"{dedent(ENDINGS[work]).strip()}\n{interrupt}", 'await db.fetch_val("SELECT pg_sleep(20)")')
    assert done.stderr.rstrip().endswith("KeyboardInterrupt"), done.stderr
    assert "RuntimeError" not in done.stderr
    assert "destroyed" not in done.stderr
