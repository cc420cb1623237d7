import struct
import sys
import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from skimage.data import astronaut

from fiqa.errors import FiqaError, PhotoError, SettingError
from fiqa.video import frames
from fiqa.video.frames import Clip
from tests.fiqa.video.conftest import MakeClip, frame_of, write_clip


def levels(clip: Clip) -> list[tuple[float, int]]:
    """Return the time of each sampled frame, and which frame it is by its level."""
    return [(round(each.time_s, 3), round(float(each.pixels[-8:, -8:].mean()) / 10) - 1) for each in clip.frames()]


def test_frames_are_sampled_at_even_times(clip: MakeClip) -> None:
    path = clip()
    assert levels(Clip(path, 0.5)) == [(0, 0), (0.5, 5), (1.0, 10), (1.5, 15)]
    read = Clip(path, 100)
    assert levels(read) == [(0, 0)]
    assert read.duration_s == pytest.approx(1.9)
    assert len(levels(Clip(path, 0.01))) == 20


def test_a_variable_frame_rate_is_sampled_by_time_and_not_by_number(clip: MakeClip) -> None:
    times = [0, 100, 200, 300, 1300, 1400, 2900, 3000]
    path = clip(count=8, times_ms=times)
    assert levels(Clip(path, 0.5)) == [(0, 0), (1.3, 4), (2.9, 6), (3.0, 7)]


def test_a_clip_that_starts_late_starts_at_0(clip: MakeClip) -> None:
    path = clip("late.mkv", count=3, times_ms=[5000, 5100, 5200])
    assert levels(Clip(path, 0.1)) == [(0, 0), (0.1, 1), (0.2, 2)]


MATRICES = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
"""Display matrices (a, b, c, d) of an MP4, by the degrees that a player turns the picture clockwise."""


@pytest.mark.parametrize("turn", MATRICES)
def test_a_clip_rotated_by_its_metadata_is_upright(clip: MakeClip, turn: int) -> None:
    path = clip(count=2)
    data = bytearray(path.read_bytes())
    a, b, c, d = MATRICES[turn]
    start = data.index(b"tkhd") + 4 + 40  # version 0: flags, times, duration, layer and volume come before
    assert struct.unpack_from(">i", data, start)[0] == 0x10000
    struct.pack_into(">9i", data, start, a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 0x40000000)
    path.write_bytes(data)
    pixels = next(Clip(path, 1).frames()).pixels
    corner = np.rot90(frame_of(0), -turn // 90)
    assert pixels.shape == corner.shape
    assert np.abs(pixels.astype(int) - corner).mean() < 5


def test_a_clip_that_is_broken_in_the_middle_goes_on_after_that(clip: MakeClip) -> None:
    path = clip(count=40)
    data = bytearray(path.read_bytes())
    for start in range(len(data) // 3, len(data) // 2):
        data[start] = 0xA5
    path.write_bytes(data)
    read = Clip(path, 0.1)
    found = [number for _, number in levels(read)]
    assert found[0] == 0
    assert found[-1] == 39 % 20
    assert "is damaged" in read.notices[0]


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_a_frame_that_the_decoder_mended_is_left_out_and_a_notice_says_so(tmp_path: Path, codec: str) -> None:
    portrait = astronaut()[:256, 100:356]
    moving = [np.roll(portrait, 3 * number, axis=1) for number in range(60)]
    path = write_clip(tmp_path / "clip.mp4", moving, codec=codec)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = np.random.default_rng(0).integers(0, 256, 400, dtype=np.uint8).tobytes()
    path.write_bytes(data)
    read = Clip(path, 0.01)
    assert len(list(read.frames())) == 59
    assert read.notices == ["clip.mp4 is damaged: 1 frame is broken and left out; those after may show traces."]


def test_a_clip_without_its_end_is_read_as_far_as_it_goes(clip: MakeClip) -> None:
    path = clip("clip.mkv", count=40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = levels(Clip(path, 0.1))
    assert 5 < len(found) < 40


def test_ten_bits_are_read_as_eight(clip: MakeClip) -> None:
    path = clip("deep.mkv", count=5, codec="ffv1", pixel_format="yuv420p10le")
    assert levels(Clip(path, 0.1)) == [(round(0.1 * number, 3), number) for number in range(5)]


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "wide.mkv"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_of(0), format="rgb24")))
        container.mux(stream.encode())
    assert next(Clip(tmp_path / "wide.mkv", 1).frames()).pixels.shape == (96, 320, 3)


def write_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_what_is_no_clip_is_refused_in_a_sentence(tmp_path: Path, clip: MakeClip) -> None:
    (tmp_path / "text.mp4").write_text("Dear diary")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.txt").write_text("ffconcat version 1.0\nfile clip.mp4\n")
    clip()
    write_sound(tmp_path / "sound.m4a")
    write_clip(tmp_path / "narrow.mp4", [np.zeros((16, 640, 3), dtype=np.uint8)])
    refused = {
        "text.mp4": "no clip that can be read", "empty.mp4": "is empty", "list.m3u8": "no clip that can be read",
        "list.txt": "no clip that can be read", "sound.m4a": "holds no video, only audio",
        "nowhere.mp4": "does not exist", ".": "is no file", "narrow.mp4": "too narrow",
    }  # fmt: skip
    for name, message in refused.items():
        with pytest.raises(PhotoError, match=message) as error:
            list(Clip(tmp_path / name, 1).frames())
        assert len(str(error.value).splitlines()) == 1


def test_frames_beyond_the_limit_of_photos_are_refused(clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_PIXELS", 1000)
    with pytest.raises(PhotoError, match="million pixels"):
        list(Clip(clip(), 1).frames())


@pytest.mark.parametrize("every", [0, -1, float("nan"), 1e9])
def test_a_time_between_frames_that_makes_no_sense_is_refused(every: float) -> None:
    with pytest.raises(SettingError, match="expected above 0"):
        Clip(Path("clip.mp4"), every)


def test_without_the_extra_one_sentence_says_how_to_get_it(clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clip()
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(FiqaError, match=r"pip install 'fiqa\[video\]'"):
        list(Clip(path, 1).frames())


@pytest.mark.slow
def test_a_long_clip_takes_no_more_memory_than_a_short_one(clip: MakeClip) -> None:
    def peak(path: Path) -> int:
        """Return the most bytes that Python held while all frames were read."""
        tracemalloc.start()
        for _ in Clip(path, 0.01).frames():
            pass
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    short, long = clip("short.mp4", 20), clip("long.mp4", 400)
    peak(short)  # what is imported is counted once
    assert peak(long) < 1.5 * peak(short)
