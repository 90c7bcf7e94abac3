#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Boots one of Debian's kernels in an emulated machine and runs a command there, as root and with a
root file system in memory. Nothing of this host is changed and nothing of it is in reach.

    boot.py --kernel 6.1 -- COMMAND...
    boot.py --kernel 6.12 --append lockdown=integrity --add tests/x -- lemona doctor

`lemona` and the workload programs (w-*) of the build are in the guest's PATH, and so is busybox.
What the command leaves in /out is brought out with --out. The exit code is the command's.
"""
import argparse
import io
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import kernels  # noqa: E402  (found through the line above)

BUILD = Path(os.environ.get("LEMONA_BUILD", kernels.REPO / "build"))
LEMONA = Path(os.environ.get("LEMONA", BUILD / "lemona"))
BUSYBOX = Path("/bin/busybox")
EMULATOR = "qemu-system-x86_64"

MEMORY_MIB = 1024
LIMIT_SECONDS = 400

# Serial lines: 0 is the kernel's console, 1 the command's output, 2 a tar file of /out at the end.
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tracefs tracefs /sys/kernel/tracing
mount -t securityfs securityfs /sys/kernel/security
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
chmod 1777 /tmp /var/tmp /dev/shm
ip link set lo up
for line in 1 2; do stty -F /dev/ttyS$line raw -echo; done
cd /root
sh /command </dev/null >/dev/ttyS1 2>&1
echo $? >/out/.exit
tar -C /out -c . >/dev/ttyS2
reboot -f
"""

DIRECTORIES = ("bin", "dev", "etc", "out", "proc", "root", "sys", "tmp", "usr/bin", "var/tmp")


class Crash(Exception):
    """The guest did not come to its end; the text holds what its console said last."""


def libraries(program):
    """The shared libraries that a program needs, by the path under which it looks for them."""
    listed = subprocess.run(["ldd", str(program)], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return {Path(path) for path in re.findall(r"(?:=> |^\t)(/\S+) \(", listed, re.MULTILINE)}


class Initramfs:
    """The guest's root: an archive in the "newc" form of Documentation/driver-api/early-userspace."""

    def __init__(self):
        self.archive = io.BytesIO()
        self.inode = 0
        self.known = {"."}
        for name in DIRECTORIES:
            self.add_directory(name)
        self.add_file("init", INIT.encode(), 0o755)
        self.add_program("bin/busybox", BUSYBOX)
        self.add_file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        self.add_file("etc/group", b"root:x:0:\n")

    def add(self, name, mode, data):
        self.inode += 1
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        for part in (head, data):
            self.archive.write(part + b"\0" * (-len(part) % 4))

    def add_directory(self, name):
        name = str(name)
        if name in self.known:
            return
        self.add_directory(os.path.dirname(name) or ".")
        self.known.add(name)
        self.add(name, stat.S_IFDIR | 0o755, b"")

    def add_file(self, name, data, mode=0o644):
        name = str(name).lstrip("/")
        if name in self.known:
            return
        self.add_directory(os.path.dirname(name) or ".")
        self.known.add(name)
        self.add(name, stat.S_IFREG | mode, data)

    def add_program(self, name, path):
        """A program of this host and what it is linked with."""
        self.add_file(name, path.read_bytes(), 0o755)
        for library in libraries(path):
            self.add_file(library, library.read_bytes(), 0o755)

    def add_tree(self, name, path):
        """A file of this host, or a directory with all that is in it."""
        if path.is_dir():
            self.add_directory(name.lstrip("/"))
            for below in sorted(path.iterdir()):
                self.add_tree(f"{name}/{below.name}", below)
        elif path.stat().st_mode & 0o111:
            self.add_program(name, path)
        else:
            self.add_file(name, path.read_bytes())

    def add_build(self):
        self.add_program("usr/bin/lemona", LEMONA)
        built = LEMONA.parent / "tests"
        for program in sorted([*built.glob("workload/w-*"), *built.glob("kernels/*")]):
            if program.is_file() and os.access(program, os.X_OK):
                self.add_program(f"usr/bin/{program.name}", program)

    def write(self, path):
        self.add("TRAILER!!!", 0, b"")
        path.write_bytes(self.archive.getvalue())


def unpack(archive, out):
    """Bring out what the guest left. @return the command's exit code"""
    with tarfile.open(archive) as tar:
        code = int(tar.extractfile("./.exit").read())
        for member in tar if out else ():
            # The guest runs programs under test: believe nothing that leads elsewhere.
            if (member.isfile() or member.isdir()) and ".." not in member.name.split("/"):
                tar.extract(member, out)
    return code


def boot(kernel, initramfs, script, out=None, append="", stdout=None, cpus=2):
    """
    Run a shell script in a guest.

    @param kernel     what kernels.get() returned
    @param out        directory for what the script leaves in /out; None: thrown away
    @param append     more words for the kernel's command line
    @param stdout     where the script's output goes; None: to ours
    @return the script's exit code
    @raise Crash      no end within LIMIT_SECONDS, or the kernel died
    """
    if not shutil.which(EMULATOR):
        raise Crash(f"{EMULATOR} is missing: apt-get install qemu-system-x86")
    with tempfile.TemporaryDirectory(prefix="lemona-boot-") as made:
        place = Path(made)
        initramfs.add_file("command", script.encode())
        initramfs.write(place / "initramfs")
        command = [
            EMULATOR, "-accel", "tcg,thread=single", "-cpu", "max", "-smp", str(cpus),
            "-m", str(MEMORY_MIB), "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-kernel", kernel.image, "-initrd", place / "initramfs",
            "-append", f"console=ttyS0 loglevel=4 panic=-1 {append}",
            "-serial", f"file:{place / 'console'}",
            "-chardev", "stdio,id=output,signal=off", "-serial", "chardev:output",
            "-serial", f"file:{place / 'out.tar'}",
        ]
        late = ""
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stdout, timeout=LIMIT_SECONDS,
                           check=False)
        except subprocess.TimeoutExpired:
            late = f"no end within {LIMIT_SECONDS} s"
        try:
            return unpack(place / "out.tar", out)
        except (OSError, KeyError, tarfile.TarError) as error:
            said = (place / "console").read_text(errors="replace").splitlines()[-40:]
            raise Crash("\n".join([f"{kernel.release}: {late or error}", *said])) from error


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip(),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", choices=kernels.SERIES, default=kernels.SERIES[-1])
    parser.add_argument("--append", default="", help="more words for the kernel's command line")
    parser.add_argument("--add", action="append", default=[], metavar="PATH", type=Path,
                        help="a file or directory of this host, put into /root")
    parser.add_argument("--out", type=Path, help="where to put what the command leaves in /out")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("command", nargs="+", metavar="COMMAND",
                        help="one word: a line for the shell; more: a command")
    words = parser.parse_args()

    initramfs = Initramfs()
    initramfs.add_build()
    for path in words.add:
        initramfs.add_tree(f"root/{path.resolve().name}", path.resolve())
    command = words.command[0] if len(words.command) == 1 else shlex.join(words.command)
    try:
        return boot(kernels.get(words.kernel), initramfs, f"{command}\n", words.out, words.append,
                    cpus=words.cpus)
    except (Crash, kernels.NoKernel) as error:
        print(f"boot: {error}", file=sys.stderr)
        return 125


if __name__ == "__main__":
    sys.exit(main())
