# SPDX-License-Identifier: MIT
"""Runs the writer under load and the reader that knows what was written."""
import json
import os
import subprocess

LIMIT_SECONDS = 60
FRAME_EVENTS = 40

# The reasons of gaps, as the log has them.
WRITE, CUT, DAMAGED, RETENTION = "4", "5", "6", "10"


def environment(programs, root, **settings):
    """With which a program's files below that directory are watched."""
    preload = {"LD_PRELOAD": str(programs / "fault-io.so"), "FAULT_ROOT": str(root)}
    # A sanitizer wants to be loaded first; that it is not is meant.
    options = os.environ.get("ASAN_OPTIONS", "")
    preload["ASAN_OPTIONS"] = f"{options}:verify_asan_link_order=0"
    return {**os.environ, **preload, **{name: str(value) for name, value in settings.items()}}


def load(programs, log, *, events=2000, segment_bytes=20000, pause_us=0, checkpoint_us=0,
         keep_bytes=0, **settings):
    """Write a log to its end. Exit code."""
    done = subprocess.run(
        [programs / "load-log", log,
         *map(str, (events, segment_bytes, pause_us, checkpoint_us, keep_bytes))],
        env=environment(programs, log.parent, **settings), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=LIMIT_SECONDS, check=False)
    assert done.returncode in (0, 3, 4), done.stderr
    return done.returncode


def check(programs, log):
    """What a reader finds; everything that it finds is as it was made."""
    done = subprocess.run([programs / "check-log", log], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=LIMIT_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def verify(lemona_path, log, told=""):
    """A sealed log that nobody has altered: whatever the fault, there is no false alarm."""
    done = subprocess.run([lemona_path, "verify", log], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=LIMIT_SECONDS, check=False)
    assert done.returncode == 0, f"{told}\n{done.stdout}"


def lacks(wanted, found):
    """Those of the ranges that are not wholly in one of the others."""
    return [(first, last) for first, last in wanted
            if not any(begin <= first and last <= end for begin, end in found)]
