// What was found in a video, class by class.

export class Summary {
  #classes = new Map();
  frames = 0;
  failed = 0;

  add(message) {
    if (!message.result) {
      this.failed += 1;
      return;
    }
    this.frames += 1;
    const seen = new Set();
    for (const { label, class_id: classId } of message.result.detections) {
      const entry = this.#classes.get(classId) ?? { label: label ?? `class ${classId}`, classId, detections: 0, frames: 0, firstMs: message.time_ms };
      entry.detections += 1;
      if (!seen.has(classId)) entry.frames += 1;
      seen.add(classId);
      this.#classes.set(classId, entry);
    }
  }

  /** `{ label, classId, detections, frames, firstMs }`: in how many frames, and when first; the most frequent first. */
  get classes() {
    return [...this.#classes.values()].sort((one, other) => other.frames - one.frames || one.classId - other.classId);
  }
}
