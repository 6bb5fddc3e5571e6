"""What every git process is told: a small environment, and a configuration that only it can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from towline.source.access import Remote

_SETTINGS = """\
[core]
    hooksPath = /dev/null
    attributesFile = /dev/null
    askPass =
    logAllRefUpdates = false
    bigFileThreshold = 16m
    packedGitWindowSize = 16m
    packedGitLimit = 128m
[gc]
    auto = 0
[maintenance]
    auto = false
[pack]
    threads = 1
    windowMemory = 64m
[protocol]
    version = 2
    allow = never
[ssh]
    variant = ssh
[http]
    followRedirects = false
    lowSpeedLimit = 1000
    lowSpeedTime = 30
[credential]
    helper =
[transfer]
    fsckObjects = true
    credentialsInUrl = die
    bundleURI = false
[fetch]
    fsckObjects = true
    unpackLimit = 1
    recurseSubmodules = false
    writeCommitGraph = false
[submodule]
    recurse = false
[log]
    showSignature = false
    mailmap = false
[i18n]
    logOutputEncoding = UTF-8
"""
"""Nothing but the transfer itself."""

TOLERATED = (
    "zeroPaddedFilemode",
    "badTimezone",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingNameBeforeEmail",
    "missingEmail",
    "badName",
    "badEmail",
    "multipleAuthors",
)
"""Objects are checked as they arrive (tree entries called `..` or `.git`, names twice), except for the author lines
and file modes that old tools left in many honest repositories."""

_CHECKS = "".join(('[fetch "fsck"]\n', *(f"    {name} = ignore\n" for name in TOLERATED)))

_SSH_OPTIONS = (
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "PreferredAuthentications=publickey",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "UpdateHostKeys=no",
    "CheckHostIP=no",
    "RequiredRSASize=2048",
    "NumberOfPasswordPrompts=1",
    "ClearAllForwardings=yes",
    "ControlMaster=no",
    "ConnectTimeout=30",
    "ServerAliveInterval=10",
    "LogLevel=ERROR",
)

PATH = "/usr/local/bin:/usr/bin:/bin"
"""Where git finds itself, ssh, gpg and ssh-keygen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where git and ssh find what is too long or too secret for a configuration; empty where there is none."""

    ca: str = ""
    key: str = ""
    known_hosts: str = ""
    askpass: str = ""


def render(remote: Remote | None, files: Files, more: Iterable[str] = ()) -> bytes:
    """Return the configuration of one git process, credentials included where it talks to a remote.

    `more` are lines that it has besides.
    """
    lines = (*(_remote_lines(remote, files) if remote else ()), *more)
    return (_SETTINGS + _CHECKS + "".join(f"{line}\n" for line in lines)).encode()


def environment(config: str, home: str, remote: Remote | None, files: Files) -> tuple[str, ...]:
    """Return the whole environment of one git process as `NAME=value`; no secret is in it."""
    return (
        f"PATH={PATH}",
        f"HOME={home}",
        f"GIT_CONFIG_GLOBAL={config}",
        "GIT_CONFIG_NOSYSTEM=1",
        f"GIT_ALLOW_PROTOCOL={remote.scheme if remote else 'none'}",
        "GIT_TERMINAL_PROMPT=0",
        "GIT_NO_REPLACE_OBJECTS=1",
        "GIT_OPTIONAL_LOCKS=0",
        "LC_ALL=C",
        "LANGUAGE=C",
        *((f"SSH_ASKPASS={files.askpass}", "SSH_ASKPASS_REQUIRE=force") if files.askpass else ()),
    )


def askpass(passphrase: str) -> bytes:
    """Return a program that prints a passphrase; printf is part of the shell, so no argument list ever shows it."""
    quoted = passphrase.replace("'", "'\\''")
    return f"#!/bin/sh\nprintf '%s\\n' '{quoted}'\n".encode()


def _remote_lines(remote: Remote, files: Files) -> Iterator[str]:
    if remote.scheme == "ssh":
        yield "[core]"
        yield f"    sshCommand = {quoted(_ssh(remote, files))}"
        return
    yield "[http]"
    if remote.authorization:
        yield f"    extraHeader = {quoted(f'Authorization: {remote.authorization}')}"
    if files.ca:
        yield f"    sslCAInfo = {quoted(files.ca)}"
    if (
        remote.address and ":" not in remote.hostname
    ):  # a literal of version 6 has no name that could be looked up
        yield f"    curloptResolve = {quoted(f'{remote.hostname}:{remote.port}:{remote.address}')}"


def _ssh(remote: Remote, files: Files) -> str:
    """Return a command that reads no configuration, uses no agent, and trusts only the given hosts."""
    options = [
        *_SSH_OPTIONS,
        f"IdentityFile={files.key}",
        f"UserKnownHostsFile={files.known_hosts}",
        f"BatchMode={'no' if files.askpass else 'yes'}",
    ]
    if remote.address:
        alias = remote.hostname if remote.port == 22 else f"[{remote.hostname}]:{remote.port}"
        options += [f"HostName={remote.address}", f"HostKeyAlias={alias}"]
    return " ".join(("ssh", "-F", "/dev/null", *(f"-o '{option}'" for option in options)))


def quoted(value: str) -> str:
    """Return a value as a configuration may hold it, whatever characters are in it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
