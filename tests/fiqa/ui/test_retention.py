"""What is forgotten leaves the process; what pages leave behind is looked for in tests/security/test_memory.py."""

import sys
from pathlib import Path

import pytest

from fiqa.ui.retention import give_memory_back

MIB = 2**20


def anonymous_bytes() -> int:
    """Return the memory that is this process's own."""
    return 1024 * int(Path("/proc/self/status").read_text(encoding="ascii").partition("RssAnon:")[2].split()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_free_memory_between_what_is_in_use_goes_back_to_the_system() -> None:
    pieces = [b"x" * 60_000 for _ in range(4000)]  # too small to be given back by themselves
    del pieces[:-1]  # the last one lies above all others
    give_memory_back()
    kept = anonymous_bytes()
    more = [b"x" * 60_000 for _ in range(4000)]
    last = more[-1]
    assert anonymous_bytes() - kept > 150 * MIB
    more.clear()
    give_memory_back()
    assert last
    assert anonymous_bytes() - kept < 50 * MIB
