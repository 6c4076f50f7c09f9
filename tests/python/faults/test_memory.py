"""What a server claims costs no memory: only what it has sent does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .expected import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scripted import Server

    type Start = Callable[[str], Server]

#: Bytes of address space that the calls may take on top of what the interpreter has. The claims are for more.
ROOM = 128 << 20

#: Makes the call with so much room and no more: who allocates by a claim does not survive it.
PROGRAM = """
import resource, sys
import data_bridge.postgres as pg

url, sql, room = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open("/proc/self/statm") as file:
    taken = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + room, taken + room))
try:
    with pg.connect_sync(url, connect_timeout=1) as db:
        db.fetch(sql, timeout=0.5)
except pg.Error as error:
    print(type(error).__name__)
else:
    print("an answer")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("length_512_mib", "QueryTimeout"),
        ("length_2_gib", "ProtocolError"),
        ("row_value_2_gib", "ProtocolError"),
        ("row_counts_65535", "ProtocolError"),
        ("description_minus_1_columns", "ProtocolError"),
        ("notices_20000", "an answer"),
        ("startup_length_2_gib", "ProtocolError"),
        ("scram_iterations_2_31", "AuthError"),
    ],
)
def test_claims_are_not_allocated(scripted: Start, name: str, told: str) -> None:
    sql = (FAULTS[name]["sql"] or ["SELECT 42"])[0]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, scripted(name).url(), sql, str(ROOM)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        # Each thread would reserve an arena of its own.
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )
    assert (done.stdout.strip(), done.returncode) == (told, 0), done.stderr
