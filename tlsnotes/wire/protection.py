"""How records are protected: what a cipher suite's name says, and opening one record with the keys it asks for.

An opener takes a record's sequence number, its header (5 bytes) and its fragment, and gives the plaintext, or None
where the record is not what somebody with these keys sent. Nothing is given out whose tag or MAC does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hmac import compare_digest
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import Camellia, TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from tlsnotes.wire.key_schedule import hmac, key_block, traffic_key
from tlsnotes.wire.records import Layout
from tlsnotes.wire.registry import CipherSuite

HASHES: dict[str, hashes.HashAlgorithm] = {
    "MD5": hashes.MD5(),  # noqa: S303  # TLS 1.2 has suites with HMAC-MD5; reading one asks for it
    "SHA": hashes.SHA1(),  # noqa: S303  # the same for HMAC-SHA1
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class _Aead:
    make: Callable[[bytes], AESGCM | AESCCM | ChaCha20Poly1305]
    key_length: int
    tag_length: int = 16
    explicit_length: int = 8  # of the nonce, in TLS 1.2: the rest is fixed (RFC 5288 section 3)


@dataclass(frozen=True, slots=True)
class _Block:
    make: Callable[[bytes], BlockCipherAlgorithm]
    key_length: int
    block_length: int = 16


_AEADS = {
    "AES_128_GCM": _Aead(AESGCM, 16),
    "AES_256_GCM": _Aead(AESGCM, 32),
    "AES_128_CCM": _Aead(AESCCM, 16),
    "AES_256_CCM": _Aead(AESCCM, 32),
    "AES_128_CCM_8": _Aead(lambda key: AESCCM(key, tag_length=8), 16, tag_length=8),
    "AES_256_CCM_8": _Aead(lambda key: AESCCM(key, tag_length=8), 32, tag_length=8),
    "CHACHA20_POLY1305": _Aead(ChaCha20Poly1305, 32, explicit_length=0),  # RFC 7905 section 2
}
_BLOCKS = {
    "AES_128_CBC": _Block(AES, 16),
    "AES_256_CBC": _Block(AES, 32),
    "CAMELLIA_128_CBC": _Block(Camellia, 16),
    "CAMELLIA_256_CBC": _Block(Camellia, 32),
    "3DES_EDE_CBC": _Block(TripleDES, 24, block_length=8),
}


@dataclass(frozen=True, slots=True)
class Suite:
    """What the name of a cipher suite says.

    `key_exchange` is "ECDHE", "RSA", "DHE_PSK" ..., empty in TLS 1.3; `mac` and `hash` are HMAC's hash of a block
    cipher, and that of the transcript and the key schedule.
    """

    key_exchange: str
    cipher: str
    mac: hashes.HashAlgorithm
    hash: hashes.HashAlgorithm

    @property
    def tls13(self) -> bool:
        """Whether it is one of TLS 1.3, which leave the key exchange to extensions."""
        return not self.key_exchange

    @property
    def readable(self) -> bool:
        """Whether records under it can be opened here."""
        return self.cipher in _AEADS or self.cipher in _BLOCKS or self.cipher == "NULL"

    @property
    def key_block_lengths(self) -> tuple[int, int, int]:
        """The bytes of a MAC key, a key and an IV of one side (RFC 5246 section 6.3, RFC 9846 section 7.3)."""
        aead, block = _AEADS.get(self.cipher), _BLOCKS.get(self.cipher)
        if aead:
            return 0, aead.key_length, 12 - (0 if self.tls13 else aead.explicit_length)
        return self.mac.digest_size, block.key_length if block else 0, 0  # a block cipher's IV stands in each record


@cache
def suite_of(number: CipherSuite) -> Suite | None:
    """Take a cipher suite's name apart (RFC 5246 appendix C, RFC 9846 appendix B.4); None if it says too little."""
    hash_names = "|".join(HASHES)
    if found := re.fullmatch(rf"TLS_(\w+?)_({hash_names})", number.name.partition("_WITH_")[0]):
        return Suite("", found[1], HASHES[found[2]], HASHES[found[2]]) if "_WITH_" not in number.name else None
    if not (found := re.fullmatch(rf"TLS_(\w+?)_WITH_(\w+?)(?:_({hash_names}))?", number.name)):
        return None
    # "ECDHE_RSA": how the key is agreed, and who signs it; "DHE_PSK" and "DH_anon" are agreements of their own.
    exchange = found[1].replace("_EXPORT", "").replace("PSK_DHE", "DHE_PSK")  # RFC 6655 turns it round
    exchange = exchange if exchange.endswith(("_PSK", "_anon")) else exchange.partition("_")[0]
    mac = HASHES[found[3] or "SHA256"]
    return Suite(exchange, found[2], mac, mac if found[3] == "SHA384" else HASHES["SHA256"])


class Opener(Protocol):
    """Opens records that one side protected with one set of keys."""

    def open(self, sequence: int, header: bytes, fragment: bytes) -> bytes | None:
        """Give the plaintext of record number `sequence`, or None."""


def opener_13(suite: Suite, secret: bytes) -> Opener:
    """Make the opener for a TLS 1.3 traffic secret (RFC 9846 sections 5.2, 5.3, 7.3)."""
    aead = _AEADS[suite.cipher]
    key, iv = traffic_key(suite.hash, secret, aead.key_length, 12)
    return _Aead13(aead, key, iv)


