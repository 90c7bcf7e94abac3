# SPDX-License-Identifier: MIT
"""The index beside a log: the same answers, and never those of another log or another time."""

import fcntl
import os
import shutil
import signal
import struct
import subprocess
import time

import pytest

import lemona
from conftest import make_place

USAGE, FAILURE, DAMAGED = 2, 3, 4


class Recorded:
    """A log of several segments, in which objects were forgotten and came back."""

    def __init__(self, place):
        self.place, self.log, self.target = place, place / "log", place / "target"
        with lemona.Recording(self.log, "--segment-size", "64K", "--memory", "1M"):
            self.pid = lemona.step("append", self.target, "x\n")
            for _ in range(2):
                subprocess.run(["find", "/usr/share", "-newer", "/etc/passwd"], check=True,
                               stdout=subprocess.DEVNULL)
            lemona.step("append", self.target, "y\n")
            subprocess.run(["sha256sum", str(self.target)], check=True,
                           stdout=subprocess.DEVNULL)
        self.segments = sorted(self.log.glob("*.lms"))
        assert len(self.segments) > 2

    def questions(self):
        target = f"file:{self.target}"
        yield "backtrack", "--from", target
        yield "backtrack", "--from", target, "--no-filter", "all", "--top", "all"
        yield "forward", "--from", target, "--top", "all"
        yield "forward", "--from", "exe:/usr/bin/find", "--no-filter", "all", "--top", "all"

    def answers(self, log):
        told = [lemona.run(question[0], log, *question[1:], "--format", "json").stdout
                for question in self.questions()]
        for sql in ("select * from gaps", "select count(*), sum(bytes), min(time) from events",
                    "select id, op, pid, path, path2, result, begin_ns from events where id % 97 = 0",
                    f"select * from names where path like '{self.place}/%'",
                    "select pid, comm, exe, argv, parent from processes"):
            told.append(lemona.run("query", log, sql, "--format", "json").stdout)
        return told


@pytest.fixture(scope="module")
def recorded():
    place = make_place(None)
    made = Recorded(place)
    made.plain = made.answers(made.log)
    lemona.run("index", made.log)
    yield made
    shutil.rmtree(place)


@pytest.fixture
def copy(recorded, place):
    """A copy with its index."""
    shutil.copytree(recorded.log, place / "copy")
    return place / "copy"


def index_files(log):
    return sorted((log / "index").iterdir())


def section(data, number):
    """Of a part: where the section's entry is, where it begins, and its size."""
    entry = next(at for at in range(64, 64 + 64 * 24, 24)
                 if struct.unpack_from("<I", data, at)[0] == number)
    return entry, *struct.unpack_from("<QQ", data, entry + 8)


def complaint(done, code):
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("lemona: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_same_answers(recorded):
    assert {path.name.split("-")[0] for path in index_files(recorded.log)} >= \
        {"rows", "catalog", "summary.lmx"}
    for with_index, plain in zip(recorded.answers(recorded.log), recorded.plain):
        assert with_index == plain


def test_parts_are_private(recorded):
    assert (recorded.log / "index").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in index_files(recorded.log)} == {0o600}


def test_made_anew_is_the_same(recorded, copy):
    before = {path.name: path.read_bytes() for path in index_files(copy)}
    for left in ("new.lmx", "summary.new", "rows-00004711.lmx"):
        (copy / "index" / left).write_text("of one that was interrupted")
    done = lemona.run("index", copy)
    assert " events in " in done.stdout and " an event" in done.stdout
    assert {path.name: path.read_bytes() for path in index_files(copy)} == before
    assert lemona.run("index", copy, "--quiet").stdout == ""


def test_it_is_what_is_read(copy, recorded):
    """A part that is gone is missed, so the answers above came from the parts."""
    for path in index_files(copy):
        os.rename(path, copy / "gone")
        done = lemona.run("backtrack", copy, "--from", f"file:{recorded.target}", check=False)
        if path.name == "summary.lmx":
            assert done.returncode == 0, done.stderr
        else:
            assert "index is damaged" in complaint(done, DAMAGED)
        os.rename(copy / "gone", path)


