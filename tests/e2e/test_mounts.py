# SPDX-License-Identifier: MIT
"""What is mounted where, and what it is, is known however a program has come there."""

import subprocess

import pytest

import lemona

# By system calls alone: a program that mounts opens what it has mounted.
WRITE_FROM_INSIDE = """
import ctypes, os, sys
call, top = ctypes.CDLL(None, use_errno=True), os.fsencode(sys.argv[1])
assert call.mount(b"trace", top, b"tracefs", 0, None) == 0, os.strerror(ctypes.get_errno())
os.chdir(top + b"/events")
setting = os.open("enable", os.O_WRONLY)
os.write(setting, b"0")
"""

# A file system of memory, and one of settings: the kernel gives the second the number of the first.
ONE_AFTER_OTHER = """
import ctypes, os, sys, time
call, top = ctypes.CDLL(None, use_errno=True), os.fsencode(sys.argv[1])
assert call.mount(b"memory", top, b"tmpfs", 0, None) == 0, os.strerror(ctypes.get_errno())
os.close(os.open(top + b"/file", os.O_CREAT | os.O_WRONLY))
device = os.stat(top).st_dev
assert call.umount2(top, 0) == 0
assert call.mount(b"settings", top, b"proc", 0, None) == 0, os.strerror(ctypes.get_errno())
print(os.stat(top).st_dev == device)
time.sleep(0.1)
setting = os.open(top + b"/sys/kernel/printk_ratelimit", os.O_RDWR)
os.write(setting, os.read(setting, 16))
"""


def test_number_of_a_file_system_is_given_again(place, log):
    top = place / "top"
    top.mkdir()
    with lemona.Recording(log):
        done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "/usr/bin/python3", "-c",
                               ONE_AFTER_OTHER, top], stdout=subprocess.PIPE, text=True, check=True)
    if done.stdout != "True\n":
        pytest.skip("somebody else mounted something in between")
    written = lemona.events(log, "--path", f"{top}/sys/kernel/printk_ratelimit", "--op", "write")
    assert [event.get("kind2") for event in written] == ["kernel"]


def test_setting_of_the_kernel_written_from_inside(place, log):
    """The file system is known where only the working directory has led to it."""
    top = place / "top"
    top.mkdir()
    with lemona.Recording(log):
        subprocess.run(["unshare", "--mount", "/usr/bin/python3", "-c", WRITE_FROM_INSIDE, top],
                       check=True)
    written = lemona.events(log, "--path", f"{top}/events/enable", "--op", "write")
    assert [event.get("kind2") for event in written] == ["kernel"]
