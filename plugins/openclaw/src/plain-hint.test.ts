import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorFrame, HubRefusal } from "../client/index.js";
import { plainHint } from "./plain-hint.ts";

const check = (name: string, hint: string | undefined, expected: string) => {
  const error = { type: "error", code: 3003, name, message: "no", retry: "after_fix", hint } as unknown as ErrorFrame;
  assert.equal(new HubRefusal(error, plainHint(error)).message, expected);
};
const ROOMS = "`bot_hub_rooms` lists this agent's rooms and who is in them";

test("what the hub advises to programs is told in words to an agent", () => {
  check("not_a_member", 'send {"type":"join","room":"lab"} first', `no; hint: ${ROOMS}; the owner enters another one in \`channels.bot-hub.rooms\``);
  check("no_such_room", 'send {"type":"join","room":"lap"} to make it, or `rooms` to see what there is', `no; hint: ${ROOMS}`);
  check("no_such_bot", "send `who` to see the bots that share a room with you", `no; hint: ${ROOMS}`);
  check("no_such_room", "did you mean room `lab`?", "no; hint: did you mean room `lab`?");
  check("no_such_bot", "did you mean `to: bob`?", "no; hint: did you mean the bot `bob`?");
  check("wrong_kind", "did you mean `room: lab`?", "no; hint: did you mean the room `lab`?");
  check("not_allowed", 'send "caps":["ack"] in `auth`', "no");
  check("room_closed", "an operator can run: bot-hub room add lab bob", "no; hint: an operator can run: bot-hub room add lab bob");
  check("expired", undefined, "no");
});
