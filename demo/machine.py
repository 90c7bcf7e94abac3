# SPDX-License-Identifier: MIT
"""Private machines made of namespaces: own mounts, processes, network and host name.

A machine is a process that keeps the namespaces alive. It is process 1 inside, so that nothing
which runs there outlives it, and it dies with whoever made it. What its root holds is the business
of a builder: a Python file with a function build(mount_point, *arguments) which mounts one there.
"""
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
LIFETIME_SECONDS = 240  # nothing of the stage outlives this, whatever happens
READY = b"ready"


class Machine:
    """A running machine. `pid` holds its namespaces, as seen from the host."""

    def __init__(self, name, work_dir, builder, *arguments):
        self.name = name
        read_end, write_end = os.pipe()
        mount_point = os.path.join(work_dir, name)
        os.makedirs(mount_point, exist_ok=True)
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--",
             "unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork",
             "--kill-child=KILL", "--propagation", "private", "--",
             "/usr/bin/python3", "-B", os.path.join(HERE, "machine_init.py"),
             name, mount_point, str(write_end), str(LIFETIME_SECONDS), builder, *arguments],
            stdin=subprocess.DEVNULL, pass_fds=(write_end,), start_new_session=True)
        os.close(write_end)
        with os.fdopen(read_end, "rb", buffering=0) as ready:
            said = ready.read(len(READY))
        if said != READY:
            self.stop()
            raise RuntimeError(f"the machine '{name}' did not start")
        self.pid = self.process.pid

    def enter(self, *command):
        """The command line that runs `command` inside, from the host."""
        return enter_command(self.pid, command)

    def run(self, *command):
        subprocess.run(self.enter(*command), stdin=subprocess.DEVNULL, check=True)

    def stop(self):
        """End the machine and all that runs in it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def enter_command(pid, command):
    """The command line that runs `command` on the machine whose namespaces `pid` holds."""
    proc = f"/proc/{pid}/ns"
    return ["nsenter", f"--mount={proc}/mnt", f"--net={proc}/net", f"--uts={proc}/uts",
            f"--ipc={proc}/ipc", f"--pid={proc}/pid_for_children", "--", *command]


def connect(left, left_addresses, right, right_addresses):
    """A cable between two machines, each end with a list of ADDRESS/PREFIX."""
    left_device, right_device = f"to-{right.name}"[:15], f"to-{left.name}"[:15]
    subprocess.run(["ip", "link", "add", "name", left_device, "netns", str(left.pid),
                    "type", "veth", "peer", "name", right_device, "netns", str(right.pid)],
                   check=True, stdin=subprocess.DEVNULL)
    for machine, device, addresses in ((left, left_device, left_addresses),
                                       (right, right_device, right_addresses)):
        for address in addresses:
            machine.run("ip", "address", "add", address, "dev", device)
        machine.run("ip", "link", "set", device, "up")
