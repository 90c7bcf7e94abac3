# SPDX-License-Identifier: MIT
"""What the doctor says is what happens, and whatever it misses comes with what that means."""
import json
import re
import subprocess

import pytest

import lemona

LINE = re.compile(r"^(ok|limited|missing) +(\S+(?: \S+)*)  +(.+)$")
NOTE = re.compile(r"^ +(means|fix): (\S.*)$")
VERDICTS = {0: "This host can be recorded.", 1: "This host can be recorded, within the limits above.",
            3: "This host cannot be recorded."}


class Findings(dict):
    """name -> (result, found, {"means": ..., "fix": ...}), of an answer in good order."""

    def __init__(self, done):
        super().__init__()
        body, verdict = done.stdout.rsplit("\n\n", 1)
        assert verdict.strip() == VERDICTS[done.returncode]
        for line in body.splitlines():
            head, note = LINE.match(line), NOTE.match(line)
            assert head or note, line
            if head:
                result, name, found = head.groups()
                assert name not in self, name
                self[name] = (result, found, {})
                last = self[name]
            else:
                last[2][note[1]] = note[2]
        for name, (result, found, notes) in self.items():
            wanted = set() if result == "ok" else {"means", "fix"}
            assert set(notes) == wanted, f"{name}: {found}"
        worst = {result for result, _, _ in self.values()}
        assert done.returncode == (3 if "missing" in worst else 1 if "limited" in worst else 0)

    def way(self):
        return self["way in use"][1].split(":")[0]


def without(capability, *arguments):
    return subprocess.run(["setpriv", f"--bounding-set=-{capability}", lemona.BINARY, *arguments],
                          capture_output=True, text=True, timeout=60, check=False)


def attached_by(log):
    return re.search(r"^attached by +(\S+)$", lemona.run("status", log).stdout, re.MULTILINE)[1]


def test_way_in_use(log):
    findings = Findings(lemona.run("doctor", check=False))
    lemona.record(log, ["true"])
    assert attached_by(log) == findings.way()
    assert (findings["trampolines"][0] == "ok") == (findings.way() == "trampoline")


def test_trampolines_or_one_sentence(log):
    """What the doctor says of trampolines is what comes of asking for them."""
    findings = Findings(lemona.run("doctor", check=False))
    done = lemona.run("record", "-q", "--attach", "trampoline", "-o", log, "--", "true", check=False)
    if findings["trampolines"][0] == "ok":
        assert done.returncode == 0 and attached_by(log) == "trampoline"
        return
    assert done.returncode == 3 and not log.exists()
    assert done.stderr == f"lemona: {findings['trampolines'][1]}\n"
    assert "--attach tracepoint" in done.stderr


def test_tracepoints_can_be_asked_for(log, any_place):
    lemona.record(log, [lemona.workload("names"), str(any_place)], "--attach", "tracepoint")
    assert attached_by(log) == "tracepoint"
    assert json.dumps(str(any_place)) in lemona.run("events", log, "--format", "json").stdout


def test_without_the_right_to_load(log):
    findings = Findings(without("sys_admin", "doctor"))
    assert findings["capabilities"][0] == "missing" and findings["sensor"][0] == "missing"
    assert "CAP_SYS_ADMIN" in findings["capabilities"][1]
    done = without("sys_admin", "record", "-o", log, "--", "true")
    assert done.returncode == 3 and not log.exists()
    assert re.fullmatch(r"lemona: .*CAP_SYS_ADMIN.*\n", done.stderr), done.stderr


@pytest.mark.parametrize("capability, names", [
    ("sys_ptrace", ["look-ups", "hashes"]),
    ("sys_nice", ["priority"]),
])
def test_without_a_right_that_recording_wants(capability, names):
    findings = Findings(without(capability, "doctor"))
    for name in ["capabilities", *names]:
        assert findings[name][0] == "limited", findings[name]
        assert f"CAP_{capability.upper()}" in " ".join([findings[name][1], *findings[name][2].values()])
    assert findings["sensor"][0] == "ok"
