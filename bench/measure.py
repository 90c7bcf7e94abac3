# SPDX-License-Identifier: MIT
"""What a run costs: wall time of the workload, CPU time of the whole machine."""
import os
import time

CPUACCT = "/sys/fs/cgroup/cpuacct/cpuacct.usage"
TICKS = os.sysconf("SC_CLK_TCK")
# Of /proc/stat's first line: user nice system idle iowait irq softirq; steal and guest are left
# out, the first because it is another machine's, the second because user holds it already.
BUSY_COLUMNS = (0, 1, 2, 5, 6)


def cpu_source():
    """Where CPU time comes from, in words for the report."""
    if os.path.exists(CPUACCT):
        return "run time of all tasks, to the nanosecond (cpuacct.usage)"
    return "busy ticks of all CPUs (/proc/stat)"


def cpu_seconds():
    """CPU time that the whole machine has used: all processes and kernel threads."""
    if os.path.exists(CPUACCT):
        with open(CPUACCT, encoding="ascii") as file:
            return int(file.read()) / 1e9
    with open("/proc/stat", encoding="ascii") as file:
        columns = file.readline().split()[1:]
    return sum(int(columns[number]) for number in BUSY_COLUMNS) / TICKS


class Clock:
    """CPU from here to the last look; wall time of what `time_wall` enclosed."""

    def __init__(self):
        os.sync()  # what earlier runs left to be written is none of this one's cost
        self.cpu_begin = cpu_seconds()
        self.wall = self.cpu = 0.0

    def time_wall(self, action):
        begin = time.monotonic()
        action()
        self.wall = time.monotonic() - begin

    def end(self):
        self.cpu = cpu_seconds() - self.cpu_begin
