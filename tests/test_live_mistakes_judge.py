"""What judge says of each mistake: the check that the mistake names decides, or all holds."""

from __future__ import annotations

import pytest

from tlsnotes.live.mistakes import MISTAKES, Mistake, Scene
from tlsnotes.pki.judge import judge
from tlsnotes.pki.verdict import Verdict

NAMED = {identity: mistake for identity, mistake in MISTAKES.items() if mistake.check}
SOUND = {identity: mistake for identity, mistake in MISTAKES.items() if not mistake.check}


def judged(scene: Scene) -> Verdict:
    trust = list(scene.trust) if isinstance(scene.trust, tuple) else []
    return judge(scene.chain, trust=trust, name=scene.name, usage=scene.usage, crls=list(scene.crls))


@pytest.mark.parametrize("mistake", NAMED.values(), ids=list(NAMED))
def test_judge_names_the_mistake(mistake: Mistake) -> None:
    if reason := mistake.unavailable():
        pytest.skip(reason)
    with mistake.serve() as scene:
        verdict = judged(scene)
    assert not verdict.ok
    assert verdict.decisive is not None
    assert verdict.decisive.name == mistake.check, verdict.checks


@pytest.mark.parametrize("mistake", SOUND.values(), ids=list(SOUND))
def test_judge_has_nothing_against_a_chain_that_is_not_the_mistake(mistake: Mistake) -> None:
    if reason := mistake.unavailable():
        pytest.skip(reason)
    with mistake.serve() as scene:
        if not scene.chain:
            pytest.skip("no chain has a part in it")
        verdict = judged(scene)
    assert verdict.ok, [check for check in verdict.checks if check.ok is False]
