// The real hub, as a child process on a port that the system hands out.

import { spawn } from "node:child_process";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";

/**
 * `bots` is a list of names; the token of `a` is `tok-a`. With `tls`, `{certFile, keyFile}`, the same port also
 * speaks TLS: `secureUrl` is for who has to check the certificate, `url` for this machine.
 */
export async function startHub({ binary, dir, bots, listen = "127.0.0.1:0", tls }) {
  mkdirSync(dir, { recursive: true });
  const config = join(dir, "hub.json");
  const tokens = Object.fromEntries([...bots, "warden"].map((botId) => [`tok-${botId}`, { botId }]));
  writeFileSync(config, JSON.stringify({ tokens, operators: ["warden"], ...(tls && { tls }) }));
  const log = openSync(join(dir, "hub.log"), "a");
  const data = join(dir, "data");
  const child = spawn(binary, ["serve", "--config", config, "--data", data, "--listen", listen], { stdio: ["ignore", "pipe", log] });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const said = await new Promise((resolve, reject) => {
    exited.then((code) => reject(new Error(`the hub ended with ${code}; see ${dir}/hub.log`)));
    createInterface({ input: child.stdout }).on("line", (line) => line.startsWith("listening ") && resolve(line.slice(10).trim()));
  });
  const stop = async (signal = "SIGTERM") => {
    child.kill(signal);
    await exited;
  };
  const signal = (name) => child.kill(name);
  const { host: address, port } = new URL(said);
  return { binary, url: `ws://${address}`, secureUrl: `wss://localhost:${port}`, address, data, stop, signal };
}
