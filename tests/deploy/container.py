"""The container file, judged without a container engine: `container.py HUB_BINARY TOOLS [--full]`.

With `--full`, the static program is built from exactly the files that the image is built from, and runs in an
empty root directory under the image's user, as in a container `FROM scratch`.
"""

import fnmatch
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

from score import Score

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTAINER = ROOT / "deploy/container"
TARGET = "x86_64-unknown-linux-musl"
PROGRAM_BYTES_MAX = 16 << 20


def instructions():
    """The lines of the last stage of the Dockerfile, and of the stages before: (word, rest)."""
    text = re.sub(r"^\s*#.*\n", "", (CONTAINER / "Dockerfile").read_text(), flags=re.M)
    lines = [line.split(None, 1) for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    last = max(at for at, (word, _) in enumerate(lines) if word == "FROM")
    return lines[:last], lines[last:]


def value(word):
    return next(rest for found, rest in instructions()[1] if found == word)


def environment():
    return dict(pair.split("=", 1) for pair in shlex.split(value("ENV")))


def nothing_to_remark(tools):
    hadolint = pathlib.Path(tools) / "python/bin/hadolint"
    done = subprocess.run([hadolint, CONTAINER / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stdout.strip(), done.stdout + done.stderr


def holds_nothing_but_the_hub():
    _, last = instructions()
    assert last[0] == ["FROM", "scratch"], last[0]
    user, group = value("USER").split(":")
    assert int(user) > 0 and int(group) > 0, "the user is root"
    assert not any(word in ("RUN", "ADD") for word, _ in last), "there is nothing that could run"
    copied = [rest.split()[-1] for word, rest in last if word == "COPY"]
    assert copied == ["/bot-hub", "/data"], copied
    assert json.loads(value("ENTRYPOINT")) == ["/bot-hub"]


def settings_are_known(binary):
    env = {"PATH": os.environ["PATH"], **environment()}
    done = subprocess.run([binary, "config", "show", "--origin"], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for name in environment():
        assert name in done.stdout, f"{name} is no setting: {done.stdout}"


def context(folder):
    """The files that the image is built from, copied: what the ignore file lets through."""
    rules = (CONTAINER / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*", "everything is left out, unless it is named"
    for rule in rules[1:]:
        assert rule.startswith("!") and not fnmatch.fnmatch("target", rule[1:]), rule
        source = ROOT / rule[1:]
        if source.is_dir():
            shutil.copytree(source, folder / rule[1:])
        else:
            shutil.copy(source, folder)


def context_is_complete(folder):
    context(folder)
    # Whatever is included from outside of the crates would be missing.
    done = subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--no-deps"],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outside = []
    for path in folder.rglob("src/**/*.rs"):
        text = path.read_text()
        tested = text.find("#[cfg(test)]")
        for found in re.finditer(r'include_(?:str|bytes)!\(\s*"([^"]+)"', text):
            if (tested < 0 or found.start() < tested) and not (path.parent / found[1]).exists():
                outside.append(f"{path.relative_to(folder)}: {found[1]}")
    assert not outside, outside


def built(folder, tools):
    """The program as the image has it, from the files that the image is built from."""
    env = {
        **os.environ,
        "RUSTFLAGS": "-C target-feature=+crt-static",
        "CARGO_TARGET_DIR": str(pathlib.Path(tools) / "static"),
    }
    command = ["nice", "cargo", "build", "--release", "--locked", "--package", "bot-hub", "--target", TARGET]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-2000:]
    program = folder / "bot-hub"
    shutil.copy(pathlib.Path(tools) / "static" / TARGET / "release/bot-hub", program)
    subprocess.run(["strip", program], check=True)
    return program


def is_static(program):
    """No interpreter is named in the program's headers: nothing has to be there for it to run."""
    data = program.read_bytes()
    assert data[:4] == b"\x7fELF" and data[4] == 2
    offset = int.from_bytes(data[0x20:0x28], "little")
    size, count = (int.from_bytes(data[at : at + 2], "little") for at in (0x36, 0x38))
    kinds = [int.from_bytes(data[offset + n * size :][:4], "little") for n in range(count)]
    assert 3 not in kinds, "it needs a loader"
    assert len(data) <= PROGRAM_BYTES_MAX, f"{len(data)} bytes"
    return f"{len(data) / (1 << 20):.1f} MiB"


def runs_in_an_empty_root(folder, program):
    root = folder / "root"
    (root / "data").mkdir(parents=True)
    shutil.copy(program, root / "bot-hub")
    user, group = map(int, value("USER").split(":"))
    (root / "data").chmod(0o700)
    if os.geteuid() == 0:
        os.chown(root / "data", user, group)
        enter = ["/usr/sbin/chroot", f"--userspec={user}:{group}", str(root)]
    else:
        enter = ["unshare", "--map-root-user", f"--root={root}", "--wd=/"]
    env = {**environment(), "BOT_HUB_LISTEN": "127.0.0.1:0"}
    command = json.loads(value("ENTRYPOINT")) + json.loads(value("CMD"))
    hub = subprocess.Popen(enter + command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = hub.stdout.readline()
        assert line.startswith("listening ws://"), line + hub.stderr.read()
        check = json.loads(value("HEALTHCHECK").split(" CMD ", 1)[1])
        done = subprocess.run(enter + check, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "answered" in done.stdout, done.stderr
        added = subprocess.run(enter + ["/bot-hub", "bot", "add", "ada"], env=env, capture_output=True, text=True, timeout=60)
        assert added.returncode == 0, added.stderr
        hub.send_signal(signal.SIGTERM)
        assert hub.wait(15) == 0
        done = subprocess.run(enter + check, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode != 0, "a hub that has ended counts as healthy"
    finally:
        if hub.poll() is None:
            hub.kill()
            hub.wait()


def main(binary, tools, full):
    score = Score()
    if (pathlib.Path(tools) / "python/bin/hadolint").exists():
        score.check("Dockerfile: hadolint has nothing to remark", nothing_to_remark, tools)
    else:
        score.skip("Dockerfile: hadolint", "no hadolint")
    score.check("Dockerfile: an image with nothing but the hub, and no root", holds_nothing_but_the_hub)
    score.check("Dockerfile: its variables are settings", settings_are_known, binary)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        sources = folder / "context"
        sources.mkdir()
        score.check("Dockerfile: what is copied is enough to build", context_is_complete, sources)
        targets = subprocess.run(["rustup", "target", "list", "--installed"], capture_output=True, text=True)
        title = "the static program runs in an empty root directory, without root"
        if not full:
            score.skip(title, "takes minutes: ./test --full deploy")
        elif TARGET not in targets.stdout or not shutil.which("musl-gcc"):
            score.skip(title, f"rustup target add {TARGET}, and install musl-tools")
        else:
            try:
                program = built(sources, tools)
            except AssertionError as error:
                score.check("the static program is built", fail, error)
                score.end()
            score.check("the program is static", is_static, program)
            score.check(title, runs_in_an_empty_root, folder, program)
    score.skip("building and running the image", "no container engine is used by these tests")
    score.end()


def fail(error):
    raise AssertionError(error)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], "--full" in sys.argv)
