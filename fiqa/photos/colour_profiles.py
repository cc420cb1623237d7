"""Colours as an embedded ICC profile means them, in sRGB: what a browser shows, and what networks are trained on.

A profile that is damaged or of another kind than the pixels is ignored, as browsers do. One that differs from sRGB by
no more than rounding leaves the pixels as they are.
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

_MODES = {"RGB ": {"RGB", "RGBA"}, "GRAY": {"L"}, "CMYK": {"CMYK"}}
"""Modes of Pillow that a profile's colour space fits."""
_SAME_LEVELS = 2
"""Largest difference, in 8-bit levels, at which two sets of colours count as the same."""
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC


def to_srgb(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """Return a picture with its colours in sRGB, and a notice where they were converted."""
    data = image.info.get("icc_profile")
    if not data:
        return image, []
    shown = image.convert("RGBA" if image.has_transparency_data else "RGB") if image.mode in ("P", "PA") else image
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(data))
        if shown.mode not in _MODES.get(profile.profile.xcolor_space, ()):
            return image, []
        transform = _transform_from(profile, shown.mode)
        if _changes_nothing(transform, shown.mode):
            return image, []
        converted = ImageCms.applyTransform(shown, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image, []
    return (converted or shown), [f"Colours were converted to sRGB from the profile {_name(profile)}."]


def _transform_from(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    wanted = "RGBA" if mode == "RGBA" else "RGB"
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(profile, srgb, mode, wanted, _INTENT, flags=ImageCms.Flags.BLACKPOINTCOMPENSATION)


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Try colours spread over the whole range."""
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    if mode == "CMYK":
        return False
    if mode == "L":
        tried = np.arange(256, dtype=np.uint8)[None]
        wanted = np.repeat(tried[..., None], 3, axis=2)
    else:
        wanted = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
        tried = wanted if mode == "RGB" else np.dstack([wanted, np.full(wanted.shape[:2], 255, np.uint8)])
    changed = ImageCms.applyTransform(Image.fromarray(tried), transform)
    return bool(np.abs(np.asarray(changed)[..., :3].astype(int) - wanted).max() <= _SAME_LEVELS)


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    name = "".join(char for char in ImageCms.getProfileDescription(profile) if char.isprintable()).strip()
    return name[:40] or "in the file"
