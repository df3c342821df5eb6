"""What a recorded drive saw, and what is left of it when the power goes.

Owns the format of the journal that `disk.py` writes, and the rule of a cut. Before the cut at `at` are the records 0 … at-1.
Those up to the last flush among them are on the drive. Each write after that flush may be there, or a part of it, or not, in
any order: a drive promises nothing of what was not flushed.

`disk.py` serves one request at a time, so a write that was answered before a flush came is recorded before it.
"""

import mmap
import os
import random
import struct
import subprocess

FLUSH = 0xFFFF_FFFF_FFFF_FFFF
HEAD = struct.Struct("<QI")

# What becomes of the writes after the last flush.
FATES = ["lost", "kept", "some", "some", "torn", "torn", "shuffled"]


def head(offset, length):
    """What stands before the bytes of one record; a flush has the offset FLUSH and no bytes."""
    return HEAD.pack(offset, length)


class Tape:
    """The records of one journal: `records[i]` is (offset, where its bytes are, how many)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self.records, place = [], 0
        while place < len(self.bytes):
            offset, length = HEAD.unpack_from(self.bytes, place)
            self.records.append((offset, place + HEAD.size, length))
            place += HEAD.size + length
        self.flushes = [i for i, (offset, _, _) in enumerate(self.records) if offset == FLUSH]

    def write(self, index):
        offset, start, length = self.records[index]
        return offset, self.bytes[start:start + length]

    def durable(self, at):
        """How many records are surely on the drive if the power goes before record `at`."""
        return max((flush + 1 for flush in self.flushes if flush < at), default=0)


def cuts(tape, chance, stretches):
    """One moment in each stretch of records, in order: half anywhere, half just before a flush, when most is at stake."""
    return sorted(moment(tape, chance, *stretch) for stretch in stretches)


def moment(tape, chance, first, last):
    flushes = [flush for flush in tape.flushes if first < flush <= last]
    return chance.choice(flushes) if flushes and chance.random() < 0.5 else chance.randint(first, last)


def remains(tape, durable, at, fate, tear_bytes, chance):
    """The writes, or parts of writes, after the last flush that reached the drive all the same: (offset, bytes)."""
    left = [tape.write(i) for i in range(durable, at) if tape.records[i][0] != FLUSH]
    if fate == "lost":
        return []
    if fate == "kept":
        return left
    if fate == "torn":
        left = [piece for offset, data in left for piece in pieces(offset, data, tear_bytes)]
    share = chance.choice([0.1, 0.5, 0.9])
    left = [piece for piece in left if chance.random() < share]
    if fate in ("shuffled", "torn"):
        chance.shuffle(left)
    return left


def pieces(offset, data, size):
    """A write in the units that a drive writes whole."""
    return [(offset + i, data[i:i + size]) for i in range(0, len(data), size)]


class Past:
    """The drive as it was: one image that is rolled forward, and copies of it with what a cut left."""

    def __init__(self, tape, folder, size):
        self.tape, self.folder, self.size = tape, folder, size
        self.base = os.path.join(folder, "base")
        self.rolled = 0
        self._new()

    def _new(self):
        with open(self.base, "wb") as file:
            file.truncate(self.size)
        self.rolled = 0

    def _roll(self, to):
        if to < self.rolled:
            self._new()
        with open(self.base, "r+b", buffering=0) as file:
            for index in range(self.rolled, to):
                if self.tape.records[index][0] != FLUSH:
                    offset, data = self.tape.write(index)
                    os.pwrite(file.fileno(), data, offset)
        self.rolled = to

    def image(self, durable, extra):
        """An image of the first `durable` records and of `extra`, in this order. It replaces the image made before."""
        self._roll(durable)
        path = os.path.join(self.folder, "image")
        subprocess.run(["cp", "--sparse=auto", self.base, path], check=True)
        with open(path, "r+b", buffering=0) as file:
            for offset, data in extra:
                os.pwrite(file.fileno(), data, offset)
        return path


def chance_of(*parts):
    """A source of chance for one thing, the same for the same parts."""
    return random.Random("/".join(map(str, parts)))
