#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Stages a break-in on private machines, records it, and walks it back to where it came in.

usage: run.py [--out DIR] [--lemona PROGRAM] [--no-record]

Needs root. Leaves DIR/log, DIR/graph.json, DIR/graph.svg, DIR/story.txt and DIR/forward.txt, and
the parts' own output in DIR/parts. Touches nothing else on the host.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import play
from machine import Machine, connect

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(HERE)
PROGRAMS = ("nsenter", "unshare", "setpriv", "pivot_root", "ip", "gcc", "make", "ed", "curl",
            "find", "tar", "lighttpd", "cron")
DETECTION = "/etc/passwd"
FORWARD_LINES = 40
PLAY_SECONDS = 110  # a minute for cron, the rest for a busy host
END_SECONDS = 20


class Failure(Exception):
    """One sentence for the person who started the demo."""


class Progress:
    def __init__(self):
        self.begin = time.monotonic()

    def __call__(self, text):
        print(f"[{time.monotonic() - self.begin:5.1f} s] {text}", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description="stage a break-in, record it, walk it back")
    parser.add_argument("--out", default=os.path.join(CHECKOUT, "build/demo"),
                        help="where results go; replaced when it exists (%(default)s)")
    parser.add_argument("--lemona", default=os.path.join(CHECKOUT, "build/lemona"),
                        help="program to record and analyse with (%(default)s)")
    parser.add_argument("--no-record", action="store_true",
                        help="only the staging, without recorder and analysis")
    return parser.parse_args()


def check_needs(arguments):
    if os.geteuid() != 0:
        raise Failure("must be run as root: it makes namespaces")
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise Failure(f"missing: {', '.join(missing)}; install what demo/packages.txt lists")
    if not arguments.no_record and not os.access(arguments.lemona, os.X_OK):
        raise Failure(f"{arguments.lemona} does not exist; build first")


def replace_output(out):
    """An empty directory in place of an earlier run's; never of anything else."""
    if os.path.isdir(out) and os.listdir(out):
        if not os.path.isdir(os.path.join(out, "parts")):
            raise Failure(f"{out} exists and was not made by the demo; remove it or pass --out")
        shutil.rmtree(out)
    os.makedirs(os.path.join(out, "parts"))


def build_machines(work_dir, machines):
    """Three machines and two cables; appended to `machines` as they come up."""
    for name, role in (("www", "victim"), ("attacker", "attacker"), ("customers", "customers")):
        machines.append(Machine(name, work_dir, os.path.join(HERE, "roles.py"), role))
    victim, attacker, customers = machines
    connect(victim, [f"{play.VICTIM_TO_ATTACKER}/24"], attacker, [f"{play.ATTACKER}/24"])
    connect(victim, [f"{play.VICTIM_TO_CUSTOMERS}/24"], customers,
            [f"{address}/24" for address in play.CUSTOMERS])


def run_play(arguments, machines):
    """The staged break-in, under the recorder unless told otherwise."""
    command = ["/usr/bin/python3", "-B", os.path.join(HERE, "play.py"),
               os.path.join(arguments.out, "parts"), *(str(machine.pid) for machine in machines)]
    if not arguments.no_record:
        command = [arguments.lemona, "record", "-o", os.path.join(arguments.out, "log"), "--",
                   *command]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        status = process.wait(timeout=PLAY_SECONDS)
    except subprocess.TimeoutExpired:
        raise Failure(f"the staged break-in did not end within {PLAY_SECONDS} s") from None
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=END_SECONDS)
    if status != 0:
        raise Failure("the staged break-in or its recording failed, see above")


def lemona(arguments, *command, output=None):
    line = [arguments.lemona, *command]
    if output is None:
        status = subprocess.run(line, stdin=subprocess.DEVNULL, check=False).returncode
    else:
        with open(os.path.join(arguments.out, output), "wb") as file:
            status = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=file,
                                    check=False).returncode
    if status not in (0, 1):
        raise Failure(f"'{' '.join(line)}' ended with status {status}")


def analyse(arguments, progress):
    """Both answers: as text on the terminal, and as files."""
    log = os.path.join(arguments.out, "log")
    if log.startswith(f"{os.getcwd()}/"):
        log = os.path.relpath(log)
    backtrack = ("backtrack", log, "--from", f"file:{DETECTION}")
    progress(f"lemona {' '.join(backtrack)}")
    print(flush=True)
    lemona(arguments, *backtrack)
    print(flush=True)
    for form, name in (("text", "story.txt"), ("json", "graph.json"), ("svg", "graph.svg")):
        progress(f"the same as {form}: {name}")
        lemona(arguments, *backtrack, "--format", form, output=name)

    forward = ("forward", log, "--from", f"sock:{play.ATTACKER}")
    progress(f"lemona {' '.join(forward)}")
    lemona(arguments, *forward, output="forward.txt")
    lemona(arguments, *forward, "--format", "json", output="forward.json")
    print(flush=True)
    show_head(os.path.join(arguments.out, "forward.txt"))


def show_head(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    print("\n".join(lines[:FORWARD_LINES]))
    if len(lines) > FORWARD_LINES:
        print(f"    ... {len(lines) - FORWARD_LINES} more lines in {path}")
    print(flush=True)


def show_attack(out):
    print("    what the intruder typed and saw:", flush=True)
    with open(os.path.join(out, "parts/attack.out"), encoding="utf-8", errors="replace") as file:
        for line in file:
            print(f"      {line.rstrip()}", flush=True)


def stage(arguments, progress):
    machines = []
    work_dir = tempfile.mkdtemp(prefix="lemona-demo-")
    try:
        progress("building three private machines: www (the victim), attacker, customers")
        build_machines(work_dir, machines)
        progress("the break-in, up to 75 s: cron works by the minute")
        run_play(arguments, machines)
    finally:
        for machine in machines:
            machine.stop()
        shutil.rmtree(work_dir, ignore_errors=True)


def main():
    arguments = parse_arguments()
    arguments.out = os.path.abspath(arguments.out)
    arguments.lemona = os.path.abspath(arguments.lemona)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    check_needs(arguments)
    replace_output(arguments.out)
    progress = Progress()
    stage(arguments, progress)
    show_attack(arguments.out)
    if not arguments.no_record:
        analyse(arguments, progress)
    progress(f"done; everything is in {arguments.out}")


if __name__ == "__main__":
    try:
        main()
    except (Failure, RuntimeError, OSError, subprocess.CalledProcessError) as failure:
        sys.exit(f"demo: {failure}")
    except KeyboardInterrupt:
        sys.exit("demo: interrupted")
