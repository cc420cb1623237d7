"""What the Attention tab shows: photos under their maps, the parts of a face, and what is read at a click.

The map is a picture of its own over the photo, both lossless, so that opacity and the slider between them
are the browser's business and need no server.
"""

from collections.abc import Sequence

import numpy as np

from fiqa.maps.face_maps import KINDS, FaceMap, MapKey
from fiqa.maps.figures import ColourScale
from fiqa.maps.regions import RegionPart, region_masks
from fiqa.ui.attention.inspection import Inspection, PhotoCutout
from fiqa.ui.figures import ACR_WORDS, grade_of, png_uri, text

PARTS = {
    "eyes": "Eyes", "brows": "Brows", "nose": "Nose", "mouth": "Mouth", "jaw": "Jaw and cheeks",
    "rest": "Rest: hair, neck, background",
}  # fmt: skip
"""Names of the parts of a face."""
LANDMARKS_MATTER = 0.0005
"""Scores that differ by less, as a share of their range, are shown as the same."""


def maps_panel(inspections: Sequence[Inspection], key: MapKey, scales: Sequence[ColourScale], *, whole: bool) -> str:
    """Show one map of one face, or of two side by side, each with its colour scale, and the map's caption."""
    kind, title = KINDS[key.kind], inspections[0].maps[key].title
    figures = "".join(
        _figure(each, key, scale, each.whole if whole else each.close, side)
        for side, (each, scale) in enumerate(zip(inspections, scales, strict=True))
    )
    bars = "".join(_colour_bar(scale, kind.unit) for scale in dict.fromkeys(scales))
    return _panel(
        "maps",
        f'<p class="headline">{text(title)}</p><div class="sides sides-{len(inspections)}">{figures}</div>'
        f'<div class="under">{bars}{_sliders()}</div>'
        f'<div class="caption"><p><b>Shows</b> {text(kind.shows)}</p>'
        f"<p><b>Does not show</b> {text(kind.shows_not)} {_grain(inspections[0])}</p></div>",
    )


def progress_panel(title: str, share: float | None) -> str:
    """Say that a map is being made, and how far it is where that is known."""
    bar = "<i></i>" if share is None else f'<i class="known" style="width:{100 * share:.1f}%"></i>'
    percent = "" if share is None else f" {100 * share:.0f} %"
    return _panel(
        "busy", f'<p class="headline">{text(title)}…{percent}</p><div class="progress">{bar}</div>', live=True
    )


def failure_panel(message: str) -> str:
    """Say in one sentence what was wrong and what to do."""
    return _panel("error", f'<p class="headline">No map of this photo.</p><p role="alert">{text(message)}</p>')


def parts_panel(inspections: Sequence[Inspection]) -> str:
    """Show what the parts of the face and the landmarks have to do with the score."""
    columns = "".join(f"<div>{_heading(each)}{_parts(each.parts())}{_landmarks(each)}</div>" for each in inspections)
    return _panel("parts", f'<p class="headline">Which parts make the score</p><div class="columns">{columns}</div>')


def _unit(face_map: FaceMap) -> str:
    return face_map.kind.unit if face_map.kind.is_additive else face_map.title.lower()


def reading_panel(inspection: Inspection, key: MapKey, x: float, y: float) -> str:
    """Say what the maps hold at a position of the photo, in its pixels."""
    keys = [MapKey("quality"), MapKey("confidence"), MapKey("contribution")]
    keys += [] if key in keys else [key]
    found = [(inspection.maps[each], _value(inspection, each, x, y)) for each in keys]
    if np.isnan(found[0][1]):
        return f'<p class="reading">Pixel {x:.0f}, {y:.0f}: no crop reached this place.</p>'
    values = "".join(f"<span><b>{value:.3f}</b> {text(_unit(face_map))}</span>" for face_map, value in found)
    return f'<p class="reading"><span>Pixel {x:.0f}, {y:.0f}{_part_at(inspection, x, y)}</span>{values}</p>'


def missing_note(inspection: Inspection) -> str:
    """Say which maps cannot be had of this checkpoint, and why."""
    if not inspection.offered.missing:
        return ""
    reasons = dict.fromkeys(inspection.offered.missing.values())
    named = "".join(
        f"<p>{', '.join(KINDS[kind].title for kind, why in inspection.offered.missing.items() if why == reason)}: "
        f"{text(reason)}</p>"
        for reason in reasons
    )
    return f'<div class="missing">{named}</div>'


def _figure(inspection: Inspection, key: MapKey, scale: ColourScale, picture: PhotoCutout, side: int) -> str:
    left, top, right, bottom = picture.window
    colours = scale.colours(inspection.maps[key].at(*picture.positions()).values)
    size = f"{right - left} / {bottom - top}"
    return (
        f'<figure data-side="{side}" style="--ratio:{(right - left) / (bottom - top):.4f}">{_heading(inspection)}'
        f'<div class="stage" style="aspect-ratio:{size}" '
        f'data-window="{left} {top} {right} {bottom}" tabindex="0" aria-label="Map; click to read its values">'
        f'<img class="below" src="{picture.uri}" alt="Photo"><img class="map" alt="{text(inspection.maps[key].title)}" '
        f'src="{png_uri(colours, side_px=max(colours.shape))}">{_dots(inspection, picture)}'
        f'<i class="seam"></i><i class="pin" hidden></i></div>'
        f'<p class="downloads">Save <button type="button" class="save" value="png">Figure, PNG</button>'
        f'<button type="button" class="save" value="npz">Values, NumPy</button></p></figure>'
    )


