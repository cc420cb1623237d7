"""Check the Spacefile and write it into the front matter of README.md, where Hugging Face looks for it.

It stands here, beside the other chores of the repository, because no user of the package needs it. What is known of
front matter is from the Spaces configuration reference.
"""

import importlib.metadata
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import SpaceHardware, metadata_save

ROOT = Path(__file__).parents[1]
KEYS = {
    "title", "emoji", "colorFrom", "colorTo", "sdk", "python_version", "sdk_version", "suggested_hardware",
    "suggested_storage", "app_file", "app_port", "base_path", "fullWidth", "header", "short_description", "models",
    "datasets", "tags", "thumbnail", "pinned", "hf_oauth", "hf_oauth_scopes", "hf_oauth_expiration_minutes",
    "hf_oauth_authorized_org", "disable_embedding", "startup_duration_timeout", "custom_headers", "preload_from_hub",
    "license",
}  # fmt: skip
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
LONGEST_DESCRIPTION = 60
PYTHON = "3.12"  # the one that ZeroGPU offers and our requirements allow


def problems(space: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a declaration, one sentence each."""
    installed = importlib.metadata.version("gradio")
    hardware = {each.value for each in SpaceHardware}
    checks = {
        f"unknown keys {sorted(space.keys() - KEYS)}": space.keys() <= KEYS,
        "sdk is not gradio": space.get("sdk") == "gradio",
        f"sdk_version is not {installed}, which is installed": space.get("sdk_version") == installed,
        f"python_version is not the text {PYTHON}": space.get("python_version") == PYTHON,
        f"suggested_hardware is none of {sorted(hardware)}": space.get("suggested_hardware") in hardware,
        f"a colour is none of {sorted(COLOURS)}": {space.get("colorFrom"), space.get("colorTo")} <= COLOURS,
        "app_file does not exist": (ROOT / str(space.get("app_file"))).is_file(),
        f"short_description is longer than {LONGEST_DESCRIPTION}":
            0 < len(space.get("short_description", "")) <= LONGEST_DESCRIPTION,
    }  # fmt: skip
    return [problem for problem, is_fine in checks.items() if not is_fine]


def main() -> int:
    """Write the front matter, or say what is wrong."""
    space = yaml.safe_load((ROOT / "Spacefile").read_text(encoding="utf-8"))
    for problem in (found := problems(space)):
        print(f"Spacefile: {problem}.", file=sys.stderr)
    if not found:
        metadata_save(ROOT / "README.md", space)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
