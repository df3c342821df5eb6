// The network between a gateway and the hub: a relay that can stop, and a certificate of a private authority.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";

/** Keys and certificates in `dir`: `ca.pem` is the authority, and signs for localhost. Needs openssl. */
export function privateAuthority(dir) {
  const openssl = (...args) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=private", "-days", "2");
  openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "hub.key", "-out", "hub.csr", "-subj", "/CN=localhost");
  writeFileSync(join(dir, "san"), "subjectAltName=DNS:localhost,IP:127.0.0.1");
  openssl("x509", "-req", "-in", "hub.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "hub.pem", "-days", "2", "-extfile", "san");
  return { ca: join(dir, "ca.pem"), tls: { certFile: join(dir, "hub.pem"), keyFile: join(dir, "hub.key") } };
}

/** A relay to `url`. While it is deaf, nothing of what the hub says comes through. */
export async function startWire(url) {
  const { hostname, port } = new URL(url);
  const pairs = new Set();
  let isDeaf = false;
  const accept = (socket) => {
    const upstream = net.connect(Number(port), hostname);
    const pair = { socket, upstream };
    pairs.add(pair);
    socket.pipe(upstream);
    upstream.on("data", (data) => isDeaf || socket.write(data));
    for (const it of [socket, upstream]) {
      it.on("error", () => {});
      it.on("close", () => (socket.destroy(), upstream.destroy(), pairs.delete(pair)));
    }
  };
  const server = net.createServer(accept);
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  const stop = () => {
    for (const { socket } of pairs) socket.destroy();
    server.close();
  };
  return { url: `ws://localhost:${server.address().port}`, deaf: (on) => (isDeaf = on), stop };
}
