# SPDX-License-Identifier: MIT
"""Runs one attack case under the recorder, on a machine of its own."""
import json
import os
import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "demo"))
from machine import Machine  # noqa: E402  (demo/ is where private machines are made)

CASES = REPO.parent / "shared/cases/attacks.json"
ROOT_BUILDER = Path(__file__).with_name("case_root.py")
CASE_SECONDS = 60

# Never left to a case, whatever it does: what would reach beyond its namespaces.
DROPPED = ("sys_boot", "sys_time", "sys_module", "audit_control", "bpf")
ENVIRONMENT = ("HOME=/root", "LANG=C", "SHELL=/bin/bash", "USER=root",
               "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "PathToAtomicsFolder=/opt/atomics")
CHANGED = ("created", "modified", "deleted", "replaced", "attr changed")


def load_cases():
    """Cases by id; None where the collection is not at hand."""
    if not CASES.is_file():
        return None
    with open(CASES, encoding="utf-8") as file:
        return {case["id"]: case for case in json.load(file)["cases"]}


def changed_files(case):
    """Paths the case created, modified or removed; not those it merely opened for writing."""
    expected = case["expected"]
    changed = [path for path, how in expected["fs"].items() if any(word in how for word in CHANGED)]
    return sorted(set(changed) | set(expected["fs_removed"]))


def executed_programs(case):
    """(path, argv) of every program the case is known to have run."""
    programs = []
    for line in case["expected"]["exec"]:
        path, words = line.split(" | ", 1)
        quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', words)
        programs.append((path, [unescape(word) for word in quoted]))
    return programs


def unescape(word):
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), word)


def resolve(root, path):
    """`path` inside `root` with every link followed, as the kernel names the file at its end."""
    done = Path("/")
    parts = list(Path(path).parts[1:])
    for _ in range(256):
        if not parts:
            return str(done)
        step = done / parts.pop(0)
        link = root / str(step).lstrip("/")
        if not link.is_symlink():
            done = step
            continue
        target = Path(os.readlink(link))
        if target.is_absolute():
            done = Path("/")
        parts = [part for part in target.parts if part != "/"] + parts
        if parts and parts[0] == "..":
            done = done.parent
            parts.pop(0)
    raise OSError(f"{path} in {root} leads in circles")


def confined(*command):
    """The command line: clean environment, from /root, without the dangerous capabilities."""
    dropped = ",".join(f"-{name}" for name in DROPPED)
    return ("env", "-i", "-C", "/root", *ENVIRONMENT,
            "setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}", "--", *command)


def record_case(case, rootfs, lemona, work_dir, around=nullcontext(), prefix=()):
    """
    Run the case as its truth was measured, recorded; the log's directory. The attack itself runs
    inside of `around`, behind the words of `prefix`.
    """
    work_dir = Path(work_dir)
    (work_dir / "scratch").mkdir()
    case_path = work_dir / "case.json"
    case_path.write_text(json.dumps(case), encoding="utf-8")
    log = work_dir / "log"
    machine = Machine("case", str(work_dir), str(ROOT_BUILDER), str(rootfs), str(case_path))
    try:
        prepare = machine.enter(*confined(case["executor"], "/dev/trace/prepare.sh"))
        subprocess.run(prepare, stdin=subprocess.DEVNULL, check=True, timeout=CASE_SECONDS)
        command = machine.enter(*confined(case["executor"], "/dev/trace/cmd.sh"))
        if lemona is not None:
            command = [str(lemona), "record", "-o", str(log), "--", *prefix, *command]
        with around, open(work_dir / "output", "wb") as output:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output,
                           stderr=subprocess.STDOUT, timeout=CASE_SECONDS, check=False)
    finally:
        machine.stop()
    return log
