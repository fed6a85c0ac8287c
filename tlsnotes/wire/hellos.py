"""What the first messages of both sides decide: version, cipher suite, randoms, and how the rest is to be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tlsnotes.errors import DecodeError
from tlsnotes.wire.epochs import Unprotected
from tlsnotes.wire.fields import Field
from tlsnotes.wire.messages import TLS_1_3, Handshake
from tlsnotes.wire.protection import Suite, suite_of
from tlsnotes.wire.reader import read_whole
from tlsnotes.wire.records import HELLO_RETRY_REQUEST, Record
from tlsnotes.wire.registry import CipherSuite, ContentType, HandshakeType, ProtocolVersion
from tlsnotes.wire.streams import Piece, Stream


@dataclass(frozen=True, slots=True)
class Hellos:
    """The first ClientHello and the ServerHello, or the HelloRetryRequest where there is nothing more.

    `version` and `cipher_suite` are those the server has chosen; without its answer, None. `problems` are those of the
    ClientHello.
    """

    client: Field | None
    problems: Sequence[DecodeError]
    server: Field | None
    version: ProtocolVersion | None
    cipher_suite: CipherSuite | None

    @property
    def suite(self) -> Suite | None:
        """What the name of the cipher suite says."""
        return None if self.cipher_suite is None else suite_of(self.cipher_suite)

    @property
    def client_random(self) -> bytes:
        """The random by which a key log names the connection."""
        return _raw(self.client, "random")

    @property
    def server_random(self) -> bytes:
        """The server's random."""
        return _raw(self.server, "random")

    @property
    def compressed(self) -> bool:
        """Whether records are compressed, as TLS 1.2 allowed (RFC 3749)."""
        method = self.server.find("legacy_compression_method") if self.server else None
        return bool(method and method.value)

    def offers(self, extension: str) -> bool:
        """Whether the ClientHello has an extension."""
        return bool(self.client and self.client.find(f"extensions.{extension}"))

    def early_suites(self, *, accepted: bool) -> list[Suite] | None:
        """The suites that early data may have: the chosen one if the server has `accepted` it, else any offered one.

        None where there is no early data. It has the suite of the session before (RFC 9846 section 4.3.10).
        """
        if not self.offers("early_data"):
            return None
        offered = self.client.find("cipher_suites") if self.client and not accepted else None
        values = offered.value if offered and isinstance(offered.value, tuple) else (self.cipher_suite,)
        return [
            suite for value in dict.fromkeys(values) if isinstance(value, CipherSuite) and (suite := suite_of(value))
        ]

    def answers(self, extension: str) -> bool:
        """Whether the ServerHello has an extension."""
        return bool(self.server and self.server.find(f"extensions.{extension}"))

    def offered_versions(self) -> tuple[object, ...]:
        """The versions that the client speaks (RFC 9846 section 4.3.1; before TLS 1.3 it names the highest only)."""
        if self.client is None:
            return ()
        versions = self.client.find("extensions.supported_versions.versions") or self.client.find("legacy_version")
        value = versions.value if versions else ()
        return value if isinstance(value, tuple) else (value,)


def is_hello_retry_request(raw: bytes) -> bool:
    """Whether a handshake message is a ServerHello that asks for another ClientHello (RFC 9846 section 4.2.4)."""
    return raw[:1] == bytes([HandshakeType.server_hello]) and raw[6:38] == HELLO_RETRY_REQUEST


def read_hellos(records: Sequence[Record]) -> Hellos:
    """Find the hellos among the records of a connection, which may end before them."""
    client = next(_clear("client", HandshakeType.client_hello, records), None)
    answers = _clear("server", HandshakeType.server_hello, records)
    server = next(answers, None)
    if server and is_hello_retry_request(server.raw):
        server = next(answers, server)
    answer, _ = _read(server, "ServerHello", TLS_1_3)
    version = suite = None
    if answer:
        version = answer.find("extensions.supported_versions.selected_version") or answer.find("legacy_version")
        suite = answer.find("cipher_suite")
    chosen = version.value if version and isinstance(version.value, ProtocolVersion) else None
    hello, problems = _read(client, "ClientHello", chosen)
    return Hellos(
        hello, problems, answer, chosen, suite.value if suite and isinstance(suite.value, CipherSuite) else None
    )


def _clear(sender: str, wanted: HandshakeType, records: Sequence[Record]) -> Iterator[Piece]:
    mine = ((position, record) for position, record in enumerate(records) if record.sender == sender)
    for piece in Stream(sender, Unprotected(changes=False)).pieces(mine):
        if piece.content_type == ContentType.handshake and piece.raw[0] == wanted:
            yield piece


def _read(piece: Piece | None, name: str, version: ProtocolVersion | None) -> tuple[Field | None, list[DecodeError]]:
    if piece is None:
        return None, []
    known = {"chosen_version": version, "hello_retry_request": is_hello_retry_request(piece.raw)}
    return read_whole(Handshake, piece.raw, name, known)


def _raw(message: Field | None, name: str) -> bytes:
    field = message.find(name) if message else None
    return field.raw if field else b""
