import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as Record<string, unknown>;

test("the client is compiled by the same versions, alone and in the plugin", () => {
  const { typescript, typesNode } = read("../../../plugins/openclaw/versions.json");
  assert.deepEqual(read("../package.json")["devDependencies"], { "@types/node": typesNode, typescript });
});
