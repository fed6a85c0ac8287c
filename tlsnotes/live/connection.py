"""One TLS connection whose bytes all pass through our hands: `SSLContext.wrap_bio` over two `MemoryBIO`s."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from tlsnotes.live.context import KeyLog
from tlsnotes.live.listener import part
from tlsnotes.wire.registry import AlertDescription

T = TypeVar("T")

FITS = 1 << 13  # bytes, which a socket takes at once where nothing was sent before
PIECE = 1 << 18  # bytes, 16 full records
_LETTER = {"client": "C", "server": "S"}  # of whoever has sent it, in a recording


class Recorder(Protocol):
    """What a connection is written down with: a `Recording`, or an `Entry` on a shelf."""

    def add(self, sender: str, data: bytes) -> object:
        """Note bytes that `sender` ("C" or "S") has just sent."""

    def add_secrets(self, lines: str) -> object:
        """Note lines of a key log (RFC 9850) that belong to this connection."""


class Connection:
    """One end of a connection; everything sent and received goes into `recording`, the secrets too.

    The server's end, or the client's where `server_name` says whom it calls. However slowly the peer drips, it has
    `seconds` in all for the handshake, and after it for whatever follows on something written.
    `ended` says why nothing more can be read; empty while something can.
    """

    def __init__(
        self,
        connected: socket.socket,
        context: ssl.SSLContext,
        keylog: KeyLog,
        recording: Recorder,
        seconds: float,
        server_name: str | None = None,
    ) -> None:
        self._socket = connected
        self._keylog = keylog
        self._recording = recording
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        serves = server_name is None
        self._me, self._peer = ("server", "client") if serves else ("client", "server")
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=serves, server_hostname=server_name)
        self.ended = ""

    def handshake(self) -> str:
        """Shake hands, and say how it ended: "established", or who refused and why."""
        try:
            if self._me == "server":
                self._receive()  # it has nothing to say before it was spoken to
            self._run(self._handshake_step)
        except ssl.SSLEOFError:
            return f"broken off by the {self._peer}, without an alert"
        except ssl.SSLZeroReturnError:
            return f"broken off by the {self._peer}, with close_notify"
        except ssl.SSLError as error:
            return _why(error, self._me, self._peer)
        except TimeoutError:
            return f"given up: the {self._peer} did not go on within {self._seconds:g} s"
        except OSError:
            return f"broken off by the {self._peer}: connection reset"
        self._deadline = time.monotonic() + self._seconds
        return "established"

    def peer_certificate(self) -> bytes | None:
        """The peer's certificate (DER) if it gave one; a client's only after it was verified."""
        return self._tls.getpeercert(binary_form=True)

    def read(self) -> bytes:
        """Read what the peer says next; b"" when it has closed, with a close_notify or without, or taken too long."""
        try:
            data = self._run(lambda: self._tls.read(65536))
            self.ended = "" if data else f"closed by the {self._peer}, with close_notify"
            return data
        except ssl.SSLEOFError:
            self.ended = f"broken off by the {self._peer}, without an alert"
        except ssl.SSLError as error:  # an alert, or bytes that nobody with the keys has sent
            self.ended = _why(error, self._me, self._peer)
        except TimeoutError:
            self.ended = f"given up: the {self._peer} did not go on within {self._seconds:g} s"
        return b""

    def write(self, data: bytes) -> None:
        """Send `data`, and give the peer its time for what it says next."""
        self._deadline = time.monotonic() + self._seconds
        view = memoryview(data)
        while view:  # in pieces: what is sealed and not yet sent takes as much memory again
            view = view[self._run(partial(self._tls.write, view[:PIECE])) :]

    def close(self) -> None:
        """Say goodbye (close_notify), and part so that whatever was said last arrives."""
        # unwrap() sends our close_notify, then wants to read the peer's: that one is left to part().
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()
        with contextlib.suppress(OSError):
            self._send_outgoing()
        part(self._socket, lambda data: self._recording.add(_LETTER[self._peer], data))

    def _handshake_step(self) -> None:
        with self._keylog.lock:
            try:
                try:
                    self._tls.do_handshake()
                except ssl.SSLWantReadError:
                    self._send_what_fits()
                    raise
                self._send_what_fits()
            finally:
                self._recording.add_secrets(self._keylog.take())

    def _send_what_fits(self) -> None:
        """Let the peer go on while the secrets are read; no more than cannot block, for others wait for the lock."""
        if self._outgoing.pending <= FITS:
            self._send_outgoing()

    def _run(self, operation: Callable[[], T]) -> T:
        while True:
            try:
                return operation()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLEOFError:
                # OpenSSL answers an end without close_notify by an alert, decode_error: nobody is there to read it, and
                # at the end of every ordinary connection of requests it would only frighten.
                self._outgoing.read()
                raise
            finally:
                self._send_outgoing()
            self._receive()

    def _send_outgoing(self) -> None:
        if self._outgoing.pending:
            data = self._outgoing.read()
            self._recording.add(_LETTER[self._me], data)  # before it is sent: who has read the answer finds it recorded
            self._socket.settimeout(self._left())
            self._socket.sendall(data)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _receive(self) -> None:
        self._socket.settimeout(self._left())
        data = self._socket.recv(65536)
        if data:
            self._recording.add(_LETTER[self._peer], data)
            self._incoming.write(data)
        else:
            self._incoming.write_eof()


def _why(error: ssl.SSLError, me: str, peer: str) -> str:
    """Say who refused: OpenSSL names an alert that came in by its own prefixes, everything else is this side's."""
    reason = error.reason or "UNKNOWN"
    alert = _received_alert(reason)
    if alert:
        return f"refused by the {peer}: {alert}"
    if reason == "HTTP_REQUEST":
        return "not TLS: the client spoke plain HTTP"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"refused by the {me}: {error.verify_message.lower()}"
    return f"refused by the {me}: {reason.lower().replace('_', ' ')}"


def _received_alert(reason: str) -> str:
    # "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE": the prefix is older than the version that was spoken.
    for prefix in ("TLSV13_ALERT_", "TLSV1_ALERT_", "SSLV3_ALERT_", "TLSV1_", "TLSV13_"):
        name = reason.removeprefix(prefix).lower().replace("cancelled", "canceled")  # OpenSSL's spelling, and the RFC's
        if name != reason.lower() and name in AlertDescription.__members__:
            return name
    return ""
