"""The languages that participants may read, one module each: a new one is a file here, and nothing else.

Imports nothing but `annotate.design.language`. Every language has every text; the tests compare them with English.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from annotate.design.language import Language

DEFAULT = "en"
"""Read where the language that is asked for is unknown."""


def _found() -> dict[str, Language]:
    """Return the language of every module here, the default first."""
    codes = sorted((module.name for module in iter_modules(__path__)), key=lambda code: (code != DEFAULT, code))
    return {code: import_module(f"{__name__}.{code}").LANGUAGE for code in codes}


TEXTS: Mapping[str, Language] = MappingProxyType(_found())
"""Every language by its code."""
LANGUAGES: Mapping[str, str] = MappingProxyType({code: each.name for code, each in TEXTS.items()})
"""Their names by their codes."""


def texts_in(code: str) -> Language:
    """Return a language, the default one where the code is unknown."""
    return TEXTS.get(code, TEXTS[DEFAULT])
