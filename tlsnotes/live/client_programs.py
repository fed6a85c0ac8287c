"""The clients that are programs: curl, openssl s_client, Node. No shell, a time limit, and a cleaned environment."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from tlsnotes.live.client_python import Files, target
from tlsnotes.live.outcome import Outcome, accepted, refused

# What would let this machine decide whom a client trusts or whom it asks instead.
BENDING = re.compile(r"(?i)(ssl_cert|_ca_|ca_bundle|cafile|capath|proxy|sslkeylog|openssl_|node_|curl_home|requests_)")
# curl's exit codes (man curl, EXIT CODES) that say by themselves how far it came; where others do, it says so.
CURL_STAGES = {
    **dict.fromkeys((5, 6, 7), "connect"),
    35: "handshake",
    **dict.fromkeys((51, 60, 83), "certificate"),
    **dict.fromkeys((3, 58, 59, 66, 77), "prepare"),
}
CURL_TOLD = "%{http_code} %{http_connect} %{time_connect} %{time_appconnect}"
OPENSSL_VERIFIED = re.compile(r"(?m)^verify error:num=(\d+):(.*)")
# 80B2...:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:../ssl/...
OPENSSL_NOTED = re.compile(r"(?m)^[0-9A-F]+:error:[0-9A-F]+:([^:]*):[^:]*:([^:\n]*)")
MAX_OUTPUT = 1 << 20  # bytes of what a program prints that are kept; a hostile server can make it print for ever
NODE = """
const given = JSON.parse(process.argv[1]), read = (path) => path ? require('fs').readFileSync(path) : undefined;
const say = (what) => { console.log(JSON.stringify(what)); process.exit(0); };
const failed = (stage) => (error) => say({stage, code: error.code || error.name, message: error.message});
let stage = 'connect';
try {
  const url = new URL(given.url), files = {ca: read(given.ca), cert: read(given.cert), key: read(given.key)};
  const options = {...files, agent: false};
  const plain = url.protocol === 'http:';
  setTimeout(() => failed(stage)({code: 'timeout', message: 'no answer in time'}), given.milliseconds);
  const request = require(plain ? 'http' : 'https').get(url, options, (response) => {
    response.on('error', failed('answer')).on('end', () => say({status: response.statusCode})).resume();
  });
  request.on('socket', (socket) => socket.on('connect', () => { stage = plain ? 'answer' : 'handshake'; })
    .on('secureConnect', () => { stage = 'answer'; }));
  request.on('error', (error) => failed(stage)(error));
} catch (error) { failed('prepare')(error); }
"""
NODE_CERTIFICATE = re.compile(
    r"(?i)cert|purpose|signature|self_signed|issuer|crl|path_length|unspecified|hostname|_ca$"
)


@dataclass(frozen=True, slots=True)
class Done:
    """What a program left: its exit code (None where it was ended after its time), and what it printed."""

    code: int | None
    stdout: str
    stderr: str


def environment_of(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what bends a client, and with what was asked for."""
    kept = {name: value for name, value in os.environ.items() if not BENDING.search(name)}
    return {**kept, "NO_COLOR": "1", **extra}


