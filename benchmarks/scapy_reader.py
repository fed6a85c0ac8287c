"""scapy's TLS layer on the same bytes: `TLS(bytes, tls_session=...)`, as the docstring of `tlsSession.mirror` shows.

With the key log scapy decrypts, verifies CertificateVerify and Finished and walks the certificates, as we do.
Its other way, a capture file with `conf.tls_nss_filename`, does more work and reads less: of TLS 1.3 it leaves closed
what comes after the handshake (scapy 2.8), so it is no peer here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from benchmarks.connections import Connection
from benchmarks.reading import NotComparableError, Reading
from tlsnotes.wire.registry import ContentType

installed = find_spec("scapy") is not None


class Scapy:
    """scapy reads the bytes of a connection, with the key log or without."""

    def __init__(self, *, keys: bool = True) -> None:
        self.name = "scapy" if keys else "scapy without the keys"
        self._keys = keys
        _load()

    def read(self, connection: Connection) -> tuple[Any, list[tuple[str, Any]]]:
        """Do the work that is measured."""
        from scapy.layers.tls.record import TLS
        from scapy.layers.tls.session import parse_nss_keys, tlsSession

        session = tlsSession()
        if self._keys:
            session.nss_keys = parse_nss_keys(connection.keylog)
        read, last = [], "C"
        for sender, data in connection.segments:
            if sender != last:
                session, last = session.mirror(), sender
            read.append((sender, TLS(data, tls_session=session)))
        return session, read

    def reading(self, made: tuple[Any, list[tuple[str, Any]]]) -> Reading:
        """Say what it has read; what it has verified must have held."""
        session, packets = made
        if self._keys and (session.server_cert_verify_valid is False or session.finished_valid is not True):
            raise NotComparableError("scapy could not verify CertificateVerify or Finished")
        return _reading(packets)


def _load() -> None:
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)  # nothing about interfaces: none is used
    import scapy.layers.tls.all  # noqa: F401  # what `load_layer("tls")` does


def _reading(packets: list[tuple[str, Any]]) -> Reading:
    from scapy.layers.tls.record import TLSAlert, TLSApplicationData, TLSChangeCipherSpec

    kinds = {
        TLSAlert: ContentType.alert,
        TLSApplicationData: ContentType.application_data,
        TLSChangeCipherSpec: ContentType.change_cipher_spec,
    }
    reading = Reading({"C": [], "S": []}, {"C": b"", "S": b""})
    for sender, packet in packets:
        for message in _messages(packet):
            if isinstance(message, TLSApplicationData):
                reading.data[sender] += message.data
            if content_type := kinds.get(type(message)):
                reading.messages[sender].append((int(content_type), None))
            elif (handshake_type := message.fields.get("msgtype")) is not None:
                reading.messages[sender].append((int(ContentType.handshake), handshake_type))
    return reading


def _messages(packet: Any) -> Iterator[Any]:
    """The messages of each record; what stayed closed or unread has neither of the fields asked for above."""
    from scapy.packet import NoPayload

    while not isinstance(packet, NoPayload):
        record = packet.fields.get("inner") or packet  # TLS 1.3 has the messages one level further in
        messages = record.fields.get("msg", [])
        yield from messages if isinstance(messages, list) else [messages]
        packet = packet.payload
