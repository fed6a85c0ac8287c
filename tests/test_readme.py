"""What README promises is so: its code runs, its links lead somewhere, its table has every notebook."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from needs import ROOT

README = (ROOT / "README.md").read_text("utf-8")


def test_the_cheat_sheet_runs_and_says_what_it_says(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code
    assert len([line for line in code[1].splitlines() if line and "import" not in line]) == 20
    ran = subprocess.run(
        [sys.executable, "-c", code[1]], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "{'hello': 'shop@customers.example'" in ran.stdout
    assert "<Handshake: TLS 1.3, " in ran.stdout
    assert "Check(name='client CertificateVerify', ok=True" in ran.stdout
    assert "<Field key_share: Extension, " in ran.stdout
    assert "The chain ends at a root that the client does not trust" in ran.stdout
    assert "<Verdict: refused, 2 certificates: name of certificate 0 (localhost)>" in ran.stdout
    assert "2 mistakes, 4 tries, 4 refusals; all as expected" in ran.stdout
    assert (tmp_path / "shop.pcapng").stat().st_size > 1000


def test_every_link_to_a_file_leads_to_one() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text("utf-8"))
        assert links
        assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_table_has_every_notebook_with_its_question() -> None:
    rows = dict(re.findall(r"^\| \[([\w-]+)\]\(notebooks/[\w-]+\.ipynb\) \| (.+?) \|", README, re.MULTILINE))
    assert set(rows) == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
