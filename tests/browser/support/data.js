// Test data that is not part of the project: models, photographs and reference detections.

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../../../", import.meta.url));

const data = resolve(repository, process.env.FRAMEGATE_TEST_DATA ?? "../shared");
const isRequired = process.env.FRAMEGATE_REQUIRE_TEST_DATA === "1";

export const FACES = `faces=${join(data, "models/yunet_n_320_320.onnx")}`;
export const OBJECTS = `objects=${join(data, "models/yolox_nano.onnx")}`;

/** A photograph of 640×480 with two faces, and people around them. */
const PHOTO = "000000008690.jpg";
export const photo = join(data, "images", PHOTO);

/** Options for `test` that skip it, with a reason, if the data is missing; in CI that is a failure. */
export const needsData =
  existsSync(photo) || isRequired ? {} : { skip: `no test data in ${data} (set FRAMEGATE_TEST_DATA)` };

/** The reference implementation's high-scoring detections in the photograph. */
export function expectedIn(model, surely = 0.6) {
  const reference = JSON.parse(readFileSync(join(data, "reference", `${model}.json`), "utf8"));
  return reference.images[PHOTO].detections.filter(({ score }) => score >= surely);
}
