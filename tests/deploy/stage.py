"""What the proxy tests run: a certificate authority, hubs, Traefik, Caddy, a forgetful router.

Owns processes and their files. Everything listens on the loopback interface, on ports that the system gave;
only processes that were started here are ended. The proxies run from the files in `deploy/`, in which nothing
but addresses and paths is replaced.
"""

import asyncio
import datetime
import fcntl
import ipaddress
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"

# Stands in the shipped files; the tests call the same hub by the name that every machine knows.
SHIPPED_HOST, HOST = "hub.example.org", "localhost"
SHIPPED_HUB = "127.0.0.1:18795"

# Addresses of clients that are no loopback addresses, in a network of our own (documentation range).
AFAR, ELSEWHERE = "192.0.2.7", "192.0.2.8"

START_S = 60


def own_network():
    """In a network namespace of our own: bring up the loopback interface, with two more addresses."""
    if os.environ.get("BOT_HUB_TEST_NETWORK") != "own":
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        name = lambda text: text.encode().ljust(16, b"\0")
        up = struct.pack("16sh22x", name("lo"), 0x1 | 0x8 | 0x40)
        fcntl.ioctl(control, 0x8914, up)  # SIOCSIFFLAGS
        for at, address in enumerate([AFAR, ELSEWHERE]):
            given = struct.pack("16sHH4s16x", name(f"lo:{at}"), socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, 0x8916, given)  # SIOCSIFADDR
    return True


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def shipped(path, replaced):
    """A file of `deploy/` with addresses and paths replaced, each of which has to occur."""
    text = (DEPLOY / path).read_text()
    for old, new in replaced.items():
        assert old in text, f"deploy/{path} has no `{old}` any more"
        text = text.replace(old, new)
    return text


