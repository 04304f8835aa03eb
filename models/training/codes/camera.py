"""What light, lens, sensor and software do to a scene."""

from __future__ import annotations

import cv2
import numpy as np

from .pools import Pools
from .random_source import RandomSource


def photograph(image: np.ndarray, finest_pitch: float, random: RandomSource, pools: Pools) -> np.ndarray:
    """The scene as a phone, a webcam or a scanner would have saved it, at the same size.

    Blur stays within what leaves modules of `finest_pitch` pixels barely apart.
    """
    height, width = image.shape[:2]
    image = _light(image, random)
    grey_share = 1 if random.chance(0.5) else random.uniform(0, 0.9)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    image = cv2.addWeighted(grey, grey_share, image, 1 - grey_share, 0) if grey_share < 1 else grey
    image = _tones(image, random, coloured=grey_share < 1 or random.chance(0.1))
    image = _blur(image, finest_pitch, random)
    scale = _sensor_scale(finest_pitch, max(width, height), random)
    if scale < 1:
        size = (max(16, round(width * scale)), max(16, round(height * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if random.chance(0.7) else cv2.INTER_LINEAR)
    image = _noise(image, random, pools)
    if random.chance(0.18):
        soft = cv2.GaussianBlur(image, (0, 0), random.uniform(0.7, 1.6))
        strength = random.uniform(0.3, 1.6)
        image = cv2.addWeighted(image, 1 + strength, soft, -strength, 0)
    image = compress(image, random)
    if scale < 1:
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return image


def _sensor_scale(finest_pitch: float, longer: int, random: RandomSource) -> float:
    """How many pixels the sensor had for one of the frame, at most 1."""
    if random.chance(0.4):
        return 1
    native = random.pick([160, 240, 240, 240, 320, 360])
    return min(1, max(native / longer, 0.95 / max(finest_pitch, 1e-3)))


def _light(image: np.ndarray, random: RandomSource) -> np.ndarray:
    """Uneven light, hard and soft shadows, vignette, glare: one gain and one addition a pixel."""
    height, width = image.shape[:2]
    y, x = np.mgrid[-1:1:48j, -1:1:48j].astype(np.float32)
    gain = np.ones((48, 48), np.float32)
    if random.chance(0.7):
        angle = random.uniform(0, 2 * np.pi)
        gain += random.uniform(0, 0.5) * (x * np.cos(angle) + y * np.sin(angle))
    if random.chance(0.3):
        gain *= 1 - random.uniform(0.1, 0.45) * (x * x + y * y) / 2
    if random.chance(0.2):
        angle, place = random.uniform(0, 2 * np.pi), random.uniform(-0.7, 0.7)
        edge = np.clip((x * np.cos(angle) + y * np.sin(angle) - place) * random.log_uniform(3, 40) + 0.5, 0, 1)
        gain *= 1 - random.uniform(0.2, 0.65) * edge
    addition = None
    if random.chance(0.17):
        distance = ((x - random.uniform(-0.8, 0.8)) / random.log_uniform(0.08, 0.6)) ** 2
        distance = distance + ((y - random.uniform(-0.8, 0.8)) / random.log_uniform(0.08, 0.6)) ** 2
        addition = np.exp(-distance) * random.uniform(30, 190)
    full = cv2.resize(np.maximum(gain, 0.08), (width, height), interpolation=cv2.INTER_LINEAR)
    image = cv2.multiply(image, cv2.merge([full] * 3), dtype=cv2.CV_8U)
    if random.chance(0.12):
        streak = _streaks(x, y, random)
        addition = streak if addition is None else addition + streak
    if addition is not None:
        addition = np.minimum(addition, 255)
        glare = cv2.resize(addition, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
        image = cv2.add(image, cv2.merge([glare] * 3))
    return image


def _streaks(x: np.ndarray, y: np.ndarray, random: RandomSource) -> np.ndarray:
    """Reflections as long as the image, as of lamps on a can or on film: what they cross is nearly white."""
    angle = random.uniform(0, np.pi)
    across = x * np.cos(angle) + y * np.sin(angle)
    bands = [
        np.exp(-(((across - random.uniform(-1, 1)) / random.log_uniform(0.05, 0.5)) ** 2)) * random.uniform(50, 230)
        for _ in range(random.integer(1, 3))
    ]
    return sum(bands)


def _tones(image: np.ndarray, random: RandomSource, coloured: bool) -> np.ndarray:
    """Exposure, contrast, gamma and white balance as one table a channel.

    Most cameras expose for a mean of a little less than half; few images are far from it.
    """
    level = np.arange(256, dtype=np.float32) / 255
    if random.chance(0.8):
        exposure = np.clip((125 + random.normal(22)) / max(1, image[::8, ::8].mean()), 0.4, 4)
    else:
        exposure = random.log_uniform(0.25, 1.3)
    level = np.clip(level * exposure, 0, 1) ** random.log_uniform(0.8, 1.3)
    black, white = random.uniform(0, 0.18) * random.numpy.random(), random.uniform(0.8, 1.05)
    level = black + level * (white - black)
    if random.chance(0.06):  # haze, a dirty lens, light from behind: little contrast is left
        low = random.uniform(0.1, 0.5)
        level = low + level * random.uniform(0.2, min(0.5, 0.95 - low))
    gains = np.exp(random.numpy.standard_normal(3) * 0.09) if coloured else np.ones(3)
    table = np.clip(level[:, None] * gains * 255, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table[None])


def _blur(image: np.ndarray, finest_pitch: float, random: RandomSource) -> np.ndarray:
    most = max(0.35, 0.7 * finest_pitch)
    kind = random.numpy.random()
    if kind < 0.12:
        return image
    if kind < 0.7:
        return cv2.GaussianBlur(image, (0, 0), min(most, random.log_uniform(0.45, 4)))
    if kind < 0.85:
        length = int(min(2.6 * most, random.uniform(2, 14)))
        if length < 2:
            return image
        kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
        angle = random.uniform(0, np.pi)
        step = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        start, end = (length - step).round().astype(int), (length + step).round().astype(int)
        cv2.line(kernel, start.tolist(), end.tolist(), 1)
        return cv2.filter2D(image, -1, kernel / kernel.sum())
    radius = int(min(1.7 * most, random.uniform(1, 5)))
    if radius < 1:
        return image
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.float32)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def _noise(image: np.ndarray, random: RandomSource, pools: Pools) -> np.ndarray:
    strength = random.log_uniform(0.5, 9)
    if random.chance(0.35) or strength < 0.8:
        return image
    height, width = image.shape[:2]
    top, left = (random.integer(0, have - need) for have, need in zip(pools.noise.shape, (height, width)))
    noise = pools.noise[top : top + height, left : left + width]
    if random.chance(0.4):
        noise = cv2.merge([noise[..., 0]] * 3)
    return cv2.add(image, cv2.multiply(noise, strength), dtype=cv2.CV_8U)


def compress(image: np.ndarray, random: RandomSource) -> np.ndarray:
    """Through JPEG at quality 30 to 95, or not at all."""
    if random.chance(0.2):
        return image
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, random.integer(30, 95)])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)
