# SPDX-License-Identifier: MIT
"""The recorders: how each is started, ended, and asked what it holds."""
import json
import os
import select
import signal
import subprocess

from failure import Failure

START_SECONDS = 30
END_SECONDS = 60


class Recorder:
    """No recorder: what all others are compared with."""

    name = "none"
    is_slow = False

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


def wait_for_line(process, word):
    """Until the recorder says `word`; what it said instead is the reason why it did not start."""
    ready, _, _ = select.select([process.stderr], [], [], START_SECONDS)
    line = process.stderr.readline().decode(errors="replace").strip() if ready else "nothing"
    if word not in line:
        process.kill()
        process.wait()
        raise Failure(f"{process.args[0]} did not start: {line}")


class Lemona(Recorder):
    name, level = "lemona", None

    def __init__(self, context):
        super().__init__(context)
        self.log = self.process = None

    def start(self, directory):
        self.log = os.path.join(directory, "log")
        level = ["--level", self.level] if self.level else []
        self.process = subprocess.Popen(
            [self.context.lemona, "record", "-o", self.log, *level], stdin=subprocess.DEVNULL,
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


class LemonaLevel(Lemona):
    """One of the levels that are not the default."""

    def why_not(self):
        text = subprocess.run([self.context.lemona, "record", "--help"], stdout=subprocess.PIPE,
                              text=True, check=False).stdout
        return None if "--level" in text else f"lemona record knows no level {self.level}"


class LemonaFull(LemonaLevel):
    name, level = "lemona-full", "full"


class LemonaReduced(LemonaLevel):
    name, level = "lemona-reduced", "reduced"


ALL = (Recorder, Lemona, LemonaFull, LemonaReduced)
