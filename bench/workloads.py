# SPDX-License-Identifier: MIT
"""The workloads: what runs, and how much of it."""
import os
import shutil
import subprocess

from failure import Failure

TMPFS = "/dev/shm"
WORK_SECONDS = 300


class Workload:
    """One command, run in a fresh directory.

    `full` is the amount for ordinary recorders; `slow` the one for those that would take minutes.
    """

    name = None
    full = slow = 1
    on_tmpfs = False

    def __init__(self, context):
        self.context = context

    def amount(self, slow):
        return max(1, int((self.slow if slow else self.full) * self.context.scale))

    def place(self):
        """A fresh directory for one run."""
        parent = TMPFS if self.on_tmpfs else self.context.directory
        path = os.path.join(parent, f"lemona-bench-{os.getpid()}")
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
        return path

    def command(self, amount, place):
        """Words of the command that does `amount` of the work in `place`."""
        raise NotImplementedError

    def run(self, wrap, amount, place):
        """Do it; `wrap` puts a tracer before the command."""
        command = wrap(self.command(amount, place))
        try:
            done = subprocess.run(command, cwd=place, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                  errors="replace", timeout=WORK_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end within {WORK_SECONDS} s") from None
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise Failure(f"{self.name} ended with status {done.returncode}: {last}")


class Rdwr(Workload):
    """1-byte pread, lseek, read, write, a process on each CPU."""

    name, full, slow, on_tmpfs = "rdwr", 1000000, 10000, True

    def command(self, amount, place):
        return [self.context.program("bench-rdwr"), place, str(amount)]


class Fileops(Workload):
    """open, 4 writes, 4 reads, close, rename, unlink."""

    name, full, slow, on_tmpfs = "fileops", 100000, 5000, True

    def command(self, amount, place):
        return [self.context.program("bench-fileops"), place, str(amount)]


class Shbm(Workload):
    """A shell that runs /bin/echo, each in a process of its own."""

    name, full, slow = "shbm", 2000, 200

    def command(self, amount, place):
        return ["/bin/sh", "-c",
                f'i=0; while [ $i -lt {amount} ]; do /bin/echo $i; i=$((i+1)); done']


class Find(Workload):
    """find over /usr, with a stat of every file."""

    name, full, slow = "find", 10, 1
    # What is searched, by amount: all, or a part of some thousand files.
    roots = {10: "/usr"}

    def command(self, amount, place):
        return ["find", self.roots.get(amount, "/usr/share/doc"), "-printf", r"%s %T@ %p\n"]


ALL = (Find, Rdwr, Shbm, Fileops)
