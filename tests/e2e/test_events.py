# SPDX-License-Identifier: MIT
"""The list of events: its filters, and following a log that is being written."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time

import pytest

import lemona

# Following promises some tens of milliseconds; a machine that does something else takes its time.
PATIENCE_SECONDS = 20


class Following:
    """`lemona events --follow`, whose lines can be waited for."""

    def __init__(self, log, *args):
        self.process = subprocess.Popen(
            [str(lemona.BINARY), "events", str(log), "--follow", "--format", "json",
             *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.text = b""
        self.lines = []

    def read(self):
        """What is there; False at the end."""
        piece = self.process.stdout.read()
        if piece:
            self.text += piece
            *whole, self.text = self.text.split(b"\n")
            self.lines += [json.loads(line) for line in whole]
        return piece != b""

    def wait_for(self, condition, what):
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = [line for line in self.lines if condition(line)]
            if found:
                return found
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                pytest.fail(f"never: {what}; {len(self.lines)} lines")
            if not self.read():
                pytest.fail(f"ended before {what}: {self.process.stderr.read().decode()}")

    def greet(self, place):
        """Whoever follows from now on has missed what came before: act until it tells of it."""
        for number in range(100):
            path = place / f"hello-{number}"
            lemona.step("append", path, "line\n")
            select.select([self.process.stdout], [], [], 0.2)
            self.read()
            if [line for line in self.lines if writes(path)(line)]:
                return
        pytest.fail("it tells nothing")

    def finish(self):
        """Its end, which comes by itself. What it said on standard error."""
        err = self.process.stderr.read().decode()
        self.process.wait(timeout=PATIENCE_SECONDS)
        self.read()
        return err

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.finish()


@contextlib.contextmanager
def following(log, *args):
    follower = Following(log, *args)
    try:
        yield follower
    finally:
        if follower.process.poll() is None:
            follower.process.kill()
        follower.process.wait()
        follower.process.stdout.close()
        follower.process.stderr.close()


def writes(path):
    return lambda line: line.get("op") == "write" and line.get("path") == str(path)


def test_follow_prints_what_is_recorded_from_now_on(place, log):
    with lemona.Recording(log):
        lemona.step("append", place / "before", "line\n")
        with following(log, "--path", f"{place}/") as follower:
            follower.greet(place)
            for number in range(3):
                path = place / f"after-{number}"
                lemona.step("append", path, "line\n")
                follower.wait_for(writes(path), f"the write to {path}")
            assert follower.stop() == ""
            assert follower.process.returncode == 0
            assert not [line for line in follower.lines if writes(place / "before")(line)]


def test_follow_leaves_out_itself_and_nobody_else(place, log):
    with lemona.Recording(log):
        with following(log, "--exe", lemona.BINARY) as follower:
            lemona.run("events", log, "--limit", "1")
            other = follower.wait_for(lambda line: line.get("op") == "exit", "another reader")[0]
            assert other["pid"] != follower.process.pid
            follower.stop()
            assert not [line for line in follower.lines if line.get("pid") == follower.process.pid]


def test_follow_since_prints_what_was_before(place, log):
    begin = time.time()
    with lemona.Recording(log):
        lemona.step("append", place / "before", "line\n")
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin - 1))
        with following(log, "--since", since, "--path", f"{place}/") as follower:
            follower.wait_for(writes(place / "before"), "what was before")
            lemona.step("append", place / "after", "line\n")
            follower.wait_for(writes(place / "after"), "what came after")
            assert follower.stop(signal.SIGINT) == ""
            assert follower.process.returncode == 0


def test_follow_ends_with_the_log(place, log):
    with lemona.Recording(log) as recording:
        with following(log, "--path", f"{place}/") as follower:
            follower.greet(place)
            recording.end()
            assert follower.finish() == ""
            assert follower.process.returncode == 0


def test_follow_ends_with_a_killed_recorder(place, log):
    with lemona.Recording(log) as recording:
        with following(log, "--path", f"{place}/") as follower:
            follower.greet(place)
            recording.end(signal.SIGKILL)
            err = follower.finish()
            assert [line["reason"] for line in follower.lines if line.get("gap")] == ["cut"]
            assert "1 gap touches what was listed" in err


def test_follow_survives_the_end_of_segments(place, log):
    with lemona.Recording(log, "--segment-size", "64K"):
        with following(log, "--path", f"{place}/", "--op", "write") as follower:
            follower.greet(place)
            for number in range(100):
                path = place / f"file-{number}"
                subprocess.run(["find", "/usr"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, check=False)
                lemona.step("append", path, "line\n")
                follower.wait_for(writes(path), f"the write to {path}")
                if len(list(log.glob("*.lms"))) > 3:
                    break
            assert len(list(log.glob("*.lms"))) > 3
            follower.stop()


def test_follow_is_prompt_and_does_not_spin(place, log):
    delays = []
    with lemona.Recording(log):
        with following(log, "--op", "write", "--path", f"{place}/") as follower:
            follower.greet(place)
            for number in range(10):
                path = place / f"file-{number}"
                lemona.step("append", path, "line\n")
                begin = time.monotonic()
                follower.wait_for(writes(path), f"the write to {path}")
                delays.append(time.monotonic() - begin)
            time.sleep(1)
            fields = open(f"/proc/{follower.process.pid}/stat").read().rsplit(")", 1)[1].split()
            follower.stop()
    # The middle one: a single delay says what else the machine had to do.
    assert sorted(delays)[5] < 0.1, delays
    ticks = int(fields[11]) + int(fields[12])
    assert ticks < os.sysconf("SC_CLK_TCK"), f"{ticks} ticks of CPU"


def test_follow_ends_when_nobody_reads(place, log):
    with lemona.Recording(log):
        with following(log, "--path", "/no/such/path") as follower:
            follower.process.stdout.close()
            try:
                follower.process.wait(timeout=PATIENCE_SECONDS)
            finally:
                follower.process.stdout = open(os.devnull, "rb")


def test_follow_stops_at_until(place, log):
    with lemona.Recording(log):
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        with following(log, "--until", until, "--path", "/no/such/path") as follower:
            follower.finish()
            assert follower.process.returncode == 0


def test_follow_of_a_finished_log_ends(place, log):
    with lemona.Recording(log):
        lemona.step("append", place / "file", "line\n")
    done = lemona.run("events", log, "--follow", "--since", "-1h", "--path", f"{place}/",
                      "--format", "json")
    assert any(writes(place / "file")(line) for line in lemona.parse_lines(done.stdout))


# Filters


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A log with something for each filter, and all of its events."""
    place = tmp_path_factory.mktemp("filters")
    log = place / "log"
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with lemona.Recording(log):
        lemona.step("append", place / "mine", "line\n")
        subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "cat", "/etc/shadow"],
                       stderr=subprocess.DEVNULL, check=False)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"hello")
            peer, _ = listener.accept()
            peer.recv(5)
            peer.close()
    listener.close()
    return log, place, port, lemona.events(log)


