"""Passes pictures between processes through an unnamed file that both have open.

It is in memory if the system has memfd, which /dev/shm's size does not limit, otherwise in TMPDIR.
It disappears with the last process that has it open.
"""

import os
import tempfile


class SharedFile:
    """A child process inherits `descriptor` and opens the same file with it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def new(cls, name: str) -> "SharedFile":
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create(name))
        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def put(self, *parts: bytes) -> None:
        """Replace the content. Raises OSError if there is no space."""
        self.empty()
        offset = 0
        for part in parts:
            view = memoryview(part)
            while view:
                written = os.pwrite(self.descriptor, view, offset)
                view, offset = view[written:], offset + written

    def take(self) -> bytes:
        """Return the content and free it."""
        content = os.pread(self.descriptor, os.fstat(self.descriptor).st_size, 0)
        self.empty()
        return content

    def empty(self) -> None:
        os.ftruncate(self.descriptor, 0)

    def close(self) -> None:
        os.close(self.descriptor)
