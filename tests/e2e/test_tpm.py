# SPDX-License-Identifier: MIT
"""A TPM witnesses a log, and shows what nobody could see without it. The TPM is a program."""
import base64
import hashlib
import json
import shutil
import signal
import subprocess
import time

import pytest

import lemona
import sealed
import swtpm

FIRST_INDEX = 0x01804C00
NOT_SOUND, FAILURE = 4, 3


@pytest.fixture(name="tpm")
def start_tpm(place):
    folder = place / "swtpm"
    folder.mkdir()
    tpm = swtpm.Tpm(folder)
    yield tpm
    tpm.end()


def make_segments(log, place):
    """Have something happen until the log that is recorded has three segments."""
    until = time.monotonic() + lemona.LIMIT_SECONDS
    news = f"for i in $(seq 50); do cat /etc/passwd > {place}/file; done"
    while len(list(log.glob("*.lms"))) < 3:
        assert time.monotonic() < until
        subprocess.run(["sh", "-c", news], check=True)


def record(log, tpm, place):
    with lemona.Recording(log, f"--tpm={tpm.name}", "--segment-size", "32K"):
        make_segments(log, place)


def verify(log, *options):
    done = lemona.run("verify", log, "--format", "json", *options, check=False)
    assert done.returncode in (0, NOT_SOUND), done.stderr
    answer = json.loads(done.stdout)
    assert answer["sound"] == (done.returncode == 0)
    return answer


def extensions(log):
    """What docs/formats/checkpoint.md says that a TPM was told of a log."""
    name, _, key = sealed.Sealed.read_key((log / "key").read_text())
    log_id = bytes.fromhex(name.removeprefix("lemona/"))
    told = [hashlib.sha256(b"lemona tpm\n" + log_id + key).digest()]
    for note in sealed.Sealed(log).notes:
        if sealed.fields(note)["state"] != "open":
            told.append(base64.b64decode(note.split(b"\n")[2]))
    return log_id, told


def chain(digests):
    value = bytes(32)
    for digest in digests:
        value = hashlib.sha256(value + digest).digest()
    return value


def cut(log):
    """Take the last segment away, and put `checkpoint` back to what it was then."""
    sorted(log.glob("*.lms"))[-1].unlink()
    (log / "checkpoint").write_bytes(sealed.Sealed(log).notes[-1])


def test_what_the_tpm_holds(place, log, tpm):
    record(log, tpm, place)
    log_id, told = extensions(log)
    index = FIRST_INDEX + 2 * log_id[7]
    assert tpm.read(index) == chain(told)
    counter = int.from_bytes(tpm.read(index + 1), "big")
    assert counter == int.from_bytes(log_id[8:], "big") + len(told) - 1
    answer = verify(log, f"--tpm={tpm.name}")
    assert answer["sound"] and answer["notes"] == []
    assert (answer["tpm"], answer["tpm_segments"]) == ("agrees", len(told) - 1)
    assert "tpm" not in verify(log)


def test_two_logs(place, log, tpm):
    other = place / "other"
    record(log, tpm, place)
    record(other, tpm, place)
    for path in (log, other):
        assert verify(path, f"--tpm={tpm.name}")["tpm"] == "agrees"
    lines = lemona.run("doctor", "--tpm", tpm.name, check=False).stdout.splitlines()
    assert [line.split(None, 2) for line in lines if " tpm " in line] == [
        ["ok", "tpm", "used: it witnesses 2 logs"]]


def test_a_cut_that_nothing_else_shows(place, log, tpm):
    record(log, tpm, place)
    cut(log)
    assert verify(log)["sound"]
    answer = verify(log, f"--tpm={tpm.name}")
    assert [finding["word"] for finding in answer["findings"]] == ["cut at the end"]
    assert answer["tpm"] == "ahead"


@pytest.mark.parametrize("counter_too", [False, True])
def test_a_tpm_that_was_told_anew(place, log, tpm, counter_too):
    """Its owner deletes what it holds and tells it the cut log, number for number."""
    record(log, tpm, place)
    cut(log)
    log_id, told = extensions(log)
    index = FIRST_INDEX + 2 * log_id[7]
    tpm.make_anew(index, "extend", 32)
    for digest in told:
        tpm.extend(index, digest)
    assert tpm.read(index) == chain(told)
    if counter_too:
        tpm.make_anew(index + 1, "counter", 8)
        for _ in told:
            tpm.run("nvincrement", "-C", "o", hex(index + 1))
    answer = verify(log, f"--tpm={tpm.name}")
    assert answer["tpm"] == "ahead" and not answer["sound"]


