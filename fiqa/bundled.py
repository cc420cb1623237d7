"""Where the files are that come with the package: the folder /assets of a clone, inside the package once installed."""

from pathlib import Path

from fiqa.errors import CheckpointError

CHECKPOINT = "checkpoints/lite"


def bundled(name: str) -> Path:
    """Return the path of a file or folder in /assets, such as "style.css".

    Raises CheckpointError when the installation lacks it.
    """
    package = Path(__file__).resolve().parent
    for root in (package, package.parent):  # the parent of an installed package is shared with other packages
        if (path := root / "assets" / name).exists():
            return path
    raise CheckpointError(f"The bundled file {name} is missing: install fiqa again, or train it with `make train`.")
