// A WebSocket server that does what a test says (RFC 6455, short messages in one piece).

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const ACCEPT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

class Session {
  messages = [];
  #wake = null;

  constructor(socket, url) {
    Object.assign(this, { socket, url });
    let bytes = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (more) => {
      bytes = Buffer.concat([bytes, more]);
      for (let message = this.#parse(bytes); message; message = this.#parse(bytes)) {
        bytes = bytes.subarray(message.end);
        this.messages.push(message);
        this.#wake?.();
      }
    });
  }

  #parse(bytes) {
    if (bytes.length < 6) return null;
    const length = bytes[1] & 0x7f;
    const end = 6 + length;
    if (bytes.length < end) return null;
    const mask = bytes.subarray(2, 6);
    const payload = bytes.subarray(6, end).map((byte, index) => byte ^ mask[index % 4]);
    return { opcode: bytes[0] & 0x0f, payload: Buffer.from(payload), end };
  }

  async receive() {
    while (this.messages.length === 0) await new Promise((resolve) => (this.#wake = resolve));
    return this.messages.shift();
  }

  say(message) {
    this.#send(1, Buffer.from(JSON.stringify(message)));
  }

  answer(frame_index, label) {
    const found = { label, class_id: 0, score: 0.5, x: 1, y: 2, w: 3, h: 4 };
    this.say({ frame_index, result: { width: 8, height: 8, detections: [found] }, timings_ms: {}, age_ms: 12.5 });
  }

  close(code) {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.#send(8, payload);
    this.socket.end();
  }

  #send(opcode, payload) {
    const long = payload.length > 125;
    const head = Buffer.alloc(long ? 4 : 2);
    head[0] = 0x80 | opcode;
    head[1] = long ? 126 : payload.length;
    if (long) head.writeUInt16BE(payload.length, 2);
    this.socket.write(Buffer.concat([head, payload]));
  }
}

export async function startServer() {
  const sessions = [];
  const refusals = [];
  let attempts = 0;
  const sockets = [];
  let wake = null;
  const answers = [];
  const server = createServer((request, response) => {
    const { status = 426, body = {} } = answers.find(({ path }) => request.url.startsWith(path)) ?? {};
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  server.on("upgrade", ({ headers, url }, socket) => {
    const refused = refusals.shift();
    if (refused) {
      attempts += 1;
      socket.end(`HTTP/1.1 ${refused} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    const accept = createHash("sha1").update(headers["sec-websocket-key"] + ACCEPT).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    sockets.push(socket);
    const session = new Session(socket, url);
    session.say({ session: { session_id: "a", max_frame_bytes: 1000, labels: ["cat"] } });
    sessions.push(session);
    wake?.();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    /** How many upgrades were refused. */
    get attempts() {
      return attempts;
    },
    /** Refuses the next upgrades with these statuses. */
    refuse(...statuses) {
      refusals.push(...statuses);
    },
    /** Answers plain requests for this path so. */
    answerPlainly(path, status, body) {
      answers.push({ path, status, body });
    },
    async session() {
      while (sessions.length === 0) await new Promise((resolve) => (wake = resolve));
      return sessions.shift();
    },
    close() {
      server.closeAllConnections();
      server.close();
      // The server does not know of them any more, and an open one would keep the tests from ending.
      for (const socket of sockets) socket.destroy();
    },
  };
}
