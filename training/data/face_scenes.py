"""Made-up pictures with known faces, to train a detector and a landmark network on a few hundred photos.

A scene is a background (scikit-image's pictures, procedural textures, parts of photos without their face) with
faces pasted in at random sizes and tilts, degraded as a whole; or a whole photo as it is. What faces are
mistaken for is shown as well: scrambled photos, heads without a face, round things, faces upside down.

Every function draws from the generator it is given, so a scene is its seed's.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from fiqa.degradation.synthetic import DEGRADATIONS, degrade
from training.data.photos import FacePhoto

Picture = NDArray[np.uint8]
Rng = np.random.Generator

BACKGROUNDS = (
    "brick", "cell", "clock", "colorwheel", "grass", "gravel", "horse",
    "hubble_deep_field", "immunohistochemistry", "moon", "page", "retina", "stereo_motorcycle",
)  # fmt: skip
"""scikit-image's pictures without a face; the others are left for testing."""
HEAD = 1.25
"""Where the head ends, in radii of the landmarks' box: hair and ears lie outside the landmarks."""


@dataclass(frozen=True)
class StockPhoto:
    """A photo (H, W, 3) uint8 and the landmarks (68, 2) of its face, kept in memory."""

    pixels: Picture
    landmarks: NDArray[np.float32]

    @property
    def box(self) -> NDArray[np.float64]:
        """The landmarks' box (x0, y0, x1, y1)."""
        return np.concatenate([self.landmarks.min(axis=0), self.landmarks.max(axis=0)]).astype(np.float64)

    @property
    def face_px(self) -> float:
        """Longer side of the landmarks' box."""
        return float(np.ptp(self.landmarks, axis=0).max())

    def scaled(self, scale: float) -> "StockPhoto":
        """Return the photo resized with an area average; sides are rounded to whole pixels."""
        size = np.maximum(8, np.round(np.array(self.pixels.shape[1::-1]) * scale)).astype(int)
        pixels = np.asarray(Image.fromarray(self.pixels).resize((size[0], size[1]), Image.Resampling.BOX))
        return StockPhoto(pixels, (self.landmarks * (size / self.pixels.shape[1::-1])).astype(np.float32))


class FaceStock:
    """Photos to draw from; a source is drawn as the root of its number of photos, as it often is one person.

    `often` (N,): how much more often than that each photo is drawn.
    """

    def __init__(self, photos: Sequence[FacePhoto], often: NDArray[np.float64] | None = None) -> None:
        counts = Counter(photo.source for photo in photos)
        weights = np.array([counts[photo.source] ** -0.5 for photo in photos]) * (1.0 if often is None else often)
        self.photos = [StockPhoto(photo.read(), photo.landmarks) for photo in photos]
        self._weights = weights / weights.sum()

    def draw(self, rng: Rng) -> StockPhoto:
        """Return a random photo."""
        return self.photos[rng.choice(len(self.photos), p=self._weights)]


@dataclass(frozen=True)
class Scene:
    """A square picture and the boxes (K, 4) of its faces as (x0, y0, x1, y1) pixels; they may be cut by the border.

    `unsure` (M, 4) are places that may hold a face and may not.
    """

    picture: Picture
    boxes: NDArray[np.float64]
    unsure: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 4)))