@pytest.mark.parametrize("place_in_file", [0, 9, 20, 33, 50, 70, -1, -20])
@pytest.mark.parametrize("kind", ["summary", "rows", "catalog"])
def test_damage(copy, recorded, kind, place_in_file):
    """What was altered is told, or made no difference; it never ends in a crash."""
    path = max((copy / "index").glob(f"{kind}*"))
    data = bytearray(path.read_bytes())
    data[place_in_file] ^= 0x55
    path.write_bytes(data)
    question = next(recorded.questions())
    done = lemona.run(question[0], copy, *question[1:], "--format", "json", check=False)
    assert done.returncode in (0, FAILURE, DAMAGED), done.stderr
    if done.returncode:
        complaint(done, done.returncode)


def test_a_query_tells_what_it_could_not_read(copy):
    """No block of objects is where the catalogs say it is: not to be taken for a log without any."""
    for path in (copy / "index").glob("catalog-*"):
        data = bytearray(path.read_bytes())
        _, begin, size = section(data, 3)
        for at in range(begin, begin + size, 32):
            struct.pack_into("<Q", data, at + 24, 2**63)
        path.write_bytes(data)
    done = lemona.run("query", copy, "select pid from processes", "--format", "json", check=False)
    assert "could be read" in complaint(done, DAMAGED)


def test_of_another_log_is_not_used(copy, recorded, place):
    with lemona.Recording(place / "other"):
        lemona.step("append", place / "file", "x\n")
    lemona.run("index", place / "other")
    shutil.rmtree(copy / "index")
    shutil.copytree(place / "other" / "index", copy / "index")
    assert recorded.answers(copy) == recorded.plain


def test_of_another_time_is_not_used(copy, recorded):
    """Of a log that lost its last segment, what is left counts."""
    last = recorded.segments[-1].name
    target = f"file:{recorded.target}"
    os.unlink(copy / last)
    done = lemona.run("backtrack", copy, "--from", target, "--format", "json", check=False)
    shutil.rmtree(copy / "index")
    plain = lemona.run("backtrack", copy, "--from", target, "--format", "json", check=False)
    assert (done.returncode, done.stdout, done.stderr) == \
        (plain.returncode, plain.stdout, plain.stderr)
    assert done.stdout != recorded.plain[0]


def test_damage_in_the_log_is_told_with_an_index_too(place):
    with lemona.Recording(place / "log") as recording:
        lemona.step("append", place / "file", "x\n")
        subprocess.run(["sleep", "1"], check=True)
        subprocess.run(["true"], check=True)
        time.sleep(1)
        recording.end(signal.SIGKILL)
    segment = max((place / "log").glob("*.lms"))
    os.truncate(segment, segment.stat().st_size - 1)
    question = ("backtrack", place / "log", "--from", f"file:{place}/file", "--format", "json")
    plain = lemona.run(*question, check=False)
    done = lemona.run("index", place / "log", "-q", check=False)
    assert "in the middle of a frame" in complaint(done, DAMAGED)
    told = lemona.run(*question, check=False)
    assert (told.returncode, told.stdout, told.stderr) == \
        (plain.returncode, plain.stdout, plain.stderr)
    assert told.returncode == DAMAGED


def test_a_live_log_has_none_yet(place):
    with lemona.Recording(place / "log"):
        done = lemona.run("index", place / "log", check=False)
        assert "still being written" in complaint(done, FAILURE)
        assert not index_files(place / "log")
    lemona.run("index", place / "log")
    assert (place / "log" / "index" / "summary.lmx").exists()


def test_one_at_a_time(copy):
    before = {path.name: path.read_bytes() for path in index_files(copy)}
    directory = os.open(copy / "index", os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    assert "at work on this log" in complaint(lemona.run("index", copy, check=False), FAILURE)
    assert {path.name: path.read_bytes() for path in index_files(copy)} == before
    os.close(directory)
    lemona.run("index", copy)


def test_something_else_in_its_place(copy):
    shutil.rmtree(copy / "index")
    (copy / "index").write_text("no directory")
    assert "exists" in complaint(lemona.run("index", copy, check=False), FAILURE)


def test_one_segment_has_none(recorded):
    done = lemona.run("index", recorded.segments[0], check=False)
    assert "name the log's directory" in complaint(done, FAILURE)
    assert lemona.run("index", check=False).returncode == USAGE
