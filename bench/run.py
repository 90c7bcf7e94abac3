#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Measures what recording costs: workloads with and without recorders, in turn.

Needs root. Writes bench.json into the output folder and prints tables; docs/bench.md says what
the numbers mean and what the environment may ask for.
"""
import argparse
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import audit
import measure
import recorders
import report
import scratch
import workloads
from failure import Failure
from settings import number_of

CHECKOUT = Path(__file__).resolve().parent.parent
TMPFS = "/dev/shm"
ROUNDS = 5


class Context:
    """What workloads and recorders need to know of this bench."""

    def __init__(self, arguments):
        self.lemona = str(Path(arguments.lemona).resolve())
        self.programs = Path(self.lemona).parent / "bench"
        self.output = Path(arguments.output).resolve()
        self.recordings = self.output / "bench-recordings"
        self.tmpfs = TMPFS
        self.directory = None  # where workloads write, while they run
        self.scale = number_of("BENCH_SCALE", 1.0, float)

    def program(self, name):
        return str(self.programs / name)


def parse_arguments():
    parser = argparse.ArgumentParser(description="measure what recording costs")
    parser.add_argument("--output", default=CHECKOUT / "build",
                        help="folder for bench.json (%(default)s)")
    parser.add_argument("--lemona", default=CHECKOUT / "build/lemona",
                        help="program to measure (%(default)s)")
    return parser.parse_args()


def chosen(variable, entries):
    """
    Those named, comma between them, in the environment; all of them without that, but those that
    want to be named.
    """
    names = {entry.name: entry for entry in entries}
    wanted = [word for word in os.environ.get(variable, "").split(",") if word]
    wanted = wanted or [name for name, entry in names.items()
                        if not getattr(entry, "on_request", False)]
    unknown = [word for word in wanted if word not in names]
    if unknown:
        raise Failure(f"{variable}: there is no {unknown[0]}; there is {', '.join(names)}")
    return [names[word] for word in wanted]


def choose_recorders(context):
    """Recorders that can run here, none first; why not is said of the others."""
    none, *others = [kind(context) for kind in (*recorders.KINDS, audit.Auditd)]
    peer = recorders.Peer.from_environment(context, [none.name, *(one.name for one in others)])
    usable = [none]
    for recorder in chosen("BENCH_RECORDERS", [none, *others, *([peer] if peer else [])]):
        reason = recorder.why_not()
        if reason:
            print(f"bench: without {recorder.name}: {reason}", flush=True)
        elif recorder is not none:
            usable.append(recorder)
    return usable


def check_needs(context):
    if os.geteuid() != 0:
        raise Failure("recording needs root")
    for program in (context.lemona, context.program("bench-rdwr")):
        if not os.access(program, os.X_OK):
            raise Failure(f"{program} does not exist; build first")


def run_once(workload, recorder, amount, context):
    """One run: wall and CPU seconds, events, lost, bytes."""
    place = workload.place()
    logs = context.recordings
    shutil.rmtree(logs, ignore_errors=True)
    os.mkdir(logs)
    try:
        recorder.start(logs)
        clock = measure.Clock()
        try:
            clock.time_wall(lambda: workload.run(recorder.wrap, amount, place))
        finally:
            recorder.end()
        clock.end()
        events, lost, size = recorder.count()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return {"workload": workload.name, "recorder": recorder.name, "amount": amount,
            "wall_seconds": clock.wall, "cpu_seconds": clock.cpu,
            "events": events, "lost": lost, "bytes": size}


def run_round(workload, used, number, context):
    """Every recorder once, and none once for each amount of work; who begins goes round."""
    none = used[0]
    turn = [(recorder, workload.amount(recorder.is_slow)) for recorder in used[1:]]
    turn += [(none, amount) for amount in sorted({amount for _, amount in turn})]
    turn = turn or [(none, workload.amount(False))]
    start = number % len(turn)
    runs = [run_once(workload, recorder, amount, context)
            for recorder, amount in turn[start:] + turn[:start]]
    plain = {run["amount"]: run for run in runs if run["recorder"] == none.name}
    return [{**run, "round": number,
             "wall": run["wall_seconds"] / plain[run["amount"]]["wall_seconds"],
             "cpu": run["cpu_seconds"] / plain[run["amount"]]["cpu_seconds"]} for run in runs]


def run_rounds(works, used, context):
    """All runs of all rounds."""
    runs, rounds, begin = [], number_of("BENCH_ROUNDS", ROUNDS), time.monotonic()
    for workload in works:  # once unmeasured: what is read is in memory afterwards
        workload.prepare()
        run_once(workload, used[0], workload.amount(False), context)
    for number in range(rounds):
        for workload in works:
            runs += run_round(workload, used, number, context)
        print(f"[{time.monotonic() - begin:5.0f} s] round {number + 1} of {rounds}", flush=True)
    return runs


def make_scratch(context):
    """Where the workloads write: BENCH_DIR, or a file system made for them."""
    parent = os.environ.get("BENCH_DIR", "")
    if parent:
        return scratch.folder_in(parent)
    return scratch.file_system(f"{TMPFS}/lemona-bench-{os.getpid()}.ext4",
                               str(context.output / "bench-scratch"))


def run_bench(context):
    """Every run."""
    check_needs(context)
    works = [kind(context) for kind in chosen("BENCH_ONLY", workloads.ALL)]
    used = choose_recorders(context)
    with make_scratch(context) as context.directory:
        try:
            return run_rounds(works, used, context)
        finally:
            for recorder in used:
                recorder.close()
            shutil.rmtree(context.recordings, ignore_errors=True)


def main():
    arguments = parse_arguments()
    # A shell starts what it puts into the background with SIGINT ignored, and so would the
    # recorders be started, which are ended by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        context = Context(arguments)
        runs = run_bench(context)
    except (Failure, OSError) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    report.write_json(runs, context.output / "bench-runs.json")
    report.write_json(report.summarize(runs), context.output / "bench.json")
    print(f"\nRatios to no recorder, medians. CPU: {measure.cpu_source()}.\n")
    report.print_table(runs)
    report.print_means(runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
