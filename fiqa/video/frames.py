"""Frames of a clip, upright and in RGB, one every so often; PyAV decodes.

A clip is untrusted: it is opened as a file of one of the known containers, never as a playlist, which could name other
files. A part that cannot be decoded is passed over with a notice. Times are seconds from the first frame, as the clip
itself gives them, so a variable frame rate does not matter. FFmpeg's decoders of MPEG-4 and H.264 say which frames they
mended, as far as they noticed; those of HEVC and VP9 do not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiqa.errors import PhotoError, SettingError
from fiqa.photos.images import MAX_ASPECT, MAX_PIXELS, MIN_SIDE_PX

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,gif"
"""Demuxers of FFmpeg that may see a file: none that follows names of other files."""
MAX_BROKEN = 1000
"""Parts of a clip that cannot be decoded, after which the rest is given up."""
HDR_TRANSFERS = (16, 18)
"""PQ and HLG, as ITU-T H.273 numbers them."""


@dataclass(frozen=True)
class SampledFrame:
    """One frame: `time_s` from the first one, and its pixels (H, W, 3) uint8 RGB, upright."""

    time_s: float
    pixels: NDArray[np.uint8]


@dataclass
class Clip:
    """A clip that is read; `notices` and `duration_s` (the time of the last frame so far) fill as that goes on."""

    path: Path
    every_s: float
    duration_s: float = 0.0
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 0 < self.every_s <= 3600:
            raise SettingError(
                f"A frame every {self.every_s:g} seconds cannot be taken, expected above 0 and up to 3600."
            )

    def frames(self) -> Iterator[SampledFrame]:
        """Yield the first frame, and then the first after every `every_s` seconds.

        Raises PhotoError for a clip that cannot be read or is outside the limits, SettingError without PyAV.
        """
        container = _open(self.path)
        with container:
            stream = _video_stream(container, self.path.name)
            first, due, count = None, 0.0, 0
            for frame in self._decoded(container, stream):
                at = _time_of(frame, count, stream)
                first, count = at if first is None else first, count + 1
                self.duration_s = max(self.duration_s, at - first)
                if at - first + 1e-6 < due:
                    continue
                due = (int((at - first + 1e-6) / self.every_s) + 1) * self.every_s
                yield SampledFrame(at - first, self._pixels(frame, stream))
            if not count:
                raise PhotoError(f"{self.path.name} holds no frame that can be decoded: export it anew.")

    def _decoded(self, container: "InputContainer", stream: "VideoStream") -> Iterator["VideoFrame"]:
        """Yield the frames that can be decoded whole; those that the decoder mended show what was never there."""
        import av

        broken = mended = 0
        packets = container.demux(stream)
        while broken < MAX_BROKEN:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except av.FFmpegError:  # which ends the generator
                broken, packets = broken + 1, container.demux(stream)
                continue
            try:
                for frame in packet.decode():
                    if frame.is_corrupt:
                        mended += 1
                    else:
                        yield frame
            except av.FFmpegError:
                broken += 1
        if broken:
            self._tell(f"{self.path.name} is damaged: {broken} of its parts could not be decoded and are left out.")
        if mended:
            frames_are = "1 frame is" if mended == 1 else f"{mended} frames are"
            self._tell(f"{self.path.name} is damaged: {frames_are} broken and left out; those after may show traces.")

    def _pixels(self, frame: "VideoFrame", stream: "VideoStream") -> NDArray[np.uint8]:
        """Return the pixels of a frame as a player shows them: square pixels, upright, RGB."""
        aspect = float(stream.sample_aspect_ratio or 1)
        width, height = max(1, round(frame.width * aspect)), frame.height
        _check_size(width, height, self.path.name)
        if int(frame.color_trc) in HDR_TRANSFERS:
            self._tell("The clip has a high dynamic range; its colours were not mapped, so take the scores with care.")
        converted: Any = frame.reformat(width=width, height=height, format="rgb24")
        return np.ascontiguousarray(np.rot90(converted.to_ndarray(), round(frame.rotation / 90) % 4))

    def _tell(self, notice: str) -> None:
        if notice not in self.notices:
            self.notices.append(notice)


def length_s(path: Path) -> float | None:
    """Return how long a clip says it is, in seconds; raises PhotoError and SettingError as `Clip.frames` does."""
    with _open(path) as container:
        _video_stream(container, path.name)
        return None if container.duration is None else container.duration / 1_000_000


def _open(path: Path) -> "InputContainer":
    try:
        import av
    except ImportError:
        raise SettingError("Videos need the package av, which is not installed: pip install 'fiqa[video]'.") from None
    try:
        if not S_ISREG(path.stat().st_mode):
            raise PhotoError(f"{path} is no file: name a clip.")
        if not path.stat().st_size:
            raise PhotoError(f"{path.name} is empty (0 bytes).")
        av.logging.set_level(None)  # FFmpeg would write to standard error
        # Only "file", so that no address is followed, and only containers that name no other files.
        options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
        return av.open(str(path.resolve()), options=options)
    except FileNotFoundError:
        raise PhotoError(f"{path} does not exist: check its name.") from None
    except (OSError, ValueError) as error:  # av's own errors are both
        reason = getattr(error, "strerror", None) or error
        raise PhotoError(
            f"{path.name} is no clip that can be read ({reason}): use MP4, MOV, WebM, MKV or AVI."
        ) from None


def _video_stream(container: "InputContainer", name: str) -> "VideoStream":
    """Return the moving pictures of a container: not the cover of a song."""
    from av.stream import Disposition

    streams = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    if not streams:
        raise PhotoError(f"{name} holds no video, only {_others(container)}: name a clip with pictures.")
    stream = streams[0]
    stream.thread_type = "AUTO"
    return stream


def _others(container: "InputContainer") -> str:
    kinds = sorted({stream.type for stream in container.streams if stream.type != "video"})
    return " and ".join(kinds) or "a still picture"


def _time_of(frame: "VideoFrame", count: int, stream: "VideoStream") -> float:
    """Return the time of a frame in seconds; by its number where the clip does not say."""
    if frame.time is not None:
        return float(frame.time)
    return count / float(stream.average_rate or 25)


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise PhotoError(f"{name} has frames of more than {MAX_PIXELS // 1_000_000} million pixels; export it smaller.")
    if min(width, height) < MIN_SIDE_PX or max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoError(f"{name} has frames of {width} × {height} pixels, too small or too narrow for a face.")
