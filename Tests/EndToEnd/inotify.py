"""Waiting for files to be written."""

import ctypes
import os
import select
import struct

IN_CLOSE_WRITE, IN_MOVED_TO = 0x08, 0x80
LIMIT = 20.0  # Seconds until a file that a test waits for must have been written.


class WrittenFiles:
    """The files that are written in a directory, from now on, in their order."""

    def __init__(self, directory):
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(os.O_CLOEXEC)
        self.names = []
        mask = IN_CLOSE_WRITE | IN_MOVED_TO
        if libc.inotify_add_watch(self.descriptor, os.fsencode(directory), mask) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)

    def wait_for(self, name):
        """Waits until `name` has been written and closed; what was written before it is forgotten."""
        while name not in self.names:
            assert select.select([self.descriptor], [], [], LIMIT)[0], f"nobody writes {name}"
            events = os.read(self.descriptor, 1 << 16)
            while events:
                length = struct.unpack_from("iIII", events)[3]
                self.names.append(events[16 : 16 + length].rstrip(b"\0").decode())
                events = events[16 + length :]
        del self.names[: self.names.index(name) + 1]
        return True
