"""How pictures pass between processes: through a file without a name that both have open.

It lies in memory where the system has memfd, which /dev/shm's size does not limit, else in TMPDIR.
It ends with the last process that has it open, however that ends.
"""

import os
import tempfile


class SharedFile:
    """`descriptor` is handed down to a child, which opens the same file with it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def new(cls, name: str) -> "SharedFile":
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create(name))
        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def put(self, *parts: bytes) -> None:
        """Replace what it holds. OSError where there is no room."""
        self.empty()
        offset = 0
        for part in parts:
            view = memoryview(part)
            while view:
                written = os.pwrite(self.descriptor, view, offset)
                view, offset = view[written:], offset + written

    def take(self) -> bytes:
        """What it holds, which is then given up."""
        content = os.pread(self.descriptor, os.fstat(self.descriptor).st_size, 0)
        self.empty()
        return content

    def empty(self) -> None:
        os.ftruncate(self.descriptor, 0)

    def close(self) -> None:
        os.close(self.descriptor)
