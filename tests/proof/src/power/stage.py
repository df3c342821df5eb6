"""Drives, file systems and hubs for the proof, each a context that leaves nothing behind.

Owns what runs and what is mounted. It never judges. If this program is killed, the kernel tidies up: it runs in a mount and process
namespace of its own (see `tests/proof/power`).
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time

CLONE_NEWNS = 0x00020000
BYTES = 320 << 20
READY_S = 60
STOP_S = 30

# A drive may tear a write anywhere between two of these.
SECTOR = 512
# A file system: how it is made and mounted (runs take turns), and how it is looked at.
EXT4 = ["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", "-b"]
KINDS = {
    "ext4": ([([*EXT4, "4096"], "defaults"), ([*EXT4, "1024"], "data=writeback")], ["e2fsck", "-fn"]),
    "xfs": ([(["mkfs.xfs", "-q", "-f", "-K"], "defaults")], ["xfs_repair", "-n"]),
}


def make(kind, run_number):
    """The command that makes the file system of a run, and the options to mount it with."""
    ways = KINDS[kind][0]
    return ways[run_number % len(ways)]


class Unusable(Exception):
    """The file system itself did not come back: nothing is known of the hub."""


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout} {done.stderr}"
    return done.stdout.strip()


def until(holds, what, seconds=READY_S):
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)
    return found


@contextlib.contextmanager
def recorder(folder):
    """A drive that writes down what it sees; gives the path of its one file. The journal is complete when this ends."""
    front = os.path.join(folder, "drive")
    os.makedirs(front)
    disk = os.path.join(os.path.dirname(__file__), "disk.py")
    journal, count = os.path.join(folder, "journal"), os.path.join(folder, "count")
    process = subprocess.Popen([sys.executable, disk, front, str(BYTES), journal, count])
    try:
        until(lambda: os.path.exists(os.path.join(front, "disk")) or process.poll() is not None, "the recording drive")
        assert process.poll() is None, "the recording drive ended: is libfuse there?"
        apart()
        yield os.path.join(front, "disk")
    finally:
        # The loop device lets go of the file a little after it is gone.
        until(lambda: subprocess.run(["umount", front], capture_output=True).returncode == 0, f"{front} is unmounted", STOP_S)
        process.terminate()
        process.wait(STOP_S)


def apart():
    """What is mounted from here on is not mounted for the processes that run already.

    If everything is killed, the last process that sees a mount unmounts it. If that were the recording drive, it would wait for
    itself to write the rest, and every `sync` on the machine would wait with it.
    """
    assert ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) == 0, os.strerror(ctypes.get_errno())


@contextlib.contextmanager
def loop(path, *options):
    device = run("losetup", *options, "--show", "-f", path)
    # Taken away while it is in use, it goes with its last user, even if that is killed.
    user = os.open(device, os.O_RDONLY)
    run("losetup", "-d", device)
    try:
        # The page cache over the file would hide the order of the writes.
        assert not options or run("losetup", "-n", "-O", "DIO", device) == "1", f"{device} does not write directly"
        yield device
    finally:
        os.close(user)
        until(lambda: path not in run("losetup", "-n", "-l", "-O", "BACK-FILE"), f"{device} is free", STOP_S)


@contextlib.contextmanager
def mounted(device, kind, where, how="defaults"):
    os.makedirs(where, exist_ok=True)
    tried = subprocess.run(["mount", "-t", kind, "-o", how, device, where], capture_output=True, text=True)
    if tried.returncode != 0:
        raise Unusable(tried.stderr.strip())
    try:
        yield where
    finally:
        until(lambda: subprocess.run(["umount", where], capture_output=True).returncode == 0, f"{where} is unmounted", STOP_S)


def looks_sound(kind, device):
    """Whether the file system finds nothing wrong with itself; it must not be mounted."""
    return subprocess.run([*KINDS[kind][1], device], capture_output=True).returncode == 0


class Hub:
    """A hub on the data directory `data`, whose configuration is `home`/config.json."""

    def __init__(self, binary, home, data):
        self.binary, self.home, self.data = binary, home, data
        self.environment = {"HOME": home, "PATH": os.environ["PATH"]}
        self.process = self.url = None

    def words(self, *command):
        return [self.binary, *command, "--config", os.path.join(self.home, "config.json"), "--data", self.data]

    def start(self):
        with open(os.path.join(self.home, "log"), "ab") as log:
            self.process = subprocess.Popen(
                self.words("serve", "--listen", "127.0.0.1:0", "--log-level", "warn"),
                stdout=subprocess.PIPE, stderr=log, env=self.environment, text=True,
            )
        line = self.process.stdout.readline()
        if not line.startswith("listening ws://"):
            raise AssertionError(f"the hub does not start: {self.last_words()}")
        self.url = line.split()[1]

    def run(self, *command):
        return subprocess.run(self.words(*command), env=self.environment, capture_output=True, text=True, timeout=STOP_S)

    def last_words(self):
        with open(os.path.join(self.home, "log")) as log:
            return log.read()[-600:]

    def end(self, with_signal=signal.SIGTERM):
        """The exit status; killed if it does not end by itself."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(with_signal)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return "it did not end"
        finally:
            process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGKILL)


def configure(home, bots, operators):
    os.makedirs(home, exist_ok=True)
    config = {
        "tokens": {token(bot): {"botId": bot} for bot in [*bots, *operators]},
        "operators": operators,
        "limits": {"roomsMadePerBot": 1000, "historyPageMax": 1000},
    }
    path = os.path.join(home, "config.json")
    with open(path + ".new", "w") as file:
        json.dump(config, file)
    os.replace(path + ".new", path)


def token(bot):
    return f"the-token-of-{bot}-is-no-secret"
