# SPDX-License-Identifier: MIT
"""Debian's auditd with rules that ask for the same events, in a configuration of its own."""
import os
import re
import signal
import subprocess
import time

from failure import Failure
from recorders import END_SECONDS, START_SECONDS, Recorder

# What moves data, names, or control, by the names that auditctl knows them by.
CALLS = """
read pread readv preadv preadv2 write pwrite writev pwritev pwritev2 vmsplice sendfile splice
tee copy_file_range truncate ftruncate fallocate
open openat openat2 creat open_by_handle_at close dup dup2 dup3 pipe pipe2 memfd_create
rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat mkdir mkdirat rmdir mknod
mknodat chmod fchmod fchmodat chown lchown fchown fchownat utime utimes futimesat utimensat
setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents getdents64
mmap munmap mprotect socket socketpair bind listen connect accept accept4 shutdown sendto recvfrom
sendmsg recvmsg sendmmsg recvmmsg kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo ptrace
process_vm_readv process_vm_writev fork vfork clone clone3 execve execveat exit exit_group
setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset setsid
chdir fchdir chroot pivot_root setns unshare mount move_mount umount2
init_module finit_module delete_module bpf kexec_load kexec_file_load
""".split()

CONFIGURATION = """\
local_events = yes
write_logs = yes
log_file = {directory}/audit.log
log_format = RAW
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file_action = IGNORE
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
priority_boost = 4
plugin_dir = {directory}/plugins
"""

BACKLOG_LIMIT = 8192
# A process without audit context takes the fast way into the kernel.
NO_CONTEXTS = ("-a", "never,task")
OPTIONS = {"failure": "-f", "rate_limit": "-r", "backlog_limit": "-b"}


def auditctl(*words):
    done = subprocess.run(["auditctl", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode != 0:
        said = (done.stdout.strip().splitlines() or ["it said nothing"])[-1]
        raise Failure(f"auditctl {' '.join(words)[:40]}: {said}")
    return done.stdout


def read_state():
    """The kernel's audit settings, by name."""
    return {name: int(value)
            for name, value in re.findall(r"^(\w+) (\d+)", auditctl("-s"), re.MULTILINE)}


def read_rules():
    """The rules of the kernel, as auditctl takes them."""
    lines = auditctl("-l").splitlines()
    return [] if lines == ["No rules"] else [line.split() for line in lines]


class Auditd(Recorder):
    """Takes the kernel's audit system for the time of a run, and gives it back as it was.

    What cannot be given back: once auditing was enabled, the kernel prepares every new process
    for it, which makes all its calls slower. A rule that says "never" for tasks prevents it, and
    so it stands between the runs; close() leaves it where there were no rules before.
    """

    name, is_slow = "auditd", True
    only = ()  # what else has to be so of a call, as auditctl takes it

    def __init__(self, context):
        super().__init__(context)
        self.process = self.directory = self.before = None
        self.lost_before = self.lost = 0

    def why_not(self):
        try:
            state = read_state()
            if state["pid"]:
                return "an audit daemon runs on this host already"
            if state["enabled"] == 2:
                return "this host's audit rules are locked until the next boot"
            self.before = {"state": state, "rules": read_rules()}
        except (Failure, OSError, KeyError) as failure:
            return f"the kernel's audit system cannot be used here ({failure})"
        return None

    def start(self, directory):
        self.directory = os.path.join(directory, "audit")
        os.makedirs(os.path.join(self.directory, "plugins"))
        with open(os.path.join(self.directory, "auditd.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(directory=self.directory))
        auditctl("-D")
        auditctl("-b", str(BACKLOG_LIMIT))
        self.process = subprocess.Popen(
            ["auditd", "-n", "-s", "enable", "-c", self.directory], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for(lambda state: state["pid"] == self.process.pid, START_SECONDS,
                      "did not start")
        auditctl("-a", "never,exit", "-F", "arch=b64", "-F", f"pid={self.process.pid}")
        auditctl("-a", "always,exit", "-F", "arch=b64", *self.only, "-S", ",".join(CALLS))
        self.lost_before = read_state()["lost"]

    def wait_for(self, condition, seconds, what):
        """Ask the kernel until the condition holds of its answer."""
        limit = time.monotonic() + seconds
        while not condition(read_state()):
            if time.monotonic() > limit or self.process.poll() is not None:
                raise Failure(f"auditd {what}")
            time.sleep(0.02)

    def end(self):
        """No more events, all of them written, then no more daemon."""
        try:
            auditctl("-D")
            auditctl(*NO_CONTEXTS)
            if self.process.poll() is None:
                self.wait_for(lambda state: state["backlog"] == 0, END_SECONDS,
                              "did not write all events")
            self.lost = read_state()["lost"] - self.lost_before
        finally:
            self.stop_daemon()

    def stop_daemon(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        auditctl("-e", "0")

    def count(self):
        path = os.path.join(self.directory, "audit.log")
        with open(path, "rb") as file:
            events = sum(line.startswith(b"type=SYSCALL") for line in file)
        return events, self.lost, os.path.getsize(path)

    def close(self):
        """Rules and settings as they were."""
        if self.process is None:
            return
        self.stop_daemon()
        auditctl("-D")
        for rule in self.before["rules"] or [NO_CONTEXTS]:
            auditctl(*rule)
        for name, option in OPTIONS.items():
            auditctl(option, str(self.before["state"][name]))
        auditctl("-e", str(self.before["state"]["enabled"]))
