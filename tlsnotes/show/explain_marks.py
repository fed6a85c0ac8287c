"""What an error is recognised by: the `Found` marks, and how they are read out of text.

Codes, numbers and names are looked for first; prose only where it stands whole after a program's own prefix, or as
one of the causes' phrases. Work is bounded: of a long text the beginning and the end are read.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

from tlsnotes.show.causes import chromium_errors, curl_codes, known_marks, phrases, verify_codes
from tlsnotes.wire.registry import AlertDescription

MAX_TEXT = 100_000  # characters that are read, half of them from the end
MAX_LINE = 300
MAX_KNOWN = 10
MAX_FINDS = 50  # of one pattern
OTHER = {"client": "server", "server": "client"}
# OpenSSL adds 1000 to the number of an alert that came, in the reasons of its library SSL (20).
ALERT_REASONS = range(1000, 1256)
SSL_LIBRARY = 20
# "tlsv1" and "sslv3" are its names for alerts, not versions; since 3.2 its words are "ssl/tls alert" for the latter.
ALERT_PREFIX = re.compile(r"(?:TLSV13|TLSV1|SSLV3)_(?:ALERT_)?|(?:SSL/)?TLS_ALERT_")
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")  # what may stand in a command that is shown


class Found:
    """The marks of one error, the most telling first, and what of it is shown.

    `viewer` is the side that shows the error: alerts come from the other one.
    """

    def __init__(self, viewer: str = "client") -> None:
        self.viewer = viewer
        self.marks: dict[str, None] = {}
        self.known: dict[tuple[str, str], None] = {}
        self.sender = ""  # of the alert
        self.host = ""
        self.port = ""
        self.stage = ""

    def mark(self, mark: str) -> None:
        """Note a mark."""
        self.marks.setdefault(mark)

    def tell(self, what: str, value: object) -> None:
        """Note what the learner is shown: what it is, and its code or words in one line."""
        text = " ".join(str(value)[: MAX_LINE * 2].split())
        if text and len(self.known) < MAX_KNOWN:
            self.known.setdefault((what, text[:MAX_LINE]))

    def verify(self, code: int) -> None:
        """Note OpenSSL's verify code."""
        name, words = verify_codes().get(code, ("", ""))
        self.mark(f"verify:{code}")
        self.tell("verify code", f"{code}{f' (X509_V_ERR_{name})' * bool(name)}{f': {words}' * bool(words)}")

    def alert(self, number: int, sender: str = "") -> None:
        """Note an alert; `sender` is "" where nobody knows who sent it."""
        alert = AlertDescription(number)
        known = number in iter_alerts()
        self.mark(f"alert:{alert}" if known else "alert:unknown")
        if sender:
            self.sender = sender
            self.mark(f"from:{sender}")
        self.tell("alert", f"{number} ({alert})" + (f", from the {sender}" if sender else ""))

    def reason(self, reason: str) -> None:
        """Note OpenSSL's reason in its macro form; one that stands for an alert is noted as that alert."""
        self.tell("OpenSSL's reason", reason)
        number = _alert_number(reason)
        if number is not None:
            self.alert(number, OTHER.get(self.viewer, ""))
        self.mark(f"reason:{reason}")

    def curl(self, code: int) -> None:
        """Note curl's exit code."""
        name = curl_codes().get(code, "")
        self.mark(f"curl:{code}")
        self.tell("curl's exit code", f"{code}{f' (CURLE_{name})' * bool(name)}")

    def chromium(self, name: str) -> None:
        """Note Chromium's network error, by its name without ERR_."""
        number = chromium_errors().get(name, 0)
        self.mark(f"chromium:{name}")
        self.tell("Chromium's error", f"ERR_{name}{f' ({number})' * bool(number)}")

    def chromium_number(self, number: int) -> None:
        """Note Chromium's network error by its number; another number says nothing."""
        name = next((name for name, known in chromium_errors().items() if known == number and number), "")
        if name:
            self.chromium(name)

    def where(self, host: object, port: object) -> None:
        """Note where the connection went, as far as it may stand in a command."""
        if isinstance(host, str) and HOST.fullmatch(host) and not self.host:
            self.host = host
            if str(port).isdecimal() and int(str(port)) < 65536:
                self.port = str(port)


def iter_alerts() -> frozenset[int]:
    """Give the numbers of the alerts that have names."""
    return frozenset(int(alert) for alert in AlertDescription)


