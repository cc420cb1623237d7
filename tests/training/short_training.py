"""The script that the app trains with, over in seconds: `python -m tests.training.short_training`, with its options."""

from importlib import import_module
from unittest.mock import patch

from annotate.training_runs import SCRIPT
from training.report import study_agreement


def main() -> None:
    """Fit in a few steps, and draw few samples for intervals."""
    script = import_module(SCRIPT)
    with patch.object(script, "LEAST_STEPS", 20), patch.object(study_agreement, "BOOTSTRAPS", 100):
        script.run_script(script.main)


if __name__ == "__main__":
    main()
