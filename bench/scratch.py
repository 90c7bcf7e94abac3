# SPDX-License-Identifier: MIT
"""A file system of the bench's own.

What a host's file system did before decides what it does next: the same tar took from two to seven
seconds on one. A new one, in memory, is the same every time.
"""
import contextlib
import ctypes
import os
import shutil
import subprocess
import tempfile

from failure import Failure

CLONE_NEWNS = 0x00020000
SIZE_BYTES = 2 << 30
MAKE = ("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0")


def run(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Failure(f"{words[0]}: {said}")


def leave_mounts():
    """What is mounted from here on is seen by this process and its children alone, and ends with
    them, however they end."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise Failure(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    run("mount", "--make-rprivate", "/")


@contextlib.contextmanager
def folder_in(parent):
    """A folder of the bench's own in one of the host's."""
    path = tempfile.mkdtemp(prefix="lemona-bench-", dir=parent)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def file_system(image, mount_point):
    """A new ext4; its image's name goes at once, its blocks with the mount."""
    leave_mounts()
    os.makedirs(mount_point, exist_ok=True)
    try:
        with open(image, "wb") as file:
            file.truncate(SIZE_BYTES)
        run(*MAKE, image)
        run("mount", "-o", "loop", image, mount_point)
    finally:
        os.unlink(image)
    try:
        yield mount_point
    finally:
        run("umount", "--lazy", mount_point)
        os.rmdir(mount_point)
