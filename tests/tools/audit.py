"""Ask pip-audit about every version in constraints.txt, and list those a learner installs, with their dates.

usage: make audit      pip-audit comes from the index that pip is set up for, into a folder that is deleted again

Where pip-audit's data base cannot be reached it says so, and the list in SECURITY.md is what there is: which version
of what, and from when. The command writes that list; a test compares its versions with constraints.txt.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import urllib.request
import venv
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from make_constraints import pip_setting
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pip._internal.models.index import PyPI  # which index pip asks where nothing else is said, is pip's to know

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "SECURITY.md"
BEGIN, END = "<!-- versions: made by `make audit` -->\n", "<!-- end of versions -->\n"


def needed() -> dict[str, str]:
    """What `make lab` installs here: each package with its version."""
    found: dict[str, str] = {}
    waiting = ["tlsnotes"]
    while waiting:
        name = waiting.pop()
        try:
            one = distribution(name)
        except PackageNotFoundError:
            continue
        for text in one.requires or ():
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                other = canonicalize_name(wanted.name)
                if other not in found:
                    found[other] = distribution(other).version
                    waiting.append(other)
    return dict(sorted(found.items()))


def uploaded(name: str, version: str) -> str:
    """The day on which the first file of a version was uploaded, as the index says (PEP 700)."""
    index = (pip_setting("index-url") or PyPI.simple_url).rstrip("/")
    asked = urllib.request.Request(f"{index}/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310  # pip's own index
        files = json.load(answer)["files"]
    normal = name.replace("-", "[-_.]+")
    of_version = re.compile(rf"{normal}-{re.escape(version)}(-|\.tar|\.zip)", re.IGNORECASE)
    days = sorted(file["upload-time"][:10] for file in files if of_version.match(file["filename"]))
    return days[0] if days else "unknown"


def pip_audit() -> str:
    """What pip-audit says of every package installed beside this one, in a line or more."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(Path(folder, "venv"), with_pip=True)
        python = Path(folder, "venv", "Scripts" if sys.platform == "win32" else "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pip-audit"], check=True)
        sites = [path for path in sys.path if path.endswith("site-packages")]
        command = [python, "-m", "pip_audit", "--format=json", "--progress-spinner=off", "--path", sites[0]]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):
        return f"pip-audit failed: {ran.stderr.strip()[-300:]}"
    audited = [one for one in packages if "vulns" in one]
    if not audited:
        return f"pip-audit could look up none of {len(packages)} packages: its data base cannot be reached from here."
    known = [f"{one['name']} {one['version']}: {[v['id'] for v in one['vulns']]}" for one in audited if one["vulns"]]
    said = f"pip-audit has looked up {len(audited)} of {len(packages)} packages, and knows of vulnerabilities in"
    return "\n".join([f"{said} {len(known)}.", *known])


def main() -> int:
    versions = needed()
    with ThreadPoolExecutor(8) as pool:
        days = [*pool.map(uploaded, versions, versions.values())]
    rows = [f"| {name} | {version} | {day} |" for (name, version), day in zip(versions.items(), days, strict=True)]
    table = "\n".join(["| package | version | uploaded |", "|---|---|---|", *rows])
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n\n{END}{rest.partition(END)[2]}", "utf-8")
    print(f"SECURITY.md lists {len(rows)} packages, the newest of {max(days)}.")
    said = pip_audit()
    print(said)
    return 0 if said.endswith(("vulnerabilities in 0.", "from here.")) else 1


if __name__ == "__main__":
    sys.exit(main())
