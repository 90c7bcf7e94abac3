# SPDX-License-Identifier: MIT
"""Bad input: one clear sentence on standard error, an exit code of its own, and nothing lost."""
import json
import os
import random
import shutil
import subprocess

import pytest

USAGE, FAILURE, DAMAGED = 2, 3, 4
COMMANDS = ["record", "events", "backtrack", "forward", "query", "status", "checkpoint", "host-key", "doctor"]
READERS = {
    "events": (),
    "status": (),
    # As JSON, which has room for the gaps itself.
    "query": ("select count(*) from events", "--format", "json"),
    "backtrack": ("--from", "exe:/usr/bin/true"),
    "forward": ("--from", "exe:/usr/bin/true"),
}
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def check_complaint(done, code):
    """Exactly one line, from the program, that is a sentence and not a list of numbers."""
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("lemona: ") and done.stderr.endswith("\n"), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert len(done.stderr.split()) >= 4, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def short_log(lemona, tmp_path_factory):
    """A sound log of a command that does a little of everything. Not to be changed."""
    log = tmp_path_factory.mktemp("short") / "log"
    done = lemona("record", "-q", "-o", log, "--", "sh", "-c",
                  "for i in 1 2 3 4 5 6 7 8; do /usr/bin/true </etc/passwd; "
                  "find /etc >/dev/null; done")
    assert done.returncode == 0 and not done.stderr, done.stderr
    return log


@pytest.fixture
def log_copy(short_log, tmp_path):
    return shutil.copytree(short_log, tmp_path / "copy")


def last_segment(log):
    return sorted(log.glob("*.lms"))[-1]


def count_events(lemona, log):
    return sum('"gap"' not in line
               for line in lemona("events", log, "--format", "json").stdout.splitlines())


# What is asked for


def test_no_command(lemona):
    check_complaint(lemona(), USAGE)


@pytest.mark.parametrize("word", ["recrod", "--recrod", ""])
def test_unknown_command(lemona, word):
    check_complaint(lemona(word), USAGE)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["--no-such-option", "--no-such=1", "-Z"])
def test_unknown_option(lemona, command, option):
    assert option.split("=")[0] in check_complaint(lemona(command, option), USAGE)


@pytest.mark.parametrize("arguments", [
    ("record", "-o"),
    ("record",),
    ("record", "-o", ""),
    ("record", "-o", "x", "true"),
    ("record", "-o", "x", "--ring-size", "3000"),
    ("record", "-o", "x", "--ring-size", "0"),
    ("record", "-o", "x", "--keep-bytes", "0"),
    ("record", "-o", "x", "--keep-age", "30"),
    ("record", "-o", "x", "--keep-age", "30d", "--no-seal"),
    ("record", "-o", "x", "--host-key", "x"),
    ("record", "-o", "x", "--require-host-key"),
    ("record", "-o", "x", "--tpm-auth", "x"),
    ("record", "-o", "x", "--attach", "kprobe"),
    ("record", "-o", "x", "--ring-size", "-1"),
    ("record", "-o", "x", "--segment-size", "1T"),
    ("record", "-o", "x", "--segment-size", "99999999999999999999"),
    ("record", "-o", "x", "--segment-size", "99999999999999999G"),
    ("record", "--quiet=yes", "-o", "x"),
    ("events",),
    ("events", "a", "b"),
    ("events", "x", "--since"),
    ("events", "x", "--since", "yesterday"),
    ("events", "x", "--until", "-5 parsecs"),
    ("events", "x", "--pid", "0"),
    ("events", "x", "--pid", "4294967296"),
    ("events", "x", "--pid", "init"),
    ("events", "x", "--op", "read,reed"),
    ("events", "x", "--op", ""),
    ("events", "x", "--op", "a" * 100),
    ("events", "x", "--format", "xml"),
    ("events", "x", "--limit", "0"),
    ("status",),
    ("status", "x", "--format", "xml"),
    ("doctor", "x"),
    ("verify", "x", "--tpm-auth", "x"),
    ("host-key", "x"),
    ("host-key", "--tpm", "x"),
    ("host-key", "--pcrs", "1"),
    ("host-key", "--new", "--pcrs", "24"),
    ("host-key", "--new", "--pcrs", "1,"),
    ("host-key", "--new", "--pcrs", ""),
    ("backtrack", "x"),
    ("forward", "x"),
    ("backtrack", "--from", "file:/etc/passwd"),
    ("backtrack", "x", "--from"),
    ("backtrack", "x", "--from", "file:/x", "--format", "png"),
    ("backtrack", "x", "--from", "file:/x", "--top", "0"),
    ("backtrack", "x", "--from", "file:/x", "--top", "5x"),
    ("backtrack", "x", "--from", "file:/x", "--top", "-1"),
    ("forward", "x", "--from", "file:/x", "--intersect"),
    ("backtrack", "x", "--from", "file:/x", "--no-filter", "everything"),
    ("backtrack", "x", "--from", "file:/x", "--since", "2026-13-01T00:00:00Z"),
], ids=" ".join)
def test_usage(lemona, tmp_path, arguments):
    check_complaint(lemona(*arguments, cwd=tmp_path), USAGE)
    assert not list(tmp_path.iterdir()), "nothing was made"


