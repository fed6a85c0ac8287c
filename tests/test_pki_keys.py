"""Private keys: every kind can be made, saved and loaded; a key file is private and whole; what is wrong is said."""

from __future__ import annotations

import base64
import os
import pickle
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from needs import need

from tlsnotes import KEY_KINDS, TLSNotesError, generate_key, key_kind, load_key, save_key, self_signed
from tlsnotes.pki.keys import PrivateKey

PASSWORD = "correct horse battery"  # of keys that live for the length of a test


@cache
def key_of(kind: str) -> PrivateKey:
    """One key of each kind for all the tests: an RSA key takes its time."""
    return generate_key(kind)


def same(one: PrivateKey, other: PrivateKey) -> bool:
    form = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return one.private_bytes(*form) == other.private_bytes(*form)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([need("openssl"), *arguments], capture_output=True, text=True, check=False, timeout=30)


def openssl_has_ml_dsa() -> bool:
    version = re.match(r"OpenSSL (\d+)\.(\d+)", openssl("version").stdout)
    return version is not None and tuple(map(int, version.groups())) >= (3, 5)


@pytest.fixture
def careless_umask() -> Iterator[None]:
    """Under umask 0 a file has every right that its maker does not keep back."""
    before = os.umask(0)
    yield
    os.umask(before)


# Making


@pytest.mark.parametrize("kind", KEY_KINDS)
def test_every_kind_can_be_made_and_is_what_it_is_called(kind: str) -> None:
    assert key_kind(key_of(kind)) == kind
    assert key_kind(key_of(kind).public_key()) == kind


def test_a_key_is_ecdsa_p256_when_nothing_else_is_said() -> None:
    assert key_kind(generate_key()) == "ecdsa-p256"


def test_two_keys_are_never_the_same() -> None:
    assert not same(generate_key(), generate_key())


def test_an_rsa_key_has_the_exponent_that_everybody_accepts() -> None:
    assert key_of("rsa-2048").public_key().public_numbers().e == 65537


@pytest.mark.parametrize("kind", ["rsa", "rsa-1024", "RSA-2048", "x25519", "", None, 2048, ["rsa-2048"]])
def test_an_unknown_kind_is_refused_with_the_list_of_the_known(kind: object) -> None:
    with pytest.raises(TLSNotesError, match="no such kind") as caught:
        generate_key(kind)
    assert all(known in caught.value.expected for known in KEY_KINDS)
    assert caught.value.found == repr(kind)


def test_a_key_of_another_size_or_curve_has_a_name_too() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # too weak, and still named
    assert key_kind(weak) == "rsa-1024"
    assert key_kind(ec.generate_private_key(ec.SECP224R1())) == "ecdsa-p224"


@pytest.mark.parametrize("key", [None, "ecdsa-p256", b"", x25519.X25519PrivateKey.generate()])
def test_what_cannot_sign_is_no_key_here(key: object, tmp_path: Path) -> None:
    with pytest.raises(TLSNotesError, match="no key that signs") as caught:
        key_kind(key)
    assert caught.value.found == type(key).__name__
    with pytest.raises(TLSNotesError, match="no key that signs"):
        save_key(key, tmp_path / "key.pem")
    assert list(tmp_path.iterdir()) == []


# Saving and loading


@pytest.mark.parametrize("password", [None, PASSWORD, PASSWORD.encode(), "pässwörd 🔑", "x"])
@pytest.mark.parametrize("kind", KEY_KINDS)
def test_a_saved_key_comes_back(kind: str, password: str | bytes | None, tmp_path: Path) -> None:
    path = save_key(key_of(kind), tmp_path / "key.pem", password)
    assert path == tmp_path / "key.pem"
    assert same(load_key(path, password), key_of(kind))


def test_a_key_file_is_pem_with_pkcs8_inside(tmp_path: Path) -> None:
    plain = save_key(key_of("rsa-2048"), tmp_path / "plain.pem").read_bytes()
    secret = save_key(key_of("rsa-2048"), tmp_path / "secret.pem", PASSWORD).read_bytes()
    assert plain.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert secret.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert b"secret" not in secret.lower()


def test_an_encrypted_key_is_not_in_its_file_in_clear(tmp_path: Path) -> None:
    der = key_of("ed25519").private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    body = save_key(key_of("ed25519"), tmp_path / "key.pem", PASSWORD).read_text("ascii").splitlines()[1:-1]
    assert der not in base64.b64decode("".join(body))


