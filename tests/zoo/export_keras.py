"""Exports Keras' classifiers, a detector and a reader of text with random weights, by tf2onnx and by Keras itself.

    python export_keras.py FOLDER [NAME ...]
"""

import os
import sys
from pathlib import Path

os.environ.update(CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow")
import keras
import tensorflow as tf
import tf2onnx

layers, applications = keras.layers, keras.applications


def reader():
    """Convolutions, then recurrent layers in both directions: 40 letters at each of 32 places."""
    image = keras.Input((32, 128, 1))
    x = image
    for wide in (16, 32):
        x = layers.MaxPooling2D()(layers.Conv2D(wide, 3, padding="same", activation="swish")(x))
    x = layers.Reshape((32, 8 * 32))(layers.Permute((2, 1, 3))(x))
    x = layers.Bidirectional(layers.LSTM(24, return_sequences=True))(x)
    x = layers.Bidirectional(layers.GRU(24, return_sequences=True))(x)
    return keras.Model(image, layers.Dense(40, activation="softmax")(x))


def detector():
    """Boxes and scores for bytes with channels last."""
    image = keras.Input((256, 256, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1)(keras.ops.cast(image, "float32"))
    for wide in (16, 24, 32, 48):
        x = layers.SeparableConv2D(wide, 3, strides=2, padding="same", activation="relu6")(x)
    boxes = keras.ops.sigmoid(layers.Reshape((-1, 4))(layers.Conv2D(8, 1)(x)))
    start, extent = boxes[..., :2] * 0.5, boxes[..., 2:] * 0.5
    scores = layers.Reshape((-1, 5))(layers.Conv2D(10, 1, activation="sigmoid")(x))
    return keras.Model(image, [keras.ops.concatenate([start, start + extent], -1), scores])


MODELS = {
    **{name.lower(): lambda name=name: getattr(applications, name)(weights=None)
       for name in ("MobileNet", "MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "EfficientNetV2B0", "DenseNet121",
                    "NASNetMobile")},
    "reader": reader,
    "detector": detector,
}
OPSETS = (13, 17)


def main():
    folder = Path(sys.argv[1])
    for name in sys.argv[2:] or MODELS:
        keras.utils.set_random_seed(7)
        model = MODELS[name]()
        inputs = [tf.TensorSpec([None, *given.shape[1:]], given.dtype, name=given.name) for given in model.inputs]
        run = tf.function(lambda image, model=model: model(image, training=False), input_signature=inputs)
        writers = {
            f"{name}-{opset}": lambda path, opset=opset: tf2onnx.convert.from_function(
                run, input_signature=inputs, opset=opset, output_path=path)
            for opset in OPSETS
        }
        writers[f"{name}-keras"] = lambda path: model.export(path, format="onnx", verbose=False)
        for stem, write in writers.items():
            path = folder / f"{stem}.onnx"
            if path.exists():
                continue
            try:
                write(str(path))
                print(f"exported {stem}", flush=True)
            except Exception as error:
                print(f"not exported {stem}: {type(error).__name__}: {error}"[:200], flush=True)


if __name__ == "__main__":
    main()
