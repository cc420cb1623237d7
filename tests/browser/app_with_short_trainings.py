"""`app.py` whose trainings are over in seconds."""

import sys
from unittest.mock import patch

from annotate import training_runs
from fiqa_app.main import main

if __name__ == "__main__":
    with patch.object(training_runs, "SCRIPT", "tests.training.short_training"):
        sys.exit(main())
