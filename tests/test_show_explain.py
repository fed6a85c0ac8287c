"""explain: what it recognises, and whom it names."""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import http.client
import socket
import ssl
import subprocess
import urllib.error
from pathlib import Path

import pytest
import requests
import urllib3
from cryptography.hazmat.primitives.serialization import Encoding
from needs import need

from tlsnotes import (
    Authority,
    Check,
    DecodeError,
    HTTPSServer,
    Recording,
    TLSNotesError,
    parse_certificate,
    self_signed,
)
from tlsnotes.show import causes as known
from tlsnotes.show.explain import explain
from tlsnotes.wire.registry import AlertDescription

ROOT = Authority.root("a root of these tests")
CREDENTIAL = ROOT.issue(["localhost", "api.shop.example"])
CAUSES = known.causes()
NODE = (  # as its documentation lists them (tls, X509 certificate error codes)
    *("UNABLE_TO_GET_ISSUER_CERT", "UNABLE_TO_GET_CRL", "UNABLE_TO_DECRYPT_CERT_SIGNATURE"),
    *("UNABLE_TO_DECRYPT_CRL_SIGNATURE", "UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY", "CERT_SIGNATURE_FAILURE"),
    *("CRL_SIGNATURE_FAILURE", "CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED", "CRL_NOT_YET_VALID", "CRL_HAS_EXPIRED"),
    *("ERROR_IN_CERT_NOT_BEFORE_FIELD", "ERROR_IN_CERT_NOT_AFTER_FIELD", "ERROR_IN_CRL_LAST_UPDATE_FIELD"),
    *("ERROR_IN_CRL_NEXT_UPDATE_FIELD", "OUT_OF_MEM", "DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN"),
    *("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "CERT_CHAIN_TOO_LONG", "CERT_REVOKED"),
    *("INVALID_CA", "PATH_LENGTH_EXCEEDED", "INVALID_PURPOSE", "CERT_UNTRUSTED", "CERT_REJECTED", "HOSTNAME_MISMATCH"),
)
CURL_OF_TLS = (35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 96, 98, 101)
CHECKS = (
    *("trust", "path", "signature", "validity", "name", "basic-constraints", "path-length", "key-usage"),
    *("extended-key-usage", "name-constraints", "critical-extension", "version", "serial", "key-strength"),
    *("signature-algorithm", "identifiers", "revocation", "encoding"),
)


# ---- everything that OpenSSL, TLS, curl, Node and Chromium have names for


def test_every_verify_code_of_this_openssl_has_its_cause() -> None:
    library = ctypes.util.find_library("crypto")
    if not library:
        pytest.skip("no libcrypto to ask")
    words = ctypes.CDLL(library).X509_verify_cert_error_string
    words.restype = ctypes.c_char_p
    codes = [n for n in range(1, 200) if not words(n).startswith(b"unknown certificate verification error")]
    assert len(codes) > 90
    for code in codes:
        assert explain(code, client="openssl").cause not in ("unknown", "certificate-refused"), code
        assert explain(f"error {code} at 0 depth lookup: x").cause == explain(code, client="ssl").cause
        name = known.verify_codes()[code][0]
        assert explain(f"X509_V_ERR_{name}").cause == explain(code, client="ssl").cause, name
        text = f"curl: (60) SSL certificate problem: {words(code).decode()}"
        assert explain(text).cause == explain(code, client="ssl").cause, text


@pytest.mark.parametrize("alert", AlertDescription, ids=str)
def test_every_alert_has_its_cause_by_number_name_and_openssls_reason(alert: AlertDescription) -> None:
    cause = explain(alert).cause
    assert cause not in ("unknown", "unknown-alert")
    assert explain(alert).refused in ("sender", "server", "")
    assert explain(str(alert)).cause == cause
    assert explain(int(alert), client="alert").cause == cause
    text = f"SSL routines:ssl3_read_bytes:something:record/rec_layer_s3.c:1605:SSL alert number {int(alert)}"
    assert explain(f"error:{0x0A000000 + 1000 + alert:08X}:{text}").cause == explain(text).cause
    old = f"error:{0x14094000 + 1000 + alert:08X}:SSL routines:ssl3_read_bytes:something"
    assert explain(old).cause == explain(text).cause


def test_every_alert_reason_of_this_python_is_known_as_its_alert() -> None:
    for text in ("TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE", "TLSV1_ALERT_USER_CANCELLED"):
        error = ssl.SSLError(1, f"[SSL: {text}] ...")
        error.reason = text
        assert any(what == "alert" for what, _ in explain(error).known)


def test_an_alert_without_a_name_says_so() -> None:
    assert explain(250, client="alert").cause == "unknown-alert"
    assert explain(AlertDescription(250)).cause == "unknown-alert"


@pytest.mark.parametrize("code", NODE)
def test_every_certificate_code_of_node_has_its_cause(code: str) -> None:
    assert explain(code).cause not in ("unknown", "certificate-refused")
    assert explain(f"Error: words\n    at x\n  code: '{code}'\n").cause == explain(code).cause


@pytest.mark.parametrize("name", known.chromium_errors())
def test_every_certificate_and_tls_error_of_chromium_has_its_cause(name: str) -> None:
    cause = explain(f"ERR_{name}").cause
    assert cause != "unknown"
    assert explain(f"Page.goto: net::ERR_{name} at https://localhost:1/").cause == cause
    if number := known.chromium_errors()[name]:
        assert explain(number).cause == cause
        assert explain(number, client="chromium").cause == cause


@pytest.mark.parametrize("code", known.curl_codes())
def test_every_exit_code_of_curl_has_its_cause(code: int) -> None:
    cause = explain(code, client="curl").cause
    assert cause != "unknown"
    assert (cause != "curl-other") or code not in CURL_OF_TLS
    assert explain(f"curl: ({code}) some words").cause == cause
    assert explain(subprocess.CompletedProcess(["/usr/bin/curl", "-sS"], code, "", "")).cause == cause


@pytest.mark.parametrize("name", CHECKS)
def test_every_failed_check_of_judge_has_its_cause(name: str) -> None:
    explanation = explain(Check(name, ok=False, detail="found so", rfc="RFC 5280", where="certificate 0 (x)"))
    assert explanation.cause not in ("unknown", "check-failed")
    assert ("what was found", "found so") in explanation.known


# ---- exceptions and their wrappers


def verify_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] words that nobody should read")
    error.verify_code, error.reason = code, "CERTIFICATE_VERIFY_FAILED"
    return error


