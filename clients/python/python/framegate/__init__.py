"""Boxes in images and live video.

In this process::

    import framegate

    detector = framegate.Detector("codes")  # or the path of an ONNX detector
    for found in detector("photo.jpg"):
        print(found.label, found.confidence, found.xyxy)

On a server (``framegate serve``), always with the newest frame::

    for result in framegate.stream(camera, "ws://localhost:8000"):
        print(result.detections.labels, result.age_ms)
"""

from framegate import aio
from framegate._connection import Connection, connect, stream
from framegate._detections import Detection, Detections
from framegate._detector import Detector
from framegate._image import Channels, Classes, Image
from framegate._native import BackendError, FrameError, ModelError
from framegate._session import ModelMeta, NodeArg, Session
from framegate._stream.options import Options
from framegate._stream.state import Counts, Result, StreamError
from framegate._tracker import Tracker

__all__ = [
    "BackendError",
    "Channels",
    "Classes",
    "Connection",
    "Counts",
    "Detection",
    "Detections",
    "Detector",
    "FrameError",
    "Image",
    "ModelError",
    "ModelMeta",
    "NodeArg",
    "Options",
    "Result",
    "Session",
    "StreamError",
    "Tracker",
    "aio",
    "connect",
    "stream",
]
