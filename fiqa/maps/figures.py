"""Maps as pictures: colours, colour bars and figures, by Matplotlib.

Colour maps are perceptually uniform, so equal steps of a value look equal; kinds with values of either
sign get one that diverges from the middle, where zero is.

Matplotlib is imported when it is needed, so that a page is served without waiting for it.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiqa.errors import SettingError
from fiqa.maps.face_maps import FaceMap, MapKind
from fiqa.results import Interval

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

SEQUENTIAL = ("viridis", "cividis", "magma", "inferno", "plasma")
DIVERGING = ("berlin", "managua", "vanimo")
FIGURE_PX, FIGURE_DPI = 1400, 150
"""Longer side of the photo in a figure, at most, and the figure's resolution."""
OPACITY = 0.6


@dataclass(frozen=True)
class ColourScale:
    """How values become colours: a colour map of Matplotlib from `limits[0]` to `limits[1]`."""

    name: str
    limits: Interval

    def colours(self, values: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Return values (H, W) as RGBA (H, W, 4), transparent where they are NaN."""
        low, high = self.limits
        rgba: NDArray[np.uint8] = self._colour_map()((values - low) / (high - low), bytes=True)
        rgba[..., 3] = np.where(np.isnan(values), 0, 255)
        return rgba

    def bar(self, steps: int = 64) -> NDArray[np.uint8]:
        """Return the colours from low to high as a row (1, steps, 3)."""
        row: NDArray[np.uint8] = self._colour_map()(np.linspace(0, 1, steps)[None], bytes=True)[..., :3]
        return np.ascontiguousarray(row)

    def ticks(self) -> list[float]:
        """Return about five round numbers within the limits."""
        from matplotlib.ticker import MaxNLocator

        low, high = self.limits
        slack = 1e-9 * (high - low)
        return [float(tick) for tick in MaxNLocator(5).tick_values(low, high) if low - slack <= tick <= high + slack]

    def _colour_map(self) -> "Colormap":
        import matplotlib as mpl

        return mpl.colormaps[self.name]


def colour_maps(kind: MapKind) -> tuple[str, ...]:
    """Return the colour maps that suit a kind, the usual one first."""
    return DIVERGING if kind.signed else SEQUENTIAL


def colour_scale(maps: Sequence[FaceMap], score_range: Interval, colour_map: str | None = None) -> ColourScale:
    """Return one scale for maps of one kind; the usual colour map of the kind unless `colour_map` names one.

    Quality spans the range of scores and confidence 0 to 1, so that photos can be compared at a glance; others span
    what there is, from zero or evenly around it. Raises SettingError for an unknown colour map.
    """
    kind = maps[0].kind
    choices = colour_maps(kind)
    if colour_map is not None and colour_map not in SEQUENTIAL + DIVERGING:
        raise SettingError(f"There is no colour map {colour_map!r}: choose one of {', '.join(choices)}.")
    name = choices[0] if colour_map is None else colour_map
    if kind.name == "quality":
        return ColourScale(name, score_range)
    if kind.name == "confidence":
        return ColourScale(name, (0.0, 1.0))
    most = max(float(np.nanmax(np.abs(each.in_view()))) for each in maps) or 1.0
    return ColourScale(name, (-most if kind.signed else 0.0, most))


def figure_png(photo: NDArray[np.uint8], face_map: FaceMap, scale: ColourScale, heading: str) -> bytes:
    """Draw a map over its photo (H, W, 3) with colour bar, heading and caption, as an encoded PNG.

    Beside it stands the photo alone. Pictures larger than `FIGURE_PX` are drawn smaller.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    shown, values = _for_figure(photo, face_map)
    height, width = (side / FIGURE_DPI for side in shown.shape[:2])
    width, height = (side * max(1.0, 3.2 / max(width, height)) for side in (width, height))
    caption = textwrap.wrap(
        f"Shows {face_map.kind.shows} Does not show {face_map.kind.shows_not}", int(28 * width) + 20
    )
    figure = Figure((2 * width + 1.5, height + 0.75 + 0.17 * len(caption)), dpi=FIGURE_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    plain, coloured = figure.subplots(1, 2)
    for axes in (plain, coloured):
        axes.imshow(shown, interpolation="nearest")
        axes.set_axis_off()
    coloured.imshow(scale.colours(values), alpha=OPACITY, interpolation="nearest")
    colours: Any = ScalarMappable(Normalize(*scale.limits), scale.name)
    figure.colorbar(colours, ax=coloured, label=face_map.kind.unit, fraction=0.05, pad=0.02, ticks=scale.ticks())
    figure.suptitle(f"{face_map.title} · {heading}", fontsize=10)
    figure.supxlabel("\n".join(caption), fontsize=7, x=0.02, ha="left")
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def array_file(face_map: FaceMap) -> bytes:
    """Return the map as an .npy file: float32 (H, W) of the photo, NaN where no crop reached.

    Values of a kind that adds up are parts per pixel, which sum to its total.
    """
    buffer = BytesIO()
    np.save(buffer, face_map.in_photo().values)
    return buffer.getvalue()


def values_file(face_map: FaceMap) -> bytes:
    """Return the map as an .npz file of `values` and `coverage`, (H, W) float32 each; see `PhotoMap`."""
    buffer = BytesIO()
    np.savez_compressed(buffer, **face_map.in_photo()._asdict())
    return buffer.getvalue()


def _for_figure(photo: NDArray[np.uint8], face_map: FaceMap) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return photo and map at the resolution of a figure."""
    from PIL import Image

    height, width = photo.shape[:2]
    image = Image.fromarray(photo)
    image.thumbnail((FIGURE_PX, FIGURE_PX), Image.Resampling.LANCZOS)
    x = (np.arange(image.width) + 0.5) * width / image.width
    y = (np.arange(image.height) + 0.5) * height / image.height
    return np.asarray(image), face_map.at(x, y).values
