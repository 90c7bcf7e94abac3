# SPDX-License-Identifier: MIT
"""The power goes at any instant: the log opens, and what was safe is there."""
import journal
import pytest
from programs import CUT, RETENTION, check, lacks, load, verify

RUNS = 40
CUTS = 200
# Rotations among the writes, and all of it in one segment.
SEGMENT_BYTES = (20000, 100000, 1 << 30)
# Time between checkpoints, and bytes to be kept. 0: not sealed, all of it.
WAYS = ((0, 0), (1, 0), (1, 60000), (1000, 0), (1000, 60000), (20000, 0))


def write_journal(programs, place, chance, way):
    """Write one log and return its journal."""
    root = place / "written"
    root.mkdir()
    noted = place / "journal"
    code = load(programs, root / "log", events=chance.randrange(1000, 20000),
                segment_bytes=chance.choice(SEGMENT_BYTES), pause_us=chance.choice((0, 100)),
                checkpoint_us=way[0], keep_bytes=way[1], FAULT_JOURNAL=noted)
    assert code == 0
    return journal.read(noted)


def deleted_events(found):
    """How many retention has taken away; the first gap tells."""
    return found["ranges"][0][0] - 1 if RETENTION in found["gaps"] and found["ranges"] else 0


def check_checkpoint(disk, log):
    """All that the file `checkpoint` tells of is there. How many leaves that is."""
    size = int((log / "checkpoint").read_text().splitlines()[1])
    left = {path.name: path.read_bytes() for path in log.glob("*.lm[st]")}
    assert size <= journal.whole_leaves(disk.written(log.name), left)
    return size


def cut_power(programs, lemona_path, place, entries, at, chance):
    """Lay out what is left when the power goes behind one entry, and read it."""
    disk = journal.Disk(entries[:at])
    way = chance.choice(journal.Chance.WAYS)
    place.mkdir()
    disk.lay_out(place, journal.Chance(chance, way))
    found = check(programs, place / "log")
    safe = [] if found["open"] else [events for events in disk.safe_events("log")
                                     if events[0] > deleted_events(found)]
    told = f"cut behind entry {at} of {len(entries)}, {way} of what was not safe: {found}"
    assert found["open"] == 0, told
    assert not lacks(safe, found["ranges"]), f"{told}; safe were {safe}"
    if found["state"] == "cut":
        assert CUT in found["gaps"], told
    if not (place / "log/key").exists():
        return 0
    verify(lemona_path, place / "log", told)
    return check_checkpoint(disk, place / "log")


def test_power_cuts(programs, lemona_path, place, chance, part):
    runs = part(RUNS)
    signed = set()
    for run in range(runs):
        here = place / str(run)
        here.mkdir()
        entries = write_journal(programs, here, chance, WAYS[run % len(WAYS)])
        ready = journal.find_mark(entries, "ready")
        for cut in range(part(CUTS) // runs):
            signed.add(cut_power(programs, lemona_path, here / f"cut{cut}", entries,
                                 chance.randrange(ready, len(entries) + 1), chance))
    assert len(signed) > part(CUTS) / 4, "the checkpoint on the disk did not move"


@pytest.mark.parametrize("way", journal.Chance.WAYS)
@pytest.mark.parametrize("sealing", WAYS[:2])
def test_power_cut_just_after_the_start(programs, place, chance, way, sealing):
    """From the moment that a log is there it survives, and so does its end."""
    entries = write_journal(programs, place, chance, sealing)
    for mark, state in (("ready", "cut"), ("closed", "ended")):
        disk = journal.Disk(entries[:journal.find_mark(entries, mark)])
        (place / mark).mkdir()
        disk.lay_out(place / mark, journal.Chance(chance, way))
        found = check(programs, place / mark / "log")
        assert found["open"] == 0 and found["state"] == state, (mark, found)
        if sealing[0]:
            assert check_checkpoint(disk, place / mark / "log") > 0
