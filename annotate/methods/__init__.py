"""Methods: what a study shows and asks, one module each. A new one is a file here, and nothing else.

Every module has a `METHOD`; the rest of the program asks it and never compares names. Imports `design` and, for
results, `statistics`; knows no database.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any

from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.review import StimulusSummary
from annotate.design.sitting_plan import Effort, ItemTime, effort, expected_time
from annotate.errors import ProtocolError
from annotate.methods.method import AnswerKind, Method, Unit
from annotate.pair_designs import find_design

DEFAULT = StudyProtocol.method


def _found() -> dict[str, Method]:
    """Return the method of every module here, the default first."""
    modules = [each.name for each in iter_modules(__path__) if each.name != "method"]
    methods: list[Method] = [import_module(f"{__name__}.{name}").METHOD for name in modules]
    return {each.name: each for each in sorted(methods, key=lambda each: (each.name != DEFAULT, each.name))}


METHODS: Mapping[str, Method] = MappingProxyType(_found())
"""Every method by its name."""


def find_method(name: str) -> Method:
    """Return a method; raise ProtocolError naming those there are."""
    if name not in METHODS:
        raise ProtocolError(f"method is {name!r}; expected one of {', '.join(METHODS)}.")
    return METHODS[name]


def method_of(protocol: StudyProtocol) -> Method:
    """Return the method that a study is run with."""
    return find_method(protocol.method)


def study_effort(protocol: StudyProtocol, stimuli: StimulusSummary) -> Effort | None:
    """Estimate what a study takes; None where there is nothing to rate yet."""
    method = method_of(protocol)
    units, answers = method.workload(protocol, stimuli)
    unit = "pair" if method.unit is Unit.PAIR else "picture"
    counts = {**stimuli.counts, ItemKind.RATED: units}
    return effort(protocol, counts, answers, unit=unit, item=stimuli.item) if units else None


def item_time(protocol: StudyProtocol) -> ItemTime:
    """Return what an item usually takes, by the pictures that it shows and the answers that it asks for."""
    method = method_of(protocol)
    answers = len(protocol.scale_names) if method.answer is AnswerKind.GRADE else 1
    return expected_time(len(method.roles(protocol)), answers)


def make_protocol(values: Mapping[str, Any]) -> StudyProtocol:
    """Return the protocol of these values, the rest as their method has it; raise ProtocolError naming a bad one."""
    method = find_method(str(values.get("method", DEFAULT)))
    scale = {"scale": method.scales[0]} if method.scales else {}
    return check_protocol(StudyProtocol.from_json({**scale, **method.defaults, **values}))


def changes_to(protocol: StudyProtocol, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes to a protocol, with those that another method brings along unless they are said.

    What somebody has set stays as it is, as long as it means something by the other method.
    """
    method, former = find_method(str(values.get("method", protocol.method))), method_of(protocol)
    if method is former:
        return dict(values)
    brought = {
        name: value
        for name, value in method.defaults.items()
        if name in {*method.fixed, *method.unused}
        or getattr(protocol, name) == former.defaults.get(name, getattr(StudyProtocol, name))
    }
    scale = {"scale": method.scales[0]} if method.scales and protocol.scale.name not in method.scales else {}
    return {**scale, **brought, **values}


def unused_settings(method: Method) -> frozenset[str]:
    """Return the values of a protocol that leave nothing to choose in a study by a method."""
    others = {name for each in METHODS.values() for name in each.settings}
    one_scale = {"scale"} if len(method.scales) <= 1 else set[str]()
    return frozenset((others - {*method.settings}) | {*method.fixed, *method.unused} | one_scale)


def kinds_of_pictures(protocol: StudyProtocol) -> list[ItemKind]:
    """Return what pictures may be for in a study: to be rated and, where its method has them, checks and references.

    Two known answers or training pictures of one source make a pair where pairs are compared.
    """
    method = method_of(protocol)
    checks = {
        "gold_every": ItemKind.GOLD,
        "trap_every": ItemKind.TRAP,
        "training_count": ItemKind.TRAINING,
    }
    references = [ItemKind.REFERENCE] if method.references(protocol) and not method.rates_references else []
    return [ItemKind.RATED, *(kind for name, kind in checks.items() if name not in method.fixed), *references]


def check_protocol(protocol: StudyProtocol) -> StudyProtocol:
    """Return a protocol that its method can be run with; raise ProtocolError naming the value that does not fit it."""
    method = method_of(protocol)
    if method.scales and protocol.scale.name not in method.scales:
        expected = ", ".join(method.scales)
        raise ProtocolError(f"scale is {protocol.scale.name!r}; a study by {method.name} takes {expected}.")
    if protocol.more_scales and method.answer is not AnswerKind.GRADE:
        raise ProtocolError(f"more_scales are graded; a study by {method.name} asks for no grades.")
    for name, value in method.fixed.items():
        if (given := getattr(protocol, name)) != value:
            raise ProtocolError(f"{name} is {given!r}; a study by {method.name} has {value!r}.")
    design = find_design(protocol.pair_design)
    if method.unit is not Unit.PAIR and design.name != StudyProtocol.pair_design:
        raise ProtocolError(f"pair_design is {design.name!r}; a study by {method.name} compares no pairs.")
    return protocol
