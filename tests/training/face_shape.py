"""A made-up face: 68 landmarks in the iBUG order with the symmetry of a real one."""

import numpy as np
from numpy.typing import NDArray


def face_landmarks(centre: tuple[float, float], width_px: float) -> NDArray[np.float32]:
    """Return (68, 2) positions of an upright face seen from the front, mirrored about its middle."""
    turn = np.linspace(0, np.pi, 17)
    jaw = np.stack([-0.5 * np.cos(turn), 0.1 + 0.55 * np.sin(turn)], 1)
    arc = np.linspace(-1, 1, 5)
    brow = np.stack([0.12 * arc, -0.3 - 0.03 * (1 - arc**2)], 1)
    bridge = np.stack([np.zeros(4), np.linspace(-0.18, 0.08, 4)], 1)
    nostrils = np.stack([0.1 * arc, 0.16 - 0.02 * np.abs(arc)], 1)
    eye = np.array([[-0.1, 0], [-0.04, -0.03], [0.04, -0.03], [0.1, 0], [0.04, 0.03], [-0.04, 0.03]])
    lips = np.array([_ring(angle, 0.18, 0.08) for angle in np.pi + np.arange(12) * np.pi / 6])
    inner = np.array([_ring(angle, 0.12, 0.03) for angle in np.pi + np.arange(8) * np.pi / 4])
    eyes = [eye + (-0.22, -0.18), eye + (0.22, -0.18)]
    parts = [jaw, brow + (-0.22, 0), brow + (0.22, 0), bridge, nostrils, *eyes, lips + (0, 0.35), inner + (0, 0.35)]
    return (np.concatenate(parts) * width_px + centre).astype(np.float32)


def _ring(angle: float, width: float, height: float) -> tuple[float, float]:
    return width * float(np.cos(angle)), height * float(np.sin(angle))
