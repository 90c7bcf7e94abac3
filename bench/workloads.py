# SPDX-License-Identifier: MIT
"""The workloads: what runs, and how much of it."""
import os
import shutil
import subprocess
from pathlib import Path

from failure import Failure

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
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

    def prepare(self):
        """Once, before the first run."""

    def amount(self, slow):
        return max(1, int((self.slow if slow else self.full) * self.context.scale))

    def place(self):
        """A fresh directory for one run."""
        parent = self.context.tmpfs if self.on_tmpfs else self.context.directory
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

    name, full, slow = "shbm", 2000, 400

    def command(self, amount, place):
        return ["/bin/sh", "-c",
                f"i=0; while [ $i -lt {amount} ]; do /bin/echo $i; i=$((i+1)); done"]


class Find(Workload):
    """find with a stat of every file: over /usr, or over a part of it of some thousand files."""

    name, full, slow = "find", 100, 10

    def command(self, amount, place):
        root = "/usr" if amount >= self.full else "/usr/share/doc"
        return ["find", root, "-printf", r"%s %T@ %p\n"]


class Tar(Workload):
    """A source tree into an archive and out of it, then a search through all of it."""

    name, full, slow = "tar", 100, 10
    archive = "/usr/src/glibc/glibc-2.36.tar.xz"
    top = "glibc-2.36"

    def prepare(self):
        """Debian's source of the C library, a part of it with some thousand files."""
        subprocess.run(["tar", "-xf", self.archive, "-C", self.context.directory,
                        f"{self.top}/sysdeps"], check=True)

    def command(self, amount, place):
        tree = "sysdeps" if amount >= self.full else "sysdeps/x86_64"
        return ["/bin/sh", "-ec", f"""
                tar -cf tree.tar -C {self.context.directory}/{self.top} {tree}
                tar -xf tree.tar
                ! grep -r 'what stands nowhere' {tree}"""]


class Postmark(Workload):
    """Small files of a mail server: made, read, appended to, removed."""

    name, full, slow, files = "postmark", 50000, 1000, 500

    def command(self, amount, place):
        path = os.path.join(place, "postmark.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"set location {place}\nset number {min(self.files, amount)}\n"
                       f"set transactions {amount}\nset seed 42\nrun\nquit\n")
        return ["postmark", path]


class Build(Workload):
    """A parallel build of C: this program's own modules that need no other library."""

    name, full, slow = "build", 40, 10

    def command(self, amount, place):
        folders = [CHECKOUT / "src" / module for module in ("base", "event", "log", "graph")]
        includes = " ".join(f"-I{folder}/include" for folder in folders)
        sources = [source for folder in folders if folder.name != "log"  # which wants libzstd
                   for source in sorted(folder.glob("*.c"))][:amount]
        rules = {f"{source.parent.name}-{source.stem}.o": source for source in sources}
        with open(os.path.join(place, "Makefile"), "w", encoding="utf-8") as file:
            file.write(f"all: {' '.join(rules)}\n")
            for name, source in rules.items():
                file.write(f"{name}: {source}\n"
                           f"\tgcc -D_GNU_SOURCE -I{CHECKOUT}/include {includes} -c $< -o $@\n")
        return ["make", "-s", f"-j{os.cpu_count()}"]


class Web(Workload):
    """A web server and its clients, in a network of their own."""

    name, full, slow = "web", 20000, 1000

    def command(self, amount, place):
        return ["unshare", "--net", str(HERE / "web.sh"), str(amount)]


ALL = (Find, Tar, Postmark, Build, Web, Rdwr, Shbm, Fileops)