class Wrapper(Exception):  # noqa: N818  # it is named for what it does here
    """What a client of another kind puts around an error (httpx and its like)."""


def raised_from(outer: Exception, inner: BaseException) -> Exception:
    try:
        raise outer from inner
    except Exception as error:  # noqa: BLE001  # the very exception that is wanted
        return error


def raised_over(outer: Exception, inner: BaseException) -> Exception:
    try:
        try:
            raise inner
        except BaseException:  # noqa: BLE001  # as above
            raise outer from None
    except Exception as error:  # noqa: BLE001  # as above
        return error


WRAPPED = {
    "itself": lambda error: error,
    "__cause__": lambda error: raised_from(Wrapper("words"), error),
    "__context__": lambda error: raised_over(Wrapper("words"), error),
    "args": lambda error: Wrapper("words", error),
    "urllib": urllib.error.URLError,
    "urllib3": lambda error: urllib3.exceptions.MaxRetryError(None, "/", urllib3.exceptions.SSLError(error)),
    "requests": lambda error: requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, "/", error)),
    "group": lambda error: ExceptionGroup("several", [ExceptionGroup("more", [error]), ValueError("x")]),
    "twice": lambda error: raised_from(Wrapper("a"), Wrapper("b", Wrapper("c", error))),
}


@pytest.mark.parametrize("how", WRAPPED)
def test_an_error_is_found_in_whatever_wraps_it(how: str) -> None:
    explanation = explain(WRAPPED[how](verify_error(18)))
    assert (explanation.cause, explanation.refused) == ("self-signed", "client")


def test_the_verify_code_counts_and_not_the_words() -> None:
    error = verify_error(10)
    error.args = (1, "certificate verify failed: self-signed certificate")
    assert explain(error).cause == "expired"


def test_an_older_error_that_only_stood_around_does_not_count() -> None:
    later = raised_over(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), verify_error(18))
    assert later.__context__ is not None
    assert explain(later).cause == "connection-refused"


