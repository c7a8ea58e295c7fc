"""An address that refuses connections for a while, and then leads to the service."""

from __future__ import annotations

import socket
import threading


class Late:
    """A port of its own: bound, so that nobody else gets it, and deaf until it is opened."""

    def __init__(self, service: str = "") -> None:
        self._service = ("", 0)
        if service:
            self.lead_to(service.removeprefix("http://"))
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._opening: threading.Timer | None = None
        self.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def lead_to(self, address: str) -> None:
        """Where connections are carried to."""
        host, port = address.split(":")
        self._service = (host, int(port))

    def open(self, seconds: float) -> None:
        """Returns at once; connections are accepted after so many seconds."""
        self._opening = threading.Timer(seconds, self._accept)
        self._opening.daemon = True
        self._opening.start()

    def close(self) -> None:
        if self._opening:
            self._opening.cancel()
            # Wakes whoever accepts.
            try:
                self._listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._listener.close()

    def _accept(self) -> None:
        try:
            self._listener.listen()
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._service)
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=carry, args=(one, other), daemon=True).start()
        except OSError:
            pass  # closed: the scenario is over


def carry(source: socket.socket, sink: socket.socket) -> None:
    """Bytes one way, until there are no more."""
    try:
        while piece := source.recv(1 << 16):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of them has gone away: the other will notice