class Authority:
    """A certificate authority of our own, and one certificate for `localhost`."""

    def __init__(self, folder):
        self.file, self.cert, self.key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        root_key, root = self._issue("own test authority", None, None, None)
        key, leaf = self._issue(HOST, root_key, root, [HOST, f"also.{HOST}"])
        self.file.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self.cert.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        pkcs8 = serialization.PrivateFormat.PKCS8
        self.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
        self.context = ssl.create_default_context(cafile=self.file)

    @staticmethod
    def _issue(name, issuer_key, issuer, hosts):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        is_root = issuer is None
        signer = issuer_key or key
        identifier = x509.SubjectKeyIdentifier.from_public_key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if is_root else issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .add_extension(identifier(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
        )
        usage = dict.fromkeys(
            "content_commitment key_encipherment data_encipherment key_agreement encipher_only decipher_only".split(),
            False,
        )
        usage.update(digital_signature=not is_root, key_cert_sign=is_root, crl_sign=is_root)
        builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
        if hosts:
            names = [x509.DNSName(host) for host in hosts] + [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
            server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(server, critical=False)
        return key, builder.sign(signer, hashes.SHA256())


class Process:
    """A program of ours that runs, its output in a file."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{name}.log"
        self.child = None

    def spawn(self, command, env=None, stdout=None):
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
        # Nothing of ours may reach the person's own files, or be reached through their proxy.
        home = {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [str(part) for part in command],
                env={**kept, **home, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=stdout or log,
                stderr=log,
            )

    def end(self, how=signal.SIGTERM):
        if self.child is None:
            return
        if self.child.poll() is None:
            self.child.send_signal(how)
            try:
                self.child.wait(15)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
                raise AssertionError(f"{self.name} does not end at signal {how}") from None
        self.child = None

    def said(self):
        return self.log.read_text(errors="replace")

    async def until_certified(self, port, context, host=HOST):
        """Until a certificate that the context trusts is shown there."""
        await self.until_open(port, ssl=context, server_hostname=host)

    async def until_open(self, port, **options):
        """Until somebody accepts connections there."""
        deadline = time.monotonic() + START_S
        while True:
            assert self.child.poll() is None, f"{self.name} ended:\n{self.said()}"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port, **options)
                writer.close()
                return
            except OSError:
                assert time.monotonic() < deadline, f"{self.name} does not listen:\n{self.said()}"
                await asyncio.sleep(0.05)


class Hub(Process):
    """The real binary with `deploy/config.json5`, on one port for all of its lives."""

    def __init__(self, binary, folder):
        super().__init__(folder, "hub")
        self.binary, self.port = binary, free_port()
        self.config = folder / "config.json5"
        self.config.write_text(shipped("config.json5", {SHIPPED_HOST: HOST}))
        self.data = None
        self.env = {}

    async def start(self, **settings):
        """A fresh hub; settings as in `limits__connections_per_address=4`."""
        self.data = self.folder / f"data-{time.monotonic_ns()}"
        tokens = {f"token-for-{bot}": {"botId": bot} for bot in ("marlbot", "pelouse", "idler")}
        self.env = {f"BOT_HUB_{name.upper()}": str(value) for name, value in settings.items()}
        self.env["BOT_HUB_TOKENS"] = json.dumps(tokens)
        await self.resume()

    async def resume(self):
        """The same hub again, with its data."""
        self.spawn(
            [self.binary, "serve", "--config", self.config, "--data", self.data]
            + ["--listen", f"127.0.0.1:{self.port}"],
            self.env,
        )
        await self.until_open(self.port)

    async def afresh(self, **settings):
        self.end()
        await self.start(**settings)

    def told(self, message):
        """Lines of the log with this message."""
        lines = [json.loads(line) for line in self.said().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("message") == message]


class Pebble(Process):
    """An ACME authority of our own, for the host name that the shipped files have."""

    def __init__(self, folder, authority):
        super().__init__(folder, "pebble")
        self.authority, self.names = authority, Process(folder, "names")
        self.port, self.control, self.dns = free_port(), free_port(), free_port()
        self.url = f"https://{HOST}:{self.port}/dir"

    async def start(self, plain_port, port):
        """It will look for challenges on these ports of this machine."""
        settings = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.control}",
            "certificate": str(self.authority.cert),
            "privateKey": str(self.authority.key),
            "httpPort": plain_port,
            "tlsPort": port,
            "ocspResponderURL": "",
        }
        file = self.folder / "pebble.json"
        file.write_text(json.dumps({"pebble": settings}))
        unused = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"127.0.0.1:{free_port()}"]
        where = ["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{self.dns}"]
        self.names.spawn(["pebble-challtestsrv", *where, *unused])
        await self.names.until_open(self.dns)
        fast = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
        self.spawn(["pebble", "-config", file, "-dnsserver", f"127.0.0.1:{self.dns}"], fast)
        await self.until_open(self.control)

    async def trust(self):
        """A context that trusts what it issues."""
        context = ssl.create_default_context(cafile=self.authority.file)
        opened = asyncio.open_connection("127.0.0.1", self.control, ssl=context, server_hostname=HOST)
        reader, writer = await opened
        writer.write(f"GET /roots/0 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        return ssl.create_default_context(cadata=answer.split("\r\n\r\n", 1)[1])

    def end(self, how=signal.SIGTERM):
        super().end(how)
        self.names.end(how)


class Traefik(Process):
    """The real Traefik with `deploy/traefik`: with a certificate of the test, or with one by ACME."""

    title = "Traefik"

    def __init__(self, binary, folder, authority, hub, everywhere, acme=None):
        super().__init__(folder, "traefik")
        self.binary, self.hub, self.authority = binary, hub, authority
        self.host = SHIPPED_HOST if acme else HOST
        # No authority in the world is asked. Without one of ours, the certificate of the test serves the host.
        acme_url = acme.url if acme else "https://127.0.0.1:1/directory"
        self.plain_port, self.port = free_port(), free_port()
        self.dynamic = folder / "dynamic"
        self.dynamic.mkdir()
        listen = "" if everywhere else "127.0.0.1"
        static = {
            '":80"': f'"{listen}:{self.plain_port}"',
            '":443"': f'"{listen}:{self.port}"',
            "/etc/traefik/dynamic": str(self.dynamic),
            "/var/lib/traefik/acme.json": f"{folder}/acme.json\n      caServer: {acme_url}",
        }
        self.static = folder / "traefik.yml"
        self.static.write_text(shipped("traefik/traefik.yml", static))
        pair = {"certFile": str(authority.cert), "keyFile": str(authority.key)}
        if not acme:
            (self.dynamic / "certificate.yml").write_text(json.dumps({"tls": {"certificates": [pair]}}))
        self.write("")

    def write(self, more):
        router = shipped(
            "traefik/dynamic/bot-hub.yml",
            {SHIPPED_HOST: self.host, SHIPPED_HUB: f"127.0.0.1:{self.hub.port}"},
        )
        draft = self.folder / "draft.yml"
        draft.write_text(router.replace("  routers:\n", "  routers:\n" + more, 1))
        draft.rename(self.dynamic / "bot-hub.yml")

    async def start(self):
        self.spawn([self.binary, f"--configFile={self.static}"], {"LEGO_CA_CERTIFICATES": str(self.authority.file)})
        # It listens before it has read the dynamic part.
        if self.host == HOST:
            await self.until_certified(self.port, self.authority.context)

    async def reload(self, answers):
        """Applies a changed configuration, with a router more; `answers(host)` says whether it is there."""
        self.write(
            f"    more:\n      rule: Host(`also.{HOST}`)\n      entryPoints: [websecure]\n"
            "      service: bot-hub\n      tls: {}\n"
        )
        deadline = time.monotonic() + START_S
        while not await answers(f"also.{HOST}"):
            assert time.monotonic() < deadline, f"the changed file is not applied:\n{self.said()}"
            await asyncio.sleep(0.1)


class Caddy(Process):
    """The real Caddy with `deploy/caddy`: with a certificate of the test, or with one by ACME."""

    title = "Caddy"

    def __init__(self, binary, folder, authority, hub, everywhere, acme=None):
        super().__init__(folder, "caddy")
        self.acme, self.host = acme, SHIPPED_HOST if acme else HOST
        self.binary, self.authority = binary, authority
        self.plain_port, self.port = free_port(), free_port()
        self.bind = "" if everywhere else "default_bind 127.0.0.1\n"
        self.admin = folder / "admin"
        site = {SHIPPED_HOST: self.host, SHIPPED_HUB: f"127.0.0.1:{hub.port}"}
        (folder / "site").write_text(shipped("caddy/Caddyfile", site))
        self.file = folder / "Caddyfile"
        self.write("")

    def write(self, more):
        """The shipped site, behind what only the test needs: ports, and a certificate or an authority of our own."""
        also, acme = f"also.{HOST} {{\ntls {self.authority.cert} {self.authority.key}\n{more}\n}}\n", ""
        if self.acme:
            also, acme = "", f"acme_ca {self.acme.url}\nacme_ca_root {self.authority.file}\n"
        self.file.write_text(
            f"{{\nadmin unix/{self.admin}\nhttp_port {self.plain_port}\nhttps_port {self.port}\n{self.bind}"
            f"{acme}persist_config off\n}}\nimport {self.folder}/site\n{also}"
        )

    async def start(self):
        self.spawn([self.binary, "run", "--config", self.file, "--adapter", "caddyfile"])
        if not self.acme:
            await self.until_certified(self.port, self.authority.context)

    async def reload(self, answers):
        self.write('respond "more"')
        command = [self.binary, "reload", "--config", self.file, "--adapter", "caddyfile"]
        command += ["--address", f"unix/{self.admin}"]
        done = await asyncio.create_subprocess_exec(
            *map(str, command),
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = await done.communicate()
        assert done.returncode == 0, said.decode()
        assert await answers(f"also.{HOST}")


class ForgetfulRouter:
    """A router as many homes have one: it forgets a connection on which nothing was said for a while."""

    def __init__(self, port, forgets_after_s):
        self.to, self.forgets_after_s, self.forgotten = port, forgets_after_s, 0
        self.server = None

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_):
        self.server.close()

    async def _connection(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        last = [time.monotonic()]

        async def pump(source, sink):
            while data := await source.read(1 << 16):
                last[0] = time.monotonic()
                sink.write(data)
                await sink.drain()

        async def forget():
            while (rest := last[0] + self.forgets_after_s - time.monotonic()) > 0:
                await asyncio.sleep(rest)
            self.forgotten += 1

        pumps = [pump(reader, far_writer), pump(far_reader, writer), forget()]
        tasks = [asyncio.ensure_future(task) for task in pumps]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # As if the cable had been cut: no goodbye.
        for end in (writer, far_writer):
            end.transport.abort()


def which(folder, name):
    found = shutil.which(name, path=f"{folder}/bin")
    return found or shutil.which(name)
