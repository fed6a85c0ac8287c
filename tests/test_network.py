"""The whole course, with every client it starts, in a network of its own: nothing is sent off the machine.

The network has one way out, and its far end is ours: what goes there is counted. `test_notebooks.py` looks at the same
from within each kernel, on every system; this one sees curl, Node and Chromium as well. It needs root on Linux.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from needs import ROOT

pytestmark = pytest.mark.alone

# One pair of interfaces that are wired to each other, and no neighbours to be asked for: each packet counts once.
OWN_NETWORK = """
ip link set lo up &&
ip link add leak type veth peer name outside &&
ip link set leak addrgenmode none arp off && ip link set outside addrgenmode none arp off &&
ip addr add 192.0.2.1/24 dev leak && ip link set leak up && ip link set outside up &&
ip route add default via 192.0.2.2 dev leak &&
"$@"; status=$?
grep leak: /proc/net/dev
exit $status
"""


def packets_sent_by(*command: str) -> int:
    """How many packets leave the machine while a command runs, which must end well."""
    wrapped = ["unshare", "--net", "sh", "-c", OWN_NETWORK, "sh", *command]
    ran = subprocess.run(wrapped, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (counted,) = [line for line in ran.stdout.splitlines() if line.strip().startswith("leak:")]
    return int(counted.split(":")[1].split()[9])


@pytest.fixture(scope="module", autouse=True)
def own_network() -> None:
    """Skip where nobody may make one."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("needs unshare and ip, as Linux has them")
    probe = ["unshare", "--net", "sh", "-c", OWN_NETWORK, "sh", "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to make a network: root, as a rule")


def test_what_leaves_the_machine_is_counted() -> None:
    send = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.1', 53))"
    assert packets_sent_by(sys.executable, "-c", send) == 1
    assert packets_sent_by(sys.executable, "-c", send.replace("198.51.100.1", "127.0.0.1")) == 0


def test_the_whole_course_sends_nothing_off_the_machine() -> None:
    pytest_of_the_notebooks = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "notebooks"]
    assert packets_sent_by(*pytest_of_the_notebooks) == 0
