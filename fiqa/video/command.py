"""What `fiqa video CLIP` does with its options."""

import argparse
import sys

from fiqa.chosen_predictor import load_chosen
from fiqa.curation.curation import make_stamp
from fiqa.errors import SettingError
from fiqa.output import check_writable, chosen_format, make_folder, write_file
from fiqa.stopping import status_of
from fiqa.video import FORMATS, reports
from fiqa.video.frames import Clip
from fiqa.video.reports import FIGURES, ClipReport
from fiqa.video.scoring import MOST_BEST, ClipScores, choose_best, fetch_frames, score_clip


def run(options: argparse.Namespace) -> int:
    """Score a clip and write what was asked for; return the exit status. Raises FiqaError."""
    from tqdm import tqdm

    _check(options)
    form = chosen_format(options.format, options.output, FORMATS)
    clip = Clip(options.clip, options.every)
    next(clip.frames())  # what cannot be read is told before a network is loaded
    scores = ClipScores()
    predictor = load_chosen(options.settings, checkpoint=options.checkpoint, device=options.device)
    status = 0
    try:
        for _ in tqdm(score_clip(predictor.score, clip, scores), unit="frame", disable=None):  # None: on a terminal
            pass
    except KeyboardInterrupt as stop:  # what is done of a long clip is kept
        print(f"fiqa: interrupted after {clip.duration_s:.1f} seconds of the clip", file=sys.stderr)
        status = status_of(stop)
    report = ClipReport(clip, scores, predictor.spec.score_range, make_stamp(predictor, None))
    _write(report, form, options)
    return status or int(not report.people)


def _check(options: argparse.Namespace) -> None:
    """Refuse what cannot be written before anything is scored."""
    for file in (options.output, options.timeline):
        if file:
            check_writable(file, [options.clip])
    if options.timeline and options.timeline.suffix.lower() not in FIGURES:
        raise SettingError(f"--timeline must end in {' or '.join(FIGURES)}.")
    if not 1 <= options.best <= MOST_BEST:
        raise SettingError(f"The best {options.best} frames were asked for, expected 1 to {MOST_BEST}.")
    if options.best_frames:
        make_folder(options.best_frames)


def _write(report: ClipReport, form: str, options: argparse.Namespace) -> None:
    text = reports.FORMATS[form](report)
    if options.output:
        write_file(options.output, text.encode())
    else:
        sys.stdout.write(text)
    if options.timeline:
        write_file(options.timeline, reports.timeline(report, options.timeline.suffix))
    if options.best_frames:
        best = fetch_frames(report.clip, choose_best(report.scores.samples, options.best))
        for path in reports.save_best(best, options.best_frames):
            print(f"fiqa: wrote {path}", file=sys.stderr)
