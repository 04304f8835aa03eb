// The demo: a small warehouse full of readable codes. A function of time alone, so that any moment
// can be drawn, and drawn again.

import { drawBelt, drawDrone, drawParcel, drawRoom, drawTicket, drawWorker } from "./props.js";
import { drawSymbol } from "./symbol.js";
import { SYMBOLS } from "./symbols.js";

export const SCENE_SIZE = { width: 640, height: 480 };

const BELT_SPEED = 36; // pixels per second
const PARCEL_DISTANCE = 256;
const PARCELS = [
  { symbol: SYMBOLS.qr_parcel, module: 4, width: 172 },
  { symbol: SYMBOLS.code_128, module: 2, rowHeight: 62, width: 256 },
  { symbol: SYMBOLS.data_matrix, module: 5, width: 190 },
  { symbol: SYMBOLS.aztec, module: 5, width: 164 },
];

export function drawScene(context, seconds) {
  drawRoom(context, SCENE_SIZE);
  drawHangingTicket(context, seconds);
  drawDroneWithLabel(context, seconds);
  drawWorkerWithSign(context, seconds);
  drawParcelsOnBelt(context, seconds);
}

/** Draws in translated, rotated and scaled coordinates, then restores them. */
function placed(context, { x, y, turn = 0, scale = 1 }, draw) {
  context.save();
  context.translate(x, y);
  context.rotate(turn);
  context.scale(scale, scale);
  draw();
  context.restore();
}

function drawHangingTicket(context, seconds) {
  placed(context, { x: 140, y: 18, turn: 0.05 * Math.sin(seconds * 0.9) }, () => {
    drawTicket(context);
    placed(context, { x: 0, y: 70 }, () => drawSymbol(context, SYMBOLS.pdf417, 2, 6));
  });
}

function drawDroneWithLabel(context, seconds) {
  const x = 478 + 44 * Math.sin(seconds * 0.5);
  const y = 62 + 16 * Math.sin(seconds * 1.1);
  placed(context, { x, y, turn: 0.07 * Math.sin(seconds * 0.8 + 1) }, () => {
    drawDrone(context, seconds);
    placed(context, { x: 0, y: 84 }, () => drawSymbol(context, SYMBOLS.ean_13, 2, 64));
  });
}

function drawWorkerWithSign(context, seconds) {
  placed(context, { x: 286, y: 196 }, () => drawWorker(context, seconds));
  const sign = {
    x: 286 + 6 * Math.sin(seconds * 0.7),
    y: 258 + 4 * Math.sin(seconds * 1.3),
    turn: 0.24 * Math.sin(seconds * 0.6),
    scale: 0.94 + 0.1 * Math.sin(seconds * 0.45),
  };
  placed(context, sign, () => drawSymbol(context, SYMBOLS.qr_badge, 4));
}

function drawParcelsOnBelt(context, seconds) {
  const top = 440;
  drawBelt(context, { top, width: SCENE_SIZE.width, travelled: seconds * BELT_SPEED });
  const loop = PARCELS.length * PARCEL_DISTANCE;
  PARCELS.forEach(({ symbol, module, rowHeight, width }, at) => {
    const travelled = (at * PARCEL_DISTANCE + seconds * BELT_SPEED) % loop;
    const x = travelled - PARCEL_DISTANCE / 2;
    placed(context, { x, y: top - 61 }, () => {
      drawParcel(context, { width, height: 122 });
      drawSymbol(context, symbol, module, rowHeight);
    });
  });
}
