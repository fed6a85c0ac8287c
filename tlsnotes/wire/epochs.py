"""Which keys protect one direction's records at which time, and opening them with what the key log has.

TLS 1.3    early data, the handshake, application data: a traffic secret for each (RFC 9846 section 7), and KeyUpdate
TLS 1.2    in the clear up to change_cipher_spec, then one set of keys (RFC 5246 section 7.1)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tlsnotes.wire.key_schedule import next_traffic_secret
from tlsnotes.wire.protection import Opener, Suite, layout_of, opener_13, openers_12
from tlsnotes.wire.records import HELLO_RETRY_REQUEST, Layout, Record
from tlsnotes.wire.registry import ContentType, HandshakeType

EARLY, HANDSHAKE, APPLICATION = (
    "{}_EARLY_TRAFFIC_SECRET",
    "{}_HANDSHAKE_TRAFFIC_SECRET",
    "{}_TRAFFIC_SECRET_0",
)  # RFC 9850 section 2.2
MASTER_SECRET_SIZE = 48  # RFC 5246 section 8.1
PROTECTED_ALERT = 2 + 16  # bytes at least: an alert and the shortest MAC, HMAC-MD5
UNKNOWN = Layout("AEADEncrypted")


@dataclass(slots=True)
class Use:
    """How far one secret of the key log has opened the records it protects; `why` it can't, where it is no use."""

    label: str
    why: str = ""
    opened: int = 0
    closed: list[int] = field(default_factory=list)  # indexes of records

    def reason(self) -> str:
        """Why records are closed, or nothing where none is."""
        if not self.closed:
            return ""
        return self.why or f"they do not open with the {self.label} of the key log: it is wrong, or they were changed"


def unusable(label: str, suite: Suite | None, secrets: Mapping[str, bytes]) -> str:
    """Say why a secret cannot open records, or nothing where it can."""
    if label not in secrets:
        return f"the key log has no {label} for this connection"
    if suite is None or not suite.readable:
        return f"records under {suite.cipher if suite else 'this cipher suite'} are not opened here"
    if suite.tls13 == (label == "CLIENT_RANDOM"):
        return "the cipher suite is none of this version of TLS"
    size = MASTER_SECRET_SIZE if label == "CLIENT_RANDOM" else suite.hash.digest_size
    if len(secrets[label]) != size:
        return f"the key log's {label} has {len(secrets[label])} bytes, not {size}"
    return ""


class Protection(Protocol):
    """What one direction's records are protected with, as it goes on."""

    uses: list[Use]

    @property
    def in_handshake(self) -> bool:
        """Whether what is closed now may have been a message of the handshake."""

    def layout(self, record: Record) -> Layout | None:
        """How the record is laid out if it is protected, else None."""

    def open(self, record: Record) -> tuple[bytes, int | None] | None:
        """The plaintext of a protected record and its content type, or None."""

    def passed(self, content_type: int, raw: bytes, *, encrypted: bool) -> bool:
        """Note that the sender has sent a whole message; whether a record has to end with it, as the keys change."""


class Unprotected:
    """Nothing is known of the keys: application data is closed, and with `changes` all after change_cipher_spec.

    In TLS 1.2 that is where the keys begin to apply. In TLS 1.3 it says nothing, and a hello may follow it.
    """

    def __init__(self, *, changes: bool = True) -> None:
        self.uses = [Use("", "no ServerHello says how they are protected")]
        self.in_handshake = True
        self._changes = changes
        self._protected = False

    def layout(self, record: Record) -> Layout | None:
        """Application data is certainly protected, and alerts that are as long as one with its MAC."""
        long_alert = record.content_type == ContentType.alert and len(record.fragment) >= PROTECTED_ALERT
        protected = self._protected or record.content_type == ContentType.application_data or long_alert
        return UNKNOWN if protected else None

    def open(self, record: Record) -> tuple[bytes, int | None] | None:
        """Nothing can be opened."""
        self.uses[0].closed.append(record.index)
        return None

    def passed(self, content_type: int, raw: bytes, *, encrypted: bool) -> bool:  # noqa: ARG002  # as the protocol has it
        """After change_cipher_spec the keys apply."""
        self._protected = self._protected or (self._changes and content_type == ContentType.change_cipher_spec)
        return False


