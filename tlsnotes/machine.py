"""What this machine can do for the course: one `Check` a line, for `tlsnotes check` and for the first notebook.

Rules: a probe never raises and never waits long; what is not there is a finding, no error. `ok` is True; False where
the course needs the thing (its `detail` then says what to do); or None where it can do without. No shell, no file
written, no address but the loopback's.
"""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

from tlsnotes.checks import Check
from tlsnotes.programs import PROGRAMS, Program, find_program

IN_A_BROWSER = sys.platform == "emscripten"  # Pyodide, and so JupyterLite
PATIENCE = 5.0  # seconds that a client gets to say its version
LOCAL_NAMES = ("localhost", "127.0.0.1")


def check_machine() -> list[Check]:
    """Look at this machine; about half a second. See the module's rules for what `ok` means."""
    probes: list[tuple[str, Callable[[], Check]]] = [
        ("Python", check_python),
        ("ssl", check_ssl),
        ("cryptography", check_cryptography),
        ("loopback", check_loopback),
        ("loopback, IPv6", check_loopback6),
        ("JupyterLab", check_jupyterlab),
        ("widgets", check_widgets),
        ("proxy variables", check_proxies),
        ("trust variables", check_trust_variables),
    ]
    checks = [_guarded(name, probe) for name, probe in probes]
    return [*checks, *check_clients()]


def _guarded(name: str, probe: Callable[[], Check]) -> Check:
    try:
        return probe()
    except Exception as error:  # noqa: BLE001  a machine can be broken in any way, and the other lines are still wanted
        return Check(name, False, f"could not be looked at: {type(error).__name__}: {error}")


# What runs the course


def check_python() -> Check:
    """Never False: pip installs tlsnotes on no Python that is too old for it."""
    return Check("Python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def check_ssl() -> Check:
    """Whether `ssl` can do what the server needs: TLS 1.3 over two MemoryBIOs. Pyodide's is a stub that cannot."""
    fix = "Use a Python that was built with OpenSSL: python.org, your package manager, conda-forge."
    if IN_A_BROWSER:
        fix = "In Pyodide and JupyterLite `ssl` is a stub: run the course on a computer or on Binder."
    try:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
        version, tls13 = ssl.OPENSSL_VERSION, ssl.HAS_TLSv1_3
    except Exception as error:  # noqa: BLE001  stubs differ: no module, no class, a class that raises
        return Check("ssl", False, f"it cannot do TLS here ({type(error).__name__}: {error}). {fix}")
    if not tls13:
        return Check("ssl", False, f"{version} has no TLS 1.3. {fix}")
    return Check("ssl", True, f"{version}, with TLS 1.3")


def check_cryptography() -> Check:
    """Whether the package is there, and which OpenSSL it brings."""
    package = _package("cryptography")
    if not package.ok:
        return package
    from cryptography.hazmat.backends.openssl.backend import backend

    found = f"{package.detail} with its own {backend.openssl_version_text()}"
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa

        key = mldsa.MLDSA65PrivateKey.generate()
        key.public_key().verify(key.sign(b"tlsnotes"), b"tlsnotes")
    except Exception:  # noqa: BLE001  no module, or a backend without it: either way the cells about ML-DSA have none
        return Check("cryptography", True, f"{found}, without ML-DSA")
    return Check("cryptography", True, f"{found}, with ML-DSA")


def check_loopback() -> Check:
    """A server on 127.0.0.1 can be reached, and `localhost` is a name for this machine."""
    if problem := _cannot_serve(socket.AF_INET, "127.0.0.1"):
        fix = "The notebooks run their servers there: allow it in the firewall or sandbox that forbids it."
        return Check("loopback", False, f"no server on 127.0.0.1 can be reached ({problem}). {fix}")
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)}
    except OSError as error:
        addresses = {str(error)}
    if strangers := sorted(a for a in addresses if not (a.startswith("127.") or a == "::1")):
        fix = "Write the line `127.0.0.1 localhost` into the system's hosts file."
        return Check("loopback", False, f"the name localhost does not mean this machine ({strangers[0]}). {fix}")
    return Check("loopback", True, "a server on 127.0.0.1 can be reached, and localhost means this machine")


def check_loopback6() -> Check:
    """Whether a server on ::1 can be reached; the course does without."""
    if problem := _cannot_serve(socket.AF_INET6, "::1"):
        return Check("loopback, IPv6", None, f"no server on ::1 ({problem}). The course does without.")
    return Check("loopback, IPv6", True, "a server on ::1 can be reached")


def _cannot_serve(family: socket.AddressFamily, address: str) -> str:
    try:
        with socket.create_server((address, 0), family=family) as server:
            socket.create_connection(server.getsockname()[:2], timeout=2).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def check_jupyterlab() -> Check:
    """Whether JupyterLab, in which the course is read, is there."""
    return _package("jupyterlab", "JupyterLab")