def test_foreign_bytes_stay_on_their_line(lemona, tmp_path):
    done = lemona("events", tmp_path / "a\n\x1b[31mlemona: all is well")
    assert "\x1b" not in check_complaint(done, FAILURE)


@pytest.mark.parametrize("direction", ["backtrack", "forward"])
@pytest.mark.parametrize("spec", [
    "", "file", "file:", "/etc/passwd", "fiel:/etc/passwd", "proc:", "proc:abc", "proc:-1",
    "proc:99999999999999999999", "event:x", "event:", "object:-1", "sock:999.1.1.1",
    "sock:10.0.0.1:70000", "sock:", "exe:", "file:/etc/passwd@noon",
])
def test_malformed_spec(lemona, short_log, direction, spec):
    check_complaint(lemona(direction, short_log, "--from", spec), USAGE)


@pytest.mark.parametrize("spec", [
    "file:/no/such/file", "proc:4000000", "exe:/no/such/program", "sock:192.0.2.77",
    "sock:192.0.2.77:99", "sock:[2001:db8::77]:99", "event:999999999999", "object:4000000000",
    "alert:1", "proc:1@2001-01-01T00:00:00Z",
])
def test_spec_that_matches_nothing(lemona, short_log, spec):
    check_complaint(lemona("backtrack", short_log, "--from", spec), USAGE)
    check_complaint(lemona("backtrack", short_log, "--from", "exe:/usr/bin/true", "--to", spec),
                    USAGE)


def test_spec_names_the_nearest(lemona, short_log):
    done = lemona("backtrack", short_log, "--from", "file:/etc/pasword")
    assert "/etc/passwd" in check_complaint(done, USAGE)


# What is not there, and what is no log


@pytest.mark.parametrize("command", READERS)
def test_nonexistent(lemona, tmp_path, command):
    missing = tmp_path / "missing"
    done = lemona(command, missing, *READERS[command])
    assert str(missing) in check_complaint(done, FAILURE)
    assert not done.stdout


def make_garbage(size):
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize("size", [0, 1, 7, 95, 96, 100000])
def test_garbage_file(lemona, tmp_path, command, size):
    garbage = tmp_path / "garbage"
    garbage.write_bytes(make_garbage(size))
    done = lemona(command, garbage, *READERS[command])
    check_complaint(done, DAMAGED)
    assert not done.stdout


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize("size", [0, 1, 95, 96, 100000])
def test_garbage_segment(lemona, tmp_path, command, size):
    (tmp_path / "00000001.lms").write_bytes(make_garbage(size))
    check_complaint(lemona(command, tmp_path, *READERS[command]), DAMAGED)


@pytest.mark.parametrize("command", READERS)
def test_empty_directory(lemona, tmp_path, command):
    check_complaint(lemona(command, tmp_path, *READERS[command]), DAMAGED)


def test_unreadable(lemona, lemona_for_nobody, short_log):
    for command, options in READERS.items():
        done = lemona_for_nobody(command, short_log, *options)
        assert str(short_log) in check_complaint(done, FAILURE)


# What is damaged


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_truncated(lemona, log_copy, command, share):
    segment = last_segment(log_copy)
    os.truncate(segment, int(segment.stat().st_size * share))
    done = lemona(command, log_copy, *READERS[command])
    check_complaint(done, DAMAGED)
    assert done.stdout, "what is sound is printed"


def test_torn_last_frame_loses_nothing_else(lemona, log_copy, short_log):
    segment = last_segment(log_copy)
    os.truncate(segment, segment.stat().st_size - 5)
    check_complaint(lemona("events", log_copy), DAMAGED)
    assert count_events(lemona, log_copy) == count_events(lemona, short_log)


@pytest.mark.parametrize("command", READERS)
def test_altered(lemona, log_copy, short_log, command):
    segment = last_segment(log_copy)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0x10
    segment.write_bytes(data)
    done = lemona(command, log_copy, *READERS[command])
    check_complaint(done, DAMAGED)
    assert done.stdout, "what is sound is printed"
    assert 0 < count_events(lemona, log_copy) < count_events(lemona, short_log)


