"""tshark beside us: what it reads in our captures, decrypted with the keys inside, we read in the same bytes.

What is compared: each field of tshark's protocol "tls" in the PDML of an exported capture. PDML counts positions in
buffers that it does not name (the packet, a decrypted record, a reassembled message), but the fields below a record, a
handshake message or an alert lie in the same buffer as its first one. So their offset is the difference to the first
one's position; the n-th of tshark's records or messages of a direction is our n-th; and size and bytes must be those of
one of our fields at that offset. The content type found inside a record has no bytes of its own there: only its value
is compared.
"""

from __future__ import annotations

import os
import ssl
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest
from needs import need
from peers import (
    CLIENTS,
    PSK,
    ROOT,
    V12,
    V13,
    OpenSSL,
    Pipe,
    alice,
    between_nodes,
    contexts,
    files_of,
    issued,
    ocsp_response,
    old,
    read_whole,
    talked,
    with_early_data,
)

from tlsnotes import Recording
from tlsnotes.wire.fields import Field
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.registry import ContentType

# What tshark shows and no field of ours has, and why.
NOT_OURS = {
    "tls.handshake.random_time": "the random of TLS 1.3 has no time in it (RFC 9846 section 4.2.2)",
    "tls.handshake.random_bytes": "the random of TLS 1.3 has no time in it (RFC 9846 section 4.2.2)",
}


class Row(NamedTuple):
    """A field of tshark's: in a "record", a "handshake" message or an "alert", number `index` of its sender's."""

    sender: str
    inside: str
    index: int
    name: str
    offset: int
    size: int
    value: bytes
    show: str


