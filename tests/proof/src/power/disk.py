"""A file system with one file, `disk`, that writes down everything that reaches it: every write and every flush, in order.

    disk.py FOLDER BYTES JOURNAL COUNT

A loop device over FOLDER/disk is a drive whose past can be cut at any moment. JOURNAL is what was written (see `tape.py`);
COUNT holds the number of records in it, for whoever wants to know what the drive had seen when something happened. One request is
served at a time, and recorded before it is answered. It runs until FOLDER is unmounted.
"""

import errno
import mmap
import stat
import sys

import mfusepy

import tape


class Disk(mfusepy.Operations):
    use_ns = True

    def __init__(self, size, journal, count):
        self.size = size
        self.bytes = mmap.mmap(-1, size)
        self.journal = open(journal, "wb", buffering=1 << 20)
        self.records = 0
        with open(count, "wb") as file:
            file.truncate(8)
        with open(count, "r+b") as file:
            # One store of eight bytes: who reads it meanwhile sees the old number or the new one.
            self.count = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")

    def record(self, offset, data):
        self.journal.write(tape.head(offset, len(data)))
        self.journal.write(data)
        self.records += 1
        self.count[0] = self.records

    def getattr(self, path, fh=None):
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
        if path == "/disk":
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": self.size, "st_blksize": 4096}
        raise mfusepy.FuseOSError(errno.ENOENT)

    def readdir(self, path, fh):
        return [".", "..", "disk"]

    def open(self, path, flags):
        return 0

    def read(self, path, size, offset, fh):
        return self.bytes[offset:offset + size]

    def write(self, path, data, offset, fh):
        self.bytes[offset:offset + len(data)] = data
        self.record(offset, data)
        return len(data)

    def fsync(self, path, datasync, fh):
        self.record(tape.FLUSH, b"")
        return 0

    def destroy(self, path):
        self.journal.close()


def main():
    folder, size, journal, count = sys.argv[1:]
    mfusepy.FUSE(Disk(int(size), journal, count), folder, foreground=True, nothreads=True, fsname="bot-hub-power", direct_io=True)


if __name__ == "__main__":
    main()