def test_a_code_in_the_path_of_a_url_is_not_the_error() -> None:
    inner = urllib3.exceptions.MaxRetryError(None, "/ERR_CERT_REVOKED/SELF_SIGNED_CERT_IN_CHAIN", verify_error(10))
    assert explain(requests.exceptions.SSLError(inner)).cause == "expired"


def test_errors_that_contain_each_other_have_an_end() -> None:
    one, other = Wrapper("one"), Wrapper("other")
    one.args, other.args = (other, one), (one,)
    one.__cause__, other.__cause__ = other, one
    assert explain(one).cause == "unknown"
    other.args = (one, verify_error(9))
    assert explain(one).cause == "not-yet-valid"


def test_the_server_that_shows_an_alert_was_refused_by_the_client() -> None:
    error = ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca")
    error.reason = "TLSV1_ALERT_UNKNOWN_CA"
    assert (explain(error).cause, explain(error).refused) == ("client-certificate-unknown-ca", "server")
    seen = explain(error, side="server")
    assert (seen.cause, seen.refused) == ("unknown-issuer", "client")
    assert "The client could not find who signed the server's certificate" in seen.title


def test_the_server_that_checks_a_client_is_the_one_who_refuses() -> None:
    explanation = explain(verify_error(10), side="server")
    assert explanation.refused == "server"
    assert "client's certificate" in explanation.title


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "connection-refused"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "connection-reset"),
        (TimeoutError("timed out"), "timeout"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "name-not-found"),
        (OSError(errno.EHOSTUNREACH, "x"), "unreachable"),
        (OSError(errno.EADDRINUSE, "x"), "port-in-use"),
        (FileNotFoundError(errno.ENOENT, "x"), "own-file-missing"),
        (PermissionError(errno.EACCES, "x"), "file-not-readable"),
        (http.client.RemoteDisconnected("x"), "closed-without-answer"),
        (http.client.BadStatusLine("x"), "not-http"),
        (requests.exceptions.ProxyError("x", OSError("Tunnel connection failed: 407 x")), "proxy-refused"),
        (requests.exceptions.ProxyError("x", ConnectionRefusedError(errno.ECONNREFUSED, "x")), "proxy-unreachable"),
        (requests.exceptions.HTTPError("404 Client Error"), "http-status"),
        (requests.exceptions.MissingSchema("x"), "bad-url"),
        (requests.exceptions.ReadTimeout("x"), "timeout"),
        (urllib3.exceptions.HTTPError("the parent of all of urllib3's"), "unknown"),
        (ssl.SSLWantReadError(2, "x"), "want-more"),
        (ssl.SSLZeroReturnError(6, "x"), "closed"),
        (ssl.SSLEOFError(8, "x"), "closed-in-handshake"),
        (ssl.SSLError(1, "nothing more is known"), "handshake-broken"),
        (ssl.SSLError(errno.EADDRINUSE, "its number is OpenSSL's, not the system's"), "handshake-broken"),
        (ValueError("check_hostname requires server_hostname"), "context-misuse"),
        (NameError("name 'x' is not defined"), "unknown"),
    ],
    ids=lambda value: f"{type(value).__name__} {value}"[:40] if isinstance(value, BaseException) else value,
)
def test_an_exception_of_the_system_or_a_client_has_its_cause(error: BaseException, cause: str) -> None:
    assert explain(error).cause == cause


def test_a_proxy_that_is_not_there_is_named_and_not_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.exceptions.ProxyError) as raised:
            session.get("https://localhost:1/", proxies={"https": f"http://127.0.0.1:{port}"}, timeout=5)
    assert (explain(raised.value).cause, explain(raised.value).refused) == ("proxy-unreachable", "proxy")


def test_the_proxy_that_speaks_no_tls_is_told_from_the_server() -> None:
    inner = ssl.SSLError(1, "x")
    inner.reason = "WRONG_VERSION_NUMBER"
    assert explain(inner).cause == "not-tls"
    assert explain(urllib3.exceptions.ProxyError("x", inner)).cause == "proxy-scheme"


