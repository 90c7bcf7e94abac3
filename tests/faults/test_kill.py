# SPDX-License-Identifier: MIT
"""kill -9 at any instant: what was reported as written is there, and the cut is told."""
import mmap
import shutil
import struct
import subprocess
import time

from programs import CUT, FRAME_EVENTS, LIMIT_SECONDS, RETENTION, check, verify

KILLS = 2000
WAIT_MAX_SECONDS = 0.012
# Time between checkpoints, and bytes to be kept. Not sealed; sealed, and with each frame about the
# next checkpoint; old segments deleted.
WAYS = ((0, 0), (1, 0), (1000, 0), (1, 40000))
# Not yet open: the header of the first segment was not whole.
UNBORN = "before the log was there"


def kill_writer(programs, place, seconds, born, way):
    """Kill a writer so long after it was born or, where that is not asked, started. Its report."""
    progress = place / "progress"
    progress.write_bytes(bytes(8))
    writer = subprocess.Popen([programs / "load-log", place / "log", "0", "16384", "0",
                               *map(str, way), progress], stdout=subprocess.PIPE)
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
    deleted = found["told"]
    last = deleted + found["events"]
    assert last in (reported, reported + FRAME_EVENTS), (reported, found)
    assert found["ranges"] == ([[deleted + 1, last]] if found["events"] else []), found
    assert found["state"] == "cut", found
    assert found["gaps"] == {CUT: 1, **({RETENTION: 1} if deleted else {})}, found


def test_kills(programs, lemona_path, place, chance, part):
    wrote = deleted = 0
    for number in range(part(KILLS)):
        born = number % 10 != 0
        reported = kill_writer(programs, place, chance.random() * WAIT_MAX_SECONDS, born,
                               chance.choice(WAYS))
        check_killed(programs, place / "log", reported)
        # One that was killed while it was made has a key, perhaps, and no checkpoint yet.
        if (place / "log/checkpoint").exists():
            verify(lemona_path, place / "log")
        deleted += (place / "log/00000001.lmt").exists()
        wrote += reported > 0
        shutil.rmtree(place / "log", ignore_errors=True)
    assert wrote > part(KILLS) / 2 and deleted > 0