def draw_log_uniform(rng: Rng, low: float, high: float) -> float:
    """Return a number whose logarithm is uniform: sizes differ by ratios."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def render_scene(stock: FaceStock, rng: Rng, *, side_px: int) -> Scene:
    """Render one scene: one in four without a face, one in four a whole photo, else several faces pasted."""
    kind = rng.random()
    if kind < 0.25:
        scene = whole_photo_scene(stock.draw(rng), rng, side_px=side_px)
    else:
        faces = 0 if kind < 0.5 else int(rng.integers(1, 7))
        scene = pasted_scene(stock, rng, side_px=side_px, faces=faces)
    # A degradation is stated in pixels of the photo. Small faces stand for larger ones in a larger photo,
    # which was degraded before it was shrunk, so what reaches them is weaker.
    smallest = min((np.ptp(box.reshape(2, 2), axis=0).max() for box in scene.boxes), default=80.0)
    return Scene(randomly_degraded(scene.picture, rng, highest=0.85 * min(1.0, smallest / 70)), scene.boxes)


def faceless_scene(stock: FaceStock, rng: Rng, *, side_px: int) -> Picture:
    """Render a scene without a face, degraded."""
    return randomly_degraded(pasted_scene(stock, rng, side_px=side_px, faces=0).picture, rng, highest=0.7)


def randomly_degraded(picture: Picture, rng: Rng, *, highest: float) -> Picture:
    """Apply no, one or two degradations of severity up to `highest`."""
    names = rng.choice(list(DEGRADATIONS), size=rng.choice(3, p=[0.3, 0.5, 0.2]))
    steps = [(str(name), rng.uniform(0, highest)) for name in names]
    return degrade(picture, steps, seed=int(rng.integers(2**31)))


def whole_photo_scene(photo: StockPhoto, rng: Rng, *, side_px: int) -> Scene:
    """Show a photo as it was taken or cut closely, its face 24 to 190 pixels large, the rest of the square plain."""
    photo = closely_cut(photo, rng) if rng.random() < 0.35 else photo
    small = photo.scaled(draw_log_uniform(rng, 24, 190) / photo.face_px)
    canvas = Image.new("RGB", (side_px, side_px), tuple(rng.integers(0, 256, 3)))
    offset = [_placed(rng, length, side_px) for length in small.pixels.shape[1::-1]]
    canvas.paste(Image.fromarray(recoloured(small.pixels, rng)), (offset[0], offset[1]))
    return Scene(np.asarray(canvas), (small.box + np.tile(offset, 2))[None])


def closely_cut(photo: StockPhoto, rng: Rng) -> StockPhoto:
    """Cut a square of 0.85 to 1.4 face sides around the face, as data sets of aligned faces do."""
    half = rng.uniform(0.85, 1.4) * photo.face_px / 2
    centre = photo.box.reshape(2, 2).mean(axis=0) + rng.normal(0, 0.05, 2) * photo.face_px
    low = np.clip(centre - half, 0, None).astype(int)
    right, bottom = (centre + half).astype(int)
    return StockPhoto(photo.pixels[low[1] : bottom, low[0] : right], photo.landmarks - low.astype(np.float32))


def _placed(rng: Rng, length: int, side_px: int) -> int:
    """Place a stretch of `length` in `side_px`: anywhere inside, or cut at random when it is longer."""
    free = side_px - length
    return int(rng.integers(min(0, free), max(0, free) + 1))


def pasted_scene(stock: FaceStock, rng: Rng, *, side_px: int, faces: int) -> Scene:
    """Paste `faces` faces, largest first, over other things, and at times one upside down, which does not count."""
    canvas = Image.fromarray(background(stock, rng, side_px=side_px))
    for _ in range(rng.integers(0, 4)):
        _paste_thing(canvas, stock, rng)
    if rng.random() < 0.15:
        paste_face(canvas, stock.draw(rng), rng, face_px=draw_log_uniform(rng, 20, 100), roll_deg=180.0, taken=[])
    boxes: list[NDArray[np.float64]] = []
    for face_px in sorted((draw_log_uniform(rng, 16, 180) for _ in range(faces)), reverse=True):
        box = paste_face(canvas, stock.draw(rng), rng, face_px=face_px, roll_deg=rng.normal(0, 14), taken=boxes)
        boxes += [] if box is None else [box]
    return Scene(np.asarray(canvas), np.array(boxes).reshape(-1, 4))


def _paste_thing(canvas: Image.Image, stock: FaceStock, rng: Rng) -> None:
    """Paste an ellipse or a box of something else, that an outline may not be taken for a face."""
    size = [int(draw_log_uniform(rng, 16, 0.7 * canvas.width)) for _ in range(2)]
    thing = Image.fromarray(background(stock, rng, side_px=max(size))).crop((0, 0, size[0], size[1]))
    mask = Image.new("L", thing.size, 0)
    draw = ImageDraw.Draw(mask)
    (draw.ellipse if rng.random() < 0.6 else draw.rectangle)(((2, 2), (size[0] - 3, size[1] - 3)), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 0.04) * max(size))))
    corner = rng.integers(-10, canvas.width - 6, 2)
    canvas.paste(thing, (int(corner[0]), int(corner[1])), mask)


def paste_face(
    canvas: Image.Image,
    photo: StockPhoto,
    rng: Rng,
    *,
    face_px: float,
    roll_deg: float,
    taken: list[NDArray[np.float64]],
    whole: bool = False,
) -> NDArray[np.float64] | None:
    """Paste a face turned by `roll_deg`; return its box, or None where it would hide one of those `taken`.

    With `whole` no face is cut by the border or hidden; without, up to a quarter of one may be hidden.
    """
    small, mask, landmarks = _cut_out(photo, rng, scale=face_px / photo.face_px, roll_deg=roll_deg)
    edge = 0.75 * face_px if whole else min(0.25 * canvas.width, max(0.0, face_px - 0.5 * canvas.width))
    centre = rng.uniform(edge, canvas.width - edge, 2)
    offset = np.round(centre - landmarks.mean(axis=0)).astype(int)
    placed = Image.new("L", canvas.size, 0)
    placed.paste(mask, (int(offset[0]), int(offset[1])))
    if any(_hidden_share(placed, other) > (0.02 if whole else 0.25) for other in taken):
        return None
    canvas.paste(small, (int(offset[0]), int(offset[1])), mask)
    return np.asarray(np.concatenate([landmarks.min(axis=0), landmarks.max(axis=0)]) + np.tile(offset, 2))


def _hidden_share(mask: Image.Image, box: NDArray[np.float64]) -> float:
    """Return the share of the box (pixels inside the picture) that the mask covers."""
    left, top = np.clip(np.floor(box[:2]), 0, None).astype(int)
    right, bottom = np.ceil(box[2:]).astype(int)
    inside = np.asarray(mask)[top:bottom, left:right]
    return float(inside.mean() / 255) if inside.size else 0.0


def _cut_out(
    photo: StockPhoto, rng: Rng, *, scale: float, roll_deg: float
) -> tuple[Image.Image, Image.Image, NDArray[np.float64]]:
    """Return the photo scaled and turned, the mask of what to paste of it, and its landmarks there."""
    small = photo.scaled(scale)
    picture, landmarks = Image.fromarray(recoloured(small.pixels, rng)), small.landmarks.astype(np.float64)
    mask = _paste_mask(picture.size, landmarks, rng)
    centre = landmarks.mean(axis=0)
    x, y = centre.tolist()
    picture, mask = (each.rotate(-roll_deg, Image.Resampling.BILINEAR, center=(x, y)) for each in (picture, mask))
    angle = np.radians(roll_deg)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return picture, mask, (landmarks - centre) @ rotation.T + centre


def _paste_mask(size: tuple[int, int], landmarks: NDArray[np.float64], rng: Rng) -> Image.Image:
    """Mask the head (an ellipse), a square around it, or all of the photo; edges soft or hard."""
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    centre, radius = (low + high) / 2, (high - low) / 2
    shape = rng.choice(["ellipse", "box", "photo"], p=[0.4, 0.35, 0.25])
    grown = radius * rng.uniform(HEAD, 2.0)
    outline = [tuple(centre - grown - [0, 0.25 * radius[1]]), tuple(centre + grown)]
    if shape == "photo":
        draw.rectangle(((0, 0), size), fill=255)
    else:
        (draw.ellipse if shape == "ellipse" else draw.rectangle)(outline, fill=255)
    return mask.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 0.06) * radius.max())))


def covered_share(box: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the share of `box` that lies inside `other`."""
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    return float(np.prod(np.clip(sides, 0, None)) / np.prod(box[2:] - box[:2]))


