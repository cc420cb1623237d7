"""`app.py` with scores that need no network, for who looks at labelling alone: loading torch takes seconds."""

import sys
from unittest.mock import patch

from fiqa.settings import Settings
from fiqa.ui.service import PredictorService
from fiqa_app import main as app
from tests.fiqa.ui.conftest import load, spec


def create_service(_settings: Settings) -> PredictorService:
    return PredictorService(load, [spec("first")], "first")


if __name__ == "__main__":
    with patch.object(app, "create_service", create_service):
        sys.exit(app.main())
