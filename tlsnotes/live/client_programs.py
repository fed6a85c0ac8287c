"""The clients that are programs: curl, openssl s_client, Node. No shell, a time limit, and a cleaned environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from tlsnotes.live.client_python import Files
from tlsnotes.live.outcome import Outcome, accepted, refused

# What would let this machine decide whom a client trusts or whom it asks instead.
BENDING = re.compile(r"(?i)(ssl_cert|_ca_|ca_bundle|cafile|capath|proxy|sslkeylog|openssl_|node_|curl_home|requests_)")
# curl's exit codes (man curl, EXIT CODES): what failed before, at, and after the handshake.
CURL_STAGES = {
    **dict.fromkeys((5, 6, 7, 28), "connect"),
    35: "handshake",
    **dict.fromkeys((51, 60, 83), "certificate"),
    **dict.fromkeys((58, 59, 66, 77), "prepare"),
}
NODE = """
const given = JSON.parse(process.argv[1]), read = (path) => path ? require('fs').readFileSync(path) : undefined;
const say = (what) => { console.log(JSON.stringify(what)); process.exit(0); };
const failed = (stage) => (error) => say({stage, code: error.code || error.name, message: error.message});
let stage = 'connect';
try {
  const url = new URL(given.url), files = {ca: read(given.ca), cert: read(given.cert), key: read(given.key)};
  const options = {...files, agent: false};
  const request = require(url.protocol === 'http:' ? 'http' : 'https').get(url, options, (response) => {
    response.on('error', failed('answer')).on('end', () => say({status: response.statusCode})).resume();
  });
  request.on('socket', (socket) => socket.on('connect', () => { stage = 'handshake'; })
    .on('secureConnect', () => { stage = 'answer'; }));
  request.on('error', (error) => failed(stage)(error));
} catch (error) { failed('prepare')(error); }
"""
NODE_CERTIFICATE = re.compile(
    r"(?i)cert|purpose|signature|self_signed|issuer|crl|path_length|unspecified|hostname|_ca$"
)


def environment_of(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what bends a client, and with what was asked for."""
    kept = {name: value for name, value in os.environ.items() if not BENDING.search(name)}
    return {**kept, "NO_COLOR": "1", **extra}


def run(
    command: list[str], environment: Mapping[str, str], timeout: float, text: str | None = None
) -> subprocess.CompletedProcess[str] | None:
    """Run a program to its end; None where it takes longer than `timeout` seconds."""
    try:
        return subprocess.run(
            command, env=environment_of(environment), timeout=timeout, check=False, capture_output=True, text=True,
            errors="replace", **({"input": text} if text is not None else {"stdin": subprocess.DEVNULL}),
        )  # fmt: skip  # one of two ways to give it its input
    except subprocess.TimeoutExpired:
        return None


def try_curl(
    program: str, url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str], timeout: float
) -> Outcome:
    """GET `url` with curl, without its configuration file."""
    command = [program, "-q", "-sS", "--max-time", str(timeout), "-o", os.devnull, "-w", "%{http_code}"]
    command += ["--cacert", str(trust)] if trust else []
    command += ["--cert", str(pair[0]), "--key", str(pair[1])] if pair else []
    done = run([*command, "--", url], environment, timeout + 5)
    if done is None:
        return refused("curl", "connect", 28, "no answer in time")
    if done.returncode == 0:
        return accepted("curl", f"HTTP {done.stdout.strip()}")
    return refused("curl", CURL_STAGES.get(done.returncode, "answer"), done.returncode, _first_line(done.stderr))


def try_openssl(
    program: str, url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str], timeout: float
) -> Outcome:
    """GET `url` with `openssl s_client`, told to compare the name and to end where verification fails."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    named = ["-verify_ip", host] if _is_address(host) else ["-verify_hostname", host, "-servername", host]
    where = f"[{host}]:{parts.port or 443}" if ":" in host else f"{host}:{parts.port or 443}"
    command = [program, "s_client", "-connect", where, *named, "-verify_return_error", "-no-CApath", "-no-CAstore"]
    command += ["-CAfile", str(trust)] if trust else ["-no-CAfile"]
    command += ["-cert", str(pair[0]), "-key", str(pair[1]), "-pass", "pass:"] if pair else []
    asked = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    done = run([*command, "-ign_eof"], environment, timeout, asked)
    if done is None:
        return refused("openssl", "answer", "timeout", "no answer in time")
    said = done.stdout + done.stderr
    if status := re.search(r"HTTP/1\.[01] (\d{3})", said):
        return accepted("openssl", f"HTTP {status[1]}")
    return _openssl_refusal(said)


def _openssl_refusal(said: str) -> Outcome:
    """What s_client tells: a verify error by its number, else the reason of the first error that OpenSSL has noted."""
    if verified := re.search(r"verify error:num=(\d+):(.*)", said):
        return refused("openssl", "certificate", int(verified[1]), verified[2])
    # error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:../ssl/...
    noted = re.findall(r"error:[0-9A-F]+:([^:]*):[^:]*:([^:\n]*)", said)
    if not noted:
        connected = "CONNECTED(" in said
        return refused("openssl", "answer" if connected else "connect", "no answer", _first_line(said))
    library, reason = next((one for one in noted if one[1].strip() not in ("", "reason(0)")), noted[0])
    code = reason.strip().upper().replace(" ", "_").replace("-", "_")
    if "CONNECTED(" not in said:
        stage = "connect" if re.search(r"(?m)^connect:|BIO_connect|getaddrinfo", said) else "prepare"
        return refused("openssl", stage, code, f"{library}: {reason}")
    late = re.search(r"(?m)^(New|Reused), TLSv1\.3", said)  # there the client is done before the server has looked
    return refused("openssl", "answer" if late else "handshake", code, f"{library}: {reason}")


def try_node(
    program: str, url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str], timeout: float
) -> Outcome:
    """GET `url` with Node's own https module."""
    given = {"url": url, "ca": trust and str(trust)}
    if pair:
        given |= {"cert": str(pair[0]), "key": str(pair[1])}
    done = run([program, "-e", NODE, "--", json.dumps(given)], environment, timeout)
    if done is None:
        return refused("node", "answer", "timeout", "no answer in time")
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
