"""The hub behind the real Traefik and the real Caddy: `proxies.py HUB_BINARY TOOLS [--full]`.

Prints a line per scenario and, last, `N passed, N failed`. Both proxies are tested side by side, each in front
of a hub of its own.
"""

import asyncio
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time

from websockets.exceptions import ConnectionClosed

from bots import ROOM, WAIT_S, Reader, Writer, enter, hear, open_socket, open_when_free, say, verdict
from stage import (
    AFAR,
    ELSEWHERE,
    HOST,
    ROOT,
    SHIPPED_HOST,
    Authority,
    Caddy,
    ForgetfulRouter,
    Hub,
    Pebble,
    Traefik,
    own_network,
    which,
)

# Longer than the 60 s that proxies like to give a silent connection; with --full also than the 5 min of Caddy
# and the 3 min of Traefik for connections between requests.
IDLE_S, IDLE_FULL_S = 65, 320

# What a client could write to be taken for somebody else.
FORGED = [
    {"X-Forwarded-For": "203.0.113.{n}"},
    {"x-forwarded-for": "203.0.113.{n}, 127.0.0.1"},
    {"X-Real-IP": "203.0.113.{n}", "Forwarded": "for=203.0.113.{n};proto=https"},
    # A header that is named here is for the next hop alone, and a proxy may drop it.
    {"Connection": "X-Forwarded-For, X-Real-IP", "X-Forwarded-For": "203.0.113.{n}"},
    {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"},
]


class Place:
    """One proxy, the hub behind it, and where clients find both."""

    def __init__(self, proxy, hub, authority, tools, has_afar):
        self.proxy, self.hub, self.authority = proxy, hub, authority
        self.tools, self.has_afar = tools, has_afar
        # Without a network of our own, clients come from other addresses of this machine.
        self.afar, self.elsewhere = (AFAR, ELSEWHERE) if has_afar else ("127.0.0.2", "127.0.0.3")
        self.url = f"wss://{HOST}:{proxy.port}"

    def socket(self, **options):
        return open_socket(self.url, self.authority.context, **options)

    async def get(self, host, path, port, context=None):
        """Status line and headers of a page."""
        opened = asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=context and host)
        reader, writer = await opened
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        answer = (await asyncio.wait_for(reader.read(), 20)).decode()
        writer.close()
        return answer

    async def knows(self, host):
        answer = await self.get(host, "/livez", self.proxy.port, self.authority.context)
        return answer.startswith("HTTP/1.1 200")


async def tls_is_verified_and_plain_http_is_redirected(place):
    assert "ok" in await place.get(HOST, "/livez", place.proxy.port, place.authority.context)
    try:
        async with open_socket(place.url, ssl.create_default_context()):
            raise AssertionError("a certificate of nobody was accepted")
    except ssl.SSLCertVerificationError:
        pass
    answer = await place.get(HOST, "/livez", place.proxy.plain_port)
    assert answer.split(" ")[1] in ("301", "308"), answer
    assert f"\nlocation: https://{HOST}" in answer.lower(), answer


