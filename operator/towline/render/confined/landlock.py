"""Confine the calling thread, and what it starts, to some folders, and keep it off the network, by Landlock."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls, the same on every architecture: linux/arch/*/syscall.tbl."""

_ASK_VERSION = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = (1 << bit for bit in range(4))
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE
_MOVE, _TRUNCATE, _DEVICE_CONTROL = 1 << 13, 1 << 14, 1 << 15
_FIRST = (1 << 13) - 1
"""What the first version of Landlock can refuse of files and folders."""

_TCP = 0b11
_OTHER_PROCESSES = 0b11
"""Sockets of an abstract name, and signals, of processes that are not confined alike."""


def version() -> int:
    """Return the version of Landlock that the kernel has; 0 where it has none, or forbids it."""
    known: int = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    return max(known, 0)


def confine(reads: Iterable[str], writes: Iterable[str], *, network: bool = False) -> None:
    """Confine the calling thread for good: nothing but some files is there, and TCP only if asked for.

    UDP is not refused.

    Args:
        reads: files and folders that may be read and executed; those that do not exist are skipped.
        writes: those that may be changed as well.
        network: whether TCP is allowed.

    Raises:
        OSError: the kernel refuses it.
    """
    libc, known = _libc(), version()
    files = _of_files(known)
    handled = struct.pack(
        "QQQ", files, _TCP if known >= 4 and not network else 0, _OTHER_PROCESSES if known >= 6 else 0
    )
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = _called(libc, _CREATE_RULESET, handled, ctypes.c_size_t(size), 0)
    try:
        for path in reads:
            _allow(libc, ruleset, path, files & _READ)
        for path in writes:
            _allow(libc, ruleset, path, files)
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "the kernel refuses PR_SET_NO_NEW_PRIVS")
        _called(libc, _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _of_files(known: int) -> int:
    """Return all that this version can refuse of files and folders: what is not handled is allowed everywhere."""
    later = ((2, _MOVE), (3, _TRUNCATE), (5, _DEVICE_CONTROL))
    return _FIRST | sum(right for since, right in later if known >= since)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        allowed = rights if os.path.isdir(descriptor) else rights & (_OF_FILES | _TRUNCATE | _DEVICE_CONTROL)  # noqa: PTH112  a descriptor
        _called(libc, _ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", allowed, descriptor), 0)
    finally:
        os.close(descriptor)


def _called(libc: ctypes.CDLL, number: int, *arguments: object) -> int:
    result: int = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses Landlock")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
