#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Measures what asking a log costs, on the log of a made host with attacks whose truth is known.

Writes bench-analysis.json into the output folder and prints tables; docs/bench.md says what the
numbers mean and what the environment may ask for.
"""
import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import analysis_sql
from failure import Failure
from report import print_rows, write_json
from settings import number_of

CHECKOUT = Path(__file__).resolve().parent.parent
EVENTS, DAYS, ATTACKS, RANDOM, ROUNDS = 100_000_000, 3, 2, 10_000, 3
SCREEN_NODES = 60


class Ask:
    """bench-ask on one log: questions in, answers out."""

    def __init__(self, programs, log):
        self.process = subprocess.Popen([programs / "bench-ask", log], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.opened = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"bench-ask ended with status {self.process.wait()}")
        return json.loads(line)

    def __call__(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise Failure("bench-ask failed")


def parse_arguments():
    parser = argparse.ArgumentParser(description="measure what asking a log costs")
    parser.add_argument("--output", default=CHECKOUT / "build",
                        help="folder for bench-analysis.json (%(default)s)")
    parser.add_argument("--lemona", default=CHECKOUT / "build/lemona",
                        help="program to measure (%(default)s)")
    return parser.parse_args()


def run(command):
    """What it used, in seconds of CPU."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise Failure(f"{command[0]} ended with status {done.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def size_of(folder, pattern):
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())


def make_log(programs, folder):
    """The log, and what is true of it."""
    log, truth = folder / "log", folder / "truth.json"
    run([programs / "bench-make-host", "--events", number_of("BENCH_ANALYSIS_EVENTS", EVENTS),
         "--days", number_of("BENCH_ANALYSIS_DAYS", DAYS),
         "--attacks", number_of("BENCH_ANALYSIS_ATTACKS", ATTACKS),
         "--seed", number_of("BENCH_ANALYSIS_SEED", 1), log, truth])
    return log, json.loads(truth.read_text(encoding="utf-8"))


def measure_ingest(lemona, log, events):
    """Events for each second of CPU that building the index takes."""
    seconds = []
    for _ in range(number_of("BENCH_ANALYSIS_ROUNDS", ROUNDS)):
        shutil.rmtree(log / "index", ignore_errors=True)
        seconds.append(run([lemona, "index", log]))
    return events / statistics.median(seconds)


def share(part, whole):
    return len(part) / len(whole) if whole else 1.0


def judge_screen(attack, screen):
    """How much of an attack's own is on the first screen, and how much there is somebody else's."""
    shown = set(screen["nodes"])
    own = [thing for thing in attack["things"] if thing["role"] == "attack"]
    missing = [thing["label"] for thing in own if not shown & set(thing["objects"])]
    known = {number for thing in attack["things"] for number in thing["objects"]}
    other = [group for group in screen["shown"] if not known & set(group)]
    return {"screen_nodes": len(screen["shown"]), "screen_edges": screen["edges"],
            "screen_ms": screen["ms"], "screen_missing": missing,
            "first_screen_recall": 1 - share(missing, own),
            "first_screen_other_share": share(other, screen["shown"])}


def measure_attack(ask, attack):
    points = attack["detections"]
    whole = [ask("trace", "backward", "none", *points) for _ in range(ROUNDS)]
    missing = ask("holds", *attack["events"])["missing"]
    screen = ask("trace", "backward", "screen", *points)
    return {"name": attack["name"], "nodes": len(whole[-1]["nodes"]), "edges": whole[-1]["edges"],
            "ms": statistics.median(answer["ms"] for answer in whole),
            "rss_bytes": whole[-1]["rss_bytes"],
            "recall": 1 - share(missing, attack["events"]), **judge_screen(attack, screen)}


def mean_of(rows, key):
    return statistics.fmean(row[key] for row in rows)


def measure_log(arguments, folder):
    lemona = Path(arguments.lemona).resolve()
    programs = lemona.parent / "bench"
    begin = time.monotonic()

    def say(what):
        print(f"[{time.monotonic() - begin:5.0f} s] {what}", flush=True)

    log, truth = make_log(programs, folder)
    say(f"{truth['events']:,} events made")
    ingest = measure_ingest(lemona, log, truth["events"])
    say("index built")
    ask = Ask(programs, log)
    attacks = [measure_attack(ask, attack) for attack in truth["attacks"]]
    say("attacks walked back")
    random = ask("random", number_of("BENCH_ANALYSIS_RANDOM", RANDOM), 1)
    say("random objects asked")
    ask.close()
    sql = analysis_sql.measure(lemona, log, truth, folder)
    say("SQL asked")
    log_bytes, index_bytes = size_of(log, "*.lms"), size_of(log, "index/*")
    return {
        "events": truth["events"], "objects": truth["objects"],
        "ingest_events_per_s_core": ingest,
        "bytes_per_event_disk": (log_bytes + index_bytes) / truth["events"],
        "bytes_per_event_log": log_bytes / truth["events"],
        "bytes_per_event_index": index_bytes / truth["events"],
        "backtrack_rss_bytes": max(row["rss_bytes"] for row in attacks),
        "random_query_ms": {key: random[key] for key in ("mean", "p50", "p90", "p99", "max")},
        "random_slowest": random["slowest"],
        "attack_graph_ms": max(row["ms"] for row in attacks),
        "attack_recall": min(row["recall"] for row in attacks),
        "first_screen_recall": min(row["first_screen_recall"] for row in attacks),
        "first_screen_other_share": max(row["first_screen_other_share"] for row in attacks),
        "first_screen_nodes": max(row["screen_nodes"] for row in attacks),
        "reduction": truth["events"] / mean_of(attacks, "screen_edges"),
        "attacks": attacks, "sql": sql,
    }


def print_result(result):
    rows = [("what", "", "measured")]
    for key, value in result.items():
        if isinstance(value, (int, float)):
            rows.append((key, "", f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"))
    rows += [(f"random_query_ms {key}", "", f"{value:,.3f}")
             for key, value in result["random_query_ms"].items()]
    print_rows(rows)
    rows = [("attack", "", "whole graph: nodes", "ms", "recall", "screen: nodes", "recall",
             "others", "ms")]
    rows += [(row["name"], "", f"{row['nodes']:,}", f"{row['ms']:.1f}", f"{row['recall']:.3f}",
              f"{row['screen_nodes']:,}", f"{row['first_screen_recall']:.3f}",
              f"{row['first_screen_other_share']:.3f}", f"{row['screen_ms']:.1f}")
             for row in result["attacks"]]
    print_rows(rows)
    analysis_sql.print_table(result["sql"])


def main():
    arguments = parse_arguments()
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix="lemona-analysis-", dir=analysis_sql.place()))
        result = measure_log(arguments, folder)
    except (Failure, OSError) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    write_json(result, Path(arguments.output) / "bench-analysis.json")
    print_result(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