async def seed_clients_talk(place):
    python = [sys.executable, ROOT / "tests/seed_clients/seed.py"]
    clients = {"python": (python, {"SSL_CERT_FILE": str(place.authority.file)})}
    modules = ROOT / ".tools/deploy/seed"
    if (modules / "seed.mjs").exists():
        authority = {"NODE_EXTRA_CA_CERTS": str(place.authority.file)}
        clients["node"] = (["node", modules / "seed.mjs"], authority)
    else:
        print(f"SKIPPED (no node and npm): {place.proxy.title}: seed client in node")
    for name, (command, env) in clients.items():
        for scenario in ("transcript", "absent-60"):
            await place.hub.afresh()
            child = await asyncio.create_subprocess_exec(
                *map(str, command),
                scenario,
                place.url,
                env={"PATH": os.environ["PATH"], **env},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            said, _ = await child.communicate()
            assert child.returncode == 0, f"{name}, {scenario}: {said.decode()}"


async def the_largest_message_passes_both_ways(place):
    await place.hub.afresh(limits__frame_bytes="1MiB", limits__text_bytes="256KiB", limits__outbox_bytes="4MiB")
    text = "".join(chr(ord("a") + at % 26) for at in range(256 << 10))
    async with place.socket() as one, place.socket() as other:
        await enter(one, "marlbot")
        await enter(other, "pelouse")
        for here, there in [(one, other), (other, one)]:
            await say(here, type="message", room=ROOM, text=text)
            assert (await hear(there, "message"))["text"] == text
            await hear(here, "ack")


async def the_hub_knows_who_asks_and_whether_encrypted(place):
    direct = f"ws://127.0.0.1:{place.hub.port}"
    lies = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.1"}
    ways = [(place.url, place.authority.context, True), (direct, None, False)]
    for url, context, is_encrypted in ways:
        place.hub.log.unlink()
        await place.hub.afresh(log__level="debug")
        for headers in (None, lies):
            options = {"context": context, "source": place.afar, "headers": headers}
            assert await verdict(url, "token-for-marlbot", **options) == "auth_ok"
        seen = [(line["address"], line["is_encrypted"]) for line in place.hub.told("a request")]
        assert seen == [(place.afar, is_encrypted)] * 2, f"through {url}: {seen}"


async def nobody_forges_an_address(place):
    """Failed authentications are counted per address, whatever the client says and on whichever way."""
    throttled = {"limits__auth_failures_per_minute": 5}
    direct = f"ws://127.0.0.1:{place.hub.port}"
    for url, context in [(place.url, place.authority.context), (direct, None)]:
        place.hub.log.unlink()
        await place.hub.afresh(**throttled)
        options = {"context": context, "source": place.afar}
        for _ in range(5):
            assert await verdict(url, "a guess", **options) == "bad_token"
        for at, headers in enumerate(FORGED * 2):
            headers = {name: value.format(n=at + 1) for name, value in headers.items()}
            found = await verdict(url, "a guess", headers=headers, **options)
            assert found == "auth_throttled", f"{url}, {headers}: {found}"
        assert await verdict(url, "a guess", context=context, source=place.elsewhere) == "bad_token"
        seen = {line["address"] for line in place.hub.told("authentication refused")}
        assert seen == {place.afar, place.elsewhere}, f"the hub saw {seen} through {url}"


async def nobody_has_more_connections_than_allowed(place):
    # What comes from the hub's own machine is not counted.
    if not place.has_afar:
        return "there is no network namespace to give clients addresses of their own"
    await place.hub.afresh(limits__connections_per_address=3)
    direct = f"ws://127.0.0.1:{place.hub.port}"
    for url, context in [(place.url, place.authority.context), (direct, None)]:
        options = {"context": context, "source": place.afar}
        opened = [await asyncio.wait_for(open_when_free(url, **options), WAIT_S) for _ in range(3)]
        for at, headers in enumerate([None, *FORGED]):
            headers = headers and {name: value.format(n=at) for name, value in headers.items()}
            found = await verdict(url, "token-for-marlbot", headers=headers, **options)
            assert found == 429, f"{url}, {headers}: {found}"
        assert await verdict(url, "token-for-marlbot", context=context, source=place.elsewhere) == "auth_ok"
        for socket in opened:
            await socket.close()
        while await verdict(url, "token-for-marlbot", **options) == 429:
            await asyncio.sleep(0.05)
    return None


async def through(place, event, connections_kept):
    """A stream of messages while something happens: every one arrives, once, in order."""
    await place.hub.afresh()
    where = (place.url, place.authority.context)
    async with Reader("pelouse", *where) as reader, Writer("marlbot", *where) as writer:
        await writer.until(30)
        await event()
        await asyncio.wait_for(writer.until(writer.acknowledged + 60), 60)
        await asyncio.wait_for(reader.until(writer.acknowledged), 30)
        expected = [f"m-{number + 1}" for number in range(len(reader.got))]
        assert reader.got == expected, [pair for pair in zip(reader.got, expected) if pair[0] != pair[1]][:3]
        connects = (reader.connects, writer.connects)
        if connections_kept:
            assert connects == (1, 1), f"connections were not kept: {connects}"
        else:
            assert min(connects) > 1, f"nobody had to come back: {connects}"


async def a_changed_configuration_keeps_connections(place):
    await through(place, lambda: place.proxy.reload(place.knows), connections_kept=True)


async def a_restart_of_the_proxy_loses_nothing(place):
    async def restart():
        await asyncio.to_thread(place.proxy.end)
        await place.proxy.start()

    await through(place, restart, connections_kept=False)


async def a_restart_of_the_hub_loses_nothing(place):
    async def restart(how=signal.SIGTERM):
        await asyncio.to_thread(place.hub.end, how)
        # Somebody who asks now is told that the hub is away, and not kept waiting.
        answer = await place.get(HOST, "/livez", place.proxy.port, place.authority.context)
        assert answer.startswith("HTTP/1.1 502"), answer
        began = time.monotonic()
        await place.hub.resume()
        assert await place.knows(HOST), "the proxy does not find the hub again"
        assert time.monotonic() - began < 10

    await through(place, restart, connections_kept=False)
    await through(place, lambda: restart(signal.SIGKILL), connections_kept=False)


async def heartbeats_keep_a_connection_open_behind_a_forgetful_router(place):
    async with ForgetfulRouter(place.proxy.port, forgets_after_s=2.0) as port:
        url = f"wss://{HOST}:{port}"
        # With heartbeats that come too late, the router forgets: it is one.
        await place.hub.afresh(timeouts__ping="30s", timeouts__dead="90s")
        async with open_socket(url, place.authority.context) as socket:
            await enter(socket, "idler")
            try:
                await asyncio.wait_for(socket.recv(), 10)
                raise AssertionError("something was said")
            except ConnectionClosed:
                pass
        await place.hub.afresh(timeouts__ping="500ms", timeouts__dead="5s")
        async with open_socket(url, place.authority.context) as idle, place.socket() as other:
            await enter(idle, "idler")
            await asyncio.sleep(6)
            await enter(other, "marlbot")
            await say(other, type="message", room=ROOM, text="still there?")
            assert (await hear(idle, "message"))["text"] == "still there?"


SCENARIOS = [
    tls_is_verified_and_plain_http_is_redirected,
    seed_clients_talk,
    the_largest_message_passes_both_ways,
    the_hub_knows_who_asks_and_whether_encrypted,
    nobody_forges_an_address,
    nobody_has_more_connections_than_allowed,
    a_restart_of_the_hub_loses_nothing,
    heartbeats_keep_a_connection_open_behind_a_forgetful_router,
    a_changed_configuration_keeps_connections,
    a_restart_of_the_proxy_loses_nothing,
]


async def a_quiet_bot_stays_connected(place, seconds):
    """With the defaults of hub and proxy; nothing is said for that long."""
    async with place.socket() as idle:
        await enter(idle, "idler")
        began = time.monotonic()
        await asyncio.sleep(seconds)
        async with place.socket() as other:
            await enter(other, "marlbot")
            await say(other, type="message", room=ROOM, text="good morning")
            message = await hear(idle, "message")
        assert message["text"] == "good morning" and time.monotonic() - began >= seconds


class Score:
    """What passed and what did not."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    async def run(self, place, name, scenario):
        title = f"{place.proxy.title}: {name.replace('_', ' ')}"
        began = time.monotonic()
        try:
            skipped = await asyncio.wait_for(scenario, 400)
        except Exception as error:  # every failure is one of the scenario
            self.failed += 1
            print(f"FAILED  {title}\n        {type(error).__name__}: {error}", flush=True)
            print("".join(f"        {line}\n" for line in place.hub.said().splitlines()[-8:]), flush=True)
            return
        if skipped:
            print(f"SKIPPED ({skipped}): {title}", flush=True)
            return
        self.passed += 1
        print(f"ok      {title} ({time.monotonic() - began:.1f} s)", flush=True)


async def one_after_the_other(place, score):
    await place.hub.start()
    await place.proxy.start()
    for scenario in SCENARIOS:
        await score.run(place, scenario.__name__, scenario(place))


async def quietly(place, score, seconds):
    await place.hub.start()
    await place.proxy.start()
    name = f"a_quiet_bot_stays_connected_for_{seconds}_s"
    await score.run(place, name, a_quiet_bot_stays_connected(place, seconds))


async def the_shipped_files_get_a_certificate_by_acme(place, pebble):
    """With the host name that stands in them, from an authority that is found under another address."""
    await place.hub.start()
    await pebble.start(place.proxy.plain_port, place.proxy.port)
    await place.proxy.start()
    trust = await pebble.trust()
    await place.proxy.until_certified(place.proxy.port, trust, SHIPPED_HOST)
    url = f"wss://{SHIPPED_HOST}:{place.proxy.port}"
    there = {"host": "127.0.0.1", "port": place.proxy.port}
    async with open_socket(url, trust, **there) as one, open_socket(url, trust, **there) as other:
        await enter(one, "marlbot")
        await enter(other, "pelouse")
        await say(one, type="message", room=ROOM, text="by way of an authority")
        assert (await hear(other, "message"))["text"] == "by way of an authority"


async def main(binary, tools, full):
    has_afar = own_network()
    score = Score()
    with tempfile.TemporaryDirectory(prefix="bot-hub-deploy-") as folder:
        folder = pathlib.Path(folder)
        authority = Authority(folder)
        runs, processes = [], []
        for kind, name in [(Traefik, "traefik"), (Caddy, "caddy")]:
            program = which(tools, name)
            if not program:
                print(f"SKIPPED (no {name} can be had): {kind.title}")
                continue
            for purpose in ("busy", "quiet", "acme"):
                if purpose == "acme" and not (shutil.which("pebble") and shutil.which("pebble-challtestsrv")):
                    print(f"SKIPPED (no pebble and pebble-challtestsrv): {kind.title}: a certificate by ACME")
                    continue
                inside = folder / f"{name}-{purpose}"
                hub = Hub(binary, _made(inside / "hub"))
                pebble = Pebble(_made(inside / "acme"), authority) if purpose == "acme" else None
                proxy = kind(program, _made(inside / "proxy"), authority, hub, has_afar, pebble)
                place = Place(proxy, hub, authority, tools, has_afar)
                processes += [it for it in (hub, proxy, pebble) if it]
                if purpose == "busy":
                    runs.append(one_after_the_other(place, score))
                elif purpose == "quiet":
                    runs.append(quietly(place, score, IDLE_FULL_S if full else IDLE_S))
                else:
                    scenario = the_shipped_files_get_a_certificate_by_acme
                    runs.append(score.run(place, scenario.__name__, scenario(place, pebble)))
        try:
            # Each to its end: the programs of one must not be ended because another one failed.
            for problem in await asyncio.gather(*runs, return_exceptions=True):
                if problem is not None:
                    score.failed += 1
                    print(f"FAILED  {problem!r}")
        finally:
            for process in processes:
                process.end(signal.SIGKILL)
    print(f"{score.passed} passed, {score.failed} failed")
    return score.failed == 0 and score.passed > 0


def _made(folder):
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    good = asyncio.run(main(pathlib.Path(sys.argv[1]), sys.argv[2], "--full" in sys.argv))
    sys.exit(0 if good else 1)
