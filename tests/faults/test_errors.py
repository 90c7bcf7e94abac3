# SPDX-License-Identifier: MIT
"""Files that refuse: what could not be written is a gap, and the writing goes on."""
import pytest
from programs import CUT, WRITE, check, load, verify

EVENTS = 2000
# All of them: frames, ends and beginnings of segments, the end of the log.
CALLS = 70


def check_whole(found, state="ended"):
    """Every event is there, or missing and told."""
    assert found["open"] == 0 and found["state"] == state and not found["damage"], found
    if state == "cut":
        assert found["gaps"].pop(CUT) == 1
    assert found["events"] + found["told"] == EVENTS, found
    assert found["missing"] <= found["told"], found
    assert set(found["gaps"]) <= {WRITE}, found
    assert found["told"] > 0 or not found["gaps"], found


@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EROFS", "TORN", "SHORT"])
@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("checkpoint_us", [0, 1000])
def test_every_write_in_turn(programs, lemona_path, place, chance, error, count,
                             checkpoint_us):
    lost = 0
    # Of a sealed log there are more calls than are worth the time: every third, by turns.
    step = 3 if checkpoint_us else 1
    for number in range(1 + chance.randrange(step), CALLS, step):
        log = place / str(number)
        code = load(programs, log, events=EVENTS, checkpoint_us=checkpoint_us,
                    FAULT_RULES=f"write {number} {count} {error}")
        if code == 3:
            assert not log.exists(), "a log that could not be made was left behind"
            continue
        found = check(programs, log)
        if checkpoint_us:
            verify(lemona_path, log, f"write {number}")
        if code == 4 and found["events"] + found["told"] < EVENTS:
            continue # the gap itself found no room before the end
        check_whole(found, "ended" if code == 0 else "cut")
        lost += found["told"]
    assert (lost > 0) == (error != "SHORT")


@pytest.mark.parametrize("call", ["open", "truncate"])
def test_every_other_call_in_turn(programs, place, call):
    """A segment that cannot be made is made later; what cannot be cut off is cut off later."""
    torn = ",write 3 20 TORN" if call == "truncate" else ""
    for number in range(1, 12):
        log = place / str(number)
        code = load(programs, log, events=EVENTS,
                    FAULT_RULES=f"{call} {number} 2 EIO{torn}")
        if code == 3:
            assert not log.exists(), "a log that could not be made was left behind"
            continue
        assert code == 0
        check_whole(check(programs, log))


@pytest.mark.parametrize("number", range(1, 12))
def test_what_does_not_get_to_the_disk_is_no_success(programs, place, number):
    """A log that might not outlive a power cut is neither begun nor ended without a word."""
    code = load(programs, place / "log", events=EVENTS, FAULT_RULES=f"sync {number} 1 EIO")
    assert code in (0, 3, 4)
    assert code == 3 or number > 3, "segment, directory, parent directory"
    if code == 3:
        assert not (place / "log").exists(), "a log that could not be made was left behind"
    else:
        check_whole(check(programs, place / "log"))


def test_nothing_can_be_written_any_more(programs, place):
    """The log stays cut: it does not say that all is there."""
    assert load(programs, place / "log", events=EVENTS, FAULT_RULES="write 10 100000 ENOSPC") == 4
    found = check(programs, place / "log")
    assert found["open"] == 0 and found["state"] == "cut" and found["events"] > 0


@pytest.mark.parametrize("step_ms", [3600_000, -3600_000])
def test_the_clock_is_set(programs, place, step_ms):
    """Order comes from the boot clock; what the wall clock said is told for each time."""
    assert load(programs, place / "log", events=EVENTS, FAULT_CLOCK=f"20 {step_ms}") == 0
    found = check(programs, place / "log")
    check_whole(found)
    first, last = found["steps"]
    assert abs(last - first - step_ms * 1_000_000) < 1_000_000_000
