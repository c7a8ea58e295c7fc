"""Stands between a store and its server, and loses answers when asked to."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Everything passes, until `lose_next` has the answer to the next request lost and its connection with it.

    Of answers, what is in `instead` is replaced by something as long.
    """

    def __init__(self, url: str, instead: dict[bytes, bytes] | None = None) -> None:
        self._instead = instead or {}
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        user = f"{parts.username}@" if parts.username else ""
        self.url = urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{port}"))
        self._lose = threading.Event()
        self._away = threading.Event()
        self.lost = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_next(self) -> None:
        """The next request is carried out, and nobody hears of it."""
        self.lost.clear()
        self._lose.set()

    def go_away(self) -> None:
        """No connection is answered from now on."""
        self._away.set()
        self._lose.set()

    def come_back(self) -> None:
        self._away.clear()
        self._lose.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._away.is_set():
                    client.close()
                    continue
                server = socket.create_connection(self._server)
                threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if answers and self._lose.is_set():
                    if not self._away.is_set():
                        self._lose.clear()
                    self.lost.set()
                    break
                for true, told in self._instead.items() if answers else ():
                    data = data.replace(true, told)
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self._listener.close()
