"""What the documents about `deploy/` say is there: files, links, commands: `documents.py HUB_BINARY TOOLS`."""

import pathlib
import re
import shlex
import subprocess
import sys

from score import Score

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ["docs/expose.md", "deploy/README.md", "deploy/kubernetes/README.md"]


def files_exist(document):
    text = (ROOT / document).read_text()
    for path in re.findall(r"\bdeploy/[\w./-]*\w", text):
        assert (ROOT / path).exists(), f"`{path}` does not exist"
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert ((ROOT / document).parent / link).exists(), f"the link `{link}` leads nowhere"


def headings_exist(document):
    text = (ROOT / document).read_text()
    headings = {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in re.findall(r"^#+ (.*)$", text, re.M)}
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        assert anchor in headings, f"`#{anchor}` is no heading: {sorted(headings)}"


def everything_is_named():
    text = "".join((ROOT / document).read_text() for document in DOCUMENTS)
    for path in (ROOT / "deploy").rglob("*"):
        if path.is_dir():
            assert path.name in text, f"deploy/…/{path.name} is in no document"


def commands_are_known(document, binary):
    """Every `bot-hub …` of the document has verbs and options that there are; `--help` keeps it from acting."""
    text = (ROOT / document).read_text()
    before = r"^(?:sudo |docker exec bot-hub /|kubectl .* -- /|[A-Z_]+=\S+ )?"
    lines = re.findall(before + r"bot-hub ((?:--|[a-z]).*)$", "\n".join(code(text)), re.M)
    count = 0
    for line in lines:
        words = shlex.split(line, comments=True)
        done = subprocess.run([binary, *words, "--help"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"bot-hub {line}: {done.stderr}"
        count += 1
    return f"{count} commands"


def code(text):
    """Blocks and inline code."""
    blocks = re.findall(r"```[a-z0-9]*\n(.*?)```", text, re.S)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))


def caddy_takes_the_file(tools):
    caddy, file = f"{tools}/python/bin/caddy", str(ROOT / "deploy/caddy/Caddyfile")
    for words in (["fmt", "--diff", file], ["validate", "--adapter", "caddyfile", "--config", file]):
        done = subprocess.run([caddy, *words], capture_output=True, text=True, timeout=60)
        changed = re.findall(r"^[-+] .*$", done.stdout, re.M) if words[0] == "fmt" else []
        assert done.returncode == 0 and not changed, done.stdout + done.stderr


def main(binary, tools):
    score = Score()
    for document in DOCUMENTS:
        score.check(f"{document}: the files are there", files_exist, document)
        score.check(f"{document}: the headings are there", headings_exist, document)
    score.check("docs/expose.md: the commands are known", commands_are_known, DOCUMENTS[0], binary)
    score.check("every folder of deploy/ is in a document", everything_is_named)
    score.check("deploy/caddy/Caddyfile: caddy fmt and caddy validate", caddy_takes_the_file, tools)
    score.end()


if __name__ == "__main__":
    main(*sys.argv[1:3])
