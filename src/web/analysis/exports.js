// Results of a video as files for other programs.

/** Every line that the server sent. */
export const jsonLines = (messages) => messages.map((message) => `${JSON.stringify(message)}\n`).join("");

const COLUMNS = ["frame_index", "time_ms", "label", "class_id", "score", "x", "y", "w", "h", "text", "format"];

/** A row for each detection (RFC 4180). */
export function csv(messages) {
  const rows = resultsOf(messages).flatMap(({ frame_index, time_ms, result }) =>
    result.detections.map((detection) => ({ frame_index, time_ms, ...detection })),
  );
  return [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => row[column]))]
    .map((fields) => `${fields.map(quoted).join(",")}\r\n`)
    .join("");
}

const quoted = (field) => {
  const text = String(field ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** COCO's format for object detection: an image for each frame with a result. */
export function coco(messages, name) {
  const categories = new Map();
  const images = [];
  const annotations = [];
  for (const { frame_index, time_ms, result } of resultsOf(messages)) {
    const { width, height } = result;
    images.push({ id: frame_index, file_name: `${name}#${frame_index}`, width, height, time_ms });
    for (const { label, class_id, score, x, y, w, h, mask } of result.detections) {
      categories.set(class_id, { id: class_id, name: label ?? `class ${class_id}` });
      const annotation = { id: annotations.length + 1, image_id: frame_index, category_id: class_id, bbox: [x, y, w, h], area: w * h, iscrowd: 0, score };
      annotations.push(mask ? { ...annotation, segmentation: mask } : annotation);
    }
  }
  const sorted = [...categories.values()].sort((one, other) => one.id - other.id);
  return JSON.stringify({ images, annotations, categories: sorted });
}

const resultsOf = (messages) => messages.filter((message) => message.result);
