// Every message of every room, and what became of it for everybody: the same facts as `bot-hub trace`.

const FINAL = new Set(["answered", "done", "declined", "failed", "expired", "dropped", "dead"]);

/** One message's life, as an operator sees it. */
export async function trace({ url, warden, id, from }) {
  const { ask, close } = await sideConnection(url, warden);
  const status = await ask({ type: "status", id, from }, (it) => it.type === "status" || it.type === "error");
  close();
  return status;
}

/** What has not come to an end for one of `bots`, as sentences; `warden` is an operator's token. */
export async function unaccounted({ url, warden, bots }) {
  const { ask, close } = await sideConnection(url, warden);
  const { rooms } = await ask({ type: "rooms" }, (it) => it.type === "rooms");
  const open = [];
  let count = 0;
  for (const { room } of rooms) {
    for (let after = 0, more = true; more; ) {
      const page = await ask({ type: "history", room, after, limit: 100 }, (it) => it.type === "history" && it.room === room);
      for (const { id, from, seq, text } of page.entries) {
        after = seq;
        count += 1;
        const status = await ask({ type: "status", id, from }, (it) => (it.type === "status" && it.id === id) || it.type === "error");
        for (const { bot, state } of status.recipients ?? [{ bot: bots[0], state: JSON.stringify(status) }]) {
          if (bots.includes(bot) && !FINAL.has(state)) open.push(`${state} for ${bot}: ${from} in ${room}: ${text.slice(0, 60)}`);
        }
      }
      more = page.has_more && page.entries.length > 0;
    }
  }
  close();
  return { open, count };
}

async function sideConnection(url, token) {
  const socket = new WebSocket(url);
  const waiting = [];
  socket.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    const at = waiting.findIndex((it) => it.fits(frame));
    if (at >= 0) waiting.splice(at, 1)[0].resolve(frame);
  };
  await new Promise((resolve) => (socket.onopen = resolve));
  const ask = (frame, fits) =>
    new Promise((resolve) => {
      waiting.push({ fits, resolve });
      socket.send(JSON.stringify(frame));
    });
  await ask({ type: "auth", token, client: "audit", side: true, caps: [] }, (it) => it.type === "auth_ok");
  return { ask, close: () => socket.close() };
}
