"""Names of systems are told from those of people, as the scoring library does."""

import pytest

from annotate.names import SYSTEM_NAMES, is_hidden
from fiqa.photos import sources


def test_what_systems_leave_in_folders_is_the_same_for_studies_and_scores() -> None:
    assert SYSTEM_NAMES == sources.SYSTEM_NAMES


@pytest.mark.parametrize("folder", ["#recycle", "$RECYCLE.BIN", "@eaDir", "lost+found", ".thumbnails", "__MACOSX"])
def test_a_picture_in_a_folder_of_a_system_is_hidden(folder: str) -> None:
    assert is_hidden(f"faces/{folder}/a.png")
    assert sources.is_passed_over(folder)


def test_a_name_that_only_begins_like_a_system_s_is_shown() -> None:
    assert not is_hidden("recycle/lost+found.png")
