import assert from "node:assert/strict";
import { test } from "node:test";
import { modulesOf, symbolSize } from "../../../src/web/source/symbol.js";
import { SYMBOLS } from "../../../src/web/source/symbols.js";

const FINDER = ["#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"];

const textOf = (modules, x, y, size) =>
  modules.slice(y, y + size).map((row) => row.slice(x, x + size).map((isDark) => (isDark ? "#" : ".")).join(""));

test("every row has as many modules as the symbol has columns", () => {
  for (const [name, symbol] of Object.entries(SYMBOLS)) {
    for (const row of modulesOf(symbol)) assert.equal(row.length, symbol.columns, name);
  }
});

test("QR codes are square with a finder pattern in three corners", () => {
  for (const symbol of [SYMBOLS.qr_parcel, SYMBOLS.qr_badge]) {
    const modules = modulesOf(symbol);
    const far = symbol.columns - 7;
    assert.equal(modules.length, symbol.columns);
    for (const [x, y] of [[0, 0], [far, 0], [0, far]]) assert.deepEqual(textOf(modules, x, y, 7), FINDER);
  }
});

test("a linear symbol is one row that begins and ends dark, with room at its ends", () => {
  for (const symbol of [SYMBOLS.code_128, SYMBOLS.ean_13]) {
    const [row] = modulesOf(symbol);
    assert.ok(row[0] && row.at(-1));
    assert.equal(symbolSize(symbol, 2, 60).width, (symbol.columns + 18) * 2);
  }
});

test("the digits of the EAN have their check digit", () => {
  const digits = [...SYMBOLS.ean_13.text].map(Number);
  const sum = digits.reduce((total, digit, at) => total + digit * (at % 2 === 0 ? 1 : 3), 0);
  assert.equal(sum % 10, 0);
});
