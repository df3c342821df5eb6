// The page behind an invite in the real Chromium, in light and dark, with and without JavaScript.
//
//   node page.mjs HUB_BINARY CHROMIUM
//
// Prints a line for each thing that was tried and, last, `N passed, N failed`.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [binary, executablePath] = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), "bot-hub-page-"));
const score = { passed: 0, failed: 0 };
/** Everything that the browser sent to the hub. */
let sent = "";
/** The lines that the page has to show: the same that `bot-hub invite` prints. */
let expected;

async function startHub() {
  const child = spawn(binary, ["serve", "--data", join(dir, "data"), "--listen", "127.0.0.1:0"], {
    env: { PATH: process.env.PATH, HOME: dir }, stdio: ["ignore", "pipe", "ignore"],
  });
  const exited = once(child, "exit");
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), "line"), exited]);
  assert.match(String(line), /^listening /, "the hub does not listen");
  return { port: Number(new URL(line.slice("listening ".length)).port), end: () => (child.kill(), exited) };
}

/** The way to the hub, on which what the browser sends is read along. */
async function startRelay(port) {
  const server = net.createServer((socket) => {
    const upstream = net.connect(port, "127.0.0.1");
    socket.on("data", (data) => (sent += data.toString("latin1")));
    socket.pipe(upstream).pipe(socket);
    for (const it of [socket, upstream]) it.on("error", () => (socket.destroy(), upstream.destroy()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { origin: `http://127.0.0.1:${server.address().port}`, end: () => server.close() };
}

/** The least contrast of text on the page, with what has it. Runs in the page. */
function leastContrast() {
  const channel = (it) => (it /= 255) <= 0.03928 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const colour = (text) => text.match(/[\d.]+/g).map(Number);
  const behind = (element) => {
    for (let it = element; it; it = it.parentElement) {
      const found = colour(getComputedStyle(it).backgroundColor);
      if (found[3] !== 0) return found;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  };
  const ratio = (element) => {
    const [dark, bright] = [light(colour(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const all = [...document.querySelectorAll("h1, h2, h3, p, li, code, strong, button, a")].filter((it) => it.checkVisibility());
  return all.map((it) => [ratio(it), it.tagName]).sort((a, b) => a[0] - b[0])[0];
}

/** What somebody sees and does who opens a link; `look` is `light` or `dark`. */
async function visit(browser, origin, link, { look, scripts, code }) {
  sent = "";
  const context = await browser.newContext({ colorScheme: look, javaScriptEnabled: scripts, viewport: { width: 360, height: 740 } });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  const page = await context.newPage();
  const troubles = [];
  page.on("console", (it) => ["error", "warning"].includes(it.type()) && troubles.push(it.text()));
  page.on("pageerror", (it) => troubles.push(String(it)));
  page.on("requestfailed", (it) => troubles.push(`${it.url()}: ${it.failure()?.errorText}`));
  await page.goto(link, { waitUntil: "networkidle" });

  const shown = expected(scripts && code ? code : "CODE");
  assert.deepEqual(await page.locator(".line code").allTextContents(), shown);
  const buttons = page.getByRole("button", { name: /^Copy the line for / });
  assert.equal(await buttons.count(), scripts ? shown.length : 0);
  assert.equal(await page.getByText("Put it where CODE stands below").isVisible(), !(scripts && code));
  assert.equal(await page.getByText("It stands in the lines below already").isVisible(), Boolean(scripts && code));
  for (const [at, line] of scripts ? shown.entries() : []) {
    await buttons.nth(at).press("Enter");
    await page.getByRole("status").getByText("is copied").waitFor();
    assert.equal(await page.evaluate("navigator.clipboard.readText()"), line);
    await page.evaluate("document.getElementById('copied').textContent = ''");
  }
  const [contrast, what] = await page.evaluate(leastContrast);
  assert.ok(contrast >= 4.5, `${what} has a contrast of ${contrast.toFixed(2)}`);
  const { wide, dark } = await page.evaluate("({wide: document.documentElement.scrollWidth, dark: matchMedia('(prefers-color-scheme: dark)').matches})");
  assert.ok(wide <= 360, `the page is ${wide} wide on a telephone`);
  assert.equal(dark, look === "dark");
  assert.deepEqual(troubles, []);

  await context.close();
  const asked = [...sent.matchAll(/^([A-Z]+) (\S+) HTTP/gm)].map(([, method, path]) => `${method} ${path}`);
  const own = ["GET /join", "GET /assets/join.css", ...(scripts ? ["GET /assets/join.js"] : [])];
  assert.deepEqual(asked.filter((it) => it !== "GET /favicon.ico").sort(), own.sort());
  if (code) assert.ok(!sent.replaceAll("-", "").includes(code.replaceAll("-", "")), "the code was sent to the hub");
}

async function check(title, run) {
  try {
    await run();
    score.passed += 1;
    console.log(`ok      ${title}`);
  } catch (error) {
    score.failed += 1;
    console.log(`FAILED  ${title}\n        ${error.message.replaceAll("\n", "\n        ")}`);
  }
}

let hub, relay, browser;
try {
  hub = await startHub();
  relay = await startRelay(hub.port);
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const made = execFileSync(binary, ["invite", "flora", "--room", "garden", "--json", "--data", join(dir, "data")], {
    env: { PATH: process.env.PATH, HOME: dir }, stdio: ["ignore", "pipe", "ignore"],
  });
  const { code, url, lines } = JSON.parse(made);
  const printed = [lines.openclaw, lines.any_bot, lines.command_line];
  expected = (shown) => printed.map((it) => it.replaceAll(new URL(url).origin, relay.origin).replaceAll(code, shown));
  for (const look of ["light", "dark"]) {
    for (const scripts of [true, false]) {
      const how = `${look}, JavaScript ${scripts ? "on" : "off"}`;
      await check(`the link of an invite, ${how}`, () => visit(browser, relay.origin, `${relay.origin}/join#${code}`, { look, scripts, code }));
    }
  }
  for (const [what, fragment] of [["no code", ""], ["a line of HTML", "#<img src=x onerror=alert(1)>"]]) {
    await check(`a link with ${what}`, () => visit(browser, relay.origin, `${relay.origin}/join${fragment}`, { look: "light", scripts: true }));
  }
} finally {
  await browser?.close();
  relay?.end();
  await hub?.end();
  rmSync(dir, { recursive: true, force: true });
}
console.log(`${score.passed} passed, ${score.failed} failed`);
process.exit(score.failed === 0 ? 0 : 1);