class Protection13:
    """TLS 1.3: a secret for early data, one for the handshake, then application traffic secrets (RFC 9846 section 7).

    Where a secret is missing or wrong, each record is tried with the next one's first key as well: so what comes after
    can still be read, and an early data that the server has not accepted does no harm.
    """

    def __init__(
        self,
        sender: str,
        suite: Suite | None,
        secrets: Mapping[str, bytes],
        *,
        early: Sequence[Suite] | None,
        early_counts: bool,
    ) -> None:
        """`early`: None without early data, else its possible suites: refused, it has that of the session before."""
        labels = [label.format(sender.upper()) for label in (EARLY, HANDSHAKE, APPLICATION)]
        self.uses = [Use(label, unusable(label, suite, secrets)) for label in (labels[1:] if early is None else labels)]
        self._suite = suite if suite and suite.readable and suite.tls13 else None
        self._secrets = [secrets.get(use.label) for use in self.uses]
        self._openers: list[Opener | None] = [
            None if use.why else self._opener(secret) for use, secret in zip(self.uses, self._secrets, strict=True)
        ]
        self._layout = layout_of(suite, tls13=True, encrypt_then_mac=False) if self._suite and suite else UNKNOWN
        self._early, self._early_counts = early is not None, early_counts
        self._candidates = [opener for other in early or () if (opener := self._early_opener(other))]
        if self._candidates:
            self.uses[0].why = ""
        self._at = 0
        self._sequence = 0

    def _opener(self, secret: bytes | None) -> Opener | None:
        return opener_13(self._suite, secret) if self._suite and secret else None

    def _early_opener(self, suite: Suite) -> Opener | None:
        secret = self._secrets[0]
        fits = suite.tls13 and suite.readable and secret and len(secret) == suite.hash.digest_size
        return opener_13(suite, secret) if fits and secret else None

    @property
    def in_handshake(self) -> bool:
        """Whether what is closed now may have been a message of the handshake (or the end of accepted early data)."""
        at = self._closing()
        return at < len(self.uses) - 1 and (self._early_counts or not self._early or at > 0)

    def _closing(self) -> int:
        """Which secret protects a record that does not open: where early data was refused, nothing marks its end."""
        refused = self._early and not self._early_counts and self._at == 0
        return 1 if refused and self.uses[0].opened else self._at

    def layout(self, record: Record) -> Layout | None:
        """Protected records bear the type application_data on the outside (RFC 9846 section 5.2)."""
        return self._layout if record.content_type == ContentType.application_data else None

    def open(self, record: Record) -> tuple[bytes, int | None] | None:
        """Open a record with the keys of this time, or with the first of a later one."""
        header, fragment = record.raw[:5], record.fragment
        if self._early and self._at == 0 and not self.uses[0].opened:
            opens = (one for one in self._candidates if one.open(self._sequence, header, fragment) is not None)
            self._openers[0] = next(opens, self._openers[0])
        for at in range(self._at, len(self.uses)):
            opener = self._openers[at]
            sequence = self._sequence if at == self._at else 0
            inner = opener.open(sequence, header, fragment) if opener else None
            if inner is not None:
                self._at, self._sequence = at, sequence + 1
                self.uses[at].opened += 1
                # struct { opaque content[]; ContentType type; uint8 zeros[]; } TLSInnerPlaintext;  section 5.2
                content = inner.rstrip(b"\0")
                return (content[:-1], content[-1]) if content else (inner, None)
        self.uses[self._closing()].closed.append(record.index)
        self._sequence += 1
        return None

    def passed(self, content_type: int, raw: bytes, *, encrypted: bool) -> bool:
        """The keys change after ServerHello, EndOfEarlyData, Finished and KeyUpdate (RFC 9846 sections 5.1 and 7)."""
        if content_type != ContentType.handshake:
            return False
        if not encrypted:  # of what else comes in the clear none is taken for a change of keys
            return raw[0] == HandshakeType.server_hello and raw[6:38] != HELLO_RETRY_REQUEST
        last = len(self.uses) - 1
        if raw[0] == HandshakeType.end_of_early_data and self._early and self._at == 0:
            self._at, self._sequence = 1, 0
        elif raw[0] == HandshakeType.finished and self._at < last:
            self._at, self._sequence = last, 0
        elif raw[0] == HandshakeType.key_update and self._at == last and self._suite and self._secrets[last]:
            self._secrets[last] = next_traffic_secret(self._suite.hash, self._secrets[last] or b"")
            self._openers[last] = self._opener(self._secrets[last])
            self._sequence = 0
        else:
            return False
        return True


class Protection12:
    """TLS 1.2: in the clear up to change_cipher_spec, then one set of keys (RFC 5246 section 7.1).

    `randoms` are the client's and the server's; `why`: what keeps these records from being opened, if anything does.
    """

    def __init__(
        self,
        sender: str,
        suite: Suite | None,
        secrets: Mapping[str, bytes],
        randoms: tuple[bytes, bytes],
        *,
        encrypt_then_mac: bool,
        why: str = "",
    ) -> None:
        why = why or unusable("CLIENT_RANDOM", suite, secrets)
        self.uses = [Use("CLIENT_RANDOM", why)]
        self.in_handshake = True
        self._opener: Opener | None = None
        self._layout = Layout("GenericStreamCipher")
        if suite:
            self._layout = layout_of(suite, tls13=False, encrypt_then_mac=encrypt_then_mac)
        if suite and not why:
            master_secret = secrets["CLIENT_RANDOM"]
            self._opener = openers_12(suite, master_secret, *randoms, encrypt_then_mac=encrypt_then_mac)[sender]
        self._protected = False
        self._sequence = 0

    def layout(self, record: Record) -> Layout | None:  # noqa: ARG002  # as the protocol has it
        """Every record after change_cipher_spec is protected, whatever its type."""
        return self._layout if self._protected else None

    def open(self, record: Record) -> tuple[bytes, int | None] | None:
        """Open a record; its type stands on the outside."""
        content = self._opener.open(self._sequence, record.raw[:5], record.fragment) if self._opener else None
        self._sequence += 1
        if content is None:
            self.uses[-1].closed.append(record.index)
            return None
        self.uses[-1].opened += 1
        return content, record.content_type

    def passed(self, content_type: int, raw: bytes, *, encrypted: bool) -> bool:  # noqa: ARG002  # as the protocol has it
        """After change_cipher_spec the keys apply; after Finished the handshake is over."""
        if content_type == ContentType.change_cipher_spec and self._protected:
            self._opener = None
            self.uses.append(Use("CLIENT_RANDOM", "their keys come from a renegotiation, which is not followed here"))
        elif content_type == ContentType.change_cipher_spec:
            self._protected = True
        elif content_type == ContentType.handshake and raw[:1] == bytes([HandshakeType.finished]):
            self.in_handshake = False
        return False
