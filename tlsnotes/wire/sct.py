"""Signed certificate timestamps (RFC 6962 section 3): TLS's presentation language, in X.509 and in TLS."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from tlsnotes.wire import algorithms
from tlsnotes.wire.code_points import Registry
from tlsnotes.wire.fields import Field
from tlsnotes.wire.presentation import Enum, Struct, Vector, opaque, uint64
from tlsnotes.wire.reader import Reader

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SignatureScheme = Enum(
    algorithms.SignatureScheme, hash=algorithms.HashAlgorithm, signature=algorithms.SignatureAlgorithm
)


class Version(Registry, size=1):
    """The version of a timestamp (RFC 6962 section 3.2)."""

    v1 = 0


class _Version:
    """The version, of which there is one: what follows any other is not known."""

    optional = False
    enum = Enum(Version)
    name = enum.name

    def read(self, reader: Reader, name: str) -> Field:
        """Read it. Raises `DecodeError`."""
        field = self.enum.read(reader, name)
        if field.value is not Version.v1:
            raise reader.error("version v1", str(field.value), field.start)
        return field


class _Milliseconds:
    """A uint64 of milliseconds since 1970, without leap seconds: a time, or the number where no calendar has it."""

    optional = False
    name = uint64.name

    def read(self, reader: Reader, name: str) -> Field:
        """Read it. Raises `DecodeError`."""
        field = uint64.read(reader, name)
        with suppress(OverflowError):
            return field._replace(value=EPOCH + timedelta(milliseconds=int.from_bytes(field.raw, "big")))
        return field


class _LogAlgorithm:
    """How a log signs: ECDSA on P-256, or RSA, and SHA-256 (RFC 6962 section 2.1.4)."""

    optional = False
    name = SignatureScheme.name
    allowed = (algorithms.SignatureScheme.ecdsa_secp256r1_sha256, algorithms.SignatureScheme.rsa_pkcs1_sha256)

    def read(self, reader: Reader, name: str) -> Field:
        """Read it. Raises `DecodeError`."""
        field = SignatureScheme.read(reader, name)
        if field.value in self.allowed:
            return field
        error = reader.error(" or ".join(map(str, self.allowed)), str(field.value), field.start)
        return field._replace(problem=reader.note(error))


# RFC 5246, section 4.7
#   struct {
#      SignatureAndHashAlgorithm algorithm;
#      opaque signature<0..2^16-1>;
#   } DigitallySigned;
DigitallySigned = Struct("DigitallySigned", algorithm=_LogAlgorithm(), signature=Vector(opaque, 0, 2**16 - 1))

# RFC 6962, section 3.2
#   struct {
#       Version sct_version;
#       LogID id;
#       uint64 timestamp;
#       CtExtensions extensions;
#       digitally-signed struct { ... };
#   } SignedCertificateTimestamp;
SignedCertificateTimestamp = Struct(
    "SignedCertificateTimestamp",
    sct_version=_Version(),
    id=opaque(32),
    timestamp=_Milliseconds(),
    extensions=Vector(opaque, 0, 2**16 - 1),
    signature=DigitallySigned,
)

# RFC 6962, section 3.3
#   opaque SerializedSCT<1..2^16-1>;
#   struct { SerializedSCT sct_list <1..2^16-1>; } SignedCertificateTimestampList;
SerializedSCT = Vector(opaque, 1, 2**16 - 1, holding=SignedCertificateTimestamp)
SignedCertificateTimestampList = Struct("SignedCertificateTimestampList", sct_list=Vector(SerializedSCT, 1, 2**16 - 1))
