// Videos made from one photograph by ffmpeg.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "framegate-films-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const ENCODINGS = {
  mjpeg: ["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"],
  webm: ["-c:v", "libvpx", "-b:v", "4M", "-quality", "realtime", "-cpu-used", "8"],
  mp4: ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p"],
};

/** A video of 640×480 at 15 frames per second that shows the image at the top left. */
export function film(image, kind, seconds = 2) {
  const path = join(folder, `film.${kind}`);
  const still = ["-loop", "1", "-framerate", "15", "-i", image, "-t", String(seconds)];
  const place = ["-vf", "pad=640:480:0:0"];
  execFileSync("ffmpeg", ["-y", "-loglevel", "error", ...still, ...place, ...ENCODINGS[kind], path]);
  return path;
}

/** A video of 640×480 at 15 frames per second: a second of the image, then a second of nothing. */
export function filmThenBlack(image) {
  const path = join(folder, "film-then-black.mp4");
  const still = ["-loop", "1", "-framerate", "15", "-i", image, "-t", "2"];
  const black = "drawbox=x=0:y=0:w=iw:h=ih:color=black:t=fill:enable='gte(t,1)'";
  execFileSync("ffmpeg", ["-y", "-loglevel", "error", ...still, "-vf", `pad=640:480:0:0,${black}`, ...ENCODINGS.mp4, path]);
  return path;
}