def test_a_log_from_another_history(place, log, tpm):
    """The TPM was told of other roots."""
    record(log, tpm, place)
    log_id, told = extensions(log)
    index = FIRST_INDEX + 2 * log_id[7]
    tpm.make_anew(index, "extend", 32)
    for digest in told[:-1] + [bytes(32)]:
        tpm.extend(index, digest)
    answer = verify(log, f"--tpm={tpm.name}")
    assert answer["tpm"] == "differs"
    assert [finding["word"] for finding in answer["findings"]] == ["altered"]


def test_killed(place, log, tpm):
    with lemona.Recording(log, f"--tpm={tpm.name}", "--segment-size", "32K") as recording:
        make_segments(log, place)
        recording.end(signal.SIGKILL)
    answer = verify(log, f"--tpm={tpm.name}")
    assert answer["sound"] and answer["tpm"] in ("agrees", "behind")


def remove(log):
    """As often as it takes: files come and go in it while it is written."""
    for _ in range(100):
        shutil.rmtree(log, ignore_errors=True)
        if not log.exists():
            return


def record_removed(log, tpm, place, work):
    with lemona.Recording(log, f"--tpm={tpm.name}", "--segment-size", "32K") as recording:
        work(log, place)
        remove(log)
        until = time.monotonic() + lemona.LIMIT_SECONDS
        while not (log / "key").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        make_segments(log, place)
        assert recording.end() == FAILURE
        assert "removed while it was written" in recording.said
        recording.process.returncode = 0


def test_a_log_made_anew(place, log, tpm):
    """Removed in its first segment, it has all that the TPM is told of."""
    record_removed(log, tpm, place, lambda log, place: None)
    answer = verify(log, f"--tpm={tpm.name}")
    assert answer["sound"] and answer["tpm"] == "agrees", answer


def test_a_log_made_anew_without_its_beginning(place, log, tpm):
    """What the TPM was told of segments that are gone is not in the log: that is no agreement."""
    record_removed(log, tpm, place, make_segments)
    answer = verify(log, f"--tpm={tpm.name}")
    assert not answer["sound"] and answer["tpm"] in ("ahead", "differs"), answer
    assert "cut at the start" in {finding["word"] for finding in answer["findings"]}


def test_a_tpm_that_dies(place, log, tpm):
    with lemona.Recording(log, f"--tpm={tpm.name}") as recording:
        tpm.end()
        code = recording.end()
        assert code == FAILURE
        assert "the TPM knows less than the log: " in recording.said
        recording.process.returncode = -signal.SIGKILL  # that it failed was expected
    assert verify(log)["sound"]


def test_no_tpm(place, log, tpm):
    done = lemona.record(log, ["true"], f"--tpm=swtpm:path={place}/none", check=False)
    assert done.returncode == FAILURE and not log.exists()
    assert done.stderr == f"lemona: no TPM answers at swtpm:path={place}/none\n"
    # What did not become a log leaves no room taken.
    assert lemona.record(log, ["/none"], f"--tpm={tpm.name}", check=False).returncode == FAILURE
    assert tpm.run("getcap", "handles-nv-index") == b""
    lines = lemona.run("doctor", "--tpm", f"swtpm:path={place}/none", check=False).stdout
    assert " not used: no TPM answers at " in lines


def test_a_log_without(place, log, tpm):
    lemona.record(log, ["true"])
    done = lemona.run("verify", log, f"--tpm={tpm.name}", check=False)
    assert done.returncode == FAILURE and done.stdout == ""
    assert "knows nothing of this log" in done.stderr and done.stderr.count("\n") == 1
    shutil.rmtree(log)
    lemona.record(log, ["true"], "--no-seal")
    done = lemona.run("verify", log, f"--tpm={tpm.name}", check=False)
    assert done.returncode == FAILURE and "there is none" in done.stderr


def test_owner_with_a_password(place, log, tpm):
    tpm.run("changeauth", "-c", "owner", "secret")
    done = lemona.record(log, ["true"], f"--tpm={tpm.name}", check=False)
    assert done.returncode == FAILURE and not log.exists()
    assert "the TPM's owner has a password" in done.stderr and done.stderr.count("\n") == 1
