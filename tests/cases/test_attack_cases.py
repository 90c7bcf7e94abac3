# SPDX-License-Identifier: MIT
"""Real attack cases, recorded: what they did is in the log, and leads back to their first shell.

The cases and the truth about them come from a collection beside the checkout. CASES=all runs
more of them than the three that every check runs.
"""
import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import lemona  # noqa: E402  (the end-to-end tests' way to run and read the program)

import attack_case  # noqa: E402

SHELL, BASH = "/usr/bin/sh", "/usr/bin/bash"
CRONTAB, USERADD = "/usr/bin/crontab", "/usr/sbin/useradd"

# Which program changes which file: read off the commands and the system calls measured with them.
ACTORS = {
    "T1053.003#1": {"/tmp/notevil": SHELL, "/tmp/persistevil": SHELL,
                    "/var/spool/cron/crontabs/root": CRONTAB},
    "T1136.001#1": {"/etc/passwd": USERADD, "/etc/passwd-": USERADD, "/etc/shadow": USERADD,
                    "/etc/shadow-": USERADD},
    "T1546.004#2": {"/root/.bashrc": SHELL},
}
MORE = {
    "T1053.003#2": {f"/etc/cron.{when}/persistevil": BASH
                    for when in ("daily", "hourly", "weekly", "monthly")},
    "T1053.003#3": {"/etc/cron.d/persistevil": SHELL},
    "T1053.003#4": {"/var/spool/cron/crontabs/persistevil": BASH},
    "T1546.004#1": {"/root/.bash_profile": SHELL},
    "T1546.004#3": {"/root/.shrc": SHELL},
    "T1546.004#4": {"/etc/profile": SHELL},
    "T1546.004#5": {"/root/.profile": SHELL},
    "T1546.004#6": {"/etc/profile.d/bash_completion.sh": SHELL},
    "T1556.003#1": {"/etc/pam.d/su-l": "/usr/bin/sed"},
    "T1564.001#1": {"/var/tmp/.hidden-directory": "/usr/bin/mkdir",
                    "/var/tmp/.hidden-directory/.hidden-file": SHELL},
}
if os.environ.get("CASES") == "all":
    ACTORS.update(MORE)

O_TRUNC = 0o1000
CHANGES = {"write", "copy", "truncate", "mknod", "mkdir", "link", "symlink", "rename", "unlink",
           "rmdir", "chmod", "chown", "utimes", "setxattr"}


def backtrack(log, *arguments):
    return json.loads(lemona.run("backtrack", log, "--format", "json", *arguments).stdout)


class Recorded:
    """One case's log, and what the tests ask of it."""

    def __init__(self, case, root, log):
        self.case, self.root, self.log = case, root, log
        self.events = lemona.events(log, "--op", ",".join(sorted(CHANGES | {"fork", "open"})))
        self.first_shell = self.find_first_shell()
        self.family = self.find_family(self.first_shell)

    def inside(self, path):
        return attack_case.resolve(self.root, path)

    def runs_of(self, path):
        """Process nodes of all that ran the program; a child carries its parent's argv until exec."""
        program = self.inside(path)
        answer = backtrack(self.log, "--from", f"exe:{program}", "--no-filter", "all")
        return lemona.nodes(answer, kind="process", exe=program)

    def find_first_shell(self):
        name = self.case["executor"]
        shells = {node["pid"]: node["ppid"] for node in self.runs_of(f"/usr/bin/{name}")
                  if node.get("argv") == [name, "/dev/trace/cmd.sh"]}
        first = [pid for pid, parent in shells.items() if parent not in shells]
        assert len(first) == 1, f"the case has one first shell, the log {first} of {shells}"
        return first[0]

    def find_family(self, pid):
        """The process and all its descendants, by the forks in the log."""
        family = {pid}
        for event in self.events:
            if event["op"] == "fork" and event.get("pid") in family and "target" in event:
                family.add(event["target"])
        return family

    def changes_of(self, path):
        """Events that changed the file, or its name, in the case's own processes."""
        return [event for event in self.events
                if path in (event.get("path"), event.get("path2"))
                and event.get("pid") in self.family and "error" not in event and is_change(event)]


def is_change(event):
    if event["op"] == "open":
        return "created" in event["flags"] or bool(event["arg"] & O_TRUNC)
    return event["op"] in CHANGES


@pytest.fixture(scope="module", params=sorted(ACTORS))
def recorded(request, known_cases, root, lemona_path, tmp_path_factory):
    case = known_cases[request.param]
    work_dir = tmp_path_factory.mktemp("case")
    log = attack_case.record_case(case, root, lemona_path, work_dir)
    return Recorded(case, root, log)


def test_truth_is_covered(recorded):
    """Every file that the collection says was changed has an actor to be checked for."""
    assert set(ACTORS[recorded.case["id"]]) == set(attack_case.changed_files(recorded.case))


def test_changes_are_in_the_log(recorded):
    for path, program in ACTORS[recorded.case["id"]].items():
        changes = recorded.changes_of(path)
        assert changes, f"nothing in the log changed {path}"
        actors = {event.get("exe") for event in changes}
        assert recorded.inside(program) in actors, f"{path} was changed by {actors}"


def test_programs_are_in_the_log(recorded):
    for path, argv in attack_case.executed_programs(recorded.case):
        runs = recorded.runs_of(path)
        seen = [node.get("argv") for node in runs if node["pid"] in recorded.family]
        assert argv in seen, f"{path} {argv} was not seen to run, but {seen}"


def test_backtrack_ends_in_the_first_shell(recorded):
    for path in ACTORS[recorded.case["id"]]:
        answer = backtrack(recorded.log, "--from", f"file:{path}")
        shells = lemona.nodes(answer, kind="process", pid=recorded.first_shell)
        assert shells, f"the backtrack of {path} does not hold the case's first shell"
        assert answer["complete"], f"the backtrack of {path} is not complete"
        changed = [node for kind in ("file", "name")
                   for node in lemona.nodes(answer, kind=kind, path=path)]
        assert lemona.find_path(answer, shells, changed), \
            f"no influence leads from the first shell to {path}"
