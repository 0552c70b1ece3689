"""SSH signatures of bundles: in come a file and a key, or a signature, out comes what OpenSSH says.

The format is OpenSSH's (PROTOCOL.sshsig): `ssh-keygen` is there wherever git and ssh are, keys of
people and of machines exist already, hardware keys and agents work, and nothing has to be installed
or asked of a server. Keys are read by ssh-keygen alone.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import open_regular, read_regular
from scanner.base.text import clean
from scanner.history.manifest import DamageError

NAMESPACE: Final = "keypolicy-evidence"
"""What a signature is for: one of a git commit or of a file is none of a bundle."""

SUFFIX: Final = ".sig"

_MOST: Final = 1 << 20
_SECONDS: Final = 300


class SignatureCheck(msgspec.Struct, frozen=True):
    """A signature, the file of the keys that may sign (ssh-keygen(1)), and who has to have."""

    signature: Path
    allowed_signers: Path
    identity: str


def sign(path: Path, key: Path) -> bytes:
    """Return the signature of a file with a key that ssh-keygen can use; it asks for a passphrase.

    Raises UsageError.
    """
    with open_regular(key):
        pass
    done = _run(path, "sign", "-f", str(key.absolute()), "-n", NAMESPACE)
    if done.returncode or not done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise UsageError(
            f"cannot sign: {_said(done.stderr)}",
            where=str(key),
            remedy="Name an SSH private key, or a public one whose private half ssh-agent holds.",
        )
    return done.stdout


def check_signature(path: Path, check: SignatureCheck) -> str:
    """Return whose signature it is, with the key's fingerprint. Raises UsageError, DamageError."""
    for one in (check.signature, check.allowed_signers):
        read_regular(one, _MOST)
    done = _run(
        path, "verify", "-f", str(check.allowed_signers.absolute()), "-I", check.identity,
        "-n", NAMESPACE, "-s", str(check.signature.absolute()),
    )  # fmt: skip
    if done.returncode:
        raise DamageError(
            f"is no signature of {path} by {check.identity}: {_said(done.stderr or done.stdout)}",
            "signature",
            where=str(check.signature),
            remedy="Either the bundle was changed after it was signed, or who signed it is not"
            f" among {check.allowed_signers}.",
        )
    return _said(done.stdout)


def _run(path: Path, action: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise UsageError(
            "there is no ssh-keygen",
            where="PATH",
            remedy="Install OpenSSH 8.0 or later, or leave the signature out.",
        )
    with open_regular(path) as file:
        try:
            return subprocess.run(  # noqa: S603 - a list of arguments, no shell
                [program, "-Y", action, *arguments],
                stdin=file,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"ssh-keygen said nothing for {_SECONDS} seconds",
                where=program,
                remedy="Unlock the key (ssh-add), so that nothing is asked for; then go on.",
            ) from None


def _said(output: bytes) -> str:
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines()]
    return clean("; ".join(line for line in lines if line)) or "ssh-keygen does not say why"
