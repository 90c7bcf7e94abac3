# SPDX-License-Identifier: MIT
"""What is mounted where, and what it is, is known however a program has come there."""

import subprocess

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


def test_setting_of_the_kernel_written_from_inside(place, log):
    """The file system is known where only the working directory has led to it."""
    top = place / "top"
    top.mkdir()
    with lemona.Recording(log):
        subprocess.run(["unshare", "--mount", "/usr/bin/python3", "-c", WRITE_FROM_INSIDE, top],
                       check=True)
    written = lemona.events(log, "--path", f"{top}/events/enable", "--op", "write")
    assert [event.get("kind2") for event in written] == ["kernel"]
