# SPDX-License-Identifier: MIT
"""One attack, two recorders at once: Debian's auditd, imported, tells the same as our own log."""
import json
import os
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "e2e"), str(TESTS.parent / "bench")]
import lemona  # noqa: E402  (the end-to-end tests' way to run and read the program)
from audit import Auditd  # noqa: E402  (how auditd is started for a run)

import attack_case  # noqa: E402

CASE = "T1136.001#1"  # an account is made: useradd changes passwd, shadow and their copies
CHANGED = ("/etc/passwd", "/etc/shadow")
# The audit system records what runs under this login, and nobody else's processes.
LOGIN = 2_000_054_321
UNDER_LOGIN = ("sh", "-c", f'echo {LOGIN} > /proc/self/loginuid && exec "$@"', "sh")


class AuditdOfLogin(Auditd):
    only = ("-F", f"auid={LOGIN}")

    def __init__(self, directory):
        super().__init__(None)
        self.place = directory

    def __enter__(self):
        self.start(self.place)
        return self

    def __exit__(self, *exception):
        self.end()
        self.close()

    @property
    def log(self):
        return os.path.join(self.directory, "audit.log")


@pytest.fixture(scope="module")
def logs(known_cases, root, lemona_path, tmp_path_factory):
    """Our own log of the attack, and the one imported from auditd's."""
    work_dir = tmp_path_factory.mktemp("import")
    auditd = AuditdOfLogin(str(work_dir))
    reason = auditd.why_not()
    if reason:
        pytest.skip(reason)
    own = attack_case.record_case(known_cases[CASE], root, lemona_path, work_dir, auditd,
                                  UNDER_LOGIN)
    imported = work_dir / "imported"
    done = lemona.run("import", "-o", imported, auditd.log)
    assert " 0 skipped" in done.stderr, done.stderr
    return own, imported


def backtrack(log, path):
    return json.loads(lemona.run("backtrack", log, "--format", "json", "--from",
                                 f"file:{path}").stdout)


def files(answer):
    return {node["path"] for kind in ("file", "name") for node in lemona.nodes(answer, kind=kind)}


def attack(answer, recorder_exe):
    """The processes, without the recorder and the shell that sets the login: nobody audits those."""
    beside = {node["id"] for node in lemona.nodes(answer, kind="process")
              if node.get("exe") == recorder_exe or
              (node["argv"][:2] == ["sh", "-c"] and str(LOGIN) in node["argv"][2])}
    return {(node["pid"], node.get("exe"), tuple(node["argv"]))
            for node in lemona.nodes(answer, kind="process") if node["id"] not in beside}


@pytest.mark.parametrize("path", CHANGED)
def test_same_answer(logs, path, lemona_path):
    """Every process of the attack and every file, and none beside them."""
    own, imported = (backtrack(log, path) for log in logs)
    wanted = attack(own, str(lemona_path))
    assert {exe for _, exe, _ in wanted} >= {"/usr/bin/bash", "/usr/sbin/useradd"}
    assert attack(imported, str(lemona_path)) == wanted
    assert files(imported) == files(own)


@pytest.mark.parametrize("path", CHANGED)
def test_same_edges(logs, path):
    """Which process did what to the files, and in which order."""
    def deeds(answer):
        ids = {node["id"]: node for node in answer["nodes"]}
        return [(ids[edge["from"]]["pid"], edge["op"], edge["bytes"])
                for edge in answer["edges"]
                if ids[edge["from"]]["kind"] == "process" and ids[edge["to"]]["kind"] == "file"]

    own, imported = (deeds(backtrack(log, path)) for log in logs)
    assert own and own == imported