def _heading(inspection: Inspection) -> str:
    subject, score = inspection.subject, inspection.score
    which = f" · face {inspection.number} of {inspection.faces}" if inspection.faces > 1 else ""
    word = ACR_WORDS[grade_of(score, inspection.score_range) - 1]
    return (
        f'<p class="whose"><b>{score:.2f}</b> <em>{word}</em> <span>{text(subject.name)}{which} · '
        f"{text(subject.checkpoint)}</span></p>"
    )


def _dots(inspection: Inspection, picture: PhotoCutout) -> str:
    """Draw the landmarks that the network is given, those dropped left out."""
    if inspection.landmarks is None:
        return ""
    left, top, right, bottom = picture.window
    radius = max(right - left, bottom - top) / 220
    dots = "".join(
        f'<circle cx="{x - left:.1f}" cy="{y - top:.1f}" r="{radius:.2f}"/>'
        for x, y in inspection.landmarks
        if np.isfinite(x)
    )
    return f'<svg class="dots" viewBox="0 0 {right - left} {bottom - top}" aria-hidden="true">{dots}</svg>'


def _colour_bar(scale: ColourScale, unit: str) -> str:
    low, high = scale.limits
    ticks = "".join(
        f'<span style="left:{100 * (tick - low) / (high - low):.2f}%">{tick:g}</span>' for tick in scale.ticks()
    )
    return (
        f'<div class="colour-bar" role="img" aria-label="Colours from {low:.3g} to {high:.3g}, {text(unit)}">'
        f'<img src="{png_uri(scale.bar(), side_px=256)}" alt=""><div class="ticks">{ticks}</div>'
        f'<p class="unit">{text(unit)}</p></div>'
    )


def _sliders() -> str:
    return (
        '<div class="sliders">'
        '<label>Opacity<input type="range" name="opacity" min="0" max="100" value="65"></label>'
        '<label>Photo to map<input type="range" name="seam" min="0" max="100" value="0"></label>'
        '<label class="switch"><input type="checkbox" name="dots"> Landmarks</label></div>'
    )


def _grain(inspection: Inspection) -> str:
    """Say how coarse the map is, so that nobody reads more into it."""
    grid = next(iter(inspection.maps.values())).grids.shape[-1]
    cell_px = inspection.placement.crop_px / grid * np.sqrt(abs(np.linalg.det(inspection.placement.to_photo[:, :2])))
    return (
        f"One cell is {cell_px:.0f} pixels of the photo wide; compare areas of several cells rather than single ones."
    )


def _parts(parts: Sequence[RegionPart]) -> str:
    """Draw area, confidence and contribution of each part as bars, in percent of the whole."""
    if not parts:
        return "<p>No landmarks were found, so the parts of the face are not known.</p>"
    score = sum(part.contribution for part in parts) or 1.0
    most = max(max(part.area, part.confidence, part.contribution / score) for part in parts)
    rows = "".join(
        f"<tr><th scope=row>{PARTS[part.name]}</th><td>"
        + "".join(
            f'<span class="share {name}" title="{name}"><i style="width:{100 * value / most:.1f}%"></i>'
            f"{100 * value:.0f} %</span>"
            for name, value in (
                ("area", part.area),
                ("confidence", part.confidence),
                ("contribution", part.contribution / score),
            )
        )
        + f"</td><td class=number>{part.quality:.2f}</td></tr>"
        for part in parts
    )
    return (
        '<table class="bars"><thead><tr><th scope=col>Part</th><th scope=col><span class="key area">area</span> '
        '<span class="key confidence">confidence</span> <span class="key contribution">contribution</span></th>'
        f"<th scope=col>Quality</th></tr></thead><tbody>{rows}</tbody></table>"
        "<p class=meaning>Shares of what the network was shown, of the confidence it has, and of the score. A part "
        "whose confidence exceeds its area counts more than its size.</p>"
    )


def _landmarks(inspection: Inspection) -> str:
    """Say what knowing the landmarks does to the score."""
    if not inspection.takes_landmarks:
        return "<p class=guidance>This checkpoint takes no landmarks.</p>"
    if inspection.unguided is None:
        return ""
    change = inspection.score - inspection.unguided
    low, high = inspection.score_range
    effect = "the same"
    if abs(change) >= LANDMARKS_MATTER * (high - low):
        effect = f"{abs(change):.3f} {'lower' if change > 0 else 'higher'}"
    given = "with the landmarks as you changed them" if inspection.subject.landmarks_altered else "with landmarks"
    return (
        f"<p class=guidance>The score is <b>{inspection.score:.3f}</b> {given} and <b>{inspection.unguided:.3f}</b> "
        f"without any: {effect}.</p>"
    )


def _value(inspection: Inspection, key: MapKey, x: float, y: float) -> float:
    return float(inspection.maps[key].at(np.array([x]), np.array([y])).values[0, 0])


def _part_at(inspection: Inspection, x: float, y: float) -> str:
    """Name the part of the face at a position, after a comma."""
    if inspection.face.face is None:
        return ""
    side = inspection.placement.view_px
    landmarks = inspection.face.view.landmarks_from_photo(inspection.face.face.landmarks)
    column, row = inspection.face.view.landmarks_from_photo(np.array([[x, y]], np.float32))[0].astype(int)
    if not (0 <= column < side and 0 <= row < side):
        return ""
    masks = region_masks(landmarks, side)
    return f", {next(PARTS[name] for name, mask in masks.items() if mask[row, column]).split(':')[0].lower()}"


def _panel(kind: str, content: str, *, live: bool = False) -> str:
    return f'<section class="panel {kind}"{" role=status" if live else ""}>{content}</section>'