def test_a_path_may_be_text_and_the_folder_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert save_key(key_of("ed25519"), "key.pem") == Path("key.pem")
    assert same(load_key("key.pem"), key_of("ed25519"))


def test_a_key_file_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    path = save_key(key_of("rsa-2048"), tmp_path / "key.pem")
    path.chmod(0o644)
    save_key(key_of("ed25519"), path)
    assert same(load_key(path), key_of("ed25519"))
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


# Private


@pytest.mark.parametrize("password", [None, PASSWORD])
@pytest.mark.usefixtures("careless_umask")
def test_a_key_file_is_private_whatever_the_umask_is(password: str | None, tmp_path: Path) -> None:
    assert mode(save_key(key_of("ed25519"), tmp_path / "key.pem", password)) == 0o600


@pytest.mark.usefixtures("careless_umask")
def test_every_folder_made_for_a_key_is_private(tmp_path: Path) -> None:
    path = save_key(key_of("ed25519"), tmp_path / "a" / "b" / "c" / "key.pem")
    assert [mode(folder) for folder in path.parents[:3]] == [0o700] * 3


@pytest.mark.usefixtures("careless_umask")
def test_a_folder_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    save_key(key_of("ed25519"), folder / "key.pem")
    assert mode(folder) == 0o755


# Python announces each opening, renaming and change of rights before it happens: there, every file that is already
# below the folder must be private already. Announced come what may, so this hook needs a process of its own.
WATCHED = """
import os, stat, sys
from pathlib import Path
from tlsnotes import generate_key, save_key

folder, seen, watching = Path(sys.argv[1]), [], True

def watch(event, arguments):
    global watching
    if watching and event in ("open", "os.rename", "os.chmod", "os.mkdir", "os.link", "os.truncate"):
        watching = False
        for path in folder.rglob("*"):
            status = path.lstat()
            kind = "folder" if stat.S_ISDIR(status.st_mode) else "file" if status.st_size else "empty"
            seen.append((event, kind, oct(stat.S_IMODE(status.st_mode))))
        watching = True

key = generate_key("ed25519")
os.umask(0)
sys.addaudithook(watch)
save_key(key, folder / "new" / "key.pem", *sys.argv[2:])
watching = False
for line in seen:
    print(*line)
"""