def check_widgets() -> Check:
    """The Python half of the widgets, and the half that JupyterLab loads into the page."""
    packages = [_package("ipywidgets"), _package("anywidget")]
    if bad := [package for package in packages if not package.ok]:
        return Check("widgets", False, f"{bad[0].name}: {bad[0].detail}")
    try:
        from jupyter_core.paths import jupyter_path

        folders = [Path(folder) for folder in jupyter_path("labextensions")]
    except ImportError:
        folders = [Path(sys.prefix, "share", "jupyter", "labextensions")]
    for name, package in (("@jupyter-widgets/jupyterlab-manager", "jupyterlab_widgets"), ("anywidget", "anywidget")):
        if not any((folder / name / "package.json").is_file() for folder in folders):
            fix = _pip(f"--force-reinstall --no-deps {package}")
            return Check("widgets", False, f"JupyterLab has no extension {name}, so widgets stay blank. {fix}")
    detail = ", ".join(f"{package.name} {package.detail}" for package in packages)
    return Check("widgets", True, f"{detail}, and both extensions of JupyterLab")


def _package(package: str, name: str = "") -> Check:
    """Whether `package` is installed, no older than what tlsnotes asks for."""
    name = name or package
    try:
        found = metadata.version(package)
    except metadata.PackageNotFoundError:
        return Check(name, False, f"not installed in {sys.prefix}. {_pip(package)}")
    if _numbers(found) < _numbers(least := _least(package)):
        return Check(name, False, f"{found} is older than {least}. {_pip(f'--upgrade {package}')}")
    return Check(name, True, found)


def _least(package: str) -> str:
    """The oldest version that tlsnotes's own metadata allows, or an empty string."""
    try:
        requirements = metadata.requires("tlsnotes") or []
    except metadata.PackageNotFoundError:
        return ""
    found = (re.match(rf"{re.escape(package)}>=([\d.]+)$", requirement) for requirement in requirements)
    return next((match[1] for match in found if match), "")


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


def _pip(arguments: str) -> str:
    return f"What to do: {sys.executable} -m pip install {arguments}"


# What bends it


def check_proxies() -> Check:
    """A proxy that is asked for localhost looks for it on its own machine, and nothing here is ever reached."""
    proxies = {scheme: url for scheme, url in urllib.request.getproxies().items() if scheme in ("http", "https", "all")}
    if not proxies:
        return Check("proxy variables", True, "no proxy is set")
    if bent := [name for name in LOCAL_NAMES if not urllib.request.proxy_bypass(name)]:
        set_here = [name for name in os.environ if re.fullmatch("(https?|all)_proxy", name, re.IGNORECASE)]
        source = " and ".join(set_here) or "the system's settings"
        command = "set" if os.name == "nt" else "export"
        fix = f"What to do: {command} NO_PROXY=localhost,127.0.0.1,::1 and start again from there."
        # Windows has one set of names; elsewhere a lower-case one, where it stands, is the only one that counts.
        if os.name != "nt" and "no_proxy" in os.environ:
            fix = fix.replace("NO_PROXY", "no_proxy")
        return Check("proxy variables", False, f"{source} would send {' and '.join(bent)} to a proxy. {fix}")
    return Check("proxy variables", True, "a proxy is set, and localhost goes past it")


def check_trust_variables() -> Check:
    """Information only: the notebooks pass what they trust with each call, which wins over these variables."""
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS")
    if found := [name for name in names if os.environ.get(name)]:
        bundle = any(name.endswith("_CA_BUNDLE") for name in found)
        hint = " In requests a bundle wins over session.verify: pass verify= with each call." if bundle else ""
        return Check("trust variables", True, f"set: {', '.join(found)}.{hint}")
    return Check("trust variables", True, "none is set")


# The clients the course tries


def check_clients() -> list[Check]:
    """Each client that the course can try, with its version; none of them is needed."""
    paths = {client.name: find_program(client.name) for client in PROGRAMS}
    found = [client for client in PROGRAMS if paths[client.name]]
    answers: dict[str, str] = {}
    if found:  # no thread where there is no program: Pyodide has neither
        with ThreadPoolExecutor(len(found)) as pool:
            texts = pool.map(lambda client: _version(client, paths[client.name]), found)
            answers = {client.name: text for client, text in zip(found, texts, strict=True)}
    return [_client_check(client, paths[client.name], answers.get(client.name, "")) for client in PROGRAMS]


def _version(client: Program, path: str) -> str:
    """What the program says of itself; empty where it says nothing in time."""
    if os.name == "nt" and client.name == "chromium":
        return "0"  # asked for its version there, Chrome opens a window
    try:
        asked = subprocess.run(
            [path, *client.ask], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=PATIENCE, check=False, text=True, errors="replace",
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout


def _client_check(client: Program, path: str, answer: str) -> Check:
    if not path:
        hint = client.how_to_get
        return Check(client.name, None, f"not found; the cells that try it are passed over. To add it: {hint}")
    if not (said := re.search(client.read, answer)):
        return Check(client.name, None, "does not say its version; the cells that try it may fail", where=path)
    version = " with ".join(part.replace("/", " ") for part in said.groups() if part)
    return Check(client.name, True, version if version != "0" else "there", where=path)
