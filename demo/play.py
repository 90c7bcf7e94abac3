# SPDX-License-Identifier: MIT
"""The play: starts the parts on machines that stand already, and ends when the attack has.

usage: play.py LOG_DIR VICTIM_PID ATTACKER_PID CUSTOMERS_PID

Every part is a child with nothing to read from the others: standard input is /dev/null, output goes
to a file of its own. What is recorded is this process and what it starts.
"""
import os
import signal
import subprocess
import sys
import time

from machine import enter_command

VICTIM_TO_ATTACKER = "203.0.113.10"
VICTIM_TO_CUSTOMERS = "198.51.100.10"
ATTACKER = "203.0.113.7"
CUSTOMERS = ("198.51.100.21", "198.51.100.22", "198.51.100.23")

SERVICES_SECONDS = 1
BEFORE_SECONDS = 4  # of ordinary life before the attack
AFTER_SECONDS = 1.5
REPORT_SECONDS = 5


class Parts:
    """The children; all of them are ended when the play is."""

    def __init__(self, log_dir):
        self.log_dir = log_dir
        self.children = []

    def start(self, name, pid, *command, user=None):
        if user is not None:
            command = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
                       "--", *command)
        with open(os.path.join(self.log_dir, f"{name}.out"), "wb") as output:
            child = subprocess.Popen(enter_command(pid, command), cwd="/",
                                     stdin=subprocess.DEVNULL, stdout=output,
                                     stderr=subprocess.STDOUT, start_new_session=True)
        self.children.append(child)
        return child

    def stop(self):
        for child in self.children:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(timeout=2)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def say(text):
    print(f"    {text}", flush=True)


def start_services(parts, victim):
    say("victim: web server and cron start")
    return [parts.start("lighttpd", victim, "/usr/sbin/lighttpd", "-D", "-f",
                        "/etc/lighttpd/lighttpd.conf"),
        parts.start("cron", victim, "/usr/sbin/cron", "-f")]


def start_noise(parts, victim, customers):
    say("noise: visitors of the site, a compile, a find over /usr, an editor")
    for number, address in enumerate(CUSTOMERS, 1):
        parts.start(f"customer{number}", customers, "/srv/customer.sh", address,
                    VICTIM_TO_CUSTOMERS, user=65534)
    parts.start("developer", victim, "env", "TMPDIR=/home/alice/tmp", "/home/alice/build.sh",
                user=1001)
    parts.start("writer", victim, "/home/bob/write.sh", user=1002)
    parts.start("searcher", victim, "/home/carol/search.sh", user=1003)


def wait_for(attack):
    """Until the attack has ended, and say now and then why that takes its time."""
    last_said = time.monotonic()
    while attack.poll() is None:
        time.sleep(0.2)
        if time.monotonic() - last_said >= REPORT_SECONDS:
            last_said = time.monotonic()
            say(f"cron runs root's job in {60 - int(time.time()) % 60} s")
    return attack.returncode


def main():
    log_dir, victim, attacker, customers = sys.argv[1:5]
    parts = Parts(log_dir)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        services = start_services(parts, victim)
        time.sleep(SERVICES_SECONDS)
        for service in services:
            if service.poll() is not None:
                sys.exit(f"demo: a service of the victim did not start, see {log_dir}")
        start_noise(parts, victim, customers)
        time.sleep(BEFORE_SECONDS)
        say(f"attacker {ATTACKER}: exploits the script, gets a shell, alters root's job")
        attack = parts.start("attack", attacker, "/usr/bin/python3", "/srv/attack.py", ATTACKER,
                             VICTIM_TO_ATTACKER)
        status = wait_for(attack)
        time.sleep(AFTER_SECONDS)
    finally:
        parts.stop()
    if status != 0:
        sys.exit(f"demo: the attack failed, see {log_dir}/attack.out")


if __name__ == "__main__":
    main()
