"""Write the Spacefile into the front matter of README.md, where Hugging Face looks for it.

It stands here, beside the other chores of the repository, because no user of the package needs it.
"""

from pathlib import Path

import yaml
from huggingface_hub import metadata_save

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    metadata_save(ROOT / "README.md", yaml.safe_load((ROOT / "Spacefile").read_text(encoding="utf-8")))
