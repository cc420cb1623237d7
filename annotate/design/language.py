"""Everything that participants read in one language."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """One language, known by its two letters.

    name:            as its speakers call it
    scale_words:     of the five categories, worst first, as translations of ITU-T P.800 and ITU-R BT.500 have them
    impairment_words: of the five grades of impairment, worst first, as translations of ITU-R BT.500 have them
    scale_titles:    what is graded, on the first scale (overall) and on those that come with the package
    instructions, consent, eligibility, data_protection: what participants are told and asked where a study has no text
                     of its own; they say truly what this package stores, and no more
    method_instructions: in place of `instructions`, for each method that asks something else
    trap_request:    on the cards of attention checks, before the grade to give; in short lines, which phones show large
    trap_comparison: below a picture and its worst version; {left} and {right} are the grades to give where that one is
                     the better
    ready_questions: question and choices of each question that may be asked before rating
    wording:         the texts of the rating page; what stands in {braces} is filled in there
    """

    code: str
    name: str
    scale_words: tuple[str, ...]
    impairment_words: tuple[str, ...]
    scale_titles: Mapping[str, str]
    instructions: str
    method_instructions: Mapping[str, str]
    consent: str
    eligibility: str
    data_protection: str
    trap_request: str
    trap_comparison: str
    ready_questions: Mapping[str, tuple[str, tuple[str, ...]]]
    wording: Mapping[str, str]
