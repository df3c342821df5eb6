import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { unreachableReason } from "./unreachable.ts";

test("it says whether nobody listens, or somebody who is no hub", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  assert.equal(await unreachableReason(`ws://127.0.0.1:${port}`), `what answers at 127.0.0.1:${port} is not a hub`);
  await new Promise((resolve) => server.close(resolve));
  assert.equal(await unreachableReason(`ws://127.0.0.1:${port}`), `nothing listens at 127.0.0.1:${port}`);
});

test("it says when a plain port was asked for TLS", async () => {
  const server = createServer((socket) => void socket.on("error", () => {}).once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  assert.match(await unreachableReason(`wss://127.0.0.1:${port}`), /does not speak TLS; hint: write `ws:/);
  await new Promise((resolve) => server.close(resolve));
});
