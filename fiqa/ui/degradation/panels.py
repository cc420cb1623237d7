"""What the Degradation tab draws: the map, the diagnosis, the face before and after, response curves, repairs.

The map is a Plotly figure, so that it can be hovered, zoomed and filtered; everything else is HTML and SVG text like
the figures of the Score tab (`fiqa/ui/figures.py`).
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from colorsys import rgb_to_hsv
from typing import TYPE_CHECKING

import numpy as np

from fiqa.degradation.atlas import CLEAN, TYPES, Atlas, Diagnosis, Finding, Neighbour
from fiqa.degradation.diagnosis import (
    DiagnosedPhoto,
    EncodedFace,
    PhotoDiagnosis,
    embeddings_csv,
    embeddings_npy,
    in_words,
    label_of,
    to_csv,
    to_json,
)
from fiqa.degradation.repairs import REPAIRS
from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS
from fiqa.degradation.what_if import RepairEstimate, ResponseCurve, Step, good_from
from fiqa.errors import FiqaError
from fiqa.results import Interval
from fiqa.ui.figures import ACR_WORDS, grade_of, png_uri, score_scale, small_scale, text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def _hue(colour: str) -> float:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return rgb_to_hsv(red, green, blue)[0]


_BY_HUE = sorted(DEGRADATIONS.values(), key=lambda each: _hue(each.colour))
COLOURS = {CLEAN: "#8a8577", **{each.name: each.colour for each in _BY_HUE}}
"""In the order of the legend: types that look alike stand together."""
MAP_HEIGHT_PX, CLEAR = 520, "rgba(0,0,0,0)"
PHOTO_MARK = "#d8861b"
SHOWN_FINDINGS = 4
CURVE_WIDTH, CURVE_HEIGHT = 200, 90
LEAST_GAIN = 0.01
"""What a repair must add to the score, as a share of its range, to be advised."""
DOWNLOAD_KINDS = {"CSV": "text/csv", "JSON": "application/json", "NumPy": "application/octet-stream"}


def map_figure(atlas: Atlas, photos: Sequence[tuple[int, str, Diagnosis]]) -> "Figure":
    """Draw the references by type, and numbered and named photos among them."""
    from plotly.graph_objects import Figure

    figure = Figure([_reference_trace(atlas, TYPES.index(name)) for name in COLOURS])
    figure.add_trace(_photo_trace(photos))
    frame = {"visible": False, "range": [-1.08, 1.08], "fixedrange": False}
    figure.update_layout(
        template="none", height=MAP_HEIGHT_PX, margin={"l": 0, "r": 0, "t": 4, "b": 4}, xaxis=frame, yaxis=frame,
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, hoverlabel={"font": {"size": 13}},
        legend={"orientation": "h", "y": 0, "yanchor": "top", "itemsizing": "constant", "font": {"size": 12.5}},
        modebar={"remove": ["lasso2d", "select2d"], "bgcolor": CLEAR, "color": "#8a8577", "activecolor": PHOTO_MARK},
        uirevision="map", dragmode="pan",
    )  # fmt: skip
    return figure


def _reference_trace(atlas: Atlas, index: int) -> dict[str, object]:
    mine = atlas.types == index
    name, severity = label_of(TYPES[index]), atlas.severity[mine]
    sizes: object = 6 if index == 0 else (4 + 4 * severity).round(1).tolist()
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": atlas.places[mine, 0].round(3).tolist(),
        "y": atlas.places[mine, 1].round(3).tolist(),
        "customdata": severity.round(2).tolist(),
        "hovertemplate": f"{name}" + ("" if index == 0 else "<br>severity %{customdata:.1f}") + "<extra></extra>",
        "marker": {"color": COLOURS[TYPES[index]], "size": sizes, "opacity": 0.75, "line": {"width": 0}},
    }


def _photo_trace(photos: Sequence[tuple[int, str, Diagnosis]]) -> dict[str, object]:
    places = [diagnosis.position for _, _, diagnosis in photos]
    hints = [f"{text(name)}<br>{in_words(diagnosis.degradations[0])}" for _, name, diagnosis in photos]
    return {
        "type": "scatter",
        "mode": "markers+text" if len(photos) > 1 else "markers",
        "name": "Your photos" if len(photos) > 1 else "Your photo",
        "x": [x for x, _ in places],
        "y": [y for _, y in places],
        "text": [str(number) for number, _, _ in photos],
        "textposition": "top center",
        "customdata": hints,
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": PHOTO_MARK, "size": 15, "symbol": "diamond", "line": {"color": "#fff", "width": 2}},
    }


def diagnosis_panel(name: str, photo: PhotoDiagnosis) -> str:
    """Say what is likely wrong with one photo, how sure that is, and what it rests on."""
    first = photo.diagnosis.degradations[0]
    notices = "".join(f'<p class="notice">{text(notice)}</p>' for notice in photo.notices)
    rows = "".join(_finding_row(finding) for finding in photo.diagnosis.degradations[:SHOWN_FINDINGS])
    return _panel(
        "diagnosis",
        f'<p class="kicker">Most likely</p><p class="verdict">{text(label_of(first.type))}</p>'
        f'<p class="quiet">{_first_in_words(first)}</p><div class="findings">{rows}</div>'
        f"{_outlier(photo.diagnosis)}{_neighbours(photo.diagnosis.neighbours)}{notices}"
        f"{_downloads([DiagnosedPhoto(name, photo)])}{_basis(photo)}",
    )


def diagnosis_table(photos: Sequence[DiagnosedPhoto], score_range: Interval) -> str:
    """List the diagnoses of many photos."""
    known = [photo.outcome for photo in photos if isinstance(photo.outcome, PhotoDiagnosis)]
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("No.", "Photo", "Most likely", "Outlier", "Score"))
    rows = "".join(_table_row(number, photo, score_range) for number, photo in enumerate(photos, start=1))
    return _panel(
        "diagnoses",
        f'<p class="headline">{len(known)} of {len(photos)} photos placed.</p>'
        f'<div class="table-scroll" tabindex="0"><table><caption>Photos, numbered as on the map</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        f"{_downloads(photos)}{_basis(known[0]) if known else ''}",
    )


def _table_row(number: int, photo: DiagnosedPhoto, score_range: Interval) -> str:
    name = text(photo.path)
    if isinstance(photo.outcome, FiqaError):
        remark = f"<small>{text(photo.outcome)}</small>"
        return f'<tr class="refused"><td>{number}</td><td class="wide">{name}{remark}</td>{"<td>–</td>" * 3}</tr>'
    first, *_ = photo.outcome.diagnosis.degradations
    score = photo.outcome.encoded_face.score
    return (
        f'<tr><td>{number}</td><td class="wide">{name}</td><td>{_swatch(first.type)}{text(in_words(first))}</td>'
        f'<td class="number">{photo.outcome.diagnosis.outlier:.1f}</td>'
        f'<td class="score-cell">{small_scale(score, score_range)}<b>{score:.2f}</b></td></tr>'
    )


def _finding_row(finding: Finding) -> str:
    pips = "" if finding.type == CLEAN else _pips(finding.severity)
    bar = f"width:{100 * finding.probability:.1f}%;background:{COLOURS[finding.type]}"
    return (
        f'<div class="finding"><span>{_swatch(finding.type)}{text(label_of(finding.type))}</span>{pips}'
        f'<span class="likelihood"><i style="{bar}"></i></span><b>{finding.probability:.0%}</b></div>'
    )


def _first_in_words(finding: Finding) -> str:
    if finding.type == CLEAN:
        return f"{finding.probability:.0%} sure that the photo is as it was taken."
    kind = DEGRADATIONS[finding.type]
    level = max(1, round(finding.severity * LEVELS))
    return (
        f"{finding.probability:.0%} sure; severity {level} of {LEVELS}, "
        f"which is about {kind.parameter(max(finding.severity, 0.02)):.2g} ({kind.unit})."
    )


def _pips(severity: float) -> str:
    level = max(1, round(severity * LEVELS))
    dots = "".join(f'<i class="{"on" if step <= level else ""}"></i>' for step in range(1, LEVELS + 1))
    return f'<span class="pips" title="severity {severity:.2f}" aria-label="severity {level} of {LEVELS}">{dots}</span>'


def _outlier(diagnosis: Diagnosis) -> str:
    """Show how far outside the atlas the face is, on a line of which the middle is the edge of what is known."""
    share = 100 * min(1.0, diagnosis.outlier / 2)
    remark = (
        "within what the atlas knows"
        if diagnosis.outlier <= 1
        else "outside what the atlas knows, so take the diagnosis with care"
    )
    return (
        f'<div class="outlier"><p>Distance from known photos <b>{diagnosis.outlier:.1f}</b>: {remark}.</p>'
        f'<div class="line"><i style="left:{share:.1f}%"></i></div></div>'
    )


def _neighbours(neighbours: Sequence[Neighbour]) -> str:
    counted = Counter(
        label_of(each.type) + ("" if each.type == CLEAN else f" {each.severity:.1f}") for each in neighbours
    )
    listed = ", ".join(f"{text(name)}{f' ×{count}' if count > 1 else ''}" for name, count in counted.most_common())
    return f'<p class="quiet">Nearest references: {listed}.</p>'


def _basis(photo: PhotoDiagnosis) -> str:
    return f'<p class="timings">Checkpoint {text(photo.checkpoint)} · atlas of {text(photo.atlas)}</p>'


def _swatch(name: str) -> str:
    return f'<i class="swatch" style="background:{COLOURS[name]}"></i>'


def _downloads(photos: Sequence[DiagnosedPhoto]) -> str:
    """Return links that save diagnoses and embeddings, without a file being kept on the server."""
    numbers = [
        ("fiqa-embeddings.csv", "CSV", embeddings_csv(photos).encode()),
        ("fiqa-embeddings.npy", "NumPy", embeddings_npy(photos)),
    ]
    words = [
        ("fiqa-degradations.csv", "CSV", to_csv(photos).encode()),
        ("fiqa-degradations.json", "JSON", to_json(photos).encode()),
    ]
    return (
        f'<p class="downloads">Save the diagnosis {"".join(_download(*each) for each in words)}</p>'
        f'<p class="downloads">Save the embedding {"".join(_download(*each) for each in numbers)}</p>'
    )


def _download(name: str, label: str, content: bytes) -> str:
    data = b64encode(content).decode("ascii")
    return f'<a class="save" download="{name}" href="data:{DOWNLOAD_KINDS[label]};base64,{data}">{label}</a>'


def face_figure(encoded_face: EncodedFace, caption: str) -> str:
    """Show the view of a face that the network was given, with its score."""
    shown = png_uri(encoded_face.view, side_px=encoded_face.view.shape[0])
    return (
        f'<figure class="face-view"><img src="{shown}" alt="{text(caption)}">'
        f"<figcaption>{text(caption)} <b>{encoded_face.score:.2f}</b></figcaption></figure>"
    )


def trial_panel(
    encoded_face: EncodedFace,
    before: EncodedFace,
    diagnosis: Diagnosis,
    steps: Sequence[Step],
    score_range: Interval,
    reduction: float,
) -> str:
    """Show the degraded face, its score against that of the photo as it is, and what it is taken for."""
    x, y = diagnosis.position
    word = ACR_WORDS[grade_of(encoded_face.score, score_range) - 1]
    applied = ", then ".join(_in_units(step) for step in steps) or "nothing applied"
    return (
        f'<div class="trial" data-x="{x:.4f}" data-y="{y:.4f}" data-steps="{len(steps)}">'
        f"{face_figure(encoded_face, 'With what you apply')}<div>"
        f'<p class="score"><b>{encoded_face.score:.2f}</b><span>{word}</span></p>'
        f"{score_scale(encoded_face.score, (before.score, before.score), score_range)}"
        f'<p class="quiet">{encoded_face.score - before.score:+.2f} against the photo as it is: {text(applied)}.</p>'
        f'<p class="quiet">Taken for: {text(in_words(diagnosis.degradations[0]))}.</p>{_reduced(reduction)}</div></div>'
    )


def _reduced(reduction: float) -> str:
    if reduction == 1:
        return ""
    return (
        f'<p class="timings">The face is large: all this refers to a copy of the photo {reduction:.1f} times smaller, '
        "on which severities mean what they meant in training.</p>"
    )


def _in_units(step: Step) -> str:
    name, severity = step
    kind = DEGRADATIONS[name]
    return f"{kind.label} {kind.parameter(severity):.2g} ({kind.unit})"


def curves_panel(curves: Sequence[ResponseCurve], score_range: Interval, total: int) -> str:
    """Draw score against severity, one small figure a type; says how far it is while some are missing."""
    limit = good_from(score_range)
    progress = _progress(len(curves), total, "types tried") if len(curves) < total else ""
    drawn = "".join(_curve(curve, score_range, limit) for curve in curves)
    note = f'<p class="quiet">Score against severity, 0 to 1. The mark is where "good" ends, at {limit:.2g}.</p>'
    return _panel("curves", f'{progress}{note}<div class="curve-grid">{drawn}</div>')


def _curve(curve: ResponseCurve, score_range: Interval, limit: float) -> str:
    low, high = score_range
    xs = np.array(curve.severities) * CURVE_WIDTH
    ys = (1 - (np.clip([*curve.scores, limit], low, high) - low) / (high - low)) * CURVE_HEIGHT
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys[:-1], strict=True))
    at, line = curve.falls_below(limit), ys[-1]
    mark = "" if at is None else f'<circle cx="{at * CURVE_WIDTH:.1f}" cy="{line:.1f}" r="4.5"/>'
    label, words = text(label_of(curve.type)), text(_limit_words(curve, limit))
    return (
        f'<figure class="curve"><figcaption>{label}</figcaption>'
        f'<svg viewBox="-5 -5 {CURVE_WIDTH + 10} {CURVE_HEIGHT + 10}" role="img" aria-label="{label}: {words}">'
        f'<path d="M0 {line:.1f}H{CURVE_WIDTH}" class="limit"/>'
        f'<path d="M0 0V{CURVE_HEIGHT}H{CURVE_WIDTH}" class="axis"/>'
        f'<polyline points="{points}" style="stroke:{COLOURS[curve.type]}"/>{mark}</svg><small>{words}</small></figure>'
    )


def _limit_words(curve: ResponseCurve, limit: float) -> str:
    """Say up to where the score stays good."""
    at, kind = curve.falls_below(limit), DEGRADATIONS[curve.type]
    if at is not None:
        return f"good up to {at:.2f}: {kind.parameter(at):.2g} ({kind.unit})"
    return "below good as it is" if curve.scores[0] < limit else "good throughout"


def repairs_panel(estimates: Sequence[RepairEstimate], score_range: Interval, total: int) -> str:
    """List what single repairs would do to the score, best first."""
    progress = _progress(len(estimates), total, "repairs tried") if len(estimates) < total else ""
    ordered = sorted(estimates, key=lambda estimate: -estimate.gain)
    best = "" if progress or not ordered else f'<p class="headline">{_advice(ordered[0], score_range)}</p>'
    rows = "".join(_repair_row(estimate, score_range) for estimate in ordered)
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Repair", "By the amount of", "Score", "Change"))
    return _panel(
        "repairs",
        f"{progress}{best}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        '<p class="quiet">An estimate: classical filters are tried at three strengths and the network scores the '
        "outcome. It knows only what it was trained on and may be taken in by a filter's traces.</p>",
    )


def _advice(best: RepairEstimate, score_range: Interval) -> str:
    low, high = score_range
    if best.gain < LEAST_GAIN * (high - low):
        return "No single repair is likely to help."
    return f"{REPAIRS[best.name].label}: the repair that would help most, by about {best.gain:+.2f}."


def _repair_row(estimate: RepairEstimate, score_range: Interval) -> str:
    repair = REPAIRS[estimate.name]
    return (
        f"<tr><td>{text(repair.label)}</td><td>{text(label_of(repair.undoes))} at {estimate.severity:.1f}</td>"
        f'<td class="score-cell">{small_scale(estimate.after, score_range)}<b>{estimate.after:.2f}</b></td>'
        f'<td class="number">{round(estimate.gain, 2) + 0.0:+.2f}</td></tr>'
    )


def empty_panel() -> str:
    """Invite the first photo."""
    return _panel(
        "empty",
        '<p class="headline">What is wrong with a photo?</p><p>Add one here or in the Score tab. It takes its place '
        "among faces of which it is known what was done to them: each point of the map is one.</p>",
    )


def error_panel(message: str) -> str:
    """Say in one sentence what was wrong and what to do."""
    return _panel("error", f'<p class="headline">This photo has no place.</p><p role="alert">{text(message)}</p>')


def building_panel(done: int, total: int) -> str:
    """Say how far the atlas of a checkpoint is that came without one."""
    return _panel(
        "busy",
        '<p class="headline">Drawing the map of this checkpoint…</p>'
        "<p>It is made once, from one photo under every degradation, and kept.</p>" + _progress(done, total, "batches"),
        live=True,
    )


def _progress(done: int, total: int, what: str) -> str:
    return (
        f'<p class="quiet" role="status">{done} of {total} {what}</p>'
        f'<div class="progress"><i class="known" style="width:{100 * done / max(1, total):.1f}%"></i></div>'
    )


def _panel(kind: str, content: str, *, live: bool = False) -> str:
    return f'<section class="panel {kind}"{" role=status" if live else ""}>{content}</section>'
