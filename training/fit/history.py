"""Losses and figures of a run over time: history.jsonl for programs, TensorBoard for people.

A row of history.jsonl holds `step` and either the mean losses since the row before, with `elapsed_s` since the run
began, or the figures of a validation. What has no value (NaN, infinity) is null.
"""

import json
import math
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.storage import replace_text

Figures = dict[str, float]


class History:
    """Appends rows to a file and to TensorBoard's folder beside it; call `start` first."""

    def __init__(self, path: Path) -> None:
        self.path, self.elapsed_s = path, 0.0
        self._board: Any = None
        self._sums: Figures = defaultdict(float)
        self._count = 0
        self._since = time.monotonic()

    def start(self, step: int) -> None:
        """Forget what was reported after `step`: a resumed run will report it again."""
        if self.path.exists():
            rows = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            replace_text(self.path, "".join(row for row in rows if _step_of(row) <= step))
        from torch.utils.tensorboard import SummaryWriter

        self._board = SummaryWriter(str(self.path.parent / "tensorboard"), purge_step=step + 1)

    def add(self, losses: Figures) -> None:
        """Add the losses of one step to the next row."""
        self._count += 1
        for name, value in losses.items():
            self._sums[name] += value

    def flush(self, step: int) -> None:
        """Write the mean losses since the last row, if there are any."""
        if not self._count:
            return
        now = time.monotonic()
        self.elapsed_s, self._since = self.elapsed_s + now - self._since, now
        means = {name: json_number(value / self._count, digits=6) for name, value in self._sums.items()}
        self._sums.clear()
        self._count = 0
        self.write(step, {**means, "elapsed_s": round(self.elapsed_s, 1)})

    def write(self, step: int, row: Mapping[str, float | None]) -> None:
        """Append one row."""
        with self.path.open("a", encoding="utf-8") as history:
            history.write(json.dumps({"step": step, **row}) + "\n")
        for name, value in row.items():
            if value is not None:
                self._board.add_scalar(name, value, step)
        self._board.flush()

    def close(self) -> None:
        """End TensorBoard's writing thread."""
        if self._board:
            self._board.close()


def json_number(value: float, *, digits: int = 4) -> float | None:
    """Return a number as JSON can hold it: it knows neither NaN nor infinity."""
    return round(value, digits) if math.isfinite(value) else None


def _step_of(row: str) -> float:
    """Return the step of a row; one that a kill cut short counts as later than all."""
    try:
        return float(json.loads(row)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf
