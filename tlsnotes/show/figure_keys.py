"""Keys compared: how large they make a handshake, and how long this machine takes, measured when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.authority import self_signed
from tlsnotes.pki.keys import KEY_KINDS, PrivateKey, generate_key
from tlsnotes.show.palette import LARGE, NORMAL, SMALL, canvas, palette, plain, sentence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MESSAGE = b"what a CertificateVerify signs is about this long" * 3
MOST = 200  # runs of one operation
SIZES = {"o": 10, "s": 4.5, "D": 7}  # points


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """What was measured of one kind of key: sizes in bytes, times in seconds (of one operation, the median)."""

    kind: str
    public_key: int
    signature: int
    certificate: int
    generate: float
    sign: float
    verify: float


def measure_keys(kinds: Iterable[str] = tuple(KEY_KINDS), seconds: float = 1.0) -> tuple[KeyFigures, ...]:
    """Make keys of each kind, sign and verify with them, and certify them; kinds this OpenSSL lacks are left out.

    `seconds`: how long it may take in all, about; each operation is done once at least, so RSA-4096 may take longer.
    Raises `TLSNotesError` for a kind that there is not.
    """
    chosen = [*kinds]
    share = seconds / max(1, 3 * len(chosen))
    found = []
    for kind in chosen:
        try:
            found.append(_measured(kind, share))
        except UnsupportedAlgorithm:
            continue
        except TLSNotesError:
            if kind not in KEY_KINDS:
                raise
    return tuple(found)


def _measured(kind: str, share: float) -> KeyFigures:
    key, generate = _timed(lambda: generate_key(kind), share)
    signer, verifier = _signer(key), key.public_key()
    signature, sign = _timed(lambda: signer(MESSAGE), share)
    check = _verifier(verifier)
    _, verify = _timed(lambda: check(signature, MESSAGE), share)
    spki = verifier.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    certificate = self_signed(["localhost"], key=key).certificate.public_bytes(Encoding.DER)
    return KeyFigures(kind, len(spki), len(signature), len(certificate), generate, sign, verify)


def _timed(job: Callable[[], Any], share: float) -> tuple[Any, float]:
    """What the job gives, and the median of its times: as many runs as fit into `share` seconds, one at least."""
    times: list[float] = []
    result, begun = None, perf_counter()
    while not times or (perf_counter() - begun < share and len(times) < MOST):
        started = perf_counter()
        result = job()
        times.append(perf_counter() - started)
    return result, median(times)


def _signer(key: PrivateKey) -> Callable[[bytes], bytes]:
    match key:
        case rsa.RSAPrivateKey():
            return lambda data: key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        case ec.EllipticCurvePrivateKey():
            return lambda data: key.sign(data, ec.ECDSA(hashes.SHA256()))
    return key.sign


def _verifier(key: Any) -> Callable[[bytes, bytes], None]:  # each kind has a `verify` of its own
    match key:
        case rsa.RSAPublicKey():
            return lambda signature, data: key.verify(
                signature, data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()
            )
        case ec.EllipticCurvePublicKey():
            return lambda signature, data: key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    verify: Callable[[bytes, bytes], None] = key.verify
    return verify


def _powers(values: Sequence[float]) -> list[float]:
    """The powers of ten from below the smallest to above the largest."""
    first, last = floor(log10(min(values, default=1.0))), ceil(log10(max(values, default=1.0)))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def keys_figure(measured: Sequence[KeyFigures] | None = None, *, seconds: float = 2.0, dark: bool = False) -> Figure:
    """Draw sizes and times of kinds of keys beside each other, each on a scale where a step is ten times as much.

    `measured`: by `measure_keys`, which is called with `seconds` where nothing is given.
    """
    figures = measure_keys(seconds=seconds) if measured is None else tuple(measured)
    colours = palette(dark=dark)
    rows = 0.34
    height = 1.25 + rows * len(figures)
    figure, outer = canvas(9.2, height, colours)
    outer.text(0.2, 0.26, "sizes, in bytes", fontsize=LARGE, weight="bold", color=colours.ink, va="center")
    outer.text(5.35, 0.26, "times on this machine, in milliseconds", fontsize=LARGE, weight="bold", color=colours.ink,
               va="center")  # fmt: skip
    sizes = (("public key", "o", "public_key"), ("signature", "s", "signature"), ("certificate", "D", "certificate"))
    times = (("generate", "o", "generate"), ("sign", "s", "sign"), ("verify", "D", "verify"))
    for left, width, parts, scale in ((1.25, 3.55, sizes, 1), (5.95, 3.0, times, 1000)):
        axes = figure.add_axes((left / 9.2, 0.62 / height, width / 9.2, (height - 1.25) / height))
        axes.set_facecolor(colours.page)
        for (name, marker, attribute), colour in zip(parts, (colours.accent, colours.ink, colours.quiet), strict=True):
            values = [getattr(one, attribute) * scale for one in figures]
            face = colour if marker == "s" else "none"  # a ring, a dot in it, a hollow diamond: none hides another
            axes.plot(values, range(len(figures)), linestyle="", marker=marker, markersize=SIZES[marker], label=name,
                      markeredgecolor=colour, markerfacecolor=face, clip_on=False)  # fmt: skip
        axes.set_xscale("log")
        axes.set(ylim=(len(figures) - 0.5, -0.5), yticks=range(len(figures)))
        axes.set_yticklabels([plain(one.kind) for one in figures] if scale == 1 else [""] * len(figures))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
        axes.tick_params(colors=colours.ink, labelsize=NORMAL, length=0, which="both")
        powers = _powers([getattr(one, attribute) * scale for one in figures for _, _, attribute in parts])
        axes.set(xlim=(powers[0], powers[-1]), xticks=powers)
        axes.minorticks_off()
        axes.grid(visible=True, color=colours.line, linewidth=0.6)
        axes.set_axisbelow(True)
        for spine in axes.spines.values():
            spine.set_visible(False)
        legend = axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.28 * 1.25 / max(1.0, height - 1.25)), ncols=3,
                             fontsize=SMALL, frameon=False, handletextpad=0.2, columnspacing=1.2)  # fmt: skip
        for text in legend.get_texts():
            text.set_color(colours.ink)
    said = [f"{one.kind}: certificate {one.certificate:,} bytes, signature {one.signature:,} bytes, "
            f"sign {one.sign * 1000:.2g} ms, verify {one.verify * 1000:.2g} ms." for one in figures]  # fmt: skip
    figure.set_label(sentence(["Sizes and times of kinds of keys, measured on this machine.", *said]))
    return figure
