"""What a training looks like from outside: `python -m tests.annotate.fake_training EXPORT --name NAME --output RUN`.

It tells of a step every moment until the file `EXPORT/end` appears, and stops at SIGTERM as the real one does.
"""

import argparse
import json
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    """Pretend."""
    parser = argparse.ArgumentParser()
    parser.add_argument("export", type=Path)
    parser.add_argument("--name")
    parser.add_argument("--scale")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: stop(options.output))
    print("pretending", flush=True)
    step = 0
    while not (options.export / "end").exists():
        step += 1
        tell(options.output, state="training", step=step, steps=1000)
        with (options.output / "history.jsonl").open("a") as history:
            history.write(json.dumps({"step": step, "loss": 1 / step}) + "\n")
        time.sleep(0.02)
    (options.output / "result.json").write_text(
        json.dumps({"name": options.name} | ({"scale": options.scale} if options.scale else {}))
    )
    tell(options.output, state="finished", step=step, steps=step)


def stop(output: Path) -> None:
    tell(output, state="stopped", step=0, steps=0)
    sys.exit(130)


def tell(output: Path, **status: object) -> None:
    part = output / "status.json.part"
    part.write_text(json.dumps(status))
    part.replace(output / "status.json")


if __name__ == "__main__":
    main()
