"""Files in anonymous memory, which never touch a disk and vanish with the last process that has them open."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self


class MemoryFiles:
    """Holds such files until it is left. Each can be read by its path, and by its owner only."""

    def __init__(self) -> None:
        self.descriptors: list[int] = []

    def descriptor(self, content: bytes) -> int:
        """Hold some content; return a descriptor at its beginning."""
        descriptor = os.memfd_create("towline")
        self.descriptors.append(descriptor)
        os.fchmod(descriptor, 0o700)
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def inherited(self, content: bytes) -> str:
        """Hold some content; return its path in a child that inherits the descriptor."""
        return f"/proc/self/fd/{self.descriptor(content)}"

    def ours(self, content: bytes) -> str:
        """Hold some content; return its path for any process of this user, while this context is open."""
        return f"/proc/{os.getpid()}/fd/{self.descriptor(content)}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)
