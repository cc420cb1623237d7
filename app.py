"""The entry point that a Hugging Face Space runs, and `python app.py` in a clone; the app itself is `fiqa_app`."""

import sys

from fiqa_app.main import main

if __name__ == "__main__":
    sys.exit(main())  # a sentence goes to the standard error, with status 1