def ids(found):
    return [event["id"] for event in found]


def test_uid(told):
    log, _, _, every = told
    found = lemona.events(log, "--uid", "65534")
    assert found and set(ids(e for e in every if e.get("uid") == 65534)) <= set(ids(found))
    assert {event["comm"] for event in found} <= {"setpriv", "cat"}


def test_result(told):
    log, _, _, every = told
    for word, condition in (("ok", lambda e: "error" not in e), ("failed", lambda e: "error" in e),
                            ("EACCES", lambda e: e.get("error") == "EACCES"),
                            ("ok,EACCES", lambda e: e.get("error", "EACCES") == "EACCES")):
        expected = ids(e for e in every if condition(e))
        assert expected and ids(lemona.events(log, "--result", word)) == expected


def test_several_of_the_same_option_are_a_union(told):
    log, place, _, every = told
    found = lemona.events(log, "--path", place / "mine", "--path", "/etc/shadow")
    assert {event["path"] for event in found} >= {str(place / "mine"), "/etc/shadow"}
    pids = sorted({event["pid"] for event in every})[-3:]
    found = lemona.events(log, *[word for pid in pids for word in ("--pid", pid)])
    assert ids(found) == ids(e for e in every if e["pid"] in pids)
    found = lemona.events(log, "--op", "open", "--op", "write,read", "--uid", "65534")
    assert found and {event["op"] for event in found} <= {"open", "write", "read"}


def test_tid(told):
    log, _, _, every = told
    tid = every[len(every) // 2]["tid"]
    assert ids(lemona.events(log, "--tid", tid)) == ids(e for e in every if e["tid"] == tid)


@pytest.mark.parametrize("form", ["127.0.0.1:{}", ":{}", "127.0.0.0/8:{}"])
def test_address(told, form):
    log, _, port, every = told
    expected = ids(e for e in every for key in ("local", "remote", "local2", "remote2")
                   if e.get(key) == f"127.0.0.1:{port}")
    assert expected
    assert ids(lemona.events(log, "--address", form.format(port))) == sorted(set(expected))
    assert not lemona.events(log, "--address", f"192.0.2.1:{port}")


def test_login(told):
    log, _, _, every = told
    sessions = {event["session"] for event in every if "session" in event}
    for session in sessions:
        expected = ids(e for e in every if e.get("session") == session)
        assert ids(lemona.events(log, "--session", session)) == expected
    assert not lemona.events(log, "--session", "4000000000")
    assert not lemona.events(log, "--container", "0123456789ab")


@pytest.mark.parametrize("arguments", [
    ("--address", "10.0.0"), ("--result", "bad"), ("--result", "ok,"), ("--tid", "0"),
    ("--uid", "4294967295"), ("--uid", "root"), ("--op", "x" * 40), ("--follow=1",),
], ids=" ".join)
def test_wrong_values(told, arguments):
    done = lemona.run("events", told[0], *arguments, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and not done.stdout
