"""A camera: what stands between a digit on paper and what a model sees. Induced, never scripted in its effect."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from homeostat_lab.demo.digits import PIXELS, SIDE, Floats

_CENTRE: Final = (SIDE - 1) / 2.0
_FLAT: Final = 1e-6
"""Added to the spread of an image, so that a black one stays finite."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How the camera hangs.

    Args:
        theta_degrees: Rotation.
        dx: Shift to the right, pixels.
        dy: Shift down, pixels.
        scale: Magnification, > 0.
        is_mirrored: Left and right exchanged, before the rotation.
    """

    theta_degrees: float
    dx: float
    dy: float
    scale: float
    is_mirrored: bool


@dataclass(frozen=True, slots=True)
class Optics:
    """What light and sensor do to a picture.

    Args:
        gain: Factor on the brightness, > 0.
        offset: Added brightness.
        noise: Standard deviation of each pixel's noise, >= 0.
        is_inverted: White on black or black on white.
    """

    gain: float
    offset: float
    noise: float
    is_inverted: bool


def draw_pose(rng: np.random.Generator) -> Pose:
    """Draw a pose of any direction."""
    return Pose(
        theta_degrees=float(rng.uniform(-180.0, 180.0)),
        dx=float(rng.uniform(-0.7, 0.7)),
        dy=float(rng.uniform(-0.7, 0.7)),
        scale=float(rng.uniform(0.85, 1.1)),
        is_mirrored=bool(rng.random() < 0.3),
    )


def draw_optics(rng: np.random.Generator) -> Optics:
    """Draw a lamp and a sensor."""
    return Optics(
        gain=float(rng.uniform(0.7, 1.3)),
        offset=float(rng.uniform(-0.1, 0.2)),
        noise=float(rng.uniform(0.03, 0.10)),
        is_inverted=bool(rng.random() < 0.3),
    )


def operator(pose: Pose) -> Floats:
    """Return the (64, 64) bilinear operator M of a pose; `x @ M` is the picture, black outside the paper."""
    rows, columns = np.divmod(np.arange(PIXELS), SIDE)
    u, v = columns - _CENTRE - pose.dx, rows - _CENTRE - pose.dy
    angle = np.deg2rad(pose.theta_degrees)
    source_u = (np.cos(angle) * u + np.sin(angle) * v) / pose.scale
    source_v = (np.cos(angle) * v - np.sin(angle) * u) / pose.scale
    if pose.is_mirrored:
        source_u = -source_u
    # The weight of a source pixel is the product of two tents of width 1 around the point that is looked at.
    tent_u = np.maximum(0.0, 1.0 - np.abs(source_u[None, :] + _CENTRE - columns[:, None]))
    tent_v = np.maximum(0.0, 1.0 - np.abs(source_v[None, :] + _CENTRE - rows[:, None]))
    return np.ascontiguousarray(tent_u * tent_v, dtype=np.float32)


def capture(
    x: Floats,
    matrix: Floats,
    optics: Optics,
    rng: np.random.Generator,
    dead_rows: tuple[int, ...] = (),
) -> Floats:
    """Take pictures.

    Args:
        x: (n, 64) images on paper.
        matrix: `operator` of the pose.
        optics: Lamp and sensor.
        rng: Source of the sensor noise; advanced.
        dead_rows: Sensor rows in 0..7 that read 0.

    Returns:
        (n, 64) float32 raw pixels, not clipped.
    """
    raw = x @ matrix
    if optics.is_inverted:
        np.subtract(np.float32(1.0), raw, out=raw)
    raw *= np.float32(optics.gain)
    raw += np.float32(optics.offset)
    noise = rng.standard_normal(raw.shape, dtype=np.float32)
    noise *= np.float32(optics.noise)
    raw += noise
    if dead_rows:
        raw.reshape(-1, SIDE, SIDE)[:, list(dead_rows)] = 0.0
    return raw


def standardise(raw: Floats) -> Floats:
    """Return the model's input: each image with mean 0 and standard deviation 1.

    A change of gain or offset alone is thereby invisible to the model, by construction.
    """
    centred: Floats = raw - raw.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", centred, centred) / np.float32(PIXELS)) + np.float32(_FLAT)
    centred /= spread[:, None]
    return centred


def raw_features(raw: Floats) -> dict[str, Floats]:
    """Return what can be measured on raw pixels without a label.

    Returns:
        By name (n,) float32: `brightness` (mean), `contrast` (standard deviation), `min_row_std`
        (spread of the flattest row; 0 where a sensor row is dead).
    """
    rows = raw.reshape(-1, SIDE, SIDE)
    return {
        "brightness": raw.mean(axis=1),
        "contrast": raw.std(axis=1),
        "min_row_std": rows.std(axis=2).min(axis=1),
    }
