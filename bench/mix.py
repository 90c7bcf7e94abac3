#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""What logs are made of, side by side: is a made one like a recorded one?

usage: mix.py [--lemona PROGRAM] LOG...
"""
import argparse
import collections
import json
import subprocess
from pathlib import Path

from report import print_rows

CHECKOUT = Path(__file__).resolve().parent.parent
OPERATIONS = 22


class Mix:
    """Counts over the events of one log, as `lemona events` lists them."""

    def __init__(self, lemona, log):
        self.name, self.operations = Path(log).name, collections.Counter()
        self.events = self.failed = self.again = self.again_before = 0
        self.objects, self.threads, self.actors = set(), {}, set()
        status = subprocess.run([lemona, "status", log, "--format", "json"], check=True,
                                stdout=subprocess.PIPE)
        self.bytes = json.loads(status.stdout)["bytes"]
        with subprocess.Popen([lemona, "events", log, "--format", "json"], text=True,
                              errors="replace", stdout=subprocess.PIPE) as listing:
            for line in listing.stdout:
                self.count(json.loads(line))

    def count(self, event):
        if "op" not in event:
            return
        thread = event.get("actor"), event.get("tid")
        shape = event["op"], event.get("object") or event.get("name")
        last = self.threads.get(thread, ())
        self.events += 1
        self.operations[event["op"]] += 1
        self.failed += event.get("result", 0) < 0 and event["op"] not in ("exit", "thread")
        self.again += bool(last) and shape == last[-1]
        self.again_before += shape in last
        self.threads[thread] = (*last[-7:], shape)
        self.actors.add(event.get("actor"))
        self.objects.update(event[key] for key in ("actor", "object", "object2", "name", "name2")
                            if event.get(key))

    def rows(self, operations):
        def share(count):
            return f"{100 * count / self.events:.1f} %"
        yield f"{self.events:,}"
        yield f"{self.bytes / self.events:.2f}"
        yield f"{self.events / len(self.objects):.1f}"
        yield f"{self.events / len(self.actors):.1f}"
        yield share(self.failed)
        yield share(self.again)
        yield share(self.again_before)
        for operation in operations:
            yield share(self.operations[operation])


def main():
    parser = argparse.ArgumentParser(description="what logs are made of")
    parser.add_argument("--lemona", default=CHECKOUT / "build/lemona",
                        help="program that lists events (%(default)s)")
    parser.add_argument("log", nargs="+")
    arguments = parser.parse_args()
    mixes = [Mix(str(arguments.lemona), log) for log in arguments.log]
    total = sum((mix.operations for mix in mixes), collections.Counter())
    operations = [name for name, _ in total.most_common(OPERATIONS)]
    heads = ("events", "bytes an event", "events an object", "events a program", "failed",
             "same as the thread's last", "same as one of its last 8", *operations)
    columns = zip(heads, *(mix.rows(operations) for mix in mixes))
    print_rows([("", "", *(mix.name for mix in mixes)),
                *((head, "", *values) for head, *values in columns)])


if __name__ == "__main__":
    main()
