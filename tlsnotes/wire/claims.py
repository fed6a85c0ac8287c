"""What single messages claim, judged anew: signatures and verify_data.

A `Check` is True or False where the claim was recomputed, and None, with the reason, where something for it is missing.
Nothing is taken from the library that spoke TLS.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from hmac import compare_digest

from tlsnotes.checks import Check
from tlsnotes.wire import key_schedule
from tlsnotes.wire.fields import Field
from tlsnotes.wire.hellos import Hellos
from tlsnotes.wire.messages import TLS_1_3, Certificate
from tlsnotes.wire.reader import read_whole
from tlsnotes.wire.registry import CertificateCompressionAlgorithm, HandshakeType, SignatureScheme
from tlsnotes.wire.signatures import verify
from tlsnotes.wire.streams import Message
from tlsnotes.wire.transcript import Transcript

MAX_CERTIFICATE = 1 << 20  # bytes: no honest chain is larger


def unknown(name: str, why: str, rfc: str) -> Check:
    """A check that could not be made, and why."""
    return Check(name, None, f"not judged: {why}", rfc, name)


def certificate_verify_13(
    message: Message, certificate: Message | None, asked: Message | None, transcript: Transcript, missing: str
) -> Check:
    """TLS 1.3's CertificateVerify: a signature over the transcript hash (RFC 9846 section 4.5.2).

    `asked`: the ClientHello or the CertificateRequest that it answers, if it is there.
    """
    name, rfc = f"{message.sender} CertificateVerify", "RFC 9846 §4.5.2"
    if missing:
        return unknown(name, missing, rfc)
    digest = transcript.digest()
    content = b" " * 64 + f"TLS 1.3, {name}".encode("ascii") + b"\0" + digest
    covered = f"the transcript hash of the {transcript.count} messages before it ({_short(digest)})"
    check = _signature(name, message.field.find("body"), certificate, content, covered, rfc, tls13=True)
    scheme = value(message, "algorithm")
    if check.ok and (why := _not_allowed(scheme, asked)):
        return Check(name, False, f"the {scheme} signature is right, but {why}", rfc, name)
    return check


def _not_allowed(scheme: object, asked: Message | None) -> str:
    """Why TLS 1.3 does not take a SignatureScheme that was good for the arithmetic (RFC 9846 section 4.3.3)."""
    name = str(scheme)
    if name.startswith("rsa_pkcs1") and not name.endswith("_legacy"):
        return "TLS 1.3 takes RSA signatures with PSS padding only"
    if "sha1" in name or "sha224" in name or "md5" in name:
        return "TLS 1.3 does not sign with so weak a hash"
    offered = value(asked, "extensions.signature_algorithms.supported_signature_algorithms") if asked else None
    if isinstance(offered, tuple) and scheme not in offered:
        return "the other side has not offered this scheme in its signature_algorithms"
    return ""


def certificate_verify_12(message: Message, certificate: Message | None, transcript: Transcript, missing: str) -> Check:
    """TLS 1.2's CertificateVerify: a signature over the messages themselves (RFC 5246 section 7.4.8)."""
    name, rfc = f"{message.sender} CertificateVerify", "RFC 5246 §7.4.8"
    if missing:
        return unknown(name, missing, rfc)
    covered = f"the {transcript.count} messages before it"
    return _signature(
        name, message.field.find("body"), certificate, b"".join(transcript.raw), covered, rfc, tls13=False
    )


def server_key_exchange(message: Message, certificate: Message | None, hellos: Hellos, missing: str) -> Iterator[Check]:
    """TLS 1.2's signature over both randoms and the server's key share (RFC 5246 section 7.4.3), where there is one."""
    params, signed = message.field.find("params"), message.field.find("signed_params")
    if params and signed:  # anonymous and PSK key exchanges sign nothing
        content = hellos.client_random + hellos.server_random + params.raw
        covered = "both randoms and the parameters"
        name, rfc = "server ServerKeyExchange signature", "RFC 5246 §7.4.3"
        if missing:
            yield unknown(name, missing, rfc)
            return
        yield _signature(name, signed, certificate, content, covered, rfc, tls13=False)


