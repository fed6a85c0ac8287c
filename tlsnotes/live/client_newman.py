"""newman, which runs Postman's collections: one of a single request. Its codes are Node's, whose program it is."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tlsnotes.live.client_programs import node_stage, run
from tlsnotes.live.client_python import Files
from tlsnotes.live.outcome import Outcome, accepted, refused

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
PROXY = re.compile(r"(?i)^(https?|all)_proxy$")  # with one in the way newman may end on an error of its own
NO_TUNNEL = "tunneling socket could not be established"  # its words are all that tells a proxy's refusal
TIMEOUTS = ("ETIMEDOUT", "ESOCKETTIMEDOUT")
# Its report in JSON fails where Node's error holds a whole certificate; then only its words are left.
ALTNAMES = "does not match certificate's altnames"


def try_newman(
    program: str, url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str], timeout: float
) -> Outcome:
    """GET `url` as a collection of one request."""
    with tempfile.TemporaryDirectory(prefix="tlsnotes-") as folder:
        collection, report = Path(folder, "collection.json"), Path(folder, "report.json")
        request = {"name": "GET", "request": {"method": "GET", "url": url}}
        collection.write_text(json.dumps({"info": {"name": "one", "schema": SCHEMA}, "item": [request]}), "utf-8")
        command = [program, "run", str(collection), "--reporters", "cli,json", "--reporter-json-export", str(report)]
        command += ["--timeout-request", str(int(timeout * 1000)), "--ignore-redirects", "--color", "off"]
        command += ["--ssl-extra-ca-certs", str(trust)] if trust else []
        command += ["--ssl-client-cert", str(pair[0]), "--ssl-client-key", str(pair[1])] if pair else []
        done = run(command, {"HOME": folder, **environment}, timeout + 4)  # it is slow to start
        if done.code is None:
            return refused("newman", "answer", "timeout", "no answer in time")
        try:
            told = json.loads(report.read_text("utf-8"))["run"]
            failures, executions = told["failures"], told["executions"]
        except (OSError, ValueError, KeyError):
            said = f"{done.stdout} {done.stderr}"
            named = next((line for line in said.splitlines() if ALTNAMES in line), "")
            if named:
                return refused("newman", "certificate", "ERR_TLS_CERT_ALTNAME_INVALID", named)
            words = next((line for line in done.stderr.splitlines() if line.startswith("Error")), "")
            stage = "connect" if any(PROXY.search(name) for name in environment) else "handshake"
            return refused("newman", stage, "failed", f"it failed without a report. {words}".strip())
    if failures:
        error = failures[0].get("error", {})
        code = str(error.get("code", error.get("name", "failed")))
        message = str(error.get("message", ""))
        stage = node_stage("answer" if url.startswith("http:") else "handshake", code)
        stage = "connect" if message.startswith(NO_TUNNEL) else stage
        return refused("newman", stage, "timeout" if code in TIMEOUTS else code, message)
    return accepted("newman", f"HTTP {executions[0]['response']['code']}")