def test_errors_of_ours_have_said_it_themselves() -> None:
    ours = explain(TLSNotesError("it broke", expected="a whole one", found="two halves", fix="glue it"))
    assert (ours.cause, ours.title, ours.fix) == ("tlsnotes", "it broke", "glue it")
    assert "expected: a whole one; found: two halves" in ours.happened
    decode = explain(DecodeError("ClientHello.random", 6, expected="32 bytes", found="the end"))
    assert decode.cause == "decode-error"
    assert "ClientHello.random" in decode.title


def test_the_commands_name_the_host_and_the_port_that_were_asked() -> None:
    with HTTPSServer(self_signed("localhost")) as server, pytest.raises(requests.exceptions.SSLError) as raised:
        requests.get(server.url, timeout=15)
    runs = [each.run for each in explain(raised.value).likely]
    assert all(f"-connect localhost:{server.port} -servername localhost" in run for run in runs)


# ---- texts


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("self signed certificate", "self-signed"),  # OpenSSL 1.1.1
        ("self-signed certificate", "self-signed"),  # OpenSSL 3
        ("curl: (60) SSL certificate problem: self signed certificate in certificate chain", "self-signed-in-chain"),
        ("curl: (60) SSL: no alternative certificate subject name matches target host name 'x.example'", "wrong-name"),
        ("curl: (60) SSL: no alternative certificate subject name matches target host name '::1'", "wrong-address"),
        ("curl: (56) CONNECT tunnel failed, response 407", "proxy-refused"),
        ("curl: (35) OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number", "not-tls"),
        ("curl: (35) error:14094410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure", "handshake-failure"),
        ("ssl/tls alert bad certificate", "client-certificate-refused"),  # OpenSSL 3.2 and later
        ("ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED", "expired"),
        ("    Verify return code: 10 (certificate has expired)", "expired"),
        ("    Verify return code: 0 (ok)", "unknown"),
        ("ssl.SSLError: [X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:3926)", "key-mismatch"),
        ("ssl.SSLError: [SSL] PEM lib (_ssl.c:3905)", "not-pem"),
        ("  X509_V_ERR_CERT_REVOKED  ", "revoked"),
        ("#3 refused by the client: certificate_unknown", "certificate-refused"),
        ("refused by the server: unknown_ca, after the client's Finished", "client-certificate-unknown-ca"),
        (
            "write EPROTO 40AD:error:0A000410:SSL routines:x:ssl/tls alert handshake failure:f.c:9",
            "handshake-failure",
        ),
        ("the certificate of my aunt", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_text_is_recognised_in_whatever_version_wrote_it(text: str, cause: str) -> None:
    assert explain(text).cause == cause


def test_of_a_long_paste_the_telling_line_is_found() -> None:
    noise = "Traceback (most recent call last):\n" + "  File x, line 1\n    call()\n" * 40
    line = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)"
    explanation = explain(f"{noise}{line}\nmore\n")
    assert explanation.cause == "expired"
    assert any(what == "its words" and "certificate has expired" in words for what, words in explanation.known)


