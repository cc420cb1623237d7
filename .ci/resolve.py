"""Resolve requirements.txt for every Python and PyTorch that it promises, and record what comes out.

    python .ci/resolve.py          # writes .ci/resolved.md; ends with status 1 where there is no solution

Each row is resolved from nothing, for Linux, from wheels alone. Those for a Space contain what the Space installs
beside the requirements; ZeroGPU offers the releases of PyTorch named there.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPACE = ["gradio[mcp,oauth]==6.31.0", "spaces", "uvicorn>=0.14.0", "websockets>=10.4", "datasets"]
"""What the Gradio SDK of Spaces installs after the requirements."""
SHOWN = ("torch", "torchvision", "timm", "numpy", "gradio", "huggingface-hub", "sqlalchemy")
ROWS = [
    *(("3.12", f"{release}.*", SPACE) for release in ("2.8", "2.9", "2.10", "2.11")),
    *((python, "*", []) for python in ("3.11", "3.12", "3.13")),
]


def main() -> int:
    """Resolve every row and write the table."""
    rows = [_row(python, torch, extra) for python, torch, extra in ROWS]
    head = ["Python", "PyTorch asked for", "packages", *SHOWN]
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
    text = "# What requirements.txt resolves to\n\nWritten by `make resolve`; rows of a Space include what it adds.\n\n"
    (ROOT / ".ci" / "resolved.md").write_text(text + "\n".join(lines) + "\n", encoding="utf-8")
    return any("no solution" in row for row in rows)


def _row(python: str, torch: str, extra: list[str]) -> list[str]:
    asked = "newest" if torch == "*" else f"{torch.removesuffix('.*')}, on a Space"
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted.txt")
        lines = [f"-r {ROOT / 'requirements.txt'}", "torch" if torch == "*" else f"torch=={torch}", *extra]
        wanted.write_text("\n".join(lines))
        command = ["uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary=:all:"]
        command += ["--python-version", python, "--python-platform", "x86_64-manylinux_2_28", str(wanted)]
        done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)  # noqa: S603
    print(f"Python {python}, PyTorch {asked}: {'resolved' if done.returncode == 0 else done.stderr}")
    if done.returncode:
        return [python, asked, "no solution", *([""] * len(SHOWN))]
    found = dict(re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", done.stdout, re.MULTILINE))
    return [python, asked, str(len(found)), *(found[name] for name in SHOWN)]


if __name__ == "__main__":
    sys.exit(main())
