#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Measures how fast a sealed log is verified, beside sha256sum of the same files, and what a proof
of one of its events costs. Writes bench-verify.json into the output folder and prints a table."""
import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ROUNDS = 5
PROOFS = 20


def parse_arguments():
    parser = argparse.ArgumentParser(description="measure verifying and proving")
    parser.add_argument("--output", default=CHECKOUT / "build",
                        help="folder for bench-verify.json (%(default)s)")
    parser.add_argument("--lemona", default=CHECKOUT / "build/lemona",
                        help="program to measure (%(default)s)")
    parser.add_argument("--events", type=int, default=10_000_000,
                        help="in the log (%(default)s)")
    return parser.parse_args()


def run(command):
    """Its output, and what it took in seconds of CPU: others may use the machine as well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(lemona, log, events):
    files = sorted(log.glob("*.lms"))
    verified, hashed, proved, sizes = [], [], [], []
    for _ in range(ROUNDS):
        verified.append(run([lemona, "verify", log, "--format", "json"]))
        hashed.append(run(["sha256sum", *files])[1])
    answer = json.loads(verified[0][0])
    if not answer["sound"] or answer["events"] != events:
        sys.exit("the log that was made is not sound")
    for i in range(PROOFS):
        proof, seconds = run([lemona, "prove", log, 1 + i * (events - 1) // (PROOFS - 1)])
        proved.append(seconds)
        sizes.append(len(proof))
    seconds = statistics.median(seconds for _, seconds in verified)
    return {
        "events": events, "bytes": answer["bytes"], "uncompressed_bytes": answer["raw_bytes"],
        "frames": answer["frames"], "verify_cpu_seconds": seconds,
        "verify_mb_a_second": answer["bytes"] / seconds / 1e6,
        "verify_uncompressed_mb_a_second": answer["raw_bytes"] / seconds / 1e6,
        "sha256sum_cpu_seconds": statistics.median(hashed),
        "sha256sum_mb_a_second": answer["bytes"] / statistics.median(hashed) / 1e6,
        "proof_cpu_ms_median": statistics.median(proved) * 1e3, "proof_cpu_ms_max": max(proved) * 1e3,
        "proof_bytes_max": max(sizes),
    }


def main():
    arguments = parse_arguments()
    lemona = Path(arguments.lemona).resolve()
    folder = Path(tempfile.mkdtemp(prefix="lemona-verify-", dir="/dev/shm"))
    try:
        run([lemona.parent / "bench/bench-make-log", folder / "log", arguments.events])
        result = measure(lemona, folder / "log", arguments.events)
    finally:
        shutil.rmtree(folder)
    output = Path(arguments.output) / "bench-verify.json"
    output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for key, value in result.items():
        print(f"{key:32} {value:14,.1f}" if isinstance(value, float) else f"{key:32} {value:14,}")


main()
