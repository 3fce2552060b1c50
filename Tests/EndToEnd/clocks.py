"""Clocks that jump for one daemon alone.

A machine that was saved and loaded again, or suspended, finds its clocks apart. There is no way to that which leaves
the rest of the machine alone: a time namespace gets its offsets before its first process, for ever, and has none for
the time of day; suspending stops the tests, and setting the time of day sets everybody's. So libc's functions are
replaced (clocks.c). Timers, sockets and random numbers are the kernel's.
"""

import mmap
import pathlib
import struct
import subprocess

import pytest

SECOND = 1_000_000_000
WEEK = 604_800
FIELDS = ["monotonic", "boot", "wall", "steps", "reseeds", "loaded"]  # As in clocks.c.


class Clocks:
    """What the clocks of the processes with `environment` are ahead of this machine's, in nanoseconds."""

    def __init__(self, directory):
        library = directory / "clocks.so"
        source = pathlib.Path(__file__).with_name("clocks.c")
        subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source], check=True)
        with (directory / "clocks").open("wb+") as file:
            file.truncate(mmap.PAGESIZE)
            self.page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.environment = {"LD_PRELOAD": str(library), "ENVD_TEST_CLOCKS": str(directory / "clocks")}

    def __getitem__(self, name):
        return struct.unpack_from("q", self.page, 8 * FIELDS.index(name))[0]

    def _set(self, name, value):
        struct.pack_into("q", self.page, 8 * FIELDS.index(name), value)

    def suspend(self, seconds):
        """As when the machine was suspended and the time of day is right again: only `monotonic` stood still."""
        self._set("boot", self["boot"] + int(seconds * SECOND))
        self._set("wall", self["wall"] + int(seconds * SECOND))

    def run(self, seconds):
        """As if time had gone by."""
        self._set("monotonic", self["monotonic"] + int(seconds * SECOND))
        self.suspend(seconds)

    def check(self):
        """A daemon without dynamic libraries has the machine's clocks."""
        if not self["loaded"]:
            pytest.skip("the daemon is linked statically")
