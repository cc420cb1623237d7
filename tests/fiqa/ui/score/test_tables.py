import json
import re
from base64 import b64decode

from fiqa.errors import PhotoError
from fiqa.reports import CSV_COLUMNS, ScoredPhoto
from fiqa.ui.score.tables import BatchRow, batch_table, downloads, face_table
from tests.fiqa.ui.conftest import result

GOOD = ScoredPhoto("portrait.jpg", result(0.7, faces=2))
REFUSED = ScoredPhoto("<b>notes</b>.jpg", PhotoError("This is text."))


def test_one_face_needs_no_table() -> None:
    assert face_table(result(0.7)) == ""


def test_several_faces_are_listed_with_their_scores() -> None:
    assert re.findall(r"<b>([\d.]+)</b>", face_table(result(0.7, faces=3))) == ["0.70", "0.60", "0.50"]


def test_a_batch_lists_every_photo_with_its_score_or_reason() -> None:
    table = batch_table([BatchRow(GOOD, "data:,"), BatchRow(REFUSED)])
    assert "portrait.jpg" in table
    assert "<b>0.70</b>" in table
    assert "This is text." in table
    assert table.count("<tr") == 3


def test_a_file_name_is_text_and_not_markup() -> None:
    assert "<b>notes" not in batch_table([BatchRow(REFUSED)])


def test_a_photo_without_a_score_sorts_below_every_score() -> None:
    keys = re.findall(
        r'data-sort="(-?[\d.]+)" class="score-cell"|<td data-sort="(-Infinity)">–', batch_table([BatchRow(REFUSED)])
    )
    assert keys[0][1] == "-Infinity"


def test_downloads_hold_the_scores() -> None:
    links = dict(re.findall(r'download="([^"]+)" href="data:[^,]+,([^"]+)"', downloads([GOOD, REFUSED])))
    csv = b64decode(links["fiqa-scores.csv"]).decode().splitlines()
    assert csv[0] == ",".join(CSV_COLUMNS)
    assert csv[1].startswith("portrait.jpg,0.7,0.7,0.7,1,2,")
    entries = json.loads(b64decode(links["fiqa-scores.json"]))
    assert entries == [GOOD.to_dict(), REFUSED.to_dict()]
