# SPDX-License-Identifier: MIT
"""A TPM that is a program: swtpm, and the programs with which anybody asks a TPM."""
import subprocess
import time

import lemona


class Tpm:
    def __init__(self, place):
        self.place = place
        self.name = f"swtpm:path={place}/tpm"
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={place}", "--flags",
             "not-need-init,startup-clear", "--server", f"type=unixio,path={place}/tpm",
             "--ctrl", f"type=unixio,path={place}/tpm.ctrl"], stderr=subprocess.DEVNULL)
        until = time.monotonic() + lemona.LIMIT_SECONDS
        while not (place / "tpm").exists():
            assert time.monotonic() < until and self.process.poll() is None
            time.sleep(0.01)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def run(self, program, *arguments):
        return subprocess.run([f"tpm2_{program}", "-T", self.name, *map(str, arguments)],
                              capture_output=True, check=True,
                              timeout=lemona.LIMIT_SECONDS).stdout

    def run_and_flush(self, program, *arguments):
        """No resource manager stands before it: what is loaded would stay."""
        try:
            return self.run(program, *arguments)
        finally:
            self.run("flushcontext", "-t")

    def read(self, index):
        return self.run("nvread", "-C", "o", hex(index))

    def make_anew(self, index, kind, size):
        """What the TPM's owner can do: delete an index, and define one in its place."""
        self.run("nvundefine", "-C", "o", hex(index))
        self.run("nvdefine", "-C", "o", "-s", size, "-a",
                 f"ownerread|ownerwrite|no_da|nt={kind}", hex(index))

    def extend(self, index, digest):
        (self.place / "digest").write_bytes(digest)
        self.run("nvextend", "-C", "o", "-i", self.place / "digest", hex(index))
