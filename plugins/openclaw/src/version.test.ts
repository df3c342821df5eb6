import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LOADED_VERSION, setInstalledFolder, versionMismatch } from "./version.ts";

test("another version in the folder of the installation is noticed", (t) => {
  assert.equal(versionMismatch(), undefined);
  const folder = mkdtempSync(join(tmpdir(), "bot-hub-version-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ version: "9.9.9" }));
  setInstalledFolder(folder);
  assert.match(versionMismatch() ?? "", new RegExp(`version ${LOADED_VERSION} of the plugin runs, but 9\\.9\\.9 is installed`));
});