def read_text(text: str, found: Found) -> None:
    """Read the marks out of text, whatever program wrote it."""
    if len(text) > MAX_TEXT:
        text = f"{text[: MAX_TEXT // 2]}\n{text[-MAX_TEXT // 2 :]}"
    before = len(found.marks)
    for pattern, note in _PATTERNS:
        for number, match in enumerate(pattern.finditer(text)):
            if number == MAX_FINDS:
                break
            note(found, match)
            if len(found.marks) > before:
                before = len(found.marks)
                found.tell("its words", _line(text, match.start()))
    _read_names(text, found)
    if not any(mark.startswith("verify:") for mark in found.marks):
        _read_verify_words(text, found)
    lowered = text.lower()
    for phrase in phrases():
        if (at := lowered.find(phrase)) >= 0:
            found.mark(f"phrase:{phrase}")
            found.tell("its words", _line(text, at))
    if target := _TARGET.search(text):
        with suppress(ValueError):
            ip_address(target[1] or target[2])
            found.mark("target:address")


def read_name(name: str, found: Found) -> bool:
    """Note one word in capitals, a code of Node, Chromium or OpenSSL; False where it is none that is known."""
    chromium = name.removeprefix("ERR_")
    if name.startswith("ERR_") and chromium in chromium_errors():
        found.chromium(chromium)
    elif f"node:{name}" in known_marks("node"):
        found.mark(f"node:{name}")
        found.tell("code", name)
    elif name in chromium_errors():
        found.chromium(name)
    elif name.startswith("X509_V_ERR_") and (code := _verify_code(name.removeprefix("X509_V_ERR_"))):
        found.verify(code)
    elif reason := _reason_in(name):
        found.reason(reason)
    elif f"errno:{name}" in known_marks("errno"):
        found.mark(f"errno:{name}")
        found.tell("code", name)
    else:
        return False
    return True


def _reason_in(name: str) -> str:
    """OpenSSL's reason in a code, with or without Node's ERR_SSL_ and ERR_OSSL_X509_ before it; "" for others."""
    bare = re.sub(r"^ERR_(?:SSL_|OSSL_(?:(?:X509|PEM|EVP|ASN1|SSL|PKCS12|RSA|EC)_)?)", "", name)
    if f"reason:{bare}" in known_marks("reason") or _alert_number(bare) is not None:
        return bare
    return ""


def _alert_number(reason: str) -> int | None:
    if not (prefix := ALERT_PREFIX.match(reason)):
        return None
    name = reason[prefix.end() :].lower().replace("user_cancelled", "user_canceled")
    return next((int(alert) for alert in AlertDescription if alert.name == name), None)


def _verify_code(name: str) -> int:
    return next((code for code, (known, _) in verify_codes().items() if known == name), 0)


def _read_names(text: str, found: Found) -> None:
    names = dict.fromkeys(match[0] for match in re.finditer(r"\b[A-Z][A-Z0-9_/]{4,60}\b", text))
    for name in list(names)[:2000]:
        if read_name(name, found):
            found.tell("its words", _line(text, text.find(name)))


