"""A program on a terminal: a real pseudo-terminal, and what is to be seen on it."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import pyte

WAIT_S = 20


class Screen:
    def __init__(self, command, env, columns=110, lines=30):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def mode(self):
        """Whether the terminal echoes and waits for whole lines, as it does for a shell."""
        flags = termios.tcgetattr(self.fd)[3]
        return bool(flags & termios.ECHO), bool(flags & termios.ICANON)

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, wanted):
        """Reads until `wanted` is to be seen, or is true of what is to be seen."""
        is_there = wanted if callable(wanted) else lambda text: wanted in text
        deadline = time.monotonic() + WAIT_S
        while not is_there(self.text()):
            assert time.monotonic() < deadline, f"never seen: {wanted}\n{self.text()}"
            self.read(0.2)
        return self.text()

    def read(self, patience):
        ready, _, _ = select.select([self.fd], [], [], patience)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def signal(self, number):
        os.kill(self.pid, number)

    def end(self):
        """Reads to the end; the exit status."""
        while self.read(WAIT_S):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        self.fd = None
        return os.waitstatus_to_exitcode(status)

    def close(self):
        if self.fd is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.fd)
