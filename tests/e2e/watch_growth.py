# SPDX-License-Identifier: MIT
"""
Notes when a file grows: `watch_growth.py FILE` says "ready", looks every half millisecond until its
standard input ends, and prints a line for every growth: boot time in nanoseconds, and the size.

It looks by lseek(2), which the recorder does not record, and ahead of everybody else, so that what
it measures is the writer of the file and not itself.
"""

import os
import select
import sys
import time

PAUSE_SECONDS = 0.0005
PRIORITY = 30


def main():
    fd = os.open(sys.argv[1], os.O_RDONLY)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    seen, before = [], 0
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        size = os.lseek(fd, 0, os.SEEK_END)
        if size > before:
            seen.append((time.clock_gettime_ns(time.CLOCK_BOOTTIME), size))
            before = size
    print("\n".join(f"{when} {size}" for when, size in seen))


if __name__ == "__main__":
    main()
