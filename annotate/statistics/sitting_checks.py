"""Checks of one sitting by itself: gold, traps, straight-lining, haste, and answers to pictures shown twice.

Shapes: V ratings, S sittings.
"""

import numpy as np

from annotate.design.items import ItemKind
from annotate.statistics.findings import DEFAULT_RULES, Check, Finding, ScreeningRules, in_sittings
from annotate.statistics.ratings import Flags, Indices, Numbers, Ratings, mean_by

_ROUNDING = 1e-9  # grades are sums of decimal steps


def check_sittings(ratings: Ratings, rules: ScreeningRules = DEFAULT_RULES) -> tuple[Finding, ...]:
    """Return what sittings show by themselves; the rows of one are enough, right when it ends."""
    checks = (_check_gold, _check_traps, _check_spread, _check_runs, _check_response_time, _check_repeats)
    return tuple(finding for check in checks for finding in check(ratings, rules))


def _check_gold(ratings: Ratings, rules: ScreeningRules) -> list[Finding]:
    return _failed_items(ratings, rules, ItemKind.GOLD, rules.gold_tolerance, "known answers")


def _check_traps(ratings: Ratings, rules: ScreeningRules) -> list[Finding]:
    return _failed_items(ratings, rules, ItemKind.TRAP, rules.trap_tolerance, "attention checks")


def _failed_items(
    ratings: Ratings, rules: ScreeningRules, kind: ItemKind, tolerance: float, what: str
) -> list[Finding]:
    items = ratings.where((ratings.kind == kind) & ~np.isnan(ratings.grade) & ~np.isnan(ratings.expected))
    wrong = np.abs(items.grade - items.expected) > tolerance * ratings.scale_range + _ROUNDING
    shown, failed = _counts(items), np.bincount(items.sitting[wrong], minlength=len(ratings.sitting_ids))
    return in_sittings(
        Check[kind.name],
        ratings,
        rules,
        found=(failed >= rules.failed_items) & (failed > rules.failed_share * shown),
        value=failed / np.maximum(shown, 1),
        limit=rules.failed_share,
        reason=lambda sitting: f"{failed[sitting]} of {shown[sitting]} {what} failed",
    )


def _check_spread(ratings: Ratings, rules: ScreeningRules) -> list[Finding]:
    rows = ratings.where(_graded(ratings))
    counts, limit = _counts(rows), rules.least_spread * ratings.scale_range
    means = mean_by(rows.sitting, rows.grade, counts.size)
    spread = np.sqrt(mean_by(rows.sitting, (rows.grade - means[rows.sitting]) ** 2, counts.size))
    return in_sittings(
        Check.STRAIGHT_LINER,
        ratings,
        rules,
        found=(counts >= rules.fewest_votes) & (spread < limit),
        value=spread,
        limit=limit,
        reason=lambda sitting: f"{counts[sitting]} grades are nearly all the same (SD {spread[sitting]:.2f})",
    )


def _check_runs(ratings: Ratings, rules: ScreeningRules) -> list[Finding]:
    longest = _longest_runs(ratings.where(_graded(ratings)))
    return in_sittings(
        Check.STRAIGHT_LINER,
        ratings,
        rules,
        found=longest >= rules.longest_run,
        value=longest,
        limit=rules.longest_run,
        reason=lambda sitting: f"the same grade was given {longest[sitting]} times in a row",
    )


def _longest_runs(rows: Ratings) -> Indices:
    """Return how many equal grades follow each other at most, in every sitting (S,)."""
    order = np.lexsort((rows.sequence, rows.sitting))
    grade, sitting = rows.grade[order], rows.sitting[order]
    first = np.ones(grade.size, bool)
    first[1:] = (np.diff(grade) != 0) | (np.diff(sitting) != 0)
    starts = np.flatnonzero(first)
    longest = np.zeros(len(rows.sitting_ids), np.int64)
    np.maximum.at(longest, sitting[starts], np.diff(starts, append=grade.size))
    return longest


def _check_response_time(ratings: Ratings, rules: ScreeningRules) -> list[Finding]:
    rows = ratings.where(_graded(ratings) & ~np.isnan(ratings.response_ms))
    counts = _counts(rows)
    hasty = np.bincount(rows.sitting[rows.response_ms < rules.shortest_ms], minlength=counts.size)
    return in_sittings(
        Check.RESPONSE_TIME,
        ratings,
        rules,
        found=(counts >= rules.fewest_votes) & (hasty > rules.hasty_share * counts),
        value=hasty / np.maximum(counts, 1),
        limit=rules.hasty_share,
        reason=lambda sitting: (
            f"{hasty[sitting]} of {counts[sitting]} answers came within {rules.shortest_ms:g} ms of the picture"
        ),
    )


def _check_repeats(ratings: Ratings, rules: ScreeningRules) -> list[Finding]:
    repeats, distance = _repeat_distances(ratings)
    counts = _counts(repeats)
    apart = mean_by(repeats.sitting, distance, counts.size)
    ratio = apart / np.maximum(_distances_of_any_two(ratings.where(_graded(ratings))), _ROUNDING)
    return in_sittings(
        Check.REPEATS,
        ratings,
        rules,
        found=(counts >= rules.fewest_repeats) & (ratio >= rules.repeat_ratio),
        value=ratio,
        limit=rules.repeat_ratio,
        reason=lambda sitting: (
            f"{counts[sitting]} pictures shown twice got grades {apart[sitting]:.2f} apart on average, "
            f"{ratio[sitting]:.0%} of the distance of any two grades of the sitting"
        ),
    )


def _repeat_distances(ratings: Ratings) -> tuple[Ratings, Numbers]:
    """Return the repeats whose first showing was graded too, and how far apart both grades are."""
    first = ratings.where(ratings.counted)
    repeats = ratings.where((ratings.kind == ItemKind.REPEAT) & ~np.isnan(ratings.grade))
    keys, wanted = (rows.participant * len(ratings.stimulus_ids) + rows.stimulus for rows in (first, repeats))
    order = np.argsort(keys)
    place = np.minimum(np.searchsorted(keys[order], wanted), max(keys.size - 1, 0))
    matched = keys[order][place] == wanted if keys.size else np.zeros(wanted.size, bool)
    distance = np.abs(repeats.grade[matched] - first.grade[order][place[matched]])
    return repeats.where(matched), distance


def _distances_of_any_two(rows: Ratings) -> Numbers:
    """Return the mean distance (S,) of two different answers of a sitting (Gini's mean difference)."""
    counts = _counts(rows)
    order = np.lexsort((rows.grade, rows.sitting))
    sitting = rows.sitting[order]
    rank = np.arange(len(rows)) - (np.cumsum(counts) - counts)[sitting]
    weighted = (2 * rank + 1 - counts[sitting]) * rows.grade[order]
    sums = np.bincount(sitting, weighted, counts.size)
    distances: Numbers = 2 * sums / np.maximum(counts * (counts - 1), 1)
    return distances


def _graded(ratings: Ratings) -> Flags:
    """Return the (V,) rows in which the participant judged a picture."""
    return np.isin(ratings.kind, (ItemKind.RATED, ItemKind.REPEAT)) & ~np.isnan(ratings.grade)


def _counts(rows: Ratings) -> Indices:
    return np.bincount(rows.sitting, minlength=len(rows.sitting_ids))
