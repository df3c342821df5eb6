// A real OpenClaw gateway with a home of its own.

import { spawn, execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const MODEL = {
  id: "mock-1", name: "Mock", reasoning: false, input: ["text"],
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, contextWindow: 128000, maxTokens: 4096,
};

/** So often a gateway is started until it runs. */
const STARTS_MAX = 6;

/** For a home into which the plugin is installed by command. */
export const INSTALLED = { allow: undefined, entries: undefined };

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** `agents` maps agents to accounts; `channel` is `channels.bot-hub`, and `more` what else the configuration holds. */
export class Gateway {
  constructor({ openclaw, plugin, dir, modelUrl, agents, channel, env = {}, more = {} }) {
    Object.assign(this, { openclaw, plugin, dir, modelUrl, agents, channel, more });
    this.config = join(dir, "openclaw.json");
    this.log = join(dir, "gateway.log");
    this.env = {
      ...process.env,
      ...env,
      HOME: join(dir, "home"),
      OPENCLAW_STATE_DIR: join(dir, "state"),
      OPENCLAW_CONFIG_PATH: this.config,
      OPENCLAW_NO_AUTO_UPDATE: "1",
      OPENCLAW_OFFLINE: "1",
      OPENCLAW_DISABLE_BONJOUR: "1",
      OPENCLAW_TELEMETRY_ENDPOINT: "http://127.0.0.1:9/none",
      NO_COLOR: "1",
      NODE_COMPILE_CACHE: join(openclaw, "..", ".compile-cache"),
    };
    for (const part of ["home", "state", ...Object.keys(agents)]) mkdirSync(join(dir, part), { recursive: true });
  }

  async configure() {
    this.port ??= await freePort();
    const ids = Object.keys(this.agents);
    const entries = Object.fromEntries(ids.map((id) => [id, { workspace: join(this.dir, id) }]));
    const bindings = ids.map((id) => ({ agentId: id, match: { channel: "bot-hub", accountId: this.agents[id] } }));
    writeFileSync(
      this.config,
      JSON.stringify({
        gateway: { mode: "local", port: this.port, bind: "loopback", auth: { mode: "token", token: "test-token" }, controlUi: { enabled: false } },
        agents: { defaults: { model: { primary: "mock/mock-1" }, skipBootstrap: true }, entries },
        bindings,
        models: { mode: "replace", catalogRefresh: { enabled: false }, providers: { mock: { baseUrl: this.modelUrl, apiKey: "x", api: "openai-completions", models: [MODEL] } } },
        surfaces: { "bot-hub": { silentReply: { group: "allow" } } },
        tools: { toolSearch: false },
        plugins: { ...(this.plugin ? { load: { paths: [this.plugin] } } : {}), allow: ["bot-hub"], slots: { memory: "none" }, entries: { "bot-hub": { enabled: true } } },
        channels: { "bot-hub": this.channel },
        ...this.more,
        update: { checkOnStart: false },
        discovery: { mdns: { mode: "off" } },
        logging: { file: join(this.dir, "gateway.jsonl"), level: "info" },
      }, null, 1),
    );
  }

  /** A home in which the channel was never set up; from then on only commands change its configuration. */
  async blank({ plugins = {} } = {}) {
    await this.configure();
    const { bindings: _, channels: __, surfaces: ___, ...config } = this.written();
    writeFileSync(this.config, JSON.stringify({ ...config, plugins: { ...config.plugins, ...plugins } }));
    this.configure = async () => {};
  }

  /** Installs the package that the folder `source` packs to, as an owner does. */
  install(source) {
    const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", this.dir], { cwd: source, encoding: "utf8" });
    const file = join(this.dir, packed.trim().split("\n").at(-1));
    return this.run(["plugins", "install", `npm-pack:${file}`, "--force", "--accept-capabilities"]);
  }

  /** The configuration as it is in the file. */
  written() {
    return JSON.parse(readFileSync(this.config, "utf8"));
  }

  /**
   * `readyz` says that everything runs, `healthz` that the gateway does. OpenClaw gives up when a part of its start
   * takes more than five seconds, which a busy machine needs; a service manager would start it again, too.
   */
  async start({ until = "readyz" } = {}) {
    await this.configure();
    for (let attempt = 1; !(await this.#started(until)); attempt++) {
      if (attempt === STARTS_MAX) throw new Error(`the gateway did not start:\n${this.tail()}`);
      await this.stop("SIGKILL");
    }
  }

  async #started(until) {
    const out = openSync(this.log, "a");
    this.child = spawn(process.execPath, [join(this.openclaw, "openclaw.mjs"), "gateway", "run"], { env: this.env, stdio: ["ignore", out, out], detached: true });
    this.exited = new Promise((resolve) => this.child.once("exit", resolve));
    for (const end = Date.now() + 240_000; Date.now() < end && this.child.exitCode === null; await pause(200)) {
      if (await fetch(`http://127.0.0.1:${this.port}/${until}`).then((it) => it.ok, () => false)) return true;
    }
    return false;
  }

  async stop(signal = "SIGTERM") {
    if (this.child === undefined) return;
    // The launcher starts the gateway as a child; both are in the group that we made.
    const kill = (name) => {
      try {
        process.kill(-this.child.pid, name);
      } catch {}
    };
    kill(signal);
    const slow = setTimeout(() => kill("SIGKILL"), 15_000);
    await this.exited;
    clearTimeout(slow);
    kill("SIGKILL");
    this.child = undefined;
  }

  /** Runs `openclaw …` with this gateway's home. */
  run(args, { env = {} } = {}) {
    return new Promise((resolve) => {
      execFile(process.execPath, [join(this.openclaw, "openclaw.mjs"), ...args], { env: { ...this.env, ...env }, timeout: 300_000, maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? 1) : 0, stdout, stderr }),
      );
    });
  }

  /** Runs `openclaw …` in a terminal and answers its questions: `[["question", "keys"], ...]`. */
  ask(args, script, { seconds = 240 } = {}) {
    const terminal = fileURLToPath(new URL("./terminal.py", import.meta.url));
    const command = [terminal, String(seconds), JSON.stringify(script), process.execPath, join(this.openclaw, "openclaw.mjs"), ...args];
    return new Promise((resolve) => {
      execFile("python3", command, { env: this.env, maxBuffer: 1 << 24 }, (error, stdout, stderr) => resolve({ code: error ? (error.code ?? 1) : 0, stdout, stderr }));
    });
  }

  /** A gateway method. */
  async call(method, params = {}) {
    const { code, stdout, stderr } = await this.run(["gateway", "call", method, "--json", "--params", JSON.stringify(params)]);
    if (code !== 0) throw new Error(`${method}: ${stderr || stdout}`);
    return JSON.parse(stdout);
  }

  text() {
    return existsSync(this.log) ? readFileSync(this.log, "utf8") : "";
  }
  tail() {
    return this.text().split("\n").slice(-30).join("\n");
  }
}