def _signature(
    name: str,
    signed: Field | None,
    certificate: Message | None,
    content: bytes,
    covered: str,
    rfc: str,
    *,
    tls13: bool,
) -> Check:
    scheme, signature = (signed.find("algorithm"), signed.find("signature")) if signed else (None, None)
    if not scheme or not signature or not isinstance(scheme.value, SignatureScheme):
        return unknown(name, "the message could not be read", rfc)
    key = _public_key(certificate)
    if isinstance(key, str):
        return unknown(name, key, rfc)
    signature_bytes = signature.value if isinstance(signature.value, bytes) else b""
    verdict = verify(key, scheme.value, signature_bytes, content, tls13=tls13)
    if isinstance(verdict, str):
        return unknown(name, verdict, rfc)
    sender = name.partition(" ")[0]
    claim = f"the {scheme.value} signature over {covered}"
    with_key = f"with the public key of the {sender}'s certificate"
    return Check(name, verdict, f"{claim} {'holds' if verdict else 'does not hold'} {with_key}", rfc, name)


def answered_context(certificate: Message) -> object:
    """The certificate_request_context of a Certificate, compressed or not; None where it cannot be opened."""
    if certificate.type != HandshakeType.compressed_certificate:
        return value(certificate, "certificate_request_context")
    field = (tree := _decompressed(certificate)) and tree.find("certificate_request_context")
    return field.value if field else None


def _public_key(certificate: Message | None) -> bytes | str:
    """The SubjectPublicKeyInfo of the first certificate in a Certificate message, or why there is none."""
    if certificate is None:
        return "there is no Certificate message before it"
    tree: Field | None = certificate.field
    if certificate.type == HandshakeType.compressed_certificate:
        tree = _decompressed(certificate)
        if tree is None:
            return f"certificates compressed with {value(certificate, 'algorithm')!s} are not opened here"
    first = tree and (tree.find("certificate_list.0") or tree.find("raw_public_key"))
    keys = (field for field in first.walk() if field.type == "SubjectPublicKeyInfo") if first else iter(())
    key = next(keys, None)
    return key.raw if key else "the certificate's public key could not be found"


def _decompressed(certificate: Message) -> Field | None:
    algorithm = value(certificate, "algorithm")
    data = value(certificate, "compressed_certificate_message")
    if algorithm != CertificateCompressionAlgorithm.zlib or not isinstance(data, bytes):
        return None
    size, stream = value(certificate, "uncompressed_length"), zlib.decompressobj()
    if not isinstance(size, int) or not 0 < size <= MAX_CERTIFICATE:
        return None
    try:
        plain = stream.decompress(data, size)
    except zlib.error:
        return None
    if len(plain) != size or stream.unused_data or stream.unconsumed_tail:  # RFC 8879 section 4
        return None
    return read_whole(Certificate, plain, "", {"negotiated_version": TLS_1_3})[0]


def finished_13(message: Message, base_key: bytes | None, transcript: Transcript, missing: str) -> Check:
    """TLS 1.3's Finished, by its sender's traffic secret `base_key` (RFC 9846 section 4.5.3)."""
    rfc = "RFC 9846 §4.5.3"
    if missing or not base_key:
        return unknown(f"{message.sender} Finished", missing or "the key log lacks its traffic secret", rfc)
    expected = key_schedule.verify_data(transcript.algorithm, base_key, transcript.digest())
    return _finished(message, expected, f"the HMAC over {transcript}", rfc)


def finished_12(message: Message, master_secret: bytes | None, transcript: Transcript, missing: str) -> Check:
    """TLS 1.2's Finished, by the master secret (RFC 5246 section 7.4.9)."""
    rfc = "RFC 5246 §7.4.9"
    if missing or not master_secret:
        return unknown(f"{message.sender} Finished", missing or "the key log lacks the master secret", rfc)
    digest = transcript.digest()
    expected = key_schedule.verify_data_12(transcript.algorithm, master_secret, message.sender, digest)
    return _finished(message, expected, f"the PRF over {transcript}", rfc)


def _finished(message: Message, expected: bytes, how: str, rfc: str) -> Check:
    name = f"{message.sender} Finished"
    holds = compare_digest(expected, message.raw[4:])
    found = "matches verify_data" if holds else f"is {_short(expected)}, verify_data {_short(message.raw[4:])}"
    return Check(name, holds, f"{how} {found}", rfc, name)


def value(message: Message, path: str) -> object:
    """The value of the field of this path, or None."""
    found = message.field.find(path)
    return found.value if found else None


def _short(data: bytes) -> str:
    return data.hex() if len(data) <= 8 else f"{data[:8].hex()}…"
