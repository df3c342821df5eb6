// A plain client of the hub that a test drives: no code of the plugin in it.

import { setTimeout as pause } from "node:timers/promises";

/** All waits are this many times what an idle machine needs. A busy machine needs the longer wait, and a test that passes never uses it up. */
export const PATIENCE = Number(process.env.PATIENCE ?? 4);

export class Bot {
  frames = [];
  #socket;
  #n = 0;

  static async connect(url, token, rooms) {
    const bot = new Bot();
    bot.url = url;
    bot.token = token;
    await bot.open();
    for (const room of rooms) {
      bot.send({ type: "join", room });
      await bot.until((it) => it.type === "joined" && it.room === room);
    }
    return bot;
  }

  async open() {
    this.#socket = new WebSocket(this.url);
    this.#socket.onmessage = (event) => {
      const frame = JSON.parse(event.data);
      this.frames.push(frame);
      if (frame.type !== "message") return;
      const end = this.decline === undefined ? [{ state: "received" }, { state: "done" }] : [{ state: "declined", reason: this.decline }];
      for (const it of end) this.send({ type: "receipt", room: frame.room, id: frame.id, ...it });
    };
    await new Promise((resolve, reject) => ((this.#socket.onopen = resolve), (this.#socket.onerror = reject)));
    this.send({ type: "auth", token: this.token, client: "test", caps: ["ack", "receipts", "presence"], resume: {} });
    await this.until((it) => it.type === "auth_ok");
  }

  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  /** Says something and gives back its id. */
  say(where, text, more = {}) {
    const id = more.id ?? `t-${process.pid}-${Date.now()}-${this.#n++}`;
    this.send({ type: "message", ...(where.startsWith("@") ? { to: where.slice(1) } : { room: where }), text, id, ...more });
    return id;
  }

  /** The first frame that fits, of those to come and those that came. */
  async until(fits, { ms = 120_000, what = String(fits) } = {}) {
    const end = Date.now() + ms * PATIENCE;
    for (;;) {
      const found = this.frames.find(fits);
      if (found) return found;
      if (Date.now() > end) throw new Error(`nothing came: ${what}; last frames: ${JSON.stringify(this.frames.slice(-6))}`);
      await pause(20);
    }
  }

  answer(id, options) {
    return this.until((it) => it.type === "message" && it.reply_to === id, { what: `an answer to ${id}`, ...options });
  }

  receipt(id, bot, state, options) {
    return this.until((it) => it.type === "receipt" && it.id === id && it.bot === bot && it.state === state, {
      what: `${state} by ${bot} for ${id}`,
      ...options,
    });
  }

  async status(id) {
    const before = this.frames.length;
    this.send({ type: "status", id });
    await this.until((it) => this.frames.indexOf(it) >= before && it.type === "status" && it.id === id);
    return this.frames.slice(before).find((it) => it.type === "status" && it.id === id);
  }

  messages(from) {
    return this.frames.filter((it) => it.type === "message" && it.from === from);
  }

  close() {
    this.#socket.close();
  }
}
