"""A hub of its own for a test: a home directory, a process, commands beside it."""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request


class Hub:
    def __init__(self, binary, *arguments, level="info"):
        self.binary = binary
        self.home = tempfile.mkdtemp()
        self.env = {"HOME": self.home, "PATH": os.environ["PATH"], "TERM": "xterm-256color"}
        self.log = os.path.join(self.home, "hub.log")
        self.start("127.0.0.1:0", *arguments, "--log-level", level)

    def start(self, address, *arguments):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--listen", address, *arguments],
                stdout=subprocess.PIPE, stderr=log, env=self.env, cwd=self.home, text=True,
            )
        line = self.process.stdout.readline()
        assert line.startswith("listening ws://"), f"{line!r} {open(self.log).read()}"
        self.address = line.split("//")[1].strip()

    def run(self, *arguments, token=None):
        env = dict(self.env, BOT_HUB_TOKEN=token) if token else self.env
        return subprocess.run(
            [self.binary, *arguments], env=env, cwd=self.home, capture_output=True, text=True, timeout=60,
        )

    def data(self, *arguments):
        told = self.run(*arguments)
        assert told.returncode == 0, f"{arguments}: {told}"
        return told.stdout.strip()

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json").stdout)

    def get(self, path, headers=None):
        request = urllib.request.Request(f"http://{self.address}{path}", headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self):
        status, page = self.get("/metrics")
        assert status == 200, page
        return page

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.process.stdout.close()
        shutil.rmtree(self.home)
