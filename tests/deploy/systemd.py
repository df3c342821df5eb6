"""The units in `deploy/systemd`, judged by systemd's own tools: `systemd.py HUB_BINARY`.

Nothing is installed or started by systemd. That the sandbox's filter of system calls leaves the hub what it
needs is found out by watching a hub at work.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from score import Score

UNITS = pathlib.Path(__file__).resolve().parents[2] / "deploy/systemd"
SHIPPED_PROGRAM = "/usr/local/bin/bot-hub"

# What `systemd-analyze security` says of the unit, out of 10; what remains is that it has a network.
EXPOSURE_MAX = 1.1
# With the right to listen below port 1024.
EXPOSURE_PORT_443_MAX = 1.4


def run(*command, env=None):
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "SYSTEMD_COLORS": "0", **(env or {})}, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def prepared(folder, binary, name, drop_in=None):
    """The shipped unit, with the path of the program that is there."""
    inside = pathlib.Path(tempfile.mkdtemp(dir=folder))
    text = (UNITS / name).read_text()
    assert SHIPPED_PROGRAM in text, f"{name} has no {SHIPPED_PROGRAM}"
    (inside / "bot-hub.service").write_text(text.replace(SHIPPED_PROGRAM, str(binary)))
    if drop_in:
        (inside / "bot-hub.service.d").mkdir()
        shipped = UNITS / "bot-hub.service.d" / f"{drop_in}.conf.example"
        shutil.copy(shipped, inside / "bot-hub.service.d" / f"{drop_in}.conf")
    return inside / "bot-hub.service"


def verify(folder, unit, *scope):
    """`verify` ends with 0 also for mistakes: whatever it says counts."""
    env = {"XDG_RUNTIME_DIR": str(folder), "SYSTEMD_UNIT_PATH": f"{unit.parent}:"}
    code, out, err = run("systemd-analyze", *scope, "verify", "--man=no", str(unit), env=env)
    assert code == 0 and not (out + err).strip(), (out + err).strip()


def catches_mistakes(folder, unit):
    broken = unit.with_name("broken.service")
    broken.write_text(unit.read_text().replace("Type=notify", "Type=notyfi"))
    try:
        verify(folder, broken)
    except AssertionError as said:
        return str(said).splitlines()[0].split(": ", 1)[-1]
    raise AssertionError("a mistake passes")


def exposure(unit, at_most):
    env = {"SYSTEMD_UNIT_PATH": f"{unit.parent}:"}
    code, out, err = run("systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit), env=env)
    found = re.search(r"Overall exposure level for bot-hub.service: ([0-9.]+)", out)
    assert code == 0 and found, out + err
    assert float(found[1]) <= at_most, f"{found[1]}, and {at_most} is the bound"
    return f"exposure {found[1]} of 10, at most {at_most}"


def calls_of(name):
    """The system calls of a group, with those of the groups in it."""
    code, out, err = run("systemd-analyze", "syscall-filter", name)
    assert code == 0, err
    words = [line.split("#")[0].strip() for line in out.splitlines()[1:]]
    found = set()
    for word in filter(None, words):
        found |= calls_of(word) if word.startswith("@") else {word}
    return found


def allowed(unit):
    """What the unit's `SystemCallFilter=` leaves."""
    left = set()
    for words in re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(), re.M):
        groups = set().union(*(calls_of(word) for word in words.lstrip("~").split()))
        left = left - groups if words.startswith("~") else left | groups
    return left


def works_inside_the_filter(folder, binary, unit):
    """A hub at work uses no system call that the service is denied: start, bot, message, reload, backup, end."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
    data, trace = folder / "data", folder / "trace"
    home = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    config = folder / "config.json5"
    config.write_text("{}")
    binary = pathlib.Path(shutil.copy(binary, folder / "bot-hub"))
    nobody = as_nobody(folder)
    serve = [str(binary), "serve", "--config", str(config), "--data", str(data), "--listen", "127.0.0.1:0"]
    hub = subprocess.Popen(
        ["strace", "--seccomp-bpf", "-f", "-qq", "-o", str(trace), *serve],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=home, **nobody,
    )  # fmt: skip
    try:
        assert hub.stdout.readline().startswith("listening ws://"), "the hub does not start under strace"
        pid = json.loads((data / "hub.json").read_text())["pid"]
        hub_says = lambda *words: subprocess.run(
            [str(binary), "--data", str(data), *words], capture_output=True, text=True, env=home, timeout=60, **nobody
        )
        for words in (["bot", "add", "ada"], ["room", "create", "lab"], ["send", "#lab", "hello"]):
            done = hub_says(*words)
            assert done.returncode == 0, done.stderr
        assert hub_says("backup", str(folder / "copy.db")).returncode == 0
        config.write_text("{ operators: ['ada'] }")
        os.kill(pid, signal.SIGHUP)
        deadline = time.monotonic() + 20
        while '"applied"} 1' not in fetch(data, "/metrics"):
            assert time.monotonic() < deadline, "the hub does not reload"
        os.kill(pid, signal.SIGTERM)
        assert hub.wait(30) == 0
    finally:
        if hub.poll() is None:
            hub.terminate()
            hub.wait(10)
    used = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", trace.read_text(errors="replace"), re.M))
    assert len(used) > 30, f"nothing was watched: {used}"
    denied = used - allowed(unit) - {"execve"}
    assert not denied, f"the hub uses what the unit denies: {sorted(denied)}"
    return f"{len(used)} different system calls, all allowed"


def as_nobody(folder):
    """The service is never root, and root takes other ways: SQLite, for one, gives files away."""
    if os.geteuid() != 0:
        return {}
    nobody = 65534
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, nobody, nobody)
    return {"user": nobody, "group": nobody, "extra_groups": []}


def fetch(data, path):
    import urllib.request

    url = json.loads((data / "hub.json").read_text())["url"].replace("ws://", "http://")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(url + path, timeout=20).read().decode()


def main(binary):
    score = Score()
    if not shutil.which("systemd-analyze"):
        score.skip("the units of systemd", "no systemd-analyze: install the package systemd")
        score.end()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o711)
        unit = prepared(folder, binary, "bot-hub.service")
        mine = prepared(folder, binary, "bot-hub.user.service")
        low_port = prepared(folder, binary, "bot-hub.service", "port-443")
        alone = prepared(folder, binary, "bot-hub.service", "proxy-only")
        score.check("systemd-analyze verify finds a mistake", catches_mistakes, folder, unit)
        score.check("systemd-analyze verify: the unit of the machine", verify, folder, unit)
        score.check("systemd-analyze verify: the unit of a user", verify, folder, mine, "--user")
        score.check("systemd-analyze verify: with port 443", verify, folder, low_port)
        score.check("systemd-analyze verify: for a proxy only", verify, folder, alone)
        score.check("systemd-analyze security", exposure, unit, EXPOSURE_MAX)
        score.check("systemd-analyze security, with port 443", exposure, low_port, EXPOSURE_PORT_443_MAX)
        score.check("systemd-analyze security, for a proxy only", exposure, alone, EXPOSURE_MAX)
        if shutil.which("strace"):
            title = "a hub at work needs no system call that its unit denies"
            score.check(title, works_inside_the_filter, folder, binary, unit)
        else:
            score.skip("which system calls a hub needs", "no strace")
    score.end()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
