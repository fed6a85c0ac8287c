"""A capture file (pcapng, draft-ietf-opsawg-pcapng) of one recorded connection, with its keys inside.

Section Header     who wrote it
Interface          link type RAW: packets begin with the IP header
Decryption Secrets the key log lines (RFC 9850), so that a reader needs no second file
Enhanced Packet    one for each piece of a segment, in TCP/IP headers made up for it
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from itertools import pairwise

Endpoint = tuple[str, int]

LINKTYPE_RAW = 101
TLS_KEY_LOG = 0x544C534B
MAX_PAYLOAD = 32_768  # below every limit of IP, and of the readers
FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10
COMMENT = b"Written by tlsnotes: bytes, times and addresses as recorded; the TCP/IP headers around them are made up."


def pcapng_bytes(
    segments: Sequence[tuple[str, bytes, float | None]],
    keylog: str,
    started: datetime,
    client: Endpoint,
    server: Endpoint,
) -> bytes:
    """Build the file: `segments` as in `Recording.segments`, `keylog` text, `started` for time 0."""
    blocks = [
        _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _option(1, COMMENT) + _option(0, b"")),
        _block(1, struct.pack("<HHI", LINKTYPE_RAW, 0, 0)),
    ]
    if keylog:
        secrets = keylog.encode()
        blocks.append(_block(10, struct.pack("<II", TLS_KEY_LOG, len(secrets)) + _padded(secrets)))
    epoch = int(started.timestamp() * 1_000_000)
    for seconds, packet in _packets(segments, client, server):
        moment = epoch + round(seconds * 1_000_000)
        head = struct.pack("<IIIII", 0, moment >> 32, moment & 0xFFFFFFFF, len(packet), len(packet))
        blocks.append(_block(6, head + _padded(packet)))
    return b"".join(blocks)


def _packets(
    segments: Sequence[tuple[str, bytes, float | None]], client: Endpoint, server: Endpoint
) -> Iterator[tuple[float, bytes]]:
    ends = {"C": (client, server), "S": (server, client)}
    sent = {"C": 0, "S": 0}  # the next sequence number of each side

    def packet(sender: str, flags: int, payload: bytes = b"") -> bytes:
        made = _ip_packet(*ends[sender], sent[sender], sent["S" if sender == "C" else "C"], flags, payload)
        sent[sender] += len(payload) + bool(flags & (SYN | FIN))
        return made

    time = 0.0
    yield time, packet("C", SYN)
    yield time, packet("S", SYN | ACK)
    yield time, packet("C", ACK)
    for sender, data, seconds in segments:
        time = time if seconds is None else max(time, seconds)
        bounds = [*range(0, len(data), MAX_PAYLOAD), len(data)]
        for start, end in pairwise(bounds):
            yield time, packet(sender, PSH | ACK, data[start:end])
    yield time, packet("C", FIN | ACK)
    yield time, packet("S", FIN | ACK)


def _ip_packet(source: Endpoint, target: Endpoint, seq: int, ack: int, flags: int, payload: bytes) -> bytes:
    src, dst = ip_address(source[0]), ip_address(target[0])
    mask = 0xFFFFFFFF
    tcp = struct.pack(
        ">HHIIBBHHH", source[1], target[1], seq & mask, (ack if flags & ACK else 0) & mask, 5 << 4, flags, 65535, 0, 0
    )
    length = len(tcp) + len(payload)
    if isinstance(src, IPv6Address):
        pseudo = src.packed + dst.packed + struct.pack(">II", length, 6)
        ip = struct.pack(">IHBB", 6 << 28, length, 6, 64) + src.packed + dst.packed
    else:
        pseudo = src.packed + dst.packed + struct.pack(">HH", 6, length)
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, 6, 0) + src.packed + dst.packed
        ip = ip[:10] + _checksum(ip) + ip[12:]
    return ip + tcp[:16] + _checksum(pseudo + tcp + payload) + tcp[18:] + payload


def _checksum(data: bytes) -> bytes:
    """The Internet checksum (RFC 1071): the ones' complement of the ones' complement sum of 16-bit words."""
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
