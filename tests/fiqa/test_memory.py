"""What is forgotten leaves the process; what pages leave behind is looked for in tests/security/test_memory.py."""

import subprocess
import sys
from pathlib import Path

import pytest

from fiqa.memory import HEAPS, REUSED_BYTES, give_memory_back

MIB = 2**20
THREADS_THAT_ALLOCATE = """
import ctypes, sys, threading
from fiqa.memory import keep_few_heaps
if sys.argv[1] == "few":
    keep_few_heaps()
everybody = threading.Barrier(16)
def work():
    everybody.wait()
    kept = [bytes(2000) for _ in range(2000)]
    everybody.wait()
threads = [threading.Thread(target=work) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(library.fopen(b"/dev/stdout", b"w"))
library.malloc_info(0, file)
library.fclose(file)
"""


def anonymous_bytes() -> int:
    """Return the memory that is this process's own."""
    return 1024 * int(Path("/proc/self/status").read_text(encoding="ascii").partition("RssAnon:")[2].split()[0])


def heaps_of_16_threads(wanted: str) -> int:
    command = [sys.executable, "-c", THREADS_THAT_ALLOCATE, wanted]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.count("<heap nr=")


@pytest.mark.skipif(sys.platform != "linux", reason="asks glibc")
def test_threads_share_few_heaps() -> None:
    assert heaps_of_16_threads("few") == HEAPS < heaps_of_16_threads("as many as there are")


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


LARGE_ARRAYS = """
import resource
import sys
import torch
from fiqa import memory
def page_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        torch.ones(int(sys.argv[2]), dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(page_faults())
getattr(memory, sys.argv[1])()
print(page_faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks glibc")
@pytest.mark.parametrize(
    ("setting", "array_bytes"), [("keep_freed_memory", 50_000_000), ("reuse_freed_memory", 12_000_000)]
)
@pytest.mark.slow
def test_memory_that_is_kept_is_used_again_without_asking_the_system(setting: str, array_bytes: int) -> None:
    command = [sys.executable, "-c", LARGE_ARRAYS, setting, str(array_bytes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    given_back, kept = map(int, done.stdout.split())
    assert kept < 0.3 * given_back


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.slow
def test_a_process_that_scores_keeps_no_more_than_the_memory_of_a_few_photos() -> None:
    assert anonymous_bytes_after("[numpy.ones(int(size)) for size in 25 * [3e6]]") < REUSED_BYTES + 20 * MIB


def anonymous_bytes_after(allocation: str) -> int:
    """Return how much more memory a process has after arrays came and went than before."""
    script = (
        "import numpy; from fiqa.memory import reuse_freed_memory; from tests.fiqa.test_memory import anonymous_bytes;"
        f"reuse_freed_memory(); before = anonymous_bytes(); {allocation}; print(anonymous_bytes() - before)"
    )
    return int(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)