def openers_12(
    suite: Suite, master_secret: bytes, client_random: bytes, server_random: bytes, *, encrypt_then_mac: bool
) -> dict[str, Opener]:
    """Make the openers for the records of "client" and "server" in TLS 1.2 (RFC 5246 section 6.3)."""
    aead, block = _AEADS.get(suite.cipher), _BLOCKS.get(suite.cipher)
    mac_length, key_length, iv_length = suite.key_block_lengths
    sizes = (mac_length, mac_length, key_length, key_length, iv_length, iv_length)
    block_bytes = key_block(suite.hash, master_secret, client_random, server_random, sum(sizes))
    parts = []
    for size in sizes:
        parts.append(block_bytes[:size])
        block_bytes = block_bytes[size:]
    openers: dict[str, Opener] = {}
    for sender, mac_key, key, iv in zip(("client", "server"), parts[0:2], parts[2:4], parts[4:6], strict=True):
        if aead:
            openers[sender] = _Aead12(aead, key, iv)
        else:
            openers[sender] = _Mac12(block, key, suite.mac, mac_key, encrypt_then_mac=encrypt_then_mac)
    return openers


def layout_of(suite: Suite, *, tls13: bool, encrypt_then_mac: bool) -> Layout:
    """How a protected fragment is laid out (RFC 9846 section 5.2, RFC 5246 section 6.2.3, RFC 7366)."""
    if aead := _AEADS.get(suite.cipher):
        if tls13:
            return Layout("AEADEncrypted", "", 0, "tag", aead.tag_length)
        return Layout("GenericAEADCipher", "nonce_explicit", aead.explicit_length, "tag", aead.tag_length)
    if block := _BLOCKS.get(suite.cipher):
        mac_length = suite.mac.digest_size if encrypt_then_mac else 0  # otherwise it is inside the ciphertext
        return Layout("GenericBlockCipher", "IV", block.block_length, "MAC", mac_length)
    return Layout("GenericStreamCipher", "", 0, "MAC", suite.mac.digest_size if suite.cipher == "NULL" else 0)


class _Aead13:
    def __init__(self, aead: _Aead, key: bytes, iv: bytes) -> None:
        self._aead = aead.make(key)
        self._iv = int.from_bytes(iv, "big")

    def open(self, sequence: int, header: bytes, fragment: bytes) -> bytes | None:
        nonce = (self._iv ^ sequence).to_bytes(12, "big")
        try:
            return self._aead.decrypt(nonce, fragment, header)
        except (InvalidTag, ValueError):  # ValueError: shorter than a tag
            return None


class _Aead12:
    """RFC 5246 section 6.2.3.3, RFC 5288, RFC 6655; RFC 7905 makes the nonce as TLS 1.3 does."""

    def __init__(self, aead: _Aead, key: bytes, iv: bytes) -> None:
        self._aead = aead.make(key)
        self._iv = iv
        self._explicit = aead.explicit_length
        self._tag_length = aead.tag_length

    def open(self, sequence: int, header: bytes, fragment: bytes) -> bytes | None:
        length = len(fragment) - self._explicit - self._tag_length
        if length < 0:
            return None
        if self._explicit:
            nonce = self._iv + fragment[: self._explicit]
        else:
            nonce = (int.from_bytes(self._iv, "big") ^ sequence).to_bytes(12, "big")
        additional = sequence.to_bytes(8, "big") + header[:3] + length.to_bytes(2, "big")
        try:
            return self._aead.decrypt(nonce, fragment[self._explicit :], additional)
        except (InvalidTag, ValueError):
            return None


class _Mac12:
    """A MAC, and a block cipher or none (RFC 5246 sections 6.2.3.1 and 6.2.3.2); encrypt-then-MAC: RFC 7366."""

    def __init__(
        self,
        block: _Block | None,
        key: bytes,
        mac: hashes.HashAlgorithm,
        mac_key: bytes,
        *,
        encrypt_then_mac: bool,
    ) -> None:
        self._algorithm = block.make(key) if block else None
        self._block_length = block.block_length if block else 1
        self._mac = mac
        self._mac_key = mac_key
        self._encrypt_then_mac = encrypt_then_mac and block is not None

    def open(self, sequence: int, header: bytes, fragment: bytes) -> bytes | None:
        if self._encrypt_then_mac:
            authentic = self._authenticated(sequence, header, fragment)
            return None if authentic is None else self._decrypted(authentic)
        content = self._decrypted(fragment)
        return None if content is None else self._authenticated(sequence, header, content)

    def _authenticated(self, sequence: int, header: bytes, data: bytes) -> bytes | None:
        """`data` without the MAC at its end, if that holds."""
        length = len(data) - self._mac.digest_size
        if length < 0:
            return None
        content, found = data[:length], data[length:]
        covered = sequence.to_bytes(8, "big") + header[:3] + length.to_bytes(2, "big") + content
        return content if compare_digest(hmac(self._mac, self._mac_key, covered), found) else None

    def _decrypted(self, fragment: bytes) -> bytes | None:
        """What the block cipher hides, without its padding, if that is as it must be."""
        if self._algorithm is None:
            return fragment
        iv, ciphertext = fragment[: self._block_length], fragment[self._block_length :]
        if not ciphertext or len(ciphertext) % self._block_length:
            return None
        decryptor = Cipher(self._algorithm, modes.CBC(iv)).decryptor()
        content = decryptor.update(ciphertext) + decryptor.finalize()
        padding = content[-1] + 1
        return content[:-padding] if content[-padding:] == bytes([padding - 1]) * padding else None
