# SPDX-License-Identifier: MIT
"""The recorder leaves the CPU of a busy program to that program."""
import os
import subprocess
import sys
import time

import pytest

import lemona as program

LOOP = "import os\nwhile True: os.stat('/')"
PATIENCE_S = 20


def allowed(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("Cpus_allowed:"):
                return int(line.split()[1].replace(",", ""), 16)
    raise AssertionError("no mask")


def leaves(recorder_pid, cpu):
    """Does the recorder leave this CPU while a program is busy there?"""
    busy = subprocess.Popen(["taskset", "-c", str(cpu), sys.executable, "-c", LOOP])
    try:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if not allowed(recorder_pid) & 1 << cpu:
                return True
            time.sleep(0.01)
        return False
    finally:
        busy.kill()
        busy.wait()


@pytest.mark.skipif(os.cpu_count() < 2, reason="one CPU: nowhere to go")
def test_recorder_leaves_a_busy_cpu(tmp_path):
    with program.Recording(tmp_path / "log") as recorder:
        assert leaves(recorder.pid, 0)
        assert leaves(recorder.pid, 1)
