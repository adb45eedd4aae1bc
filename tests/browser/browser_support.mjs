// browser_support.mjs: a server on 127.0.0.1 and pages in a headless Chromium.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname } from "node:path";

import { chromium } from "playwright-core";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".csv": "text/csv",
};
// Without these Chromium calls home, also where there is no network.
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Serves what `find` names for a path: the path of a file, or { file, type };
 * every answer has the headers that `headersFor` gives for the path. Returns the
 * server and its address.
 */
export async function serve(find, headersFor = () => ({})) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const headers = headersFor(pathname);
    const found = find(pathname);
    const file = found?.file ?? found;
    if (!file || !existsSync(file)) {
      response.writeHead(404, headers).end();
      return;
    }
    const type = found.type ?? TYPES[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, ...headers });
    response.end(readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

export function stop({ server }) {
  server.closeAllConnections();
  server.close();
}

export function launch() {
  const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
    existsSync,
  );
  return chromium.launch({ executablePath, args: ARGS });
}

/** Opens a page that leaves its results in window.answer and returns them;
 * console errors, failed requests and exceptions go to `noise`. */
export async function visit(browser, url, noise) {
  const page = await browser.newPage();
  page.on("pageerror", (error) => noise.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      noise.push(message.text());
    }
  });
  await page.goto(url);
  await page.waitForFunction(() => window.answer, null, { timeout: 120000 });
  const answer = await page.evaluate(() => window.answer);
  await page.close();
  return answer;
}

/** The same in a browser of its own. */
export async function openPage(url, noise) {
  const browser = await launch();
  try {
    return await visit(browser, url, noise);
  } finally {
    await browser.close();
  }
}
