"""Every mistake that is served here, with every client: what it answers is explained, and means what the mistake is."""

from __future__ import annotations

import pytest

from tlsnotes.live.mistakes import MISTAKES, Mistake
from tlsnotes.show.explain import explain


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_every_answer_of_a_client_to_a_mistake_has_a_cause(mistake: Mistake) -> None:
    """What clients answer was measured there; a class of Python's or OpenSSL's own system errors says too little."""
    vague = {"ok", "", "OSError", "SSLError", "failed"}  # failed: newman falls over without a word
    for client, expected in mistake.expected.items():
        for code in expected if isinstance(expected, tuple) else (expected,):
            if code not in vague:
                assert explain(code, client=client).cause != "unknown", (client, code)
