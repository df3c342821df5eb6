import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { manifest } from "./manifest.ts";
import { setupContract } from "./setup.ts";

const FILE = new URL("../openclaw.plugin.json", import.meta.url);

test("the manifest is what the code says (UPDATE=1 rewrites it)", () => {
  const expected = `${JSON.stringify(manifest(), null, 2)}\n`;
  if (process.env["UPDATE"]) writeFileSync(FILE, expected);
  assert.equal(readFileSync(FILE, "utf8"), expected);
});

test("the package names the flags of `channels add` as the code does", () => {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { openclaw } = JSON.parse(text) as { openclaw: { channel: { setup: unknown } } };
  assert.deepEqual(openclaw.channel.setup, setupContract.metadata);
});
