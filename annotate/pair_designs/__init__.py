"""Designs of paired comparison: which pairs a study compares, one module each.

A new one is a file here, and nothing else. Every module has a `DESIGN`, whose one function plans the pairs of a group
of pictures. Imports `design` and, where answers are gone by, `statistics`; knows no database.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from annotate.design.protocol import StudyProtocol
from annotate.errors import ProtocolError
from annotate.pair_designs.design import PairDesign

DEFAULT = StudyProtocol.pair_design


def _found() -> dict[str, PairDesign]:
    """Return the design of every module here, the default first."""
    modules = [each.name for each in iter_modules(__path__) if each.name != "design"]
    designs: list[PairDesign] = [import_module(f"{__name__}.{name}").DESIGN for name in modules]
    return {each.name: each for each in sorted(designs, key=lambda each: (each.name != DEFAULT, each.name))}


DESIGNS: Mapping[str, PairDesign] = MappingProxyType(_found())
"""Every design by its name."""


def needs_scores(protocol: StudyProtocol) -> bool:
    """Return whether every picture of a study must have a score of a model."""
    return find_design(protocol.pair_design).needs_scores


def count_answers(sizes: Iterable[int], protocol: StudyProtocol) -> tuple[int, int]:
    """Return how many pairs and answers there will be in groups of so many pictures, at most."""
    design, of_sizes = find_design(protocol.pair_design), Counter(sizes)
    counts = [(times, *design.count(size, protocol)) for size, times in of_sizes.items()]
    return sum(times * pairs for times, pairs, _ in counts), sum(times * answers for times, _, answers in counts)


def find_design(name: str) -> PairDesign:
    """Return a design; raise ProtocolError naming those there are."""
    if name not in DESIGNS:
        raise ProtocolError(f"pair_design is {name!r}; expected one of {', '.join(DESIGNS)}.")
    return DESIGNS[name]
