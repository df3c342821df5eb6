// A model that does what the prompt says: deterministic, on loopback, speaking OpenAI's completions.
//
// Of the last message of a user it obeys: the first of CALL <tool> <json> and SAY <text>, LONG <words>, RING <names> (passes itself on to the next one), FIRST <text> before a call, SILENT, and SLOW <ms> before
// any of them. TRY EVERYTHING calls each tool that it is offered, as an attacker would have it, and then says all that
// it has learned. Everything that it was asked is kept in `requests`.

import http from "node:http";
import { once } from "node:events";

const INTERNAL = "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>";
const textOf = (content) =>
  typeof content === "string" ? content : Array.isArray(content) ? content.map((it) => it.text ?? "").join("\n") : "";

/** The tools one by one: which comes next is how many results are there. */
function everything(said, tools, attack) {
  const asked = said.findLastIndex((it) => it.role === "user");
  const results = said.slice(asked).filter((it) => it.role === "tool").map((it) => textOf(it.content));
  const prompt = textOf(said[asked].content);
  const next = tools[results.length];
  if (next === undefined) return { prompt, text: `LEARNED ${results.join(" | ").slice(0, 3000)}` };
  return { prompt, tool: { name: next, arguments: JSON.stringify(attack(next)) } };
}

function decide(messages, tools, attack) {
  // OpenClaw appends user messages of its own after the real one.
  const said = messages.filter((it) => !(it.role === "user" && textOf(it.content).startsWith(INTERNAL)));
  const last = said.at(-1);
  if (/TRY EVERYTHING/.test(textOf(said.findLast((it) => it.role === "user")?.content))) return everything(said, tools, attack);
  if (last?.role === "tool") return { text: `RESULT ${textOf(last.content).slice(0, 600)}`, prompt: textOf(last.content) };
  const prompt = textOf(said.findLast((it) => it.role === "user")?.content);
  // What was said before in the room is quoted above the facts about the message; of several the last order counts.
  const pieces = prompt.split(/^\[(?:[^\]]* in (?:room|a direct)[^\]]*|\d+ of \d+;[^\]]*)\]$/m);
  const order = pieces.findLast((it) => /SAY|CALL|SLOW|RING/.test(it)) ?? pieces.at(-1);
  const slow = Number(/SLOW (\d+)/.exec(order)?.[1] ?? 0);
  const call = /CALL (\S+) (\{.*\})/.exec(order);
  const first = /SAY|CALL/.exec(order)?.[0];
  const before = /FIRST (.+?) CALL/.exec(order)?.[1];
  if (call && first === "CALL") return { prompt, slow, text: before, tool: { name: call[1], arguments: call[2] } };
  const ring = /RING (\w+) (\w+) (.+)/.exec(order);
  if (ring) return { prompt, slow, text: `@${ring[2]} RING ${ring[2]} ${ring[3]} ${ring[1]}` };
  const long = /LONG (\d+)/.exec(order);
  if (long) return { prompt, slow, text: "word ".repeat(Number(long[1])).trim() };
  const say = /SAY (.+)/.exec(order);
  if (say) return { prompt, slow, text: say[1].trim() };
  return { prompt, slow, text: "NO_REPLY" };
}

/** What a model reads that follows its prompt: the words of this turn, and what its tools have said in it. */
function followed(messages, system, tools, follow) {
  const said = messages.filter((it) => !(it.role === "user" && textOf(it.content).startsWith(INTERNAL)));
  const asked = said.findLastIndex((it) => it.role === "user");
  const prompt = textOf(said[asked]?.content);
  const results = said.slice(asked).filter((it) => it.role === "tool").map((it) => textOf(it.content));
  return { prompt, ...follow({ prompt, system, tools, results }) };
}

/** `attack` gives the arguments with which TRY EVERYTHING calls a tool; `follow` decides in place of the orders above. */
export async function startModel({ attack = () => ({}), follow } = {}) {
  const requests = [];
  const server = http.createServer(async (request, response) => {
    if (request.method === "GET") return response.end(JSON.stringify({ object: "list", data: [{ id: "mock-1", object: "model" }] }));
    let raw = "";
    for await (const chunk of request) raw += chunk;
    const body = JSON.parse(raw);
    const system = textOf(body.messages?.find((it) => it.role === "system" || it.role === "developer")?.content);
    const tools = body.tools?.map((it) => it.function?.name) ?? [];
    const decided = follow === undefined ? decide(body.messages ?? [], tools, attack) : followed(body.messages ?? [], system, tools, follow);
    requests.push({ at: Date.now(), raw, bytes: Buffer.byteLength(raw), prompt: decided.prompt, system, tools, messages: body.messages, decided });
    if (decided.slow) await new Promise((resolve) => setTimeout(resolve, decided.slow));
    answer(response, body, decided, requests.length);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve)));
  return { url: `http://127.0.0.1:${server.address().port}/v1`, requests, stop };
}

function answer(response, body, { text, tool }, n) {
  const base = { id: `mock-${n}`, created: 1, model: body.model };
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  const calls = tool && [{ index: 0, id: `call_${n}`, type: "function", function: tool }];
  const finish_reason = tool ? "tool_calls" : "stop";
  if (!body.stream) {
    const message = { role: "assistant", content: text ?? null, ...(calls ? { tool_calls: calls } : {}) };
    response.setHeader("content-type", "application/json");
    return response.end(JSON.stringify({ ...base, object: "chat.completion", usage, choices: [{ index: 0, finish_reason, message }] }));
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const event = (value) => response.write(`data: ${JSON.stringify({ ...base, object: "chat.completion.chunk", ...value })}\n\n`);
  const delta = (value, finish_reason = null) => event({ choices: [{ index: 0, delta: value, finish_reason }] });
  delta({ role: "assistant" });
  if (text !== undefined) delta({ content: text });
  if (calls) delta({ tool_calls: calls });
  delta({}, finish_reason);
  event({ choices: [], usage });
  response.end("data: [DONE]\n\n");
}
