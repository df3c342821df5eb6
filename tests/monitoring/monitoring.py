"""Metrics, alerts, dashboard, `check` and `top`: monitoring.py BINARY ROOT."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse
import urllib.request

from hub import Hub
from tls import Authority, Proxy

try:
    from screen import Screen
except ImportError:
    Screen = None

BINARY, ROOT = sys.argv[1], sys.argv[2]
DEPLOY = os.path.join(ROOT, "deploy")
PROMTOOL, PROMETHEUS = shutil.which("promtool"), shutil.which("prometheus")
WAIT_S = 30

TESTS = []


def test(needs=None, why=""):
    def add(function):
        TESTS.append((function, needs, why))
        return function

    return add


def promtool(*arguments, stdin=None, cwd=None):
    told = subprocess.run([PROMTOOL, *arguments], input=stdin, cwd=cwd, capture_output=True, text=True)
    said = told.stdout + told.stderr
    assert told.returncode == 0, said
    return said


def busy(hub):
    """Something to count: two bots, a room, what waits, what is refused."""
    for name in ("ann", "bob"):
        hub.data("bot", "add", name)
    hub.data("room", "create", "lab")
    hub.data("room", "add", "lab", "bob")
    hub.data("send", "lab", "hello")
    hub.run("room", "show", "nowhere")
    hub.run("ping", "--url", f"ws://{hub.address}", token="bh_bot_nobody")


def names_on(page):
    """Every name that can be asked for."""
    return {re.split(r"[{ ]", line)[0] for line in page.splitlines() if line and not line.startswith("#")}


def names_in(text):
    return set(re.findall(r"\b(?:bothub|process)_[a-z_]+\b", text))


@test(PROMTOOL, "no promtool")
def the_alerts_and_the_scrape_configuration_are_what_prometheus_reads():
    promtool("check", "rules", "alerts.yml", cwd=f"{DEPLOY}/prometheus")
    promtool("check", "config", "scrape.yml", cwd=f"{DEPLOY}/prometheus")


@test(PROMTOOL, "no promtool")
def every_alert_fires_when_it_should_and_not_before():
    promtool("test", "rules", "alerts.test.yml", cwd=f"{DEPLOY}/prometheus")
    alerts = set(re.findall(r"- alert: (\w+)", open(f"{DEPLOY}/prometheus/alerts.yml").read()))
    tested = set(re.findall(r"BotHub\w+", open(f"{DEPLOY}/prometheus/alerts.test.yml").read()))
    assert alerts <= tested, f"without a test: {alerts - tested}"


@test(PROMTOOL, "no promtool")
def promtool_has_nothing_to_say_about_the_metrics():
    with Hub(BINARY) as hub:
        busy(hub)
        said = promtool("check", "metrics", stdin=hub.metrics())
        assert said == "", said


@test()
def dashboard_alerts_and_documentation_name_only_metrics_that_there_are():
    with Hub(BINARY) as hub:
        busy(hub)
        there = names_on(hub.metrics())
    # Only a hub that speaks TLS has these.
    there |= {"bothub_tls_certificate_expiry_seconds", "bothub_tls_renewal_failures_total"}
    dashboard = json.load(open(f"{DEPLOY}/grafana/bot-hub.json"))
    asked = {
        "dashboard": " ".join(
            [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
            + [it["expr"] for it in dashboard["annotations"]["list"]]
            + [it["query"]["query"] for it in dashboard["templating"]["list"] if isinstance(it["query"], dict)]
        ),
        "alerts": open(f"{DEPLOY}/prometheus/alerts.yml").read(),
    }
    for what, text in asked.items():
        unknown = names_in(text) - there
        assert not unknown, f"{what}: {unknown}"
        assert len(names_in(text)) > 5, what
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in there}
    documented = names_in(open(f"{ROOT}/docs/monitoring.md").read())
    documented = {name for name in documented if not name.startswith("bothub_check")}
    assert families <= documented, f"not in docs/monitoring.md: {families - documented}"
    gone = documented - families - there
    assert not gone, f"docs/monitoring.md names what there is not: {gone}"


@test()
def every_panel_has_its_own_place():
    panels = json.load(open(f"{DEPLOY}/grafana/bot-hub.json"))["panels"]
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


@test()
def no_label_has_a_room_or_a_bot_in_it():
    with Hub(BINARY) as hub:
        busy(hub)
        page = hub.metrics()
    labels = set(re.findall(r"[{,](\w+)=", page))
    assert labels <= {"by", "le", "code", "cause", "kind", "scope", "state", "outcome", "version"}, labels
    for name in ("ann", "bob", "lab"):
        assert f'"{name}"' not in page


@test()
def metrics_are_for_this_machine_and_for_operators():
    with Hub(BINARY) as hub:
        bot = hub.data("bot", "add", "ann")
        operator = hub.data("bot", "add", "prometheus", "--operator")
        assert hub.get("/metrics")[0] == 200
        forwarded = ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Host", "X-Forwarded-Proto"]
        for name in forwarded:
            value = {name: "203.0.113.9"}
            assert hub.get("/metrics", value)[0] == 401, name
            assert hub.get("/metrics", {**value, "Authorization": f"Bearer {bot}"})[0] == 401, name
            assert hub.get("/metrics", {**value, "Authorization": f"Bearer {operator}"})[0] == 200, name


@test(PROMETHEUS, "no prometheus")
def a_real_prometheus_scrapes_the_hub_and_evaluates_every_alert():
    with Hub(BINARY) as hub, tempfile.TemporaryDirectory() as home:
        busy(hub)
        shutil.copy(f"{DEPLOY}/prometheus/alerts.yml", home)
        settings = open(f"{DEPLOY}/prometheus/scrape.yml").read()
        settings = settings.replace("127.0.0.1:18795", hub.address).replace("15s", "1s")
        open(f"{home}/prometheus.yml", "w").write(settings)
        command = [
            PROMETHEUS, f"--config.file={home}/prometheus.yml", f"--storage.tsdb.path={home}/data",
            "--web.listen-address=127.0.0.1:0",
        ]
        log = open(f"{home}/log", "w+")
        process = subprocess.Popen(command, stderr=log)
        try:
            said = lambda: open(f"{home}/log").read()
            listens = lambda: re.search(r'msg="Listening on" address=(127\.0\.0\.1:[1-9]\d*)', said())
            patiently(lambda: listens() and "Server is ready" in said(), "the start of Prometheus")
            address = listens()[1]
            ask = lambda path: json.load(urllib.request.urlopen(f"http://{address}/api/v1/{path}", timeout=10))
            query = lambda text: ask("query?query=" + urllib.parse.quote(text))["data"]["result"]
            patiently(lambda: query("bothub_messages_accepted_total == 1"), "the scrape")
            assert query("up")[0]["value"][1] == "1"
            evaluated = lambda: [
                rule for group in ask("rules")["data"]["groups"] for rule in group["rules"] if rule["health"] == "ok"
            ]
            patiently(lambda: len(evaluated()) == 15, "every alert")
        finally:
            process.terminate()
            process.wait(20)
            log.close()


def patiently(is_so, what):
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.2)


@test()
def check_says_it_as_nagios_wants_it():
    with Hub(BINARY) as hub:
        busy(hub)
        line = re.compile(r"^BOT-HUB (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+ \| (\w+=[\d.e-]+\w*(;[\d.:]*){3} ?)+$")
        cases = [
            ((), 0, "OK"),
            (("--warn-pending", "0"), 1, "WARNING"),
            (("--warn-pending", "0", "--crit-pending", "0"), 2, "CRITICAL"),
            (("--crit-away", "1ms"), 2, "CRITICAL"),
            (("--warn-free", "900000GiB"), 1, "WARNING"),
        ]
        for arguments, code, word in cases:
            told = hub.run("check", *arguments)
            assert (told.returncode, told.stdout.split()[1]) == (code, word), f"{arguments} {told}"
            assert line.match(told.stdout.strip()), told.stdout
        assert hub.run("check", "--nonsense").returncode == 3
        refused = hub.run("check", "--url", f"ws://{hub.address}", token="bh_bot_nobody")
        assert (refused.returncode, refused.stdout.split()[1]) == (3, "UNKNOWN"), refused
        hub.stop()
        gone = hub.run("check")
        assert (gone.returncode, gone.stdout.split()[1]) == (2, "CRITICAL"), gone


@test(PROMTOOL, "no promtool")
def check_says_it_as_prometheus_wants_it():
    with Hub(BINARY) as hub:
        busy(hub)
        told = hub.run("check", "--format", "prometheus", "--warn-pending", "0")
        assert told.returncode == 1 and "bothub_check_status 1\n" in told.stdout, told
        assert promtool("check", "metrics", stdin=told.stdout) == ""


@test(shutil.which("openssl"), "no openssl")
def doctor_judges_the_certificate_of_the_public_address():
    with Hub(BINARY) as hub, tempfile.TemporaryDirectory() as home:
        authority = Authority(home)
        cases = [
            (90, True, 0, r"ok       tls       certificate by CN=Test Authority: (89|90) days left"),
            (5, True, 0, r"warning  tls       certificate by CN=Test Authority: [45] days left"),
            (90, False, 1, "clients refuse it: invalid peer certificate: UnknownIssuer"),
        ]
        for days, is_known, code, expected in cases:
            proxy = Proxy(authority.certificate(days), hub.address)
            config = os.path.join(hub.home, "config.json5")
            open(config, "w").write('{ publicUrl: "%s" }' % proxy.url)
            hub.env["SSL_CERT_FILE"] = authority.file if is_known else "/nowhere"
            told = hub.run("doctor", "--config", config)
            proxy.close()
            assert re.search(expected, told.stdout), f"{expected}\n{told}"
            assert told.returncode == code, told
            assert f"{proxy.url} leads to the hub, WebSockets included" in told.stdout, told


def in_order(text, first, second):
    return -1 < text.find(first) < text.find(second)


def top(hub, *arguments, **size):
    return Screen([BINARY, "top", "--interval", "200ms", *arguments], hub.env, **size)


@test(Screen, "pip cannot install pyte")
def top_shows_bots_rooms_and_what_waits():
    with Hub(BINARY) as hub:
        busy(hub)
        screen = top(hub)
        try:
            text = screen.until("#lab")
            assert "of 2 bots online, 1 room" in text, text
            assert "1 message waits, the oldest for" in text, text
            bob = next(line for line in text.splitlines() if "bob" in line)
            assert re.search(r"bob\s+offline\s+1\s+.*never.*offline", bob), bob
            assert re.search(r"#lab\s+1\s+0\s+1\s+1", text), text
            hub.data("send", "lab", "again")
            screen.until("2 messages wait")
        finally:
            screen.close()


@test(Screen, "pip cannot install pyte")
def top_does_what_its_keys_say():
    with Hub(BINARY) as hub:
        busy(hub)
        screen = top(hub)
        try:
            screen.until(lambda text: in_order(text, "bob", "ann"))
            for order in ("oldest", "seen", "name"):
                screen.press("s")
                screen.until(f"sort ({order})")
            screen.until(lambda text: in_order(text, "ann", "bob"))
            screen.press("r")
            screen.until(lambda text: in_order(text, "bob", "ann"))
            screen.press("?")
            screen.until("ctrl-c   quit")
            screen.press("?")
            screen.until(lambda text: "ctrl-c   quit" not in text)
            screen.press("j")
            screen.until("bots: 2, 1 above")
            screen.press("k\t")
            screen.press("p")
            screen.until("PAUSED")
            hub.data("send", "lab", "unseen")
            for _ in range(5):
                screen.read(0.2)
            assert "1 message waits" in screen.text(), screen.text()
            screen.press("p")
            screen.until("2 messages wait")
        finally:
            screen.close()


@test(Screen, "pip cannot install pyte")
def top_gives_the_terminal_back_however_it_ends():
    with Hub(BINARY) as hub:
        busy(hub)
        ends = [
            ("q", lambda screen: screen.press("q"), 0),
            ("ctrl-c", lambda screen: screen.press("\x03"), 0),
            ("TERM", lambda screen: screen.signal(signal.SIGTERM), 0),
            ("INT", lambda screen: screen.signal(signal.SIGINT), 130),
        ]
        for name, end, code in ends:
            screen = top(hub)
            screen.until("#lab")
            assert screen.mode() == (False, False), name
            end(screen)
            # The mode can be asked for as long as the other side is open.
            patiently(lambda: screen.read(0.05) is False or screen.mode() == (True, True), name)
            assert screen.end() == code, name
            # The other screen is left, and the cursor is shown.
            assert screen.raw.rstrip().endswith(b"\x1b[?1049l\x1b[?25h") or (
                b"\x1b[?1049l" in screen.raw[-200:] and b"\x1b[?25h" in screen.raw[-200:]
            ), f"{name} {screen.raw[-200:]}"


@test(Screen, "pip cannot install pyte")
def top_stays_when_the_hub_goes_and_finds_it_elsewhere():
    with Hub(BINARY) as hub:
        busy(hub)
        screen = top(hub)
        try:
            screen.until("#lab")
            before = hub.address
            hub.stop()
            screen.until("NOT CONNECTED")
            hub.process.stdout.close()
            hub.start("127.0.0.1:0")
            assert hub.address != before
            screen.until(lambda text: hub.address in text and "NOT CONNECTED" not in text)
        finally:
            screen.close()


@test(Screen, "pip cannot install pyte")
def top_draws_on_a_terminal_that_is_too_small():
    with Hub(BINARY) as hub:
        busy(hub)
        screen = top(hub, columns=20, lines=5)
        try:
            screen.until("q quit")
            screen.press("?q")
            assert screen.end() == 0
        finally:
            screen.close()


@test()
def top_prints_lines_where_there_is_no_terminal():
    with Hub(BINARY) as hub:
        busy(hub)
        told = hub.run("top", "--interval", "100ms", "--count", "3")
        lines = told.stdout.splitlines()
        assert told.returncode == 0 and len(lines) == 4 and lines[0].startswith("ONLINE"), told
        assert lines[1].split()[1] == "1" and "-" in lines[1] and "0.0" in lines[2], told
        once = hub.run("top", "--once").stdout
        assert "bob" in once and "#lab" in once and "\x1b" not in once, once
        samples = [json.loads(line) for line in hub.run("top", "--count", "2", "--json").stdout.splitlines()]
        assert [sample["waiting"] for sample in samples] == [1, 1], samples
        assert samples[0]["per_second"] is None and samples[1]["per_second"]["accepted"] == 0.0, samples


def main():
    passed = failed = 0
    for function, needs, why in TESTS:
        name = function.__name__.replace("_", " ")
        if why and not needs:
            print(f"{name}: SKIPPED ({why})")
            continue
        try:
            function()
            passed += 1
            print(f"ok      {name}", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