def test_damage_is_a_gap(lemona, log_copy):
    segment = last_segment(log_copy)
    os.truncate(segment, segment.stat().st_size // 2)
    done = lemona("events", log_copy, "--format", "json", "--path", "/no/such/path")
    assert [json.loads(line)["gap"] for line in done.stdout.splitlines()] == [True]


# What the host refuses


@pytest.fixture
def lemona_for_nobody(lemona_path, place):
    """Runs a copy of the program, where everybody may reach it, as nobody."""
    program = shutil.copy(lemona_path, place / "lemona")

    def run(*arguments):
        return subprocess.run([*NOBODY, program, *map(str, arguments)], cwd="/", timeout=60,
                              capture_output=True, text=True, check=False)
    return run


def test_record_without_root(lemona_for_nobody, place):
    target = place / "open"
    target.mkdir()
    target.chmod(0o777)
    done = lemona_for_nobody("record", "-o", target / "log", "--", "true")
    assert "root" in check_complaint(done, FAILURE)
    assert not (target / "log").exists()


def test_doctor_without_root(lemona_for_nobody):
    assert "root" in check_complaint(lemona_for_nobody("doctor"), FAILURE)


def test_record_into_what_exists(lemona, short_log):
    before = {path: path.read_bytes() for path in short_log.iterdir()}
    done = lemona("record", "-o", short_log, "--", "true")
    assert str(short_log) in check_complaint(done, FAILURE)
    assert before == {path: path.read_bytes() for path in short_log.iterdir()}


def test_record_without_parent(lemona, tmp_path):
    done = lemona("record", "-o", tmp_path / "no" / "log", "--", "true")
    assert str(tmp_path / "no") in check_complaint(done, FAILURE)


def test_record_of_a_command_that_is_not_there(lemona, tmp_path):
    done = lemona("record", "-q", "-o", tmp_path / "log", "--", "/no/such/program")
    check_complaint(done, FAILURE)
    assert "/no/such/program" in done.stderr


@pytest.mark.parametrize("script, code", [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)])
def test_record_returns_the_commands_exit_code(lemona, tmp_path, script, code):
    done = lemona("record", "-q", "-o", tmp_path / "log", "--", "sh", "-c", script)
    assert done.returncode == code and not done.stderr, done.stderr


FULL_DISK = """
mount -t tmpfs -o size=1m none "$1" && cd "$1" || exit 99
head -c 900k /dev/zero >ballast
"$2" record -q -o log -- sh -c '
    for i in 1 2 3 4 5 6 7 8 9; do find /usr/lib /usr/share -xdev -newer /etc/passwd; done >/dev/null'
echo "record=$?"
"$2" events log --format json >/dev/shm/events.$$ 2>/dev/null
echo "events=$?" "count=$(wc -l </dev/shm/events.$$)"
rm -f /dev/shm/events.$$
"""


def test_full_disk(lemona_path, tmp_path):
    done = subprocess.run(["unshare", "--mount", "sh", "-c", FULL_DISK, "sh", str(tmp_path),
                           str(lemona_path)],
                          capture_output=True, text=True, timeout=300, check=False)
    told = dict(word.split("=") for word in done.stdout.split())
    assert int(told["record"]) == FAILURE, done.stderr
    done.returncode = FAILURE
    when_it_began, done.stderr = done.stderr.splitlines(keepends=True)
    assert "recording goes on" in when_it_began
    assert "No space left on device" in check_complaint(done, FAILURE)
    assert int(told["events"]) in (0, DAMAGED) and int(told["count"]) > 100, told


# What the output refuses


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize("arguments", [(), ("--format", "json")])
def test_full_output(lemona, short_log, command, arguments):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = lemona(command, short_log, *READERS[command], *arguments, stdout=full)
    check_complaint(done, FAILURE)


def test_full_output_of_help(lemona):
    for command in ["", *COMMANDS]:
        with open("/dev/full", "w", encoding="ascii") as full:
            done = lemona(*command.split(), "--help", stdout=full)
        check_complaint(done, FAILURE)


def test_closed_output(lemona, short_log):
    prefix = ("sh", "-c", 'exec "$@" >&-', "sh")
    check_complaint(lemona("status", short_log, prefix=prefix), FAILURE)


@pytest.mark.parametrize("command", READERS)
def test_reader_that_goes_away_is_no_failure(lemona_path, short_log, command):
    """As with `| head`: whether SIGPIPE ends us or is ignored, nothing is said."""
    for trap in ("trap - PIPE", "trap '' PIPE"):
        reader, writer = os.pipe()
        os.close(reader)
        process = subprocess.run(["sh", "-c", f'{trap}; exec "$@"', "sh", str(lemona_path), command,
                                  str(short_log), *READERS[command]],
                                 stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
        os.close(writer)
        assert process.stderr == b""
        assert process.returncode in (0, -13)
