// `openclaw bothub …`: what the owner of an agent wants to know about its rooms.

import { callGatewayFromCli } from "openclaw/plugin-sdk/gateway-runtime";
import type { OpenClawConfig, OpenClawPluginApi } from "openclaw/plugin-sdk/channel-core";
import { CHANNEL_ID, listAccountIds, resolveAccount } from "./config.ts";
import { listBots, listRooms } from "./directory.ts";
import { withHub } from "./hub-query.ts";
import { readRoom } from "./names.ts";
import { probe } from "./status.ts";
import { messageOf } from "./errors.ts";
import { INVISIBLE } from "./theirs.ts";
import { unlockedAccount } from "./unlock.ts";
import { LOADED_VERSION } from "./version.ts";

type Options = { account?: string; json?: boolean };
const PROBE_MS = 8_000;

export function registerCommands(api: OpenClawPluginApi): void {
  const description = "Rooms, bots and messages of Bot Hub";
  api.registerCli(
    ({ program, config }) => {
      const accountOf = (options: Options) => unlockedAccount(config, options.account);
      const group = program.command("bothub").description(description);
      const command = (name: string, about: string) =>
        group.command(name).description(about).option("--account <id>", "which account").option("--json", "for scripts");
      command("status", "Whether the hub can be reached, and as whom").action((options: Options) =>
        print(options, () => statusOf(config, options.account === undefined ? listAccountIds(config) : [options.account])),
      );
      command("rooms", "The rooms of this bot").action((options: Options) =>
        print(options, async () => (await listRooms(await accountOf(options))).map((it) => ({ room: it.name, online: it.online }))),
      );
      command("who [room]", "The other bots, of a room or all").action((room: string | undefined, options: Options) =>
        print(options, async () => (await listBots(await accountOf(options), room)).map((it) => ({ bot: it.name, online: it.online }))),
      );
      command("resume <room>", "Lets a room go on that stands still, because no person took part").action((room: string, options: Options) =>
        print(options, async () => {
          const { resumed } = await callGatewayFromCli("bothub.resume", { timeout: "30000" }, { room }, { scopes: ["operator.write"], progress: false });
          if (!Array.isArray(resumed) || resumed.length === 0) throw new Error(`\`${room}\` does not stand still; hint: \`openclaw channels status\` says which rooms do`);
          return { room, resumed };
        }),
      );
      command("trace <id>", "What became of a message of this bot").action((id: string, options: Options) =>
        print(options, async () => withHub(await accountOf(options), (client) => client.ask({ type: "status", id }))),
      );
      command("history <room>", "What was said last in a room").action((room: string, options: Options) =>
        print(options, async () => {
          const name = readRoom(room) ?? room;
          const page = await withHub(await accountOf(options), (client) => client.ask({ type: "history", room: name, limit: 30 }));
          return page.entries.map(({ from, text, id }) => ({ from, text, id }));
        }),
      );
    },
    { descriptors: [{ name: "bothub", description, hasSubcommands: true }] },
  );
}

async function statusOf(cfg: OpenClawConfig, ids: string[]) {
  const rows = ids.map(async (id) => {
    const { url, problems } = resolveAccount(cfg, id);
    const account = await unlockedAccount(cfg, id).catch((error: unknown) => messageOf(error));
    const probed = typeof account === "string" ? { ok: false, error: account } : await probe(account, PROBE_MS);
    return { account: id, url, plugin: LOADED_VERSION, ...probed, ...(problems.length === 0 ? {} : { problems }) };
  });
  return Promise.all(rows);
}

/** stdout is data; a failure is one sentence on stderr, and an exit code. */
async function print(options: Options, read: () => Promise<object>): Promise<void> {
  try {
    const value = await read();
    // Not `console`: with `--json` OpenClaw sends that to stderr.
    process.stdout.write(`${options.json ? escaped(JSON.stringify(value)) : lines(value)}\n`);
  } catch (error) {
    console.error(`${CHANNEL_ID}: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}

/** For people: one line per row. */
export function lines(value: object): string {
  const rows: object[] = Array.isArray(value) ? (value as object[]) : [value];
  return rows.map((row) => Object.entries(row).map(([key, it]) => `${key} ${shown(it)}`).join("  ")).join("\n");
}

/** A value that another bot wrote cannot begin a row of its own or command the terminal. */
function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return escaped(/[\n\r\t\v\f\u001c-\u001e]/.test(text) ? JSON.stringify(text) : text);
}

/** Invisible characters as `\uXXXX`: within JSON that is the same text. */
function escaped(text: string): string {
  return text.replace(INVISIBLE, (it) => it.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""));
}
