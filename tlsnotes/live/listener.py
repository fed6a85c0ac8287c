"""A port on this machine: accepts connections, gives each its own thread, and leaves nothing behind when it stops.

Loopback unless another address is named: for "127.0.0.1" the same port of ::1 is taken too where the machine has it,
because "localhost" means either. A port that our own older listener holds in this process is taken over.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address

from tlsnotes.errors import TLSNotesError

BACKLOG = 1024
AT_ONCE = 1024  # connections; more wait in the backlog
JOIN_SECONDS = 5.0
DRAIN_SECONDS = 1.0

# Ports in use by this process, with the call that stops their owner.
_ours: dict[tuple[str, int], Callable[[], None]] = {}


class Listener:
    """Listens on `host` and `port` (0: any free one) and runs `serve(socket, peer)` in a thread for each connection.

    `serve` may do with the socket what it likes; it is closed afterwards. `stop_owner` is called when another listener
    of this process wants the same explicit port.
    """

    def __init__(
        self,
        host: str,
        port: int,
        serve: Callable[[socket.socket, tuple[str, int]], None],
        stop_owner: Callable[[], None],
    ) -> None:
        self._host = "127.0.0.1" if host == "localhost" else host
        self._wanted = port
        self._serve = serve
        self._stop_owner = stop_owner
        self._port: int | None = None
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._stopping = threading.Event()
        self._waker: socket.socket | None = None
        self._acceptor: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether connections are accepted."""
        return self._acceptor is not None and not self._stopping.is_set()

    @property
    def port(self) -> int:
        """The port that is listened on; raises `TLSNotesError` before the start."""
        if self._port is None:
            raise TLSNotesError("there is no port yet", expected="a started server", fix="call .start(), or use `with`")
        return self._port

    def start(self) -> str:
        """Bind and begin to accept; returns a sentence when an own older listener had to make room, or ''.

        Raises `TLSNotesError` when the port belongs to another program or the address is not this machine's.
        """
        said = ""
        _check(self._host, self._wanted)
        if stop_owner := _ours.get((self._host, self._wanted)):
            stop_owner()
            said = f"Stopped the server of this notebook that was on port {self._wanted}, and took its place."
        listening = _bind(self._host, self._wanted)
        self._port = int(listening[0].getsockname()[1])
        _ours[self._host, self._port] = self._stop_owner
        self._waker, woken = socket.socketpair()
        self._stopping.clear()
        self._acceptor = threading.Thread(
            target=self._accept, args=(woken, listening), name="tlsnotes-accept", daemon=True
        )
        self._acceptor.start()
        return said

    def stop(self) -> None:
        """Stop accepting, end every connection, and wait until the threads are gone."""
        if self._acceptor is None or self._waker is None:
            return
        self._stopping.set()
        self._waker.close()  # the acceptor sees the other end close
        self._acceptor.join(JOIN_SECONDS)
        with self._lock:
            open_now = dict(self._connections)
        for connection in open_now.values():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in open_now:
            if thread is not threading.current_thread():
                thread.join(JOIN_SECONDS)
        self._acceptor = None
        if _ours.get((self._host, self.port)) == self._stop_owner:
            del _ours[self._host, self.port]

    def _accept(self, woken: socket.socket, listening: list[socket.socket]) -> None:
        with contextlib.ExitStack() as stack:
            selector = stack.enter_context(selectors.DefaultSelector())
            for watched in (woken, *listening):
                stack.enter_context(watched)
                selector.register(watched, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if woken in ready:
                    return
                for watched in listening:
                    if watched in ready:
                        self._accept_one(watched)

    def _accept_one(self, listening: socket.socket) -> None:
        while not self._places.acquire(timeout=0.2):
            if self._stopping.is_set():
                return
        try:
            connection, peer = listening.accept()
        except OSError as error:
            self._places.release()
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._stopping.wait(0.05)  # no descriptor left: let the threads finish with theirs
            return
        thread = threading.Thread(target=self._run, args=(connection, peer), name="tlsnotes-connection", daemon=True)
        # A thread stays in the list until it has really ended, so that `stop` can wait for its last step too. It is put
        # there before it begins: it shall not have to wait for this one in its first steps.
        with self._lock:
            self._connections = {t: c for t, c in self._connections.items() if t.is_alive()}
            self._connections[thread] = connection
        try:
            thread.start()
        except RuntimeError:  # the machine has no thread left to give
            with self._lock:
                del self._connections[thread]
            self._release(connection)

    def _run(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        try:
            with contextlib.suppress(OSError):  # macOS refuses this for a connection that was reset already
                # Small writes leave at once: an alert must not wait for the client's acknowledgement.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._serve(connection, (peer[0], peer[1]))
        finally:
            self._release(connection)

    def _release(self, connection: socket.socket) -> None:
        connection.close()
        self._places.release()


def part(connection: socket.socket, note: Callable[[bytes], object]) -> None:
    """End a connection so that what was sent last arrives: shut the sending side down, then read until the peer closes,
    for one second at most; `note` is called with what was read.

    Closing with unread bytes in the socket would make TCP reset the connection, and a reset can overtake an alert.
    """
    deadline = time.monotonic() + DRAIN_SECONDS
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            data = connection.recv(65536)
            if not data:
                return
            note(data)


def _check(host: str, port: int) -> None:
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise TLSNotesError("this is no port", expected="0 (any free one) to 65535", found=repr(port))
    try:
        if isinstance(host, str):  # None would be every address, and a number is an address to `ipaddress`
            ip_address(host)
            return
    except ValueError:
        pass
    raise TLSNotesError(
        f"{host!r} cannot be listened on", expected='an IP address of this machine as text, "127.0.0.1" for example'
    )


def _bind(host: str, port: int) -> list[socket.socket]:
    for _ in range(20):
        first = _listen(host, port)
        if host != "127.0.0.1" or not socket.has_ipv6:
            return [first]
        try:
            return [first, _listen("::1", first.getsockname()[1])]
        except _NoSuchAddressError:
            return [first]
        except TLSNotesError:
            first.close()
            if port:
                raise
    raise TLSNotesError("no port is free on both 127.0.0.1 and ::1", fix="name a port")


class _NoSuchAddressError(TLSNotesError):
    """The machine does not have this address."""


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICHOST
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _NoSuchAddressError(
            f"{host!r} cannot be listened on", expected="an IP address of this machine"
        ) from error
    try:
        if sys.platform == "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:  # take a port whose last connections are still in TIME_WAIT, but never one that somebody listens on
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)  # a client that is gone again before it was accepted must not hold up the others
    except OSError as error:
        listening.close()
        raise _bind_error(error, host, port) from error
    return listening


def _bind_error(error: OSError, host: str, port: int) -> TLSNotesError:
    if error.errno == errno.EADDRINUSE or getattr(error, "winerror", None) in (10013, 10048):
        return TLSNotesError(
            f"port {port} on {host} is in use by another program",
            expected="a free port",
            fix="leave port out (0 takes any free one), name another, or stop that program (ss -ltnp shows it)",
        )
    if error.errno == errno.EACCES:
        return TLSNotesError(f"you may not use port {port}", expected="0, or 1024 to 65535 for an ordinary user")
    return _NoSuchAddressError(
        f"{host!r} is no address of this machine",
        expected='"127.0.0.1", for example',
        found=error.strerror or str(error),
    )
