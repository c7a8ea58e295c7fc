#!/usr/bin/env python3
"""Runs a command beside a Redis and a PostgreSQL of its own: `servers.py COMMAND…`.

Both listen on loopback, on free ports, and keep all in a folder that is gone afterwards. The command finds them in
XIEZHEN_TEST_REDIS and XIEZHEN_TEST_POSTGRES.
"""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 30.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def program(name: str) -> str:
    """Where Debian has it."""
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    if found is None:
        sys.exit(f"{name} is missing: `make setup` installs what the tests need")
    return found


def account() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@contextlib.contextmanager
def running(command: list[str], folder: Path, user: str | None, ready: Callable[[], bool]) -> Iterator[None]:
    """The server, from when it answers to the end."""
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, user=user)
    try:
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{command[0]} does not start:\n{(folder / 'log').read_text(errors='replace')}")
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        try:
            server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def redis_command(server: str, port: int, folder: Path) -> list[str]:
    options = {"port": port, "bind": "127.0.0.1", "dir": folder, "appendonly": "yes", "save": ""}
    return [server, *(part for name, value in options.items() for part in (f"--{name}", str(value)))]


@contextlib.contextmanager
def redis(folder: Path, server: str | None = None, *options: str) -> Iterator[str]:
    """Debian's, or the `server` that is given."""
    folder.mkdir()
    port = free_port()

    def ready() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
        return False

    with running([*redis_command(server or program("redis-server"), port, folder), *options], folder, None, ready):
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    user = account()
    folder.mkdir()
    if user is not None:
        shutil.chown(folder, user)
    data, port = folder / "data", free_port()
    make = [program("initdb"), "--pgdata", str(data), "--username", "xiezhen", "--auth", "trust", "--encoding", "UTF8"]
    subprocess.run([*make, "--locale", "C", "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd=folder, user=user)
    options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "max_connections": 200}
    serve = [program("postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in options.items())]
    # What a crash of this machine would lose is of no use to anybody.
    serve.append("--fsync=off")

    def ready() -> bool:
        command = [program("pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]
        return subprocess.run(command, check=False).returncode == 0

    with running(serve, folder, user, ready):
        yield f"postgresql://xiezhen@127.0.0.1:{port}/postgres"


def main() -> int:
    # Whoever ends this ends the servers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="xiezhen-servers-")))
        folder.chmod(0o755)
        os.environ["XIEZHEN_TEST_REDIS"] = stack.enter_context(redis(folder / "redis"))
        os.environ["XIEZHEN_TEST_POSTGRES"] = stack.enter_context(postgres(folder / "postgres"))
        return subprocess.run(sys.argv[1:], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