def _line(text: str, at: int) -> str:
    """The line around a place: of a traceback or a log it is the telling one."""
    start = max(text.rfind("\n", 0, at) + 1, at - MAX_LINE // 2)
    end = text.find("\n", at)
    return text[start : end if end >= 0 else len(text)][:MAX_LINE].strip()


# ---- what programs write, and what it says


def _verify_words(found: Found, match: re.Match[str]) -> None:
    _note_verify_words(found, match[1])


def _note_verify_words(found: Found, words: str) -> None:
    words = _plain(words)
    for code, (_, known) in verify_codes().items():
        if known and (words == _plain(known) or words.startswith((f"{_plain(known)},", f"{_plain(known)} ("))):
            found.verify(code)
            return
    if words == "unsupported certificate purpose":  # what OpenSSL 1.1.1 says for 26
        found.verify(26)


def _read_verify_words(text: str, found: Found) -> None:
    """A line that is nothing but OpenSSL's words for a verify code, as Node writes where it has no code for it."""
    for number, match in enumerate(_WHOLE_LINE.finditer(text)):
        if number == MAX_FINDS or any(mark.startswith("verify:") for mark in found.marks):
            return
        _verify_words(found, match)


def _plain(words: str) -> str:
    return words.strip().rstrip(".").replace("-", " ").lower()


def _openssl_error(found: Found, match: re.Match[str]) -> None:
    """error:0A000410:SSL routines::words. The number has the library above the reason; 1.1.1 put both elsewhere."""
    number = int(match[1], 16)
    found.mark(f"opensslerror:{match[1].upper()}")
    reason = 0
    if number >> 31 and f"errno:{errno.errorcode.get(number & 0xFFFF)}" in known_marks("errno"):
        found.mark(f"errno:{errno.errorcode[number & 0xFFFF]}")  # an error of the system, not of OpenSSL
        return
    if number >> 24 == SSL_LIBRARY:
        reason = number & 0xFFF
    elif number >> 23 == SSL_LIBRARY:
        reason = number & 0x7FFFFF
    told = re.sub(r", errno \d+\s*$", "", match[2])  # which curl writes behind it
    words = re.sub(r"[^A-Z0-9/]+", "_", told.strip().upper()).strip("_")
    if reason in ALERT_REASONS:
        found.tell("OpenSSL's reason", words)
        found.alert(reason - ALERT_REASONS.start, OTHER.get(found.viewer, ""))
    elif words:
        found.reason(words)


def _code(note: Callable[[Found, int], None]) -> Callable[[Found, re.Match[str]], None]:
    def noted(found: Found, match: re.Match[str]) -> None:
        if int(match[1]):  # 0 is no error with any of them
            note(found, int(match[1]))

    return noted


def _bracket(found: Found, match: re.Match[str]) -> None:
    """[SSL: REASON] or [X509: REASON], as Python writes them; [SSL] PEM lib has no reason of its own."""
    found.reason(match[1] or "PEM_LIB")


def _refusal(found: Found, match: re.Match[str]) -> None:
    """What our own servers and recordings write: who refused, and the alert that came, or what its own library said."""
    side, words = match[1], match[2].strip()
    alert = next((alert for alert in AlertDescription if alert.name == words), None)
    if alert is not None:
        found.alert(int(alert), side)
        return
    found.viewer = side
    before = len(found.marks)
    _note_verify_words(found, words)
    if len(found.marks) == before:
        found.reason(words.upper().replace(" ", "_"))


def _alert_words(found: Found, match: re.Match[str]) -> None:
    found.reason(match[1].upper().strip().replace(" ", "_"))


def _url(found: Found, match: re.Match[str]) -> None:
    found.where(match[1], match[2])


_TARGET = re.compile(r"(?:target (?:host name|ipv[46] address) '|IP: )([^' ]+)|'([^' ]+)' doesn't match")
_WHOLE_LINE = re.compile(r"(?m)^[ \t]*(?:Error: )?([A-Za-z][^\n]{8,120}?)[ \t]*$")
_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[Found, re.Match[str]], None]], ...] = (
    (re.compile(r"\berror (\d{1,3}) at \d{1,3} depth"), _code(Found.verify)),
    (re.compile(r"\bverify error:num=(\d{1,3}):"), _code(Found.verify)),
    (re.compile(r"\bVerify return code: (\d{1,3}) \("), _code(Found.verify)),
    (re.compile(r"certificate verify failed: ([^\n]{1,200}?)(?: \(_ssl|$|\n)"), _verify_words),
    (re.compile(r"(?:SSL certificate problem|Verification error): ([^\n]{1,200}?)(?:$|\n)"), _verify_words),
    (re.compile(r"\[(?:SSL|X509|PEM|EVP): ([A-Z0-9_]{3,80})\]|\[SSL\] PEM lib"), _bracket),
    (re.compile(r"\berror:([0-9A-Fa-f]{8}):[^:\n]{0,80}:[^:\n]{0,80}:([^:\n]{0,120})"), _openssl_error),
    (re.compile(r"refused by the (client|server): ([A-Za-z_ '-]{4,80})"), _refusal),
    (re.compile(r"\b((?:tlsv1|sslv3|tlsv13|ssl/tls) alert [a-z ]{4,40}?)(?:$|[:,.(\n\[])"), _alert_words),
    (re.compile(r"\balert number (\d{1,3})\b"), lambda f, m: f.alert(int(m[1]) % 256, OTHER.get(f.viewer, ""))),
    (re.compile(r"\bcurl: \((\d{1,3})\)"), _code(Found.curl)),
    (re.compile(r"host='([\w.-]{1,253})', port=(\d{1,5})"), _url),
)
