# SPDX-License-Identifier: MIT
"""kill -9 at any instant: what was reported as written is there, and the cut is told."""
import mmap
import shutil
import struct
import subprocess
import time

from programs import CUT, FRAME_EVENTS, LIMIT_SECONDS, check

KILLS = 2000
WAIT_MAX_SECONDS = 0.012
# Not sealed; sealed, and with each frame about the next checkpoint.
CHECKPOINTS_US = (0, 1, 1000)
# Not yet open: the header of the first segment was not whole.
UNBORN = "before the log was there"


def kill_writer(programs, place, seconds, born, checkpoint_us):
    """Kill a writer so long after it was born or, where that is not asked, started. Its report."""
    progress = place / "progress"
    progress.write_bytes(bytes(8))
    writer = subprocess.Popen([programs / "load-log", place / "log", "0", "16384", "0",
                               str(checkpoint_us), progress], stdout=subprocess.PIPE)
    with writer:
        if born:
            assert writer.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        writer.kill()
        writer.wait(timeout=LIMIT_SECONDS)
    with progress.open("rb") as file, mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ) as map_:
        return struct.unpack("<Q", map_)[0]


def check_killed(programs, log, reported):
    if not log.exists():
        assert reported == 0
        return
    found = check(programs, log)
    if found["open"] != 0:
        assert reported == 0, UNBORN
        return
    # The frame that was being written may be there as well.
    assert found["events"] in (reported, reported + FRAME_EVENTS), (reported, found)
    assert found["ranges"] == ([[1, found["events"]]] if found["events"] else []), found
    assert found["state"] == "cut" and found["gaps"] == {CUT: 1}, found


def test_kills(programs, place, chance, part):
    wrote = 0
    for number in range(part(KILLS)):
        born = number % 10 != 0
        reported = kill_writer(programs, place, chance.random() * WAIT_MAX_SECONDS, born,
                               chance.choice(CHECKPOINTS_US))
        check_killed(programs, place / "log", reported)
        wrote += reported > 0
        shutil.rmtree(place / "log", ignore_errors=True)
    assert wrote > part(KILLS) / 2