@pytest.mark.parametrize("password", [[], [PASSWORD]])
def test_a_key_file_is_private_from_the_moment_it_exists(password: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", WATCHED, str(tmp_path), *password]
    seen = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.splitlines()
    lines = [line.split() for line in seen]
    assert {kind for _, kind, _ in lines} >= {"folder", "file"}, "the hook saw the file before it had its name"
    assert {rights for _, kind, rights in lines if kind != "folder"} == {"0o600"}
    assert {rights for _, kind, rights in lines if kind == "folder"} == {"0o700"}


# Whole or not there

CUT_OFF = """
import resource, sys
from tlsnotes import TLSNotesError, generate_key, save_key
key = generate_key()
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    save_key(key, sys.argv[1])
except TLSNotesError as error:
    print(error)
"""


def test_a_write_that_fails_half_way_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    """As on a full disk: the process may write 100 bytes a file, and a key has more."""
    pytest.importorskip("resource")
    path = save_key(key_of("ed25519"), tmp_path / "key.pem")
    old = path.read_bytes()
    command = [sys.executable, "-c", CUT_OFF, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    assert f"{path} cannot be written" in said
    assert "expected: " in said
    assert "found: File too large" in said
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_place_of_the_key_file_is_an_error_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(TLSNotesError, match=r"key\.pem cannot be written") as caught:
        save_key(key_of("ed25519"), path)
    assert caught.value.found == "Is a directory"
    assert list(tmp_path.rglob("*")) == [path, path / "inside"]


def test_a_file_in_the_place_of_the_folder_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file of the learner")
    with pytest.raises(TLSNotesError, match="cannot be written"):
        save_key(key_of("ed25519"), tmp_path / "folder" / "key.pem")
    assert (tmp_path / "folder").read_text() == "a file of the learner"


@pytest.mark.parametrize("password", ["", b""])
def test_an_empty_password_is_refused_before_anything_is_written(password: str | bytes, tmp_path: Path) -> None:
    with pytest.raises(TLSNotesError, match="cannot be empty"):
        save_key(key_of("ed25519"), tmp_path / "new" / "key.pem", password)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("password", ["x" * 1024, "\ud800", 5])
def test_a_password_that_cannot_encrypt_is_refused_in_our_own_words(password: object, tmp_path: Path) -> None:
    """OpenSSL takes 1023 bytes at most; half a character has no bytes; a number is none."""
    with pytest.raises(TLSNotesError, match="password") as caught:
        save_key(key_of("ed25519"), tmp_path / "key.pem", password)
    assert "xxxxxxxx" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


# What a learner reads when it does not work


def refusal(path: Path, password: object = None) -> TLSNotesError:
    """The error of loading; every one names the file and says what was expected, and none shows a password or a key."""
    with pytest.raises(TLSNotesError) as caught:
        load_key(path, password)
    error = caught.value
    assert error.expected
    assert error.found
    said = str(error) + repr(error)
    if password is not None:
        assert (password.decode() if isinstance(password, bytes) else str(password)) not in said
    if path.is_file():
        body = [line for line in path.read_bytes().splitlines() if len(line) >= 32 and b"-----" not in line]
        assert not [line for line in body if line.decode("latin-1") in said]
    return error


@pytest.mark.parametrize("wrong", ["not this one", b"nor this", PASSWORD + " ", PASSWORD.upper()])
@pytest.mark.parametrize("kind", ["ecdsa-p256", "rsa-2048", "ml-dsa-65"])
def test_a_wrong_password_is_called_so(kind: str, wrong: str | bytes, tmp_path: Path) -> None:
    path = save_key(key_of(kind), tmp_path / "key.pem", PASSWORD)
    error = refusal(path, wrong)
    assert error.what == f"the password does not open {path}"
    assert error.fix


def test_a_key_that_is_encrypted_asks_for_its_password(tmp_path: Path) -> None:
    path = save_key(key_of("ecdsa-p256"), tmp_path / "key.pem", PASSWORD)
    error = refusal(path)
    assert (error.what, error.expected, error.found) == (f"{path} is encrypted", "its password", "none")
    assert "password" in error.fix


def test_a_password_that_is_not_needed_is_called_so(tmp_path: Path) -> None:
    """And not swallowed: who gives one believes that the file is encrypted."""
    path = save_key(key_of("ecdsa-p256"), tmp_path / "key.pem")
    error = refusal(path, PASSWORD)
    assert (error.what, error.expected) == (f"{path} is not encrypted", "no password")
    assert error.fix


@pytest.mark.parametrize("password", ["", b""])
def test_an_empty_password_opens_nothing(password: str | bytes, tmp_path: Path) -> None:
    path = save_key(key_of("ecdsa-p256"), tmp_path / "key.pem")
    with pytest.raises(TLSNotesError, match="cannot be empty"):
        load_key(path, password)


PEM_OF_OTHERS = {
    "a CERTIFICATE block": lambda: self_signed("localhost").certificate_pem,
    "a PUBLIC KEY block": lambda: key_of("rsa-2048").public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ),
    "perhaps DER": lambda: key_of("rsa-2048").private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    "0 bytes": lambda: b"",
    "something else": lambda: b"hello, this is no key",
}  # fmt: skip


@pytest.mark.parametrize("found", PEM_OF_OTHERS)
@pytest.mark.parametrize("password", [None, PASSWORD])
def test_what_is_no_private_key_is_called_what_it_is(found: str, password: str | None, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(PEM_OF_OTHERS[found]())
    error = refusal(path, password)
    assert error.what == f"{path} holds no private key"
    assert "PEM" in error.expected
    assert found in error.found


def test_a_missing_file_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(TLSNotesError, match=r"none\.pem is not there") as caught:
        load_key(tmp_path / "none.pem")
    assert caught.value.expected
    assert caught.value.fix


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    assert refusal(tmp_path).found == "Is a directory"


def test_a_file_name_that_no_file_can_have_is_an_error_in_our_own_words(tmp_path: Path) -> None:
    with pytest.raises(TLSNotesError, match="cannot be written"):
        save_key(key_of("ed25519"), f"{tmp_path}/a\0b")
    with pytest.raises(TLSNotesError, match="cannot be read"):
        load_key(f"{tmp_path}/a\0b")


def test_a_damaged_key_file_is_called_so_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = save_key(key_of("ecdsa-p256"), tmp_path / "key.pem").read_bytes()
    path = tmp_path / "cut.pem"
    for size in range(len(whole) - 1):  # without the last newline it is whole
        path.write_bytes(whole[:size])
        assert str(path) in refusal(path).what


def test_a_key_that_agrees_but_does_not_sign_is_no_key_here(tmp_path: Path) -> None:
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "key.pem"
    for other in (x25519.X25519PrivateKey.generate(), x448.X448PrivateKey.generate()):
        path.write_bytes(other.private_bytes(*form))
        error = refusal(path)
        assert "no key that signs" in error.what
        assert error.found == type(other).__name__
        assert "ML-DSA" in error.expected


def test_an_error_can_cross_to_another_process(tmp_path: Path) -> None:
    """Notebooks' kernels and process pools pickle what was raised."""
    with pytest.raises(TLSNotesError) as caught:
        load_key(tmp_path / "none.pem")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301  # our own bytes


# Keys of others, and ours with others

OPENSSL_KEYS = {
    "pkcs8-ec": ("ecdsa-p256", False, ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    "pkcs8-rsa": ("rsa-2048", False, ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    "pkcs8-ed25519": ("ed25519", False, ["genpkey", "-algorithm", "ED25519"]),
    "pkcs8-ed448": ("ed448", False, ["genpkey", "-algorithm", "ED448"]),
    "traditional-rsa": ("rsa-2048", False, ["genrsa", "-traditional", "2048"]),
    "traditional-ec": ("ecdsa-p384", False, ["ecparam", "-name", "secp384r1", "-genkey", "-noout"]),
    "traditional-ec-after-its-parameters": ("ecdsa-p521", False, ["ecparam", "-name", "secp521r1", "-genkey"]),
    "encrypted-pkcs8": ("ed25519", True, ["genpkey", "-algorithm", "ED25519", "-aes-256-cbc", "-pass", "pass:secret"]),
    "encrypted-traditional": (
        "rsa-2048", True, ["genrsa", "-traditional", "-aes128", "-passout", "pass:secret", "2048"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPENSSL_KEYS)
def test_a_key_file_that_openssl_wrote_loads(name: str, tmp_path: Path) -> None:
    kind, encrypted, command = OPENSSL_KEYS[name]
    path = tmp_path / "key.pem"
    sizes = [command.pop()] if command[-1] == "2048" and command[0] == "genrsa" else []
    made = openssl(*command, "-out", path, *sizes)
    assert made.returncode == 0, made.stderr
    assert key_kind(load_key(path, "secret" if encrypted else None)) == kind
    if encrypted:
        assert refusal(path).what == f"{path} is encrypted"
        assert refusal(path, "not it").what == f"the password does not open {path}"
    else:
        assert refusal(path, "secret").what == f"{path} is not encrypted"


@pytest.mark.parametrize("kind", KEY_KINDS)
@pytest.mark.parametrize("password", [None, PASSWORD])
def test_openssl_reads_the_key_files_that_we_write(kind: str, password: str | None, tmp_path: Path) -> None:
    if kind.startswith("ml-dsa") and not openssl_has_ml_dsa():
        pytest.skip("this OpenSSL knows no ML-DSA, which came with 3.5")
    path = save_key(key_of(kind), tmp_path / "key.pem", password)
    read = openssl("pkey", "-in", path, "-pubout", "-passin", f"pass:{password or ''}")
    assert read.returncode == 0, read.stderr
    ours = key_of(kind).public_key()
    assert serialization.load_pem_public_key(read.stdout.encode()) == ours
    if password:
        assert openssl("pkey", "-in", path, "-noout", "-passin", "pass:wrong").returncode != 0


def test_a_key_is_found_in_a_file_with_its_certificate(tmp_path: Path) -> None:
    """As HAProxy and many servers want it."""
    credential = self_signed("localhost", key=key_of("ed25519"))
    path = save_key(credential.key, tmp_path / "both.pem")
    path.write_bytes(credential.certificate_pem + path.read_bytes())
    assert same(load_key(path), credential.key)


def test_a_key_file_edited_on_windows_loads(tmp_path: Path) -> None:
    path = save_key(key_of("ed25519"), tmp_path / "key.pem")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert same(load_key(path), key_of("ed25519"))


def test_a_key_of_openssh_is_not_blamed_on_the_password(tmp_path: Path) -> None:
    path = tmp_path / "id_ed25519"
    path.write_bytes(key_of("ed25519").private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    for password in (None, "secret"):
        assert "password does not open" not in refusal(path, password).what
