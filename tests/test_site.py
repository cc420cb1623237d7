"""The documentation site that `make docs` builds of docs/."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built of a copy as `make docs` does: a dead link or an unknown name in the reference is an error."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    for package in ("fiqa", "annotate"):
        (folder / package).symlink_to(ROOT / package)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_the_reference_is_made_of_docstrings(site: Path) -> None:
    text = (site / "api" / "index.html").read_text(encoding="utf-8")
    for name in ("load_predictor", "QualityResult", "explain", "export_study", "estimate_mos"):
        assert f">{name}<" in text


def test_the_search_knows_every_page(site: Path) -> None:
    index = (site / "search.json").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        (title,) = [line[2:] for line in page.read_text(encoding="utf-8").splitlines()[:1]]
        assert title.replace("`", "") in index.replace("<code>", "").replace("</code>", "")


def test_every_page_is_in_the_navigation() -> None:
    entries = [pages for group in CONFIG["nav"] for pages in group.values()]
    listed = [page for pages in entries for page in ([pages] if isinstance(pages, str) else pages)]
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    pages = [page.read_text(encoding="utf-8") for page in site.rglob("*.html")]
    assert pages
    assert not [page for page in pages if 'src="http' in page or 'rel="stylesheet" href="http' in page]
