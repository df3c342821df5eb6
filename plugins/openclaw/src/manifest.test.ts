import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { manifest } from "./manifest.ts";

const FILE = new URL("../openclaw.plugin.json", import.meta.url);

test("the manifest is what the code says (UPDATE=1 rewrites it)", () => {
  const expected = `${JSON.stringify(manifest(), null, 2)}\n`;
  if (process.env["UPDATE"]) writeFileSync(FILE, expected);
  assert.equal(readFileSync(FILE, "utf8"), expected);
});
