// The things in the demo scene. Each is drawn around the origin of the context it is given.

const TURN = 2 * Math.PI;

export function drawRoom(context, { width, height }) {
  const wall = context.createLinearGradient(0, 0, 0, height);
  wall.addColorStop(0, "#dce8ee");
  wall.addColorStop(1, "#b3c7d3");
  context.fillStyle = wall;
  context.fillRect(0, 0, width, height);
  context.fillStyle = "#a5bcc9";
  for (const x of [24, 232, 440]) {
    context.fillRect(x, 196, 176, 7);
    context.fillRect(x + 10, 203, 7, 150);
    context.fillRect(x + 159, 203, 7, 150);
  }
  drawShelfGoods(context);
  context.fillStyle = "#8ca3b1";
  context.fillRect(0, 352, width, height - 352);
}

function drawShelfGoods(context) {
  const goods = [
    [40, 46, "#c9d6dd"], [92, 34, "#bfcfd8"], [132, 54, "#d3dee4"],
    [452, 50, "#c9d6dd"], [510, 36, "#d3dee4"], [556, 48, "#bfcfd8"],
  ];
  for (const [x, size, colour] of goods) {
    fillRound(context, x, 196 - size * 0.7, size, size * 0.7, 3, colour);
  }
}

export function drawBelt(context, { top, width, travelled }) {
  context.fillStyle = "#37444f";
  context.fillRect(0, top, width, 18);
  context.fillStyle = "#4b5a66";
  const gap = 32;
  for (let x = (travelled % gap) - gap; x < width; x += gap) context.fillRect(x, top, 4, 18);
  context.fillStyle = "#26313a";
  context.fillRect(0, top + 18, width, 34);
  for (let x = 16; x < width; x += gap) drawRoller(context, x, top + 32, travelled / 9);
}

function drawRoller(context, x, y, angle) {
  fillCircle(context, x, y, 9, "#5d6d79");
  context.strokeStyle = "#8798a4";
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x - 6 * Math.cos(angle), y - 6 * Math.sin(angle));
  context.lineTo(x + 6 * Math.cos(angle), y + 6 * Math.sin(angle));
  context.stroke();
}

export function drawParcel(context, { width, height }) {
  fillRound(context, -width / 2, -height / 2, width, height, 6, "#cf9b62");
  context.fillStyle = "#b9844c";
  context.fillRect(-width / 2, height / 2 - 12, width, 8);
  context.fillStyle = "#e3bb88";
  context.fillRect(-18, -height / 2, 36, height);
}

export function drawTicket(context) {
  context.strokeStyle = "#5d6d79";
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(-96, 32);
  context.lineTo(0, -18);
  context.lineTo(96, 32);
  context.stroke();
  fillRound(context, -118, 26, 236, 88, 8, "#ffffff");
}

export function drawDrone(context, seconds) {
  context.strokeStyle = "#2f3c47";
  context.lineWidth = 5;
  context.beginPath();
  context.moveTo(-78, 0);
  context.lineTo(78, 0);
  context.stroke();
  for (const x of [-78, 78]) {
    const blade = 30 * Math.abs(Math.sin(seconds * 17 + x)) + 6;
    context.fillStyle = "rgb(47 60 71 / 0.45)";
    context.beginPath();
    context.ellipse(x, -9, blade, 3, 0, 0, TURN);
    context.fill();
    context.fillStyle = "#2f3c47";
    context.fillRect(x - 3, -10, 6, 14);
  }
  fillRound(context, -34, -14, 68, 28, 14, "#1f6f78");
  fillCircle(context, 0, 2, 7, "#d7f5f2");
  fillCircle(context, 0, 2, 3.5, "#12343a");
  fillRound(context, -120, 38, 240, 92, 6, "#cf9b62");
  context.fillStyle = "#2f3c47";
  context.fillRect(-40, 12, 4, 27);
  context.fillRect(36, 12, 4, 27);
}

export function drawWorker(context, seconds) {
  const nod = 2 * Math.sin(seconds * 1.3);
  fillRound(context, -58, 6, 116, 260, 30, "#f08a3c");
  context.fillStyle = "#ffe9a8";
  context.fillRect(-44, 14, 12, 252);
  context.fillRect(32, 14, 12, 252);
  fillRound(context, -11, -14, 22, 26, 8, "#d9a07c");
  context.save();
  context.translate(0, nod);
  drawHead(context, seconds);
  context.restore();
}

function drawHead(context, seconds) {
  context.fillStyle = "#e8b491";
  context.beginPath();
  context.ellipse(0, -40, 29, 35, 0, 0, TURN);
  context.fill();
  const isBlinking = seconds % 3.4 < 0.14;
  for (const x of [-11, 11]) {
    context.fillStyle = "#3b2a20";
    context.fillRect(x - 6, -54, 12, 3);
    if (isBlinking) context.fillRect(x - 4, -43, 8, 2);
    else fillCircle(context, x, -43, 3.6, "#2a1d16");
  }
  context.strokeStyle = "#c48a66";
  context.lineWidth = 2.5;
  context.beginPath();
  context.moveTo(0, -40);
  context.quadraticCurveTo(5, -30, -2, -29);
  context.stroke();
  context.strokeStyle = "#9c3f39";
  context.lineWidth = 3;
  context.beginPath();
  context.arc(0, -28, 11, 0.25, Math.PI - 0.25);
  context.stroke();
  context.fillStyle = "#f6c945";
  context.beginPath();
  context.arc(0, -58, 30, Math.PI, TURN);
  context.fill();
  fillRound(context, -37, -61, 74, 8, 4, "#e3b02c");
}

function fillRound(context, x, y, width, height, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
  context.fill();
}

function fillCircle(context, x, y, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, TURN);
  context.fill();
}
