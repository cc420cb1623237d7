"""Synthetic degradations: one function of severity each, shared by training, tests and the app.

Every degradation takes a photo and a severity and gives back a photo of the same size:

* photos are uint8 RGB arrays (H, W, 3);
* severity runs from 0 (the photo itself, bit for bit) to 1 (barely usable);
* severity maps monotonically to one stated physical parameter (`Degradation.parameter`),
  in pixels or 8-bit levels of the photo it is applied to, so that a value can be quoted in a paper;
* randomness comes from the seed alone, and the pattern stays put while the severity grows
  (the same noise gets louder, the same blocks stay lost), so curves over severity are smooth.

Where exposure or colour change, the arithmetic is done in linear light (IEC 61966-2-1).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.errors import DegradationError

Photo = NDArray[np.uint8]
LEVELS = 5
"""Severities are quoted in five levels; level k of 5 is severity k / 5."""


@dataclass(frozen=True)
class Degradation:
    """A named way to damage a photo.

    `parameter` maps severity in (0, 1] to the physical value in `unit`; `_apply` does the work
    with that value and a generator. `colour` is that of the type in figures, #rrggbb: types that look alike have
    colours that do.
    """

    name: str
    label: str
    colour: str
    unit: str
    parameter: Callable[[float], float]
    _apply: Callable[[Photo, float, np.random.Generator], Photo]

    def __call__(self, photo: Photo, severity: float, *, seed: int = 0) -> Photo:
        """Return `photo` (H, W, 3) uint8 degraded at `severity` in 0..1.

        Raises DegradationError when the severity is out of range or the photo is no uint8 RGB array.
        """
        photo = np.asarray(photo)
        if not 0.0 <= severity <= 1.0:
            raise DegradationError(f"Severity of {self.name} is {severity}, expected a number from 0 to 1.")
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
            raise DegradationError(f"Expected a uint8 RGB photo (H, W, 3), got {photo.dtype} {photo.shape}.")
        if severity == 0.0:
            return photo.copy()
        if seed < 0:
            raise DegradationError(f"The seed {seed} is negative: choose a whole number from 0.")
        return self._apply(photo, self.parameter(severity), np.random.default_rng(seed))


def degrade(photo: Photo, steps: Sequence[tuple[str, float]], *, seed: int = 0) -> Photo:
    """Apply named degradations in order: `steps` is a sequence of (name, severity).

    Step k draws from seed + k, so a step keeps its pattern when another one's severity changes.
    Raises DegradationError for an unknown name.
    """
    for index, (name, severity) in enumerate(steps):
        photo = find_degradation(name)(photo, severity, seed=seed + index)
    return photo


def find_degradation(name: str) -> Degradation:
    """Return the degradation called `name`; raise DegradationError naming the known ones."""
    try:
        return DEGRADATIONS[name]
    except KeyError:
        raise DegradationError(f"Unknown degradation {name!r}; known are {', '.join(DEGRADATIONS)}.") from None


def to_linear(photo: Photo) -> NDArray[np.float32]:
    """Decode sRGB 0..255 to linear light 0..1."""
    linear: NDArray[np.float32] = _SRGB_TO_LINEAR[photo]
    return linear


def to_srgb(linear: NDArray[np.float32]) -> Photo:
    """Encode linear light (clipped to 0..1) to sRGB 0..255."""
    clipped = np.clip(linear, 0.0, 1.0)
    encoded = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return _to_uint8(255.0 * encoded)


def _to_uint8(values: NDArray[np.floating]) -> Photo:
    rounded: Photo = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded


def _gaussian_noise(photo: Photo, sigma: float, rng: np.random.Generator) -> Photo:
    noise = rng.standard_normal(photo.shape, dtype=np.float32)
    return _to_uint8(photo + sigma * noise)


def _poisson_noise(photo: Photo, peak: float, rng: np.random.Generator) -> Photo:
    """Shot noise of a sensor that counts `peak` photons per pixel at white."""
    photons = rng.poisson(to_linear(photo) * peak)
    return to_srgb((photons / peak).astype(np.float32))


def _gaussian_blur(photo: Photo, sigma: float, rng: np.random.Generator) -> Photo:
    from scipy import ndimage  # late, here and below: the page is laid out without it

    blurred = ndimage.gaussian_filter(photo.astype(np.float32), (sigma, sigma, 0), mode="reflect")
    return _to_uint8(blurred)


def _motion_blur(photo: Photo, length: float, rng: np.random.Generator) -> Photo:
    """Blur along a straight line of `length` pixels at an angle drawn from the seed."""
    from scipy import ndimage

    kernel = _line_kernel(length, angle=rng.uniform(0.0, np.pi))
    blurred = [ndimage.convolve(photo[..., c].astype(np.float32), kernel, mode="reflect") for c in range(3)]
    return _to_uint8(np.stack(blurred, axis=-1))


def _line_kernel(length: float, angle: float) -> NDArray[np.float32]:
    """Return an anti-aliased line of `length` pixels through the centre, summing to one."""
    radius = int(np.ceil(length / 2)) + 1
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    along = np.abs(x * np.cos(angle) + y * np.sin(angle))
    across = np.abs(y * np.cos(angle) - x * np.sin(angle))
    weight: NDArray[np.float32] = np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1)
    weight /= weight.sum()
    return weight


def _low_resolution(photo: Photo, factor: float, rng: np.random.Generator) -> Photo:
    """Shrink by `factor` with an area average and enlarge again bilinearly, as viewers do."""
    height, width = photo.shape[:2]
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    image = Image.fromarray(photo).resize(small, Image.Resampling.BOX)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def _jpeg(photo: Photo, quality: float, rng: np.random.Generator) -> Photo:
    # 4:2:0 is what cameras and social networks use; Pillow would switch it with the quality.
    return _recode(photo, "JPEG", quality=round(quality), subsampling=2)


def _webp(photo: Photo, quality: float, rng: np.random.Generator) -> Photo:
    return _recode(photo, "WEBP", quality=round(quality), method=2)


def _recode(photo: Photo, format: str, **options: int) -> Photo:
    buffer = BytesIO()
    Image.fromarray(photo).save(buffer, format, **options)
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("RGB"))


def _low_light(photo: Photo, stops: float, rng: np.random.Generator) -> Photo:
    return to_srgb(to_linear(photo) * np.float32(2.0**-stops))


def _high_light(photo: Photo, stops: float, rng: np.random.Generator) -> Photo:
    return to_srgb(to_linear(photo) * np.float32(2.0**stops))


def _colour_cast(photo: Photo, stops: float, rng: np.random.Generator) -> Photo:
    """Shift red against blue by `stops` in all, towards warm or cool as the seed decides."""
    shift = stops / 2 if rng.random() < 0.5 else -stops / 2
    gains = np.array([2.0**shift, 1.0, 2.0**-shift], dtype=np.float32)
    return to_srgb(to_linear(photo) * gains)


def _haze(photo: Photo, lost: float, rng: np.random.Generator) -> Photo:
    """Scattering model I t + A (1 - t) with airlight A = 0.8 and transmission t = 1 - lost."""
    return to_srgb(to_linear(photo) * np.float32(1 - lost) + np.float32(0.8 * lost))


def _block_loss(photo: Photo, share: float, rng: np.random.Generator) -> Photo:
    """Replace `share` of the 16-pixel macroblocks by the block to their left, as a decoder conceals loss."""
    block = 16
    rows, columns = -(-photo.shape[0] // block), -(-photo.shape[1] // block)
    order = rng.permutation(rows * columns)
    damaged = photo.copy()
    for index in np.sort(order[: round(share * order.size)]):
        top, left = (index // columns) * block, (index % columns) * block
        target = damaged[top : top + block, left : left + block]
        source = damaged[top : top + block, max(0, left - block) : max(0, left - block) + target.shape[1]]
        target[:] = source if left > 0 else 128
    return damaged


_SRGB = np.arange(256, dtype=np.float32) / 255
_SRGB_TO_LINEAR = np.where(_SRGB <= 0.04045, _SRGB / 12.92, ((_SRGB + 0.055) / 1.055) ** 2.4).astype(np.float32)

DEGRADATIONS: dict[str, Degradation] = {
    item.name: item
    for item in (
        Degradation(
            "gaussian_noise", "Gaussian noise", "#3b6fb6", "sigma, 8-bit levels", lambda s: 60 * s**1.2, _gaussian_noise
        ),
        Degradation("gaussian_blur", "Gaussian blur", "#1d7a5f", "sigma, px", lambda s: 8 * s**1.2, _gaussian_blur),
        Degradation("motion_blur", "Motion blur", "#66b98f", "length, px", lambda s: 30 * s, _motion_blur),
        Degradation("jpeg", "JPEG", "#c2452d", "quality", lambda s: 5 + 90 * (1 - s) ** 2, _jpeg),
        Degradation("low_resolution", "Low resolution", "#a3c94a", "factor", lambda s: 1 + 8 * s**1.2, _low_resolution),
        Degradation("low_light", "Low light", "#5a4a8f", "stops under", lambda s: 5 * s, _low_light),
        Degradation("high_light", "High light", "#e0b02e", "stops over", lambda s: 3.5 * s, _high_light),
        Degradation(
            "poisson_noise", "Poisson noise", "#7fb2e5", "photons at white", lambda s: 1000 * 0.005**s, _poisson_noise
        ),
        Degradation("webp", "WebP", "#ef8a62", "quality", lambda s: 80 * (1 - s) ** 2, _webp),
        Degradation("colour_cast", "Colour cast", "#d45d9b", "red against blue, stops", lambda s: 3 * s, _colour_cast),
        Degradation("haze", "Haze", "#a79bd0", "light lost, share", lambda s: 0.75 * s, _haze),
        Degradation("block_loss", "Block loss", "#8c2d5a", "blocks lost, share", lambda s: 0.4 * s, _block_loss),
    )
}

PAPER_TYPES = (
    "gaussian_noise",
    "gaussian_blur",
    "jpeg",
    "low_resolution",
    "low_light",
    "high_light",
    "motion_blur",
)
"""The six types of the paper's degradation figure, and motion blur."""