def run(command: list[str], environment: Mapping[str, str], timeout: float, text: str = "") -> Done:
    """Run a program for `timeout` seconds at most, with `text` to read; its code is None where it had to be ended."""
    process = subprocess.Popen(
        command, env=environment_of(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process, ThreadPoolExecutor(2) as pool:
        out, err = (pool.submit(_kept, stream) for stream in (process.stdout, process.stderr))
        with contextlib.suppress(BrokenPipeError), process.stdin:  # type: ignore[union-attr]  # all three are pipes
            process.stdin.write(text.encode())  # type: ignore[union-attr]  # as above
        code: int | None = None
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()  # does nothing to one that has ended
        return Done(code, out.result(), err.result())


def _kept(stream: IO[bytes] | None) -> str:
    """Read to the end, and keep the beginning."""
    kept = bytearray()
    while stream and (data := stream.read1(1 << 16)):  # type: ignore[attr-defined]  # a pipe of Popen is buffered
        kept += data[: MAX_OUTPUT - len(kept)]
    return kept.decode(errors="replace")


def try_curl(
    program: str, url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str], timeout: float
) -> Outcome:
    """GET `url` with curl, without its configuration file."""
    command = [program, "-q", "-sS", "--max-time", str(timeout), "-o", os.devnull, "-w", CURL_TOLD]
    command += ["--cacert", str(trust)] if trust else []
    command += ["--cert", str(pair[0]), "--key", str(pair[1])] if pair else []
    done = run([*command, "--", url], environment, timeout + 5)
    if done.code is None:
        return refused("curl", "connect", 28, "no answer in time")
    status, *told = done.stdout.split() or [""]
    if done.code == 0:
        return accepted("curl", f"HTTP {status}")
    stage = CURL_STAGES.get(done.code) or _curl_stage(url, *map(float, told))
    return refused("curl", stage, done.code, _first_line(done.stderr))


def _curl_stage(url: str, proxy: float = 0, connected: float = 0, shaken: float = 0) -> str:
    """How far curl came: the proxy's own status (0: it had none), and when it had connected and shaken hands."""
    if not connected or proxy not in (0, 200):
        return "connect"
    return "answer" if shaken or url.startswith("http:") else "handshake"


def try_openssl(
    program: str, url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str], timeout: float
) -> Outcome:
    """GET `url` with `openssl s_client`, told to compare the name and to end where verification fails."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    named = ["-verify_ip", host] if _is_address(host) else ["-verify_hostname", host, "-servername", host]
    where = f"[{host}]:{parts.port or 443}" if ":" in host else f"{host}:{parts.port or 443}"
    command = [program, "s_client", "-connect", where, *named, "-verify_return_error"]
    command += openssl_knows(program, "s_client", "-no-CApath", "-no-CAstore")
    command += ["-CAfile", str(trust)] if trust else openssl_knows(program, "s_client", "-no-CAfile")
    command += ["-cert", str(pair[0]), "-key", str(pair[1]), "-pass", "pass:"] if pair else []
    asked = f"GET {target(parts)} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    done = run([*command, "-ign_eof"], environment, timeout, asked)
    # The answer comes amid what s_client prints of the server's names and tickets, where a CR is never printed raw.
    status = re.search(r"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n", done.stdout)
    if status and not OPENSSL_VERIFIED.search(done.stderr):
        return accepted("openssl", f"HTTP {status[1]}")
    if done.code is None:
        return refused("openssl", _openssl_stage(done.stdout + done.stderr), "timeout", "no answer in time")
    return _openssl_refusal(done)


@cache
def _openssl_options(program: str, command: str) -> frozenset[str]:
    """The options that this command of this OpenSSL has, by its own help."""
    helped = run([program, command, "-help"], {}, 10)
    return frozenset(re.findall(r"(?m)^\s*(-[\w-]+)", helped.stdout + helped.stderr))


def openssl_knows(program: str, command: str, *options: str) -> list[str]:
    """Those of `options` that this OpenSSL has: the stores that 3.0 brought need not be left out before it."""
    return [option for option in options if option in _openssl_options(program, command)]


def _openssl_refusal(done: Done) -> Outcome:
    """What s_client tells: a verify error by its number, else the reason of the first error that OpenSSL has noted."""
    said = done.stdout + done.stderr
    if verified := OPENSSL_VERIFIED.search(done.stderr):
        return refused("openssl", "certificate", int(verified[1]), verified[2])
    noted = OPENSSL_NOTED.findall(done.stderr)
    if not noted:
        return refused("openssl", _openssl_stage(said), "no answer", _first_line(said))
    library, reason = next((one for one in noted if one[1].strip() not in ("", "reason(0)")), noted[0])
    code = reason.strip().upper().replace(" ", "_").replace("-", "_")
    return refused("openssl", _openssl_stage(said), code, f"{library}: {reason}")


def _openssl_stage(said: str) -> str:
    """How far s_client came, by what it reports of the connection; in TLS 1.3 it is done before the server is."""
    if "CONNECTED(" not in said:
        unreadable = re.search(r"(?m)^(Could not|Unable to|unable to|Error )", said)
        reached = re.search(r"(?m)^connect:|BIO_connect|getaddrinfo|BIO_lookup", said)
        return "connect" if reached or not (unreadable or "error:" in said) else "prepare"
    shaken = re.search(r"(?m)^(New|Reused), TLSv1\.3", said) and "no peer certificate available" not in said
    return "answer" if shaken else "handshake"


def try_node(
    program: str, url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str], timeout: float
) -> Outcome:
    """GET `url` with Node's own https module."""
    given = {"url": url, "ca": trust and str(trust), "milliseconds": int(timeout * 1000)}
    if pair:
        given |= {"cert": str(pair[0]), "key": str(pair[1])}
    done = run([program, "-e", NODE, "--", json.dumps(given)], environment, timeout + 5)
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return refused("node", "prepare", "failed", _first_line(done.stderr))
    if "status" in answer:
        return accepted("node", f"HTTP {answer['status']}")
    code, stage = str(answer["code"]), str(answer["stage"])
    return refused("node", node_stage(stage, code), code, str(answer["message"]))


def node_stage(stage: str, code: str) -> str:
    """How far Node came, by where it stood when the error came, and by the error's code."""
    if code.startswith(("ERR_OSSL", "ENOENT", "EACCES")):
        return "prepare"
    if code in ("ECONNREFUSED", "ENOTFOUND", "ETIMEDOUT"):
        return "connect"
    if "ALERT" in code:
        return "answer"
    return "certificate" if stage != "prepare" and NODE_CERTIFICATE.search(code) else stage


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "it said nothing")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
