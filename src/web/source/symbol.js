// Draws a code symbol of `symbols.js`.

/** The quiet zone, in modules, that readers need around a symbol; linear codes need more at their ends. */
const QUIET_ZONE = 3;
const QUIET_ENDS = 9;

const quietEnds = (rows) => (rows.length === 1 ? QUIET_ENDS : QUIET_ZONE);

/** The rows as arrays of modules, true where dark. */
export function modulesOf({ columns, rows }) {
  return rows.map((row) => {
    const bits = [...row].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
    return Array.from({ length: columns }, (_, column) => bits[column] === "1");
  });
}

/** The area of a symbol with its quiet zone, for modules of this width and rows of this height. */
export function symbolSize({ columns, rows }, module, rowHeight = module) {
  return {
    width: (columns + 2 * quietEnds(rows)) * module,
    height: rows.length * rowHeight + 2 * QUIET_ZONE * module,
  };
}

/** Draws the symbol in black on a white label, centred on the origin. */
export function drawSymbol(context, symbol, module, rowHeight = module) {
  const { width, height } = symbolSize(symbol, module, rowHeight);
  context.fillStyle = "white";
  context.beginPath();
  context.roundRect(-width / 2, -height / 2, width, height, 2 * module);
  context.fill();
  const left = -width / 2 + quietEnds(symbol.rows) * module;
  const top = -height / 2 + QUIET_ZONE * module;
  context.fillStyle = "#101418";
  modulesOf(symbol).forEach((row, at) => {
    for (const run of darkRuns(row)) {
      context.fillRect(left + run.start * module, top + at * rowHeight, run.length * module, rowHeight);
    }
  });
}

/** Merges neighbouring dark modules: a tilted canvas would show a seam between two rectangles. */
function darkRuns(row) {
  const runs = [];
  row.forEach((isDark, column) => {
    if (!isDark) return;
    if (row[column - 1]) runs.at(-1).length += 1;
    else runs.push({ start: column, length: 1 });
  });
  return runs;
}
