# SPDX-License-Identifier: MIT
"""The recorders: how each is started, ended, and asked what it holds."""
import json
import os
import re
import select
import signal
import subprocess

from failure import Failure

START_SECONDS = 30
END_SECONDS = 60
PEER_SECONDS = 2


class Recorder:
    """No recorder: what all others are compared with."""

    name = "none"
    is_slow = False
    on_request = False  # only where BENCH_RECORDERS names it

    def __init__(self, context):
        self.context = context

    def why_not(self):
        """A sentence when this recorder cannot run here, else None."""
        return None

    def start(self, directory):
        """Return when everything that happens from here on is recorded."""

    def wrap(self, command):
        """The command under this recorder; most need no other."""
        return command

    def end(self):
        """Return when all of the recording is stored."""

    def count(self):
        """Events, lost events and bytes of the last recording; None where nobody can tell."""
        return 0, 0, 0

    def close(self):
        """After the last run, whatever came before."""


def wait_for_line(process, word):
    """Until the recorder says `word`; what it said instead is the reason why it did not start."""
    ready, _, _ = select.select([process.stderr], [], [], START_SECONDS)
    line = process.stderr.readline().decode(errors="replace").strip() if ready else "nothing"
    if word not in line:
        process.kill()
        process.wait()
        raise Failure(f"{process.args[0]} did not start: {line}")


class Lemona(Recorder):
    name, level, more = "lemona", None, ()

    def __init__(self, context):
        super().__init__(context)
        self.log = self.process = None

    def start(self, directory):
        self.log = os.path.join(directory, "log")
        level = ["--level", self.level] if self.level else []
        self.process = subprocess.Popen(
            [self.context.lemona, "record", "-o", self.log, *level, *self.more], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for_line(self.process, "recording")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=END_SECONDS)[1].decode(errors="replace").strip()
        if self.process.returncode != 0:
            raise Failure(f"{self.name} ended with status {self.process.returncode}: {said}")

    def count(self):
        status = subprocess.run([self.context.lemona, "status", self.log, "--format", "json"],
                                stdout=subprocess.PIPE, check=False)
        if status.returncode != 0:
            raise Failure(f"lemona status {self.log} ended with status {status.returncode}")
        answer = json.loads(status.stdout)
        return answer["events"], answer["lost"], answer["bytes"]


class LemonaUnsealed(Lemona):
    """What sealing costs: the same without it."""

    name, more, on_request = "lemona-unsealed", ("--no-seal",), True


class LemonaLevel(Lemona):
    """One of the levels that are not the default."""

    def why_not(self):
        text = subprocess.run([self.context.lemona, "record", "--help"], stdout=subprocess.PIPE,
                              text=True, check=False).stdout
        option = re.search(r"--level\b(.*?)(?=\n\s+-|\Z)", text, re.S)
        known = option and re.search(rf"\b{self.level}\b", option[1])
        return None if known else f"lemona record knows no level {self.level}"


class LemonaFull(LemonaLevel):
    name, level = "lemona-full", "full"


class LemonaReduced(LemonaLevel):
    name, level = "lemona-reduced", "reduced"


class Strace(Recorder):
    """strace -f of the workload's processes: every call, each stopping its process twice."""

    name, is_slow = "strace", True

    def __init__(self, context):
        super().__init__(context)
        self.output = None

    def start(self, directory):
        self.output = os.path.join(directory, "strace.txt")

    def wrap(self, command):
        return ["strace", "-f", "-o", self.output, *command]

    def count(self):
        """A call that another process's interrupted takes two lines: its end is not counted."""
        with open(self.output, "rb") as file:
            events = sum(b" resumed>" not in line for line in file)
        return events, 0, os.path.getsize(self.output)


class Peer(Recorder):
    """Any other recorder, by the command that starts it."""

    variable = "BENCH_PEER"
    form = re.compile(r"([A-Za-z0-9_.-]+)=(.*\S.*)", re.S)

    def __init__(self, context, name, command):
        super().__init__(context)
        self.name, self.command = name, command
        self.directory = self.process = None

    @classmethod
    def from_environment(cls, context, taken):
        """The peer that BENCH_PEER names, or None."""
        text = os.environ.get(cls.variable, "")
        found = cls.form.fullmatch(text)
        if text and not found:
            raise Failure(f"{cls.variable} wants name=command, not {text}")
        if text and found[1] in taken:
            raise Failure(f"{cls.variable}: {found[1]} is the name of another recorder here")
        return cls(context, found[1], found[2]) if text else None

    def start(self, directory):
        self.directory = os.path.join(directory, "peer")
        os.mkdir(self.directory)
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", self.command], cwd=self.directory, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "BENCH_DIR": self.directory})
        try:
            status = self.process.wait(PEER_SECONDS)
        except subprocess.TimeoutExpired:
            return
        raise Failure(f"{self.name} ended with status {status} instead of recording: "
                      f"{self.command}")

    def end(self):
        """SIGINT to the whole session, as a terminal would."""
        try:
            os.killpg(self.process.pid, signal.SIGINT)
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise Failure(f"{self.name} did not end within {END_SECONDS} s of SIGINT") from None

    def count(self):
        size = sum(os.path.getsize(os.path.join(folder, name))
                   for folder, _, names in os.walk(self.directory) for name in names)
        return None, None, size


KINDS = (Recorder, Lemona, LemonaUnsealed, LemonaFull, LemonaReduced, Strace)
