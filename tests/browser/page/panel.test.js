// The measurements, the demo, and accessibility.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { contrast } from "../../../src/web/view/colour.js";
import { launch, newPage } from "../support/browser.js";
import { countOf, waitForResults, waitForState } from "../support/page.js";
import { startServer } from "../support/server.js";

let server;
let browser;

before(async () => {
  server = await startServer({ args: ["--backend", "null:latency_ms=20"] });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.terminate();
});

async function openDemo(options) {
  const page = await newPage(browser, options);
  await page.goto(`${server.url}/?source=demo`);
  await waitForState(page, "live");
  return page;
}

test("the panel shows what the server is and what it does", async () => {
  const page = await openDemo();
  await waitForResults(page, 20);
  const connection = await page.locator("#connection").innerText();
  assert.match(connection, /Backend\s+null/);
  assert.match(connection, /Device\s+\S+/);
  assert.match(connection, /Largest frame\s+5\.0 MB/);
  assert.match(await page.locator("#gauge").innerText(), /pace 10 %\s*slow down 30 %/);
  for (const chart of ["fps", "age", "roundTrip"]) {
    const line = await page.locator(`[data-chart=${chart}] .chart-line`).getAttribute("d");
    assert.match(line, /^M[\d.]+ [\d.]+/, chart);
  }
  const age = Number.parseFloat(await page.locator("[data-chart=age] .chart-value").textContent());
  assert.ok(age >= 20 && age < 500, `age ${age} ms`);
  assert.match(await page.locator("#stages [data-part=inference] dd").textContent(), /^\d+(\.\d)? ms$/);
  for (const part of ["browser", "network", "server"]) {
    assert.match(await page.locator(`#glass .legend [data-part=${part}] dd`).textContent(), /^\d+(\.\d)? ms$/);
  }
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("every frame is accounted for, on the page and on the server", async () => {
  const page = await openDemo();
  const before = await server.framesTotal();
  await waitForResults(page, 20);
  await page.locator("#run").click();
  await waitForState(page, "stopped");
  await page.waitForTimeout(500);
  const [sent, results, dropped, lost] = [await countOf(page, "Sent"), await countOf(page, "Results"), await countOf(page, "Dropped"), await countOf(page, "Lost")];
  assert.equal(sent, results + dropped + lost);
  assert.ok((await server.framesTotal()) - before <= sent);
  await page.context().close();
});

test("messages are logged, and everything can be copied as JSON", async () => {
  const page = await openDemo({ permissions: ["clipboard-read", "clipboard-write"] });
  await waitForResults(page, 10);
  await page.locator("#log-details summary").click();
  await page.locator("#log [data-kind=result]").first().waitFor();
  await page.locator("#copy").click();
  await page.locator("#copied", { hasText: "Copied" }).waitFor();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.equal(copied.status, "live");
  assert.equal(copied.encoder, "worker");
  assert.equal(copied.source.kind, "demo");
  assert.ok(copied.frames.results >= 10);
  assert.equal(copied.session.backend, "null");
  assert.ok(copied.messages.some(({ kind }) => kind === "result"));
  await page.context().close();
});

test("without a clipboard the JSON is shown, selected", async () => {
  const page = await openDemo();
  await page.evaluate(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error("not allowed"));
  });
  await page.locator("#copy").click();
  const text = await page.locator("#copy-text").inputValue();
  assert.equal(JSON.parse(text).source.kind, "demo");
  await page.context().close();
});

test("without a canvas for workers, frames are encoded on the page", async () => {
  const page = await newPage(browser);
  await page.addInitScript(() => {
    delete globalThis.OffscreenCanvas;
  });
  await page.goto(`${server.url}/?source=demo`);
  await waitForState(page, "live");
  await waitForResults(page);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("the keyboard reaches and operates the controls, and each has a name", async () => {
  const page = await openDemo();
  const nameless = await page.locator("button, select, input:not([type=file]), summary").evaluateAll((controls) =>
    controls.filter((each) => !(each.labels?.[0]?.innerText.trim() || each.getAttribute("aria-label") || each.innerText?.trim())).map((each) => each.outerHTML));
  assert.deepEqual(nameless, []);
  await page.locator("input[value=demo]").focus();
  await page.keyboard.press("ArrowLeft");
  assert.ok(await page.locator("input[value=stills]").isChecked());
  await page.keyboard.press("ArrowRight");
  await waitForState(page, "live");
  await page.locator("#rate").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.locator("#rate-value").textContent(), "16");
  await page.locator("#run").focus();
  await page.keyboard.press("Enter");
  await waitForState(page, "stopped");
  assert.equal(await page.locator("#announcer").getAttribute("aria-live"), "polite");
  assert.equal(await page.locator("#announcer").textContent(), "Stopped");
  await page.context().close();
});

for (const colorScheme of ["light", "dark"]) {
  test(`texts have the contrast of WCAG AA in the ${colorScheme} scheme`, async () => {
    const page = await newPage(browser, { colorScheme });
    await page.goto(server.url);
    await page.locator(".notice").waitFor();
    const texts = await page.evaluate(() => {
      // A canvas turns any colour that CSS can name into red, green, blue and alpha.
      const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const read = (colour) => {
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        return [...context.getImageData(0, 0, 1, 1).data];
      };
      const behind = (element) => {
        for (let each = element; each; each = each.parentElement) {
          const colour = read(getComputedStyle(each).backgroundColor);
          if (colour[3] > 250) return colour.slice(0, 3);
        }
        return null;
      };
      const hasOwnText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      return [...document.querySelectorAll("body *")]
        .filter((element) => hasOwnText(element) && element.checkVisibility() && !element.closest(".stage, .visually-hidden, .skip, option"))
        .map((element) => ({ text: element.textContent.slice(0, 30), colour: read(getComputedStyle(element).color).slice(0, 3), background: behind(element) }));
    });
    assert.ok(texts.length > 30);
    const poor = texts.filter(({ colour, background }) => contrast(colour, background) < 4.5);
    assert.deepEqual(poor, []);
    await page.context().close();
  });
}
