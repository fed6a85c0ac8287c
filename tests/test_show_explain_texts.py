"""What the explanations say: complete, true to their marks, with commands that run, and never against safety."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from needs import need

from tlsnotes import (
    Authority,
    HTTPSServer,
)
from tlsnotes.show import causes as known
from tlsnotes.show.explanation import STEPS

ROOT = Authority.root("a root of these tests")
CREDENTIAL = ROOT.issue(["localhost", "api.shop.example"])
CAUSES = known.causes()


def texts_of(cause: known.Cause) -> list[str]:
    likely = [text for each in cause.likely for text in (each.why, each.tell)]
    return [text for text in (cause.title, cause.happened, *likely, cause.fix, cause.avoid) if text]


# ---- the texts


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_a_cause_says_all_there_is_to_say(cause: known.Cause) -> None:
    assert cause.refused in {"client", "server", "proxy", "nobody", "checker", "viewer", ""}
    assert cause.step in STEPS
    assert cause.likely
    assert cause.marks or cause.general
    for text in texts_of(cause):
        assert text == text.strip()
    for text in (cause.happened, cause.fix, *(each.why for each in cause.likely)):
        assert text.rstrip(")")[-1] in ".!" or text.endswith(('")', ").", ":")), text
    assert len(cause.happened) < 340, "two or three short sentences"


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_no_sentence_recommends_to_switch_verification_off(cause: known.Cause) -> None:
    forbidden = (
        r"verify=False|\s-k\b|--insecure|CERT_NONE|rejectUnauthorized|verification off|SECLEVEL=0|proceed anyway"
    )
    for text in texts_of(cause):
        for sentence in re.split(r"(?<=[.!]) ", text):
            if re.search(forbidden, sentence):
                assert sentence.startswith("Do not ") or "was set to CERT_NONE" in sentence, sentence
    assert not any(re.search(forbidden, each.run) for each in cause.likely)


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_only_the_words_of_sides_are_put_into_a_text(cause: known.Cause) -> None:
    for text in texts_of(cause):
        assert set(re.findall(r"\{[^}]*\}", text)) <= {"{checker}", "{holder}"}
        assert "—" not in text


def test_a_recogniser_names_one_cause_and_is_of_a_known_kind() -> None:
    owners: dict[frozenset[str], str] = {}
    for cause in CAUSES.values():
        for text in (*cause.marks, *cause.general):
            marks = frozenset(text.split(" & "))
            assert marks not in owners, f"{text}: {cause.id} and {owners[marks]}"
            owners[marks] = cause.id
            kinds = {mark.partition(":")[0] for mark in marks}
            assert kinds <= {*known.KINDS, *known.CONTEXT}
            assert not kinds <= set(known.CONTEXT)


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_a_cause_can_be_reached_by_each_of_its_marks(cause: known.Cause) -> None:
    for text in (*cause.marks, *cause.general):
        chosen = known.choose(text.split(" & "))
        assert chosen is not None
        assert chosen.id == cause.id, text


# ---- the commands


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the commands name."""
    folder = tmp_path_factory.mktemp("commands")
    CREDENTIAL.save(folder)
    (folder / "root.pem").write_bytes(ROOT.certificate_pem)
    (folder / "crl.pem").write_bytes(ROOT.crl().public_bytes(Encoding.PEM))
    (folder / "client.p12").write_bytes(CREDENTIAL.pkcs12("secret"))
    return folder


RUNS = sorted({each.run for cause in CAUSES.values() for each in cause.likely if each.run})
PYTHON = [run for run in RUNS if re.match(r"[A-Za-z_.]+\(", run)]
# Not run here: one asks for a password, one needs a mail server or a proxy, one a program that is no requirement.
APART = ("pkcs12", "starttls", "PROXY:", "ss -l", "python -c", "tlsnotes check", "head ", "ls -l", "date", "env ")


@pytest.mark.parametrize("run", [run for run in RUNS if run not in PYTHON and not any(a in run for a in APART)])
def test_a_command_that_is_shown_can_be_run(run: str, folder: Path) -> None:
    need("openssl")
    need("curl")
    with HTTPSServer(CREDENTIAL) as server:
        command = run.replace("HOST:PORT", f"localhost:{server.port}").replace("HOST", "localhost")
        words = shlex.split(command.replace("</dev/null", ""))
        assert shutil.which(words[0])
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=30, check=False,
            env=dict(os.environ, LC_ALL="C.UTF-8"),
        )  # fmt: skip
    said = done.stdout + done.stderr
    assert not re.search(
        r"(?im)unknown option|unrecognized|^usage:|not found|unable to load|could not (open|read)", said
    ), said
    if "http://" not in run:
        assert done.returncode == 0 or "-tls1_2" in run, said


@pytest.mark.parametrize("run", PYTHON)
def test_a_line_of_python_that_is_shown_is_python(run: str) -> None:
    ast.parse(run)
