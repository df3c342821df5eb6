// What became of every message, as `bot-hub export` lists them and `bot-hub trace` tells it.

import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";

const FINAL = new Set(["answered", "done", "declined", "failed", "expired", "dropped", "dead"]);
/** So many programs run at once: the machine may have two cores, and gateways on them. */
const AT_ONCE = 4;

/** Runs `bot-hub …` as an operator. */
function cli(hub, args) {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, BOT_HUB_TOKEN: "tok-warden" }, maxBuffer: 1 << 26 };
    execFile(hub.binary, args, options, (error, stdout, stderr) => (error ? reject(new Error(`bot-hub ${args.join(" ")}: ${stderr}`)) : resolve(stdout)));
  });
}

/** One message's life. */
export async function trace(hub, { id, from }) {
  return JSON.parse(await cli(hub, ["trace", id, "--from", from, "--json", "--url", hub.url]));
}

/** Every message of every room. */
export async function everything(hub) {
  const lines = (await cli(hub, ["export", "--data", hub.data])).split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}

/** What has not come to an end for somebody, as sentences. Messages that are seen to be over are not asked about again. */
async function look(hub, over) {
  const all = await everything(hub);
  const waiting = all.filter(({ from, id }) => !over.has(`${from}/${id}`));
  const open = [];
  const worker = async () => {
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      const { recipients } = await trace(hub, entry);
      const left = recipients.filter(({ state }) => !FINAL.has(state));
      if (left.length === 0) over.add(`${entry.from}/${entry.id}`);
      for (const { bot, state } of left) open.push(`${state} for ${bot}: ${entry.from} in ${entry.room}: ${entry.text.slice(0, 60)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { open, count: all.length };
}

/** Waits for the end of what is under way: an answer is in the room a moment before its turn is over. */
export async function unaccounted(hub, seconds = 60) {
  const over = new Set();
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look(hub, over);
    if (seen.open.length === 0 || Date.now() > end) return seen;
    await pause(500);
  }
}