def recoloured(picture: Picture, rng: Rng) -> Picture:
    """Mirroring aside, vary what cameras vary: contrast, brightness, white balance, at times no colour."""
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    gamma, gains = draw_log_uniform(rng, 0.7, 1.4), rng.uniform(0.85, 1.15, 3)
    curve = np.clip(255 * levels**gamma * gains, 0, 255).astype(np.uint8)
    picture = np.stack([curve[:, channel][picture[..., channel]] for channel in range(3)], axis=-1)
    if rng.random() < 0.12:
        picture = np.repeat(picture.mean(axis=-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    return picture


def background(stock: FaceStock, rng: Rng, *, side_px: int) -> Picture:
    """Return a random (side_px, side_px, 3) picture without an upright face."""
    kinds: list[Callable[[], Picture]] = [
        lambda: piece(bundled_picture(str(rng.choice(BACKGROUNDS))), rng, side_px),
        lambda: _beside_the_face(stock.draw(rng), rng, side_px),
        lambda: _scrambled(stock.draw(rng).pixels, rng, side_px),
        lambda: piece(_without_its_face(stock.draw(rng), rng), rng, side_px),
        lambda: clouds(rng, side_px),
        lambda: _drawing(rng, side_px),
    ]
    picture = kinds[rng.choice(len(kinds), p=[0.25, 0.2, 0.1, 0.2, 0.1, 0.15])]()
    return recoloured(picture[:, ::-1] if rng.random() < 0.5 else picture, rng)


@cache
def bundled_picture(name: str) -> Picture:
    """Return one of scikit-image's pictures as RGB."""
    from skimage import color, data, util

    loaded = getattr(data, name)()
    picture = np.asarray(loaded[0] if isinstance(loaded, tuple) else loaded)
    if picture.dtype == bool:
        picture = util.img_as_ubyte(picture)
    return picture[..., :3] if picture.ndim == 3 else util.img_as_ubyte(color.gray2rgb(picture))


def piece(picture: Picture, rng: Rng, side_px: int) -> Picture:
    """Cut a random square of a picture and resize it."""
    shortest = min(picture.shape[:2])
    side = round(draw_log_uniform(rng, min(64, shortest), shortest))
    top, left = (int(rng.integers(0, length - side + 1)) for length in picture.shape[:2])
    image = Image.fromarray(np.ascontiguousarray(picture[top : top + side, left : left + side]))
    return np.asarray(image.resize((side_px, side_px), Image.Resampling.BILINEAR))


def _beside_the_face(photo: StockPhoto, rng: Rng, side_px: int) -> Picture:
    """Cut a square of hair, clothes or surroundings: it covers at most a fifth of the face."""
    limit = np.array(photo.pixels.shape[1::-1])
    for _ in range(20):
        side = draw_log_uniform(rng, 0.3, 1.0) * photo.face_px
        low = rng.uniform(0, np.maximum(1, limit - side))
        if covered_share(photo.box, np.concatenate([low, low + side])) < 0.2:
            break
    cut = Image.fromarray(photo.pixels).resize((side_px, side_px), Image.Resampling.BILINEAR, box=(*low, *(low + side)))
    return np.asarray(cut)


def _scrambled(picture: Picture, rng: Rng, side_px: int) -> Picture:
    """Shuffle the tiles of a photo: all of a face but its order."""
    tiles = int(rng.integers(3, 9))
    tile = -(-side_px // tiles)
    image = np.asarray(Image.fromarray(picture).resize((tile * tiles, tile * tiles), Image.Resampling.BILINEAR))
    blocks = image.reshape(tiles, tile, tiles, tile, 3).transpose(0, 2, 1, 3, 4).reshape(-1, tile, tile, 3)
    blocks = blocks[rng.permutation(len(blocks))].reshape(tiles, tiles, tile, tile, 3)
    return blocks.transpose(0, 2, 1, 3, 4).reshape(tile * tiles, -1, 3)[:side_px, :side_px]


def _without_its_face(photo: StockPhoto, rng: Rng) -> Picture:
    """Keep the person and take the face: fill the landmarks' ellipse with its mean colour, tiles or something else."""
    image = Image.fromarray(photo.pixels)
    left, top, right, bottom = np.round(photo.box).astype(int).tolist()
    face = image.crop((left, top - (bottom - top) // 6, right, bottom))
    side = max(face.size)
    fillings: list[Callable[[], Picture]] = [
        lambda: np.full((side, side, 3), np.asarray(face).mean(axis=(0, 1)), dtype=np.uint8),
        lambda: _scrambled(np.asarray(face), rng, side),
        lambda: piece(bundled_picture(str(rng.choice(BACKGROUNDS))), rng, side),
    ]
    filling = Image.fromarray(fillings[rng.integers(3)]()).crop((0, 0, *face.size))
    mask = Image.new("L", face.size, 0)
    ImageDraw.Draw(mask).ellipse(((0, 0), face.size), fill=255)
    image.paste(filling, (left, top - (bottom - top) // 6), mask.filter(ImageFilter.GaussianBlur(0.03 * side)))
    return np.asarray(image)


def clouds(rng: Rng, side_px: int) -> Picture:
    """Sum noise of several grain sizes, from plain colour and gradients to sand."""
    total = np.full((side_px, side_px, 3), 255 * rng.random(3))
    for cells in (2, 4, 8, 16, 32, 64, side_px):
        noise = rng.integers(0, 256, (cells, cells, 3 if rng.random() < 0.5 else 1), dtype=np.uint8)
        grains = Image.fromarray(np.ascontiguousarray(np.broadcast_to(noise, (cells, cells, 3))))
        layer = np.asarray(grains.resize((side_px, side_px), Image.Resampling.BICUBIC), dtype=np.float64)
        total += rng.choice([0.0, rng.uniform(0, 0.6)]) * (layer - 128)
    return np.asarray(np.clip(total, 0, 255), dtype=np.uint8)


def _drawing(rng: Rng, side_px: int) -> Picture:
    """Draw text, ellipses, boxes and lines, ellipses at times with two dots as if they had eyes."""
    image = Image.new("RGB", (side_px, side_px), tuple(rng.integers(0, 256, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 40))):
        low = rng.uniform(-20, side_px, 2)
        extent = rng.uniform(4, 0.4 * side_px, 2)
        colour = tuple(rng.integers(0, 256, 3))
        outline = [tuple(low), tuple(low + extent)]
        shape = rng.integers(4)
        if shape == 0:
            draw.ellipse(outline, fill=colour)
            for x in (0.3, 0.7) if rng.random() < 0.5 else ():
                draw.circle(tuple(low + extent * (x, 0.4)), 0.1 * extent[0], fill=0)
        elif shape == 1:
            draw.rectangle(outline, fill=colour, outline=0)
        elif shape == 2:
            draw.line(outline, fill=colour, width=int(rng.integers(1, 12)))
        else:
            text = "".join(chr(letter) for letter in rng.integers(33, 123, int(rng.integers(3, 30))))
            draw.text(tuple(low), text, fill=colour, font_size=float(rng.uniform(8, 40)))
    return np.asarray(image)
