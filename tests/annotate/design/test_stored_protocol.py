"""What is stored as a protocol is read, or says what is wrong with it."""

from typing import Any

import pytest

from annotate.design.protocol import StudyProtocol
from annotate.design.stored_protocol import UnreadableProtocol, read_stored, readable
from annotate.errors import ProtocolError


def test_what_was_written_is_read() -> None:
    protocol = StudyProtocol(ratings_wanted=7)
    assert read_stored(protocol.to_json()) == protocol
    assert readable(protocol) is protocol


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        ({"of_a_newer_version": 1}, "A protocol has no 'of_a_newer_version'"),
        ({"scale": "acr11"}, "scale is 'acr11'"),
        ({"questions": {"age": 1}}, ""),
        ({"texts": 3}, "texts is 3"),
        ([], "no JSON object"),
        (None, "no JSON object"),
        ("acr5", "no JSON object"),
    ],
)
def test_what_cannot_be_read_keeps_its_value_and_says_what_is_wrong(stored: Any, problem: str) -> None:
    found = read_stored(stored)
    assert isinstance(found, UnreadableProtocol)
    assert found.to_json() == stored
    assert problem in found.problem
    with pytest.raises(ProtocolError, match=r"cannot be read\. .+ update the program"):
        readable(found)
