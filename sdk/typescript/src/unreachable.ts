// Why a hub cannot be reached, in words for people.
//
// Node's WebSocket says "network error" for a wrong name, a closed port and a bad certificate alike.
// So after a connection that never opened, the same door is knocked at once more, to hear the reason.

import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";

const PATIENCE_MS = 3_000;

/** Nothing if the door opens: then whatever answers there is no hub. */
export function unreachableReason(address: string): Promise<string> {
  return new Promise((resolve) => {
    const url = new URL(address);
    const secure = url.protocol === "wss:";
    const { host, port } = placeOf(url);
    const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
    const socket = secure ? connectTls({ host, port, ...servername }) : connectTcp({ host, port });
    const end = (reason: string) => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(PATIENCE_MS, () => end(`${host}:${port} does not answer`));
    socket.once("error", (error: NodeJS.ErrnoException) => end(networkReason(error, url)));
    socket.once(secure ? "secureConnect" : "connect", () => end(`what answers at ${host}:${port} is not a hub${secure || port !== 443 ? "" : "; hint: write `wss://` in place of `ws://`"}`));
  });
}

function placeOf(url: URL): { host: string; port: number } {
  const isSecure = url.protocol === "wss:" || url.protocol === "https:";
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) || (isSecure ? 443 : 80) };
}

/** An error of a connection to an address, as people say it. */
export function networkReason(error: unknown, url: URL): string {
  const { host, port } = placeOf(url);
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  switch (code) {
    case "ECONNREFUSED":
      return `nothing listens at ${host}:${port}`;
    case "ENOTFOUND":
      return `the name \`${host}\` does not exist`;
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return `what answers at ${host}:${port} does not speak TLS; hint: write \`ws://\` in place of \`wss://\`, or give the hub a certificate`;
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return `the certificate of ${host} is of an unknown authority; hint: start this program with NODE_EXTRA_CA_CERTS=/path/ca.pem`;
    default:
      return (error instanceof Error ? error.message : "") || (code ?? "network error");
  }
}