def rows_of(recording: Recording, path: Path) -> list[Row]:
    """What tshark sees in a capture of ours."""
    capture = recording.to_pcapng(path)
    # Both ports are random, and tshark takes some of them for those of other protocols.
    ours = f"tcp.port=={recording.server[1]},tls"
    answer = subprocess.run(
        [need("tshark"), "-r", str(capture), "-d", ours, "-T", "pdml", "-J", "tcp tls"],
        env={"PATH": os.environ["PATH"], "HOME": str(path.parent), "LC_ALL": "C.UTF-8"},
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    counts: Counter[tuple[str, str]] = Counter()
    rows = []
    for packet in ET.fromstring(answer.stdout).iter("packet"):  # noqa: S314  # tshark's own
        port = packet.find("proto[@name='tcp']/field[@name='tcp.srcport']")
        assert port is not None
        sender = "server" if int(port.get("show", "")) == recording.server[1] else "client"
        for record in packet.findall("proto[@name='tls']/field[@name='tls.record']"):
            rows += _rows(record, sender, "record", counts)
    return rows


PARTS = {"tls.handshake": "handshake", "tls.alert_message": "alert"}
# tshark shows it beside its message, and at its offset in the message, but from the begin of the record.
BESIDE = {"tls.handshake.key_update.request_update"}


def _rows(top: ET.Element, sender: str, inside: str, counts: Counter[tuple[str, str]]) -> Iterator[Row]:
    """The fields below a record, or below a message in it."""
    if not len(top):  # a piece of a message, which comes whole with its last piece
        return
    base = int(top[0].get("pos", ""))
    here = last = (inside, counts[sender, inside])
    counts[sender, inside] += 1
    waiting = list(reversed(top))
    while waiting:
        field = waiting.pop()
        name = field.get("name", "")
        if name in PARTS:
            if len(field):
                last = (PARTS[name], counts[sender, PARTS[name]])
            yield from _rows(field, sender, PARTS[name], counts)
        elif name != "tls.handshake.fragments":  # tshark's own bookkeeping
            waiting.extend(reversed(field))
            offset, size = int(field.get("pos", "0")) - base, int(field.get("size", "0"))
            if name.startswith("tls.") and size:
                value = bytes.fromhex(field.get("value", ""))
                yield Row(sender, *(last if name in BESIDE else here), name, offset, size, value, field.get("show", ""))


def ours(handshake: Handshake) -> dict[tuple[str, str, int], tuple[bytes, Field]]:
    """Our records and messages under the numbers that tshark's have."""
    kinds = {ContentType.handshake: "handshake", ContentType.alert: "alert"}
    found = {(record.sender, "record", record.index): (record.raw, record.field) for record in handshake.records}
    counts: Counter[tuple[str, str]] = Counter()
    for message in handshake.messages:
        if kind := kinds.get(ContentType(message.content_type)):
            found[message.sender, kind, counts[message.sender, kind]] = message.raw, message.field
            counts[message.sender, kind] += 1
    return found


def compared(recording: Recording, folder: Path, unjudged: tuple[str, ...] = ()) -> Counter[str]:
    """Compare all of it: the names of tshark's fields, with how often each is there."""
    handshake = read_whole(recording, unjudged=unjudged)
    rows, mine = rows_of(recording, folder / "capture.pcapng"), ours(handshake)
    assert {(row.sender, row.inside, row.index) for row in rows} == set(mine)
    inner = {(record.sender, record.index): record.inner_type for record in handshake.records if record.encrypted}
    wrong, uncovered = [], []
    for row in rows:
        raw, tree = mine[row.sender, row.inside, row.index]
        if row.name == "tls.record.content_type" and (row.sender, row.index) in inner:
            assert int(row.show) == inner[row.sender, row.index]
            continue
        end = row.offset + row.size
        if row.value and raw[row.offset : end] != row.value:
            wrong.append(row)
        elif all((field.start, field.end) != (row.offset, end) for field in tree.walk()):
            uncovered.append(row)
    assert wrong == []
    assert [row for row in uncovered if row.name not in NOT_OURS] == []
    assert len(uncovered) <= len(rows) / 100
    return Counter(row.name for row in rows)


# ---- what is compared: a name for the connection, and how it is made


def by_python(folder: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, ciphers: str = "") -> Recording:
    """Both prove themselves."""
    client, server = contexts(issued(), folder)
    client.maximum_version = version
    if ciphers:
        old(client, ciphers)
    server.load_verify_locations(cadata=CLIENTS.certificate_pem.decode())
    server.verify_mode = ssl.CERT_REQUIRED
    client.load_cert_chain(*files_of(alice(), folder / "alice"))
    return talked(Pipe(client, server))


def by_openssl(
    folder: Path, *options: object, server: tuple[object, ...] = (), key: str = "rsa-2048", again: bool = False
) -> Recording:
    """`s_client` with these options; `again`: it resumes the session of a first connection."""
    session = folder / "session"
    with OpenSSL(folder, *server, credential=issued(key) if key else None) as peers:
        if again:
            peers.call(*options, "-sess_out", session)
        return peers.call(*options, *(["-sess_in", session] if again else []))[0]


def asked_with_names(folder: Path, version: tuple[str]) -> Recording:
    (folder / "clients.pem").write_bytes(CLIENTS.certificate_pem + ROOT.certificate_pem)
    certificate, key = files_of(alice(), folder / "alice")
    asks = ("-Verify", "2", "-CAfile", folder / "clients.pem")
    return by_openssl(folder, *version, "-cert", certificate, "-key", key, "-alpn", "http/1.1", server=asks)


def stapled(folder: Path, version: tuple[str]) -> Recording:
    staple = ocsp_response(issued(), folder / "ocsp.der")
    return by_openssl(folder, *version, "-status", server=("-status_file", staple), key="ecdsa-p256")


def updated(folder: Path) -> Recording:
    with OpenSSL(folder, credential=issued(), rev=False) as peers:
        with peers.client(*V13) as client:
            peers.exchange(client, "hello")
            client.tell("K")
            client.expect("KEYUPDATE")
            peers.exchange(client, "with other keys")
            client.tell("Q")
            client.end()
        return peers.tap.wait_for(1)[-1]


BINDER = ("PSK binder",)
WEAK = "DEFAULT:@SECLEVEL=0"
MADE: dict[str, tuple[Callable[[Path], Recording], tuple[str, ...], set[str]]] = {
    # name: how it is made, what cannot be judged, and names that tshark must have shown for it to count
    "1.2, both prove themselves": (
        lambda folder: by_python(folder, ssl.TLSVersion.TLSv1_2), (),
        {"tls.handshake.client_cert_vrfy.sig", "tls.handshake.verify_data"},
    ),
    "1.3, both prove themselves": (by_python, (), {"tls.handshake.client_cert_vrfy.sig", "tls.alert_message.desc"}),
    "1.2, CBC": (lambda folder: by_python(folder, ciphers="ECDHE-ECDSA-AES128-SHA256"), (), {"tls.app_data"}),
    "1.2, roots are named": (lambda folder: asked_with_names(folder, V12), (), {"tls.handshake.dname"}),
    "1.3, roots are named": (lambda folder: asked_with_names(folder, V13), (), {"tls.handshake.dname"}),
    "1.2, OCSP": (lambda folder: stapled(folder, V12), (), {"tls.handshake.ocsp_response_len"}),
    "1.3, OCSP": (lambda folder: stapled(folder, V13), (), {"tls.handshake.extensions_status_request_type"}),
    "1.2, DHE": (
        lambda folder: by_openssl(folder, *V12, "-cipher", "DHE-RSA-AES128-GCM-SHA256"), (), {"tls.handshake.g"},
    ),
    "1.2, RSA": (
        lambda folder: by_openssl(folder, *V12, "-cipher", "AES128-GCM-SHA256"), (), {"tls.handshake.epms"},
    ),
    "1.2, PSK": (
        lambda folder: by_openssl(
            folder, *V12, *PSK, "-cipher", "PSK-AES128-GCM-SHA256",
            server=(*PSK, "-psk_hint", "which class?"), key="",
        ),
        (), {"tls.handshake.identity", "tls.handshake.hint"},
    ),
    "1.2, resumed": (lambda folder: by_openssl(folder, *V12, again=True), (), {"tls.handshake.verify_data"}),
    "1.2, small records": (
        lambda folder: by_openssl(folder, *V12, "-maxfraglen", "512", key="rsa-2048"), (),
        {"tls.handshake.max_fragment_length"},
    ),
    "1.3, small records": (lambda folder: by_openssl(folder, *V13, "-maxfraglen", "512"), (), {"tls.app_data"}),
    "1.3, padded": (
        lambda folder: by_openssl(folder, *V13, "-record_padding", "300", server=("-record_padding", "300")), (),
        {"tls.app_data"},
    ),
    "1.3, hello retry": (
        lambda folder: by_openssl(folder, *V13, "-groups", "X25519:P-384", server=("-groups", "P-384")), (),
        {"tls.handshake.extensions_key_share_selected_group"},
    ),
    "1.3, resumed": (
        lambda folder: by_openssl(folder, *V13, again=True), BINDER,
        {"tls.handshake.extensions.psk.identity.selected"},
    ),
    "1.3, early data": (lambda folder: with_early_data(folder)[0], BINDER, {"tls.early_data.max_early_data_size"}),
    "1.3, key updates": (updated, (), {"tls.handshake.key_update.request_update"}),
    "1.3, hybrid": (
        lambda folder: between_nodes(issued(), folder, {}, {"ALPNProtocols": ["h2", "http/1.1"]})[0], (),
        {"tls.handshake.extensions_key_share_key_exchange"},
    ),
    "1.3, ML-DSA": (lambda folder: between_nodes(issued("ml-dsa-65"), folder, {}, {})[0], (), {"tls.app_data"}),
    "1.3, zlib": (
        lambda folder: between_nodes(
            issued(), folder, {"certificateCompression": ["zlib"]}, {"certificateCompression": ["zlib", "brotli"]}
        )[0],
        (), {"tls.compress_certificate.algorithm"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_what_tshark_reads_we_read_in_the_same_bytes(name: str, tmp_path: Path) -> None:
    make, unjudged, expected = MADE[name]
    seen = compared(make(tmp_path), tmp_path, unjudged)
    assert expected <= set(seen)
    assert sum(seen.values()) > 100


def test_what_tshark_reads_of_a_refusal_we_read_too(tmp_path: Path) -> None:
    client, server = contexts(CLIENTS.issue("localhost"), tmp_path)
    pipe = Pipe(client, server)
    with pytest.raises(ssl.SSLError):
        pipe.shake()
    assert "tls.alert_message.desc" in compared(pipe.recording, tmp_path)
