import subprocess
import sys

import pytest

TOLD_TWICE = """
import os, signal, sys, threading, time
from fiqa_app.serving.shutdown import wait_for_the_end

again = []

def tell_again(frame, event, argument):
    "Send another signal at each call that the handler of the first one makes."
    while frame and not frame.f_code.co_qualname.startswith("wait_for_the_end."):
        frame = frame.f_back
    if frame and len(again) < 20:
        again.append(event)
        signal.raise_signal(signal.SIGTERM)

def tell():
    "Send the first signal once the app listens, however busy the machine is."
    while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        time.sleep(0.01)
    os.kill(os.getpid(), int(sys.argv[1]))

threading.Thread(target=tell).start()
sys.setprofile(tell_again)
wait_for_the_end()
sys.setprofile(None)
print("ended", "again" if again else "once")
"""


@pytest.mark.parametrize("first", ["2", "15"], ids=["Ctrl-C", "SIGTERM"])
def test_a_second_signal_while_the_first_is_handled_does_not_keep_the_app_from_ending(first: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", TOLD_TWICE, first], check=False, capture_output=True, text=True, timeout=60
    )
    assert (told.stdout, told.stderr, told.returncode) == ("ended again\n", "", 0)