def test_openssl_verify_is_read_as_it_writes(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(Authority.root("another").certificate_pem)
    (tmp_path / "leaf.pem").write_bytes(CREDENTIAL.certificate_pem)
    command = [need("openssl"), "verify", "-CAfile", tmp_path / "root.pem", tmp_path / "leaf.pem"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert explain(done).cause == "unknown-issuer"
    with pytest.raises(subprocess.CalledProcessError) as raised:
        subprocess.run(command, capture_output=True, timeout=30, check=True)
    assert explain(raised.value).cause == "unknown-issuer"


def test_a_program_that_ended_well_has_nothing_to_explain() -> None:
    assert explain(subprocess.CompletedProcess(["curl"], 0, "hello", "")).cause == "fine"


# ---- numbers


def test_a_number_alone_is_shown_with_all_it_can_be() -> None:
    explanation = explain(60)
    assert explanation.cause == "ambiguous"
    hints = ("alert", "openssl", "curl")
    assert [each.run for each in explanation.likely] == [f'explain(60, client="{hint}")' for hint in hints]
    for each in explanation.likely:
        assert eval(each.run, {"explain": explain}).cause != "unknown"  # noqa: S307  # the line a learner is told to run


def test_a_number_that_can_be_one_thing_only_is_that() -> None:
    assert explain(-201).cause == "outside-validity"
    assert explain(116).cause == "client-certificate-missing"


def test_a_hint_says_whose_number_it_is() -> None:
    assert explain(60, client="curl").cause == "certificate-refused"
    assert explain("60", client="curl").cause == "certificate-refused"
    assert explain(18, client="requests").cause == "self-signed"
    assert explain(48, client="alert").cause == "untrusted"
    assert explain(0, client="curl").cause == "fine"
    assert explain(9999).cause == "unknown"


# ---- what is no error


def test_a_certificate_is_told_in_words() -> None:
    for form in (CREDENTIAL, CREDENTIAL.certificate, CREDENTIAL.certificate_pem, CREDENTIAL.certificate_pem.decode()):
        explanation = explain(form)
        assert explanation.cause == "certificate"
        assert explanation.title == "A certificate for localhost, api.shop.example"
        assert "signed by a root of these tests" in explanation.happened
        assert "It is for a TLS server." in explanation.happened
        assert any('name="localhost"' in each.run for each in explanation.likely)
    der = CREDENTIAL.certificate.public_bytes(Encoding.DER)
    assert explain(der).title == explain(parse_certificate(der)).title == explain(CREDENTIAL).title
    assert "It is a CA" in explain(ROOT.certificate).happened


def test_a_field_is_told_by_name_type_value_and_what_is_odd() -> None:
    field = parse_certificate(CREDENTIAL.certificate.public_bytes(Encoding.DER)).find("issuer")
    explanation = explain(field)
    assert explanation.title == "issuer: Name"
    assert "a root of these tests" in explanation.happened
    assert "far too long" in explain(field._replace(problem="far too long")).happened


def test_a_recording_a_handshake_and_its_messages_say_who_refused() -> None:
    with HTTPSServer(self_signed("localhost")) as server:
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(server.url, timeout=15)
        (recording,) = server.wait_for(1)
    handshake = recording.dissect()
    alert = next(message for message in handshake.messages if message.name == "Alert")
    for said in (recording, handshake, alert):
        assert (explain(said).cause, explain(said).refused) == ("unknown-issuer", "client")
    assert explain(handshake.messages[0]).cause == "message"
    assert explain(Recording.from_segments([])).cause == "unknown"


def test_what_holds_and_what_was_not_checked_are_no_errors() -> None:
    assert explain(Check("name", ok=True)).cause == "fine"
    assert explain(Check("revocation", ok=None, detail="no CRL was given")).cause == "check-open"
    assert explain(Check("transcript hash", ok=False, detail="it differs")).cause == "check-failed"


# ---- what our servers write


@pytest.mark.parametrize(
    ("ending", "cause", "refused"),
    [
        ("established", "fine", "nobody"),
        ("refused by the client: unknown_ca", "unknown-issuer", "client"),
        ("refused by the server: peer did not return a certificate", "client-certificate-missing", "server"),
        ("refused by the server: certificate has expired", "expired", "server"),
        ("refused by the server: self-signed certificate in certificate chain", "self-signed-in-chain", "server"),
        ("refused by the server: no shared cipher", "no-common-cipher", "server"),
        ("refused by the server: unsupported protocol", "no-common-version", "server"),
        ("broken off by the client, without an alert", "closed-in-handshake", ""),
        ("not TLS: the client spoke plain HTTP", "http-to-https", "server"),
        ("given up: the client did not go on within 8 s", "timeout", "nobody"),
        ("refused by the client: a reason that nobody has heard of", "unknown", ""),
    ],
)
def test_the_endings_that_our_servers_write_have_their_cause_and_side(ending: str, cause: str, refused: str) -> None:
    recording = Recording()
    recording.outcome = ending
    for said in (recording, f"#1 {ending}"):
        if ending != "established" or said is recording:
            explanation = explain(said)
            if cause == "closed-in-handshake" and said is not recording:
                continue  # only a recording says of itself that these words are its ending
            assert (explanation.cause, explanation.refused) == (cause, refused)


def test_what_curl_writes_behind_an_error_of_openssl_is_no_part_of_its_name() -> None:
    told = explain(
        "curl: (56) OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0"
    )
    assert "TLSV13_ALERT_CERTIFICATE_REQUIRED" in repr(told)
    assert "ERRNO_0" not in repr(told)
