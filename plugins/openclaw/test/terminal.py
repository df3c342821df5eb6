"""Runs a command in a terminal and answers its questions.

    python3 terminal.py SECONDS '[["a question", "keys"], ["another", "keys", "maybe"], ...]' COMMAND...

Waits for each question (a regular expression, on the text without colours) before it presses the keys. Prints what the
terminal showed, and ends as the command did; 124 if a question did not come (one with `maybe` need not).
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

seconds, script, command = float(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(command[0], command)

fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 160, 0, 0))
end = time.monotonic() + seconds
raw, seen = b"", 0


def text():
    plain = re.sub(rb"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78])", b"", raw)
    return plain.decode(errors="replace")


def read():
    """More of what the terminal shows; false at its end."""
    global raw
    ready, _, _ = select.select([terminal], [], [], 0.5)
    if ready:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            return False
        if not part:
            return False
        raw += part
    return True


def finish(code):
    sys.stdout.write(text())
    sys.exit(code)


is_open = True
for question, keys, *maybe in script:
    while is_open or not maybe:
        found = re.search(question, text()[seen:])
        if found:
            seen += found.end()
            os.write(terminal, keys.encode())
            break
        is_open = is_open and read()
        if time.monotonic() > end or not (is_open or maybe):
            os.kill(pid, 9)
            print(f"the terminal did not ask: {question}", file=sys.stderr)
            finish(124)
while read():
    if time.monotonic() > end:
        os.kill(pid, 9)
        finish(124)
finish(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
