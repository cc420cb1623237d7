"""Classical repairs, each the rough inverse of one degradation: to ask what undoing it would be worth.

They take the same severity as the degradation they undo ("denoise by the same amount"), know nothing of faces, and
are no match for a restoration network; what the score makes of them is an estimate of which repair is worth trying.

Photos are uint8 RGB arrays (H, W, 3).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fiqa.degradation.synthetic import DEGRADATIONS, Photo, to_linear, to_srgb

AIRLIGHT = 0.8


@dataclass(frozen=True)
class Repair:
    """A way to mend a photo: `undoes` names the degradation whose severity scale it shares."""

    name: str
    label: str
    undoes: str
    _apply: Callable[[Photo, float], Photo]

    def __call__(self, photo: Photo, severity: float) -> Photo:
        """Return `photo` (H, W, 3) uint8 with what `undoes` does at `severity` in 0..1 taken back, roughly."""
        if severity <= 0:
            return photo.copy()
        return self._apply(photo, DEGRADATIONS[self.undoes].parameter(severity))


def _denoise(photo: Photo, sigma: float) -> Photo:
    """Average similar patches (non-local means, Buades et al. 2005)."""
    from skimage.restoration import denoise_nl_means

    smooth = denoise_nl_means(
        photo / np.float32(255), patch_size=5, patch_distance=5, h=0.8 * sigma / 255, sigma=sigma / 255,
        fast_mode=True, channel_axis=-1,
    )  # fmt: skip
    return _to_uint8(255 * smooth)


def _deblur(photo: Photo, sigma: float) -> Photo:
    """Divide by the blur in the frequency domain, held back where little is left of it (Wiener deconvolution)."""
    from scipy import fft

    pad = int(np.ceil(3 * sigma)) + 8
    padded = np.pad(photo.astype(np.float32), ((pad, pad), (pad, pad), (0, 0)), mode="reflect")
    rows, columns = (fft.fftfreq(side) for side in padded.shape[:2])
    response = np.exp(-2 * (np.pi * sigma) ** 2 * (rows[:, None] ** 2 + columns**2)).astype(np.float32)
    inverse = response / (response**2 + 0.01)
    inverse /= inverse[0, 0]
    sharp = fft.ifft2(fft.fft2(padded, axes=(0, 1)) * inverse[..., None], axes=(0, 1)).real
    return _to_uint8(sharp[pad:-pad, pad:-pad])


def _deblock(photo: Photo, quality: float) -> Photo:
    """Smooth what is flat and keep edges (total variation, Chambolle 2004): block edges are weak.

    The weight is the one that brought a portrait closest to its original at qualities from 6 to 49.
    """
    from skimage.restoration import denoise_tv_chambolle

    smooth = denoise_tv_chambolle(photo / np.float32(255), weight=0.005 + 0.25 / quality, channel_axis=-1)
    return _to_uint8(255 * smooth)


def _sharpen(photo: Photo, factor: float) -> Photo:
    """Add back what a blur of the size of the lost pixels takes away (unsharp mask)."""
    from scipy import ndimage

    levels = photo.astype(np.float32)
    blurred = ndimage.gaussian_filter(levels, (factor / 2, factor / 2, 0), mode="reflect")
    return _to_uint8(2 * levels - blurred)


def _brighten(photo: Photo, stops: float) -> Photo:
    return to_srgb(to_linear(photo) * np.float32(2.0**stops))


def _darken(photo: Photo, stops: float) -> Photo:
    return to_srgb(to_linear(photo) * np.float32(2.0**-stops))


def _balance(photo: Photo, stops: float) -> Photo:
    """Pull red and blue towards green by at most `stops` in all, until the mean is grey (grey world)."""
    linear = to_linear(photo)
    mean = linear.mean(axis=(0, 1)) + 1e-6
    gains = np.clip(mean[1] / mean, 2.0 ** (-stops / 2), 2.0 ** (stops / 2))
    return to_srgb(linear * gains.astype(np.float32))


def _dehaze(photo: Photo, lost: float) -> Photo:
    """Take the airlight off and give the rest its light back: the scattering model solved for the scene."""
    return to_srgb((to_linear(photo) - np.float32(AIRLIGHT * lost)) / np.float32(1 - lost))


def _to_uint8(values: NDArray[np.floating]) -> Photo:
    rounded: Photo = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded


REPAIRS: dict[str, Repair] = {
    item.name: item
    for item in (
        Repair("denoise", "Denoise", "gaussian_noise", _denoise),
        Repair("deblur", "Deblur", "gaussian_blur", _deblur),
        Repair("deblock", "Smooth blocks", "jpeg", _deblock),
        Repair("sharpen", "Sharpen", "low_resolution", _sharpen),
        Repair("brighten", "Brighten", "low_light", _brighten),
        Repair("darken", "Darken", "high_light", _darken),
        Repair("balance", "Balance colours", "colour_cast", _balance),
        Repair("dehaze", "Remove haze", "haze", _dehaze),
    )
}
