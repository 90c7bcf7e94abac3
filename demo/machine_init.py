# SPDX-License-Identifier: MIT
"""Process 1 of a private machine: has its root built, moves into it, says so, and waits.

usage: machine_init.py NAME MOUNT_POINT READY_FD LIFETIME_SECONDS BUILDER [ARGUMENT...]

Started by machine.py, in namespaces of its own.
"""
import importlib.util
import os
import signal
import socket
import subprocess
import sys

from machine import READY


def load_builder(path):
    spec = importlib.util.spec_from_file_location("builder", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def move_into(root):
    """Make `root` the root directory; what was there before is gone from sight."""
    old = os.path.join(root, "old-root")
    os.mkdir(old)
    subprocess.run(["pivot_root", root, old], check=True, stdin=subprocess.DEVNULL)
    os.chdir("/")
    subprocess.run(["umount", "-l", "/old-root"], check=True, stdin=subprocess.DEVNULL)
    os.rmdir("/old-root")


def main():
    name, mount_point, ready_fd, lifetime, builder, *arguments = sys.argv[1:]
    socket.sethostname(name)
    os.umask(0o022)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, stdin=subprocess.DEVNULL)
    load_builder(builder).build(mount_point, *arguments)
    move_into(mount_point)
    # Orphans of this machine end up here: with the signal ignored the kernel reaps them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"the time of machine '{name}' is up"))
    signal.alarm(int(lifetime))
    os.write(int(ready_fd), READY)
    os.close(int(ready_fd))
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
