"""Clips that PyAV makes for the tests: grey frames whose level says which frame it is."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

MakeClip = Callable[..., Path]
RATE = 10


def frame_of(number: int, size: tuple[int, int] = (160, 96)) -> NDArray[np.uint8]:
    """Return a frame (H, W, 3) of level 10 · (number + 1), white in its upper left corner."""
    pixels = np.full((size[1], size[0], 3), 10 * (number % 20 + 1), dtype=np.uint8)
    pixels[: size[1] // 4, : size[0] // 4] = 255
    return pixels


def write_clip(
    path: Path,
    frames: Sequence[NDArray[np.uint8]],
    *,
    times_ms: Sequence[int] | None = None,
    codec: str = "mpeg4",
    pixel_format: str = "yuv420p",
) -> Path:
    """Write frames at 10 a second, or at given times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixel_format
        stream.gop_size = 5
        stream.bit_rate = 4_000_000
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number * 1000 // RATE if times_ms is None else times_ms[number]
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture
def clip(tmp_path: Path) -> MakeClip:
    """Return a function that makes a clip of numbered frames in the folder of the test."""

    def make(name: str = "clip.mp4", count: int = 20, **options: object) -> Path:
        return write_clip(tmp_path / name, [frame_of(number) for number in range(count)], **options)  # type: ignore[arg-type]

    return make
