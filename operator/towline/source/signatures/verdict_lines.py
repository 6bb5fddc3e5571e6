"""Read what gpg and ssh-keygen say about a signature; nothing is trusted for an exit code alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from towline.api.signed.verification import Trust

_STATUS = "[GNUPG:] "
_HEX = re.compile(r"[0-9A-F]{16,64}")
_VERDICTS = {
    "GOODSIG": Trust.TRUSTED,
    "EXPSIG": Trust.EXPIRED_SIGNATURE,
    "EXPKEYSIG": Trust.EXPIRED_KEY,
    "REVKEYSIG": Trust.REVOKED_KEY,
    "BADSIG": Trust.BAD_SIGNATURE,
    "ERRSIG": Trust.UNKNOWN_KEY,
}
"""The words of which gpg says exactly one about each signature (doc/DETAILS)."""

_NO_PUBLIC_KEY = "9"
"""How an ERRSIG says that the key is not known; other numbers tell of methods that gpg does not have."""

_GOOD = re.compile(
    r'Good "git" signature(?: for (?P<signer>.+))? with (?P<type>[\w-]+) key (?P<key>SHA256:[A-Za-z0-9+/]{43})'
)
_EXPIRED = re.compile(r"^[^\n]*:[0-9]+: key has expired: ", re.MULTILINE)
_EARLY = re.compile(r"^[^\n]*:[0-9]+: key is not yet valid: ", re.MULTILINE)
_NAMESPACE = re.compile(r"^[^\n]*:[0-9]+: key is not permitted for use in signature namespace", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was said about a signature; `why` is what `trust` does not say, as the end of a sentence."""

    trust: Trust
    key: str = ""
    signer: str = ""
    why: str = ""


def by_gpg(code: int, said: str) -> Judgement:
    """Read the status lines of gpg about one signature.

    It is trusted where there is exactly one verdict, that is GOODSIG, exactly one VALIDSIG names the key, and git
    agrees. More than one signature is none that a person made with git.
    """
    lines = [line.removeprefix(_STATUS).split(" ") for line in said.split("\n") if line.startswith(_STATUS)]
    verdicts = [line for line in lines if line[0] in _VERDICTS]
    valid = [line for line in lines if line[0] == "VALIDSIG"]
    if len(verdicts) != 1 or len(valid) > 1:
        why = "has more than one signature" if len(verdicts) > 1 else ""
        return Judgement(trust=Trust.BAD_SIGNATURE, why=why)
    (verdict,) = verdicts
    trust = _VERDICTS[verdict[0]]
    key = _key(valid[0] if valid else verdict)
    if trust is Trust.UNKNOWN_KEY:
        return _errors(verdict, key)
    signer = unquote(" ".join(verdict[2:]))
    if trust is Trust.TRUSTED and (code != 0 or not valid or not key):
        return Judgement(trust=Trust.BAD_SIGNATURE, key=key, why="could not be verified by git")
    return Judgement(trust=trust, key=key, signer="" if trust is Trust.BAD_SIGNATURE else signer)


def _errors(verdict: list[str], key: str) -> Judgement:
    """Read an ERRSIG: its key id, methods, time, why it could not be checked, and on newer versions the fingerprint."""
    if len(verdict) > 6 and verdict[6] == _NO_PUBLIC_KEY:
        return Judgement(trust=Trust.UNKNOWN_KEY, key=key)
    return Judgement(trust=Trust.UNSUPPORTED, key=key, why="is signed by a method that gpg does not accept")


def _key(line: list[str]) -> str:
    """Return the fingerprint of the primary key, else of the key itself, else its id."""
    shown = (line[-1], line[1] if len(line) > 1 else "") if line[0] in {"VALIDSIG", "ERRSIG"} else (line[1],)
    return next((each for each in shown if _HEX.fullmatch(each)), "")


def by_ssh(code: int, said: str) -> Judgement:
    """Read what ssh-keygen says about one signature: it is trusted where that names a signer, and git agrees."""
    found = [match for line in said.split("\n") if (match := _GOOD.fullmatch(line.rstrip("\r")))]
    signed = [match for match in found if match["signer"]]
    if code == 0 and len(found) == 1 and signed:
        return Judgement(trust=Trust.TRUSTED, key=signed[0]["key"], signer=signed[0]["signer"])
    key = found[0]["key"] if found else ""
    if _EXPIRED.search(said):
        return Judgement(trust=Trust.EXPIRED_KEY, key=key, why="was made after the valid-before of its key")
    if _EARLY.search(said):
        return Judgement(trust=Trust.EXPIRED_KEY, key=key, why="was made before the valid-after of its key")
    if _NAMESPACE.search(said):
        return Judgement(
            trust=Trust.UNKNOWN_KEY, key=key, why='is by a key whose namespaces do not have "git"'
        )
    return Judgement(trust=Trust.UNKNOWN_KEY if found else Trust.BAD_SIGNATURE, key=key)


def imported(said: str) -> bool:
    """Read the status lines of an import, and tell whether all of it was taken.

    A revocation is counted in IMPORT_RES alone; a key without a user id that its owner has signed is counted there,
    too, and not taken.
    """
    lines = [line.removeprefix(_STATUS).split(" ") for line in said.split("\n") if line.startswith(_STATUS)]
    counts = next((line[1:3] for line in lines if line[0] == "IMPORT_RES"), ["0", "0"])
    lost = any(line[0] in {"NODATA", "IMPORT_PROBLEM"} for line in lines) or counts[1:] != ["0"]
    return counts[0] != "0" and not lost
