from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.errors import Reason
from towline.source import git_errors
from towline.source.access import Remote

URL = "https://git.example.com/certificate/redirect.git"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.GIT_UNAVAILABLE),
        ("fatal: something new", Reason.GIT_UNAVAILABLE),
        (f"fatal: unable to access '{URL}/': The requested URL returned error: 500", Reason.GIT_UNAVAILABLE),
        (
            f"fatal: unable to access '{URL}/': The requested URL returned error: 403",
            Reason.AUTHENTICATION_FAILED,
        ),
        (f"fatal: Authentication failed for '{URL}/'", Reason.AUTHENTICATION_FAILED),
        (f"fatal: repository '{URL}/' not found", Reason.AUTHENTICATION_FAILED),
        (
            "fatal: unable to access 'x': server certificate verification failed. CAfile: none CRLfile: none",
            Reason.TLS_VERIFY_FAILED,
        ),
        (
            "fatal: unable to access 'x': SSL: no alternative certificate subject name",
            Reason.TLS_VERIFY_FAILED,
        ),
        ("fatal: couldn't find remote ref refs/heads/x", Reason.REF_NOT_FOUND),
        ("fatal: remote error: upload-pack: not our ref 1111", Reason.REF_NOT_FOUND),
        ("error: Server does not allow request for unadvertised object 1111", Reason.REF_NOT_FOUND),
        ("fatal: remote error: repository 'x' not found", Reason.GIT_UNAVAILABLE),
        ("remote: fatal: Authentication failed\nfatal: early EOF", Reason.GIT_UNAVAILABLE),
        ("warning: redirecting\nfatal: early EOF", Reason.GIT_UNAVAILABLE),
        ("error: RPC failed; curl 28 Operation too slow. Less than 1000 bytes/sec", Reason.GIT_TIMEOUT),
        (
            "error: object 1111: hasDotdot: contains '..'\nfatal: fsck error in packed object",
            Reason.GIT_OBJECT_INVALID,
        ),
        ("Host key verification failed.\nfatal: Could not read from remote", Reason.HOST_KEY_MISMATCH),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            Reason.HOST_KEY_MISMATCH,
        ),
        (
            "fatal: Out of memory, malloc failed (tried to allocate 9 bytes)\nfatal: invalid index-pack output",
            Reason.SOURCE_TOO_LARGE,
        ),
        ("Bad server host key: Invalid key length", Reason.HOST_KEY_MISMATCH),
        ('load pubkey "/proc/1/fd/2": Invalid key length', Reason.AUTH_CONFIG_INVALID),
        ("git@x: Permission denied (publickey).", Reason.AUTHENTICATION_FAILED),
        (
            'Load key "/proc/1/fd/2": error in libcrypto\nPermission denied (publickey).',
            Reason.AUTH_CONFIG_INVALID,
        ),
    ],
)
def test_what_git_says_has_a_reason(text: str, reason: Reason) -> None:
    error = git_errors.error(Remote(url=URL), text)
    assert error.reason == reason
    assert error.message.startswith(f"{URL}: ")


def test_the_object_that_git_refuses_is_named() -> None:
    text = "error: object 1111: hasDotdot: contains '..'\nfatal: fsck error in packed object\n"
    assert "hasDotdot" in git_errors.error(Remote(url=URL), text).message


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        ("No space left on device", Reason.DISK_FULL, "data folder is full"),
        ("Disk quota exceeded", Reason.DISK_FULL, "data folder is full"),
        ("Input/output error", Reason.GIT_UNAVAILABLE, "the operator cannot use its data folder"),
    ],
)
def test_a_full_disk_of_the_operator_is_not_put_on_the_server(fault: str, reason: Reason, words: str) -> None:
    text = f"fatal: write error: {fault}\nfatal: fetch-pack: invalid index-pack output\n"
    error = git_errors.error(Remote(url=URL), text)
    assert error.reason == reason
    assert words in error.message
    assert fault in error.message
    theirs = git_errors.error(Remote(url=URL), f"remote: {fault}\nfatal: remote error: {fault}\n")
    assert "the operator" not in theirs.message


SSH_ENDS = (
    "fatal: Could not read from remote repository.\n\n"
    "Please make sure you have the correct access rights\nand the repository exists.\n"
)


def test_what_ssh_says_is_shown_and_not_what_git_says_whatever_the_matter_is() -> None:
    text = f"ssh: connect to host git.example.com port 22: Connection refused\n{SSH_ENDS}"
    error = git_errors.error(Remote(url=URL), text)
    assert error.reason == Reason.GIT_UNAVAILABLE
    assert error.message.endswith("(git: ssh: connect to host git.example.com port 22: Connection refused)")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", "another host key"),
        ("Bad server host key: Invalid key length", "its administrator has to replace it"),
        ("No ED25519 host key is known for [x]:22 and you have requested strict checking.", "add it"),
    ],
)
def test_a_host_key_that_is_unknown_changed_or_weak_is_told_apart(said: str, told: str) -> None:
    text = f"{said}\nHost key verification failed.\n{SSH_ENDS}"
    assert told in git_errors.error(Remote(url=URL), text).message


def test_a_message_holds_no_control_character_and_has_an_end() -> None:
    text = "remote: \x1b[31mred\nfatal: \x1b]0;title\x07 x\r\n\u202e" + "é" * 5000
    message = git_errors.error(Remote(url=URL), text).message
    assert message.isprintable()
    assert len(message.encode()) <= 1024


@settings(max_examples=100)
@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=4, max_size=20),
    st.sampled_from(["{}", "https://ann:{}@x", "<{}>"]),
)
def test_a_credential_is_struck_out_however_it_is_written(secret: str, where: str) -> None:
    remote = Remote(url=URL, username="ann", password=secret)
    for form in (
        secret,
        quote(secret, safe=""),
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(f"ann:{secret}".encode()).decode().rstrip("="),
    ):
        assert form not in git_errors.redacted(where.format(form), remote).replace("***", "\0")


@pytest.mark.parametrize(
    "remote", [Remote(url=URL, username="ann", password="p@ss/w"), Remote(url=URL, token="p@ss/w")]
)
@pytest.mark.parametrize("form", ["p%40ss%2Fw", "p%40ss%2fw", "p%40ss/w"])
def test_a_credential_is_struck_out_whatever_case_its_percent_encoding_has(remote: Remote, form: str) -> None:
    message = git_errors.error(remote, f"fatal: remote error: no access with {form} today").message
    assert message.endswith("no access with *** today)")


CORE = "s3cr3tc0re"
WHOLE = f'{CORE}"\\/<é>'


@pytest.mark.parametrize(
    "remote", [Remote(url=URL, username="ann", password=WHOLE), Remote(url=URL, token=WHOLE)]
)
def test_a_server_that_quotes_a_credential_in_a_way_of_its_own_is_not_quoted(remote: Remote) -> None:
    quoted = [
        json.dumps(WHOLE),
        quote(WHOLE).lower(),
        html.escape(WHOLE),
        WHOLE[:-1],
        *(base64.b64encode(f"{before}{WHOLE}".encode()).decode() for before in ("", "x", "xy", "ann:")),
        base64.urlsafe_b64encode(f"x{WHOLE}".encode()).decode(),
    ]
    for form in quoted:
        message = git_errors.error(remote, f"fatal: remote error: no access with {form} today").message
        assert message.endswith("today)")
        assert CORE not in message
        for shift in range(3):
            encoded = base64.b64encode(b"-" * shift + CORE.encode()).decode()
            assert encoded[(shift * 8 + 5) // 6 : -3] not in message
