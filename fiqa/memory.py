"""The C library's heaps: what a server that runs for weeks asks of them, and what a training does. Only glibc is asked.

glibc gives threads heaps of their own, up to eight a processor. What a request leaves behind lies in all of them, in
holes that the next one, in another thread, does not fill. With 50 visitors the heaps grew by 80 MiB in five minutes,
with no more in use than before, and went on; with two heaps they level off within four.

Large arrays are taken from the system one by one, which wipes their pages, and given back when they are freed. A
training takes the same ones in every step, and a network for every photo; that took a quarter of a step's time, and of
a photo's on a busy machine.
"""

import ctypes
import sys

HEAPS = 2
REUSED_ARRAY_BYTES, REUSED_BYTES = 32 * 2**20, 64 * 2**20
"""Largest array whose memory is used again, the most that glibc takes; and what each heap keeps for that, at most."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -3, -4, -8
"""As malloc.h of glibc numbers its parameters."""


def keep_few_heaps() -> None:
    """Let all threads share `HEAPS` heaps. Comes too late once threads have more."""
    if mallopt := _of_glibc("mallopt"):
        mallopt(M_ARENA_MAX, HEAPS)


def keep_freed_memory() -> None:
    """Keep all that is freed for the next large array, until the process ends: for trainings."""
    if mallopt := _of_glibc("mallopt"):
        mallopt(M_TRIM_THRESHOLD, -1)
        mallopt(M_MMAP_MAX, 0)


def reuse_freed_memory() -> None:
    """Keep up to `REUSED_BYTES` of what is freed for the next arrays: for processes that score photo after photo."""
    if mallopt := _of_glibc("mallopt"):
        mallopt(M_TRIM_THRESHOLD, REUSED_BYTES)
        mallopt(M_MMAP_THRESHOLD, REUSED_ARRAY_BYTES)


def give_memory_back() -> None:
    """Return free memory to the system, from between what is in use too."""
    if trim := _of_glibc("malloc_trim"):
        trim(0)


def _of_glibc(name: str) -> "ctypes._NamedFuncPointer | None":
    """Return a function of the C library if that is glibc, which alone has `malloc_trim`."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return getattr(library, name) if hasattr(library, "malloc_trim") else None
