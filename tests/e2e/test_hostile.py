# SPDX-License-Identifier: MIT
"""What any program may do must not end the recording, nor cost it an event."""

import socket

import lemona

# The name of a socket, opened as such: a descriptor of the file system's node, and of no socket.
USE_NODE = """
import ctypes, os, sys
node = os.open(sys.argv[1], os.O_PATH)
print("ready", flush=True)
sys.stdin.readline()
call = ctypes.CDLL(None, use_errno=True)
for made in (call.connect(node, bytes(16), 16), call.send(node, b"x", 1, 0)):
    assert made < 0
"""


def test_name_of_a_socket_is_no_socket(place, log):
    """Before the recording, so that it is found, and while it goes on."""
    node = str(place / "node")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(node)
        with lemona.Step("/usr/bin/python3", "-c", USE_NODE, node) as user:
            with lemona.Recording(log):
                user.go()
    tried = [event for event in lemona.events(log)
             if event.get("pid") == user.pid and event["op"] in ("connect", "send")]
    assert [event["error"] for event in tried] == ["EBADF", "EBADF"]
    assert tried[1]["path"] == node
