"""How every benchmark runs: expected trouble is one line on the standard error, and never a traceback."""

import sys
from collections.abc import Callable

from annotate.errors import AnnotateError
from fiqa.errors import FiqaError
from training.errors import TrainingError


def run_benchmark(main: Callable[[], object]) -> None:
    """Run a benchmark's main; what it raises of ours, and what the system refuses, becomes a line and exit status 1."""
    try:
        main()
    except (AnnotateError, FiqaError, TrainingError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
