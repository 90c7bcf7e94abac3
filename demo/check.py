#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Holds the demo's results against what was staged.

usage: check.py [--lemona PROGRAM] DIR

Prints what is wrong, one finding a line; exit status 1 when there is any.
"""
import argparse
import json
import os
import subprocess
import sys

from play import ATTACKER
from roles import STATS, USERS

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAX_NODES = 40
MIN_EVENTS = 100_000

NOBODY = 65534  # the visitors of the site
NOISE_UIDS = {*USERS.values(), STATS, NOBODY}
NOISE_ONLY = ("/home/", "/var/lib/stats/", "/usr/bin/", "/usr/lib/", "/usr/include/", "/usr/share/")

DETECTED = "/etc/passwd"
KEYS = "/root/.ssh/authorized_keys"
CRON_JOB = "/usr/local/sbin/backup.sh"
SCRIPT = "/srv/www/cgi-bin/lookup.cgi"
CRON = "/usr/sbin/cron"
TOOL_NAMES = ("/tmp/update.bin", "/tmp/sess_8c1f", "/tmp/.font-cache")


def load(out, name):
    with open(os.path.join(out, name), encoding="utf-8") as file:
        return json.load(file)


def select(answer, kind, accept):
    return {node["id"] for node in answer["nodes"] if node["kind"] == kind and accept(node)}


def runs_script(node, script):
    return script in node.get("argv", [])


def is_attacker_socket(node):
    return any(node.get(end, "").startswith(f"{ATTACKER}:") for end in ("local", "remote"))


def spread(answer, start):
    """Earliest arrival of influence at every node, from nodes with times; edges respect time."""
    arrival = dict(start)
    queue = sorted(arrival, key=arrival.get)
    while queue:
        at = queue.pop(0)
        for edge in answer["edges"]:
            if edge["from"] != at or edge["end"] < arrival[at]:
                continue
            when = max(arrival[at], edge["begin"])
            if edge["to"] not in arrival or when < arrival[edge["to"]]:
                arrival[edge["to"]] = when
                queue.append(edge["to"])
    return arrival


def check_path(answer, ways):
    """From the first set of nodes through each in turn; names the first that is not reached."""
    front = None
    for name, ids in ways:
        if not ids:
            return [f"graph: there is no {name}"]
        arrival = {id: "" for id in ids} if front is None else spread(answer, front)
        front = {id: arrival[id] for id in ids if id in arrival}
        if not front:
            return [f"graph: no influence reaches the {name}"]
    return []


def check_attack_path(answer):
    tool_process = select(answer, "process", lambda node: node.get("exe") in TOOL_NAMES)
    passwd = select(answer, "file", lambda node: node.get("path") == DETECTED and node["detection"])
    shell = select(answer, "process", lambda node: runs_script(node, SCRIPT))
    sockets = select(answer, "socket", is_attacker_socket)
    tool = select(answer, "file", lambda node: node.get("path") in TOOL_NAMES)
    job = select(answer, "file", lambda node: node.get("path") == CRON_JOB)
    root_shell = select(answer, "process",
                        lambda node: runs_script(node, CRON_JOB) and node.get("uid") == 0)
    entry, end = ("socket of the attacker", sockets), ("changed /etc/passwd", passwd)
    through_job = [entry, ("CGI shell", shell), ("altered cron job", job),
                   ("shell that cron started", root_shell), ("tool's process", tool_process), end]
    through_tool = [entry, ("CGI shell", shell), ("dropped tool", tool),
                    ("tool's process", tool_process), end]
    return check_path(answer, through_job) + check_path(answer, through_tool)


def check_starter(answer):
    """Who started root's job: cron, the shell that cron gave it, the job on the attacker's path."""
    crons = select(answer, "process", lambda node: node.get("exe") == CRON)
    jobs = select(answer, "process", lambda node: runs_script(node, CRON_JOB))
    shells = select(answer, "process", lambda node: CRON_JOB in " ".join(node.get("argv", [])))
    forks = {(edge["from"], edge["to"]) for edge in answer["edges"] if edge["op"] == "fork"}
    for cron in crons:
        for shell in shells:
            if (cron, shell) in forks and (shell in jobs or
                                           any((shell, job) in forks for job in jobs)):
                return []
    return [f"graph: it does not show that cron started {CRON_JOB}"]


def check_graph(answer):
    findings = check_attack_path(answer) + check_starter(answer)
    if len(answer["nodes"]) > MAX_NODES:
        findings.append(f"graph: {len(answer['nodes'])} nodes, more than {MAX_NODES}")
    if not answer["complete"]:
        findings.append("graph: not complete")
    for node in answer["nodes"]:
        if node["kind"] == "process" and node.get("uid") in NOISE_UIDS:
            findings.append(f"graph: a process of the noise: {node['label']}")
    visits = {node["pid"] for node in answer["nodes"] if runs_script(node, SCRIPT)}
    if len(visits) > 1:
        findings.append(f"graph: {len(visits)} processes ran {SCRIPT}, only one for the attacker")
    return findings


def check_forward(answer):
    paths = {node.get("path", "") for node in answer["nodes"] if node["kind"] == "file"}
    findings = [f"forward: {path} is not there" for path in (DETECTED, KEYS, CRON_JOB)
                if path not in paths]
    if not paths & set(TOOL_NAMES):
        findings.append("forward: the dropped tool is not there")
    findings += [f"forward: only the noise touched {path}" for path in sorted(paths)
                 if path.startswith(NOISE_ONLY)]
    return findings


def check_size(lemona, log):
    done = subprocess.run([lemona, "status", log, "--format", "json"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, check=True)
    events = json.loads(done.stdout)["events"]
    return [] if events >= MIN_EVENTS else [f"log: {events} events, fewer than {MIN_EVENTS}"]


def check(out, lemona):
    """Everything that is wrong with the results in `out`: a list of sentences."""
    findings = check_graph(load(out, "graph.json")) + check_forward(load(out, "forward.json"))
    findings += check_size(lemona, os.path.join(out, "log"))
    if os.path.getsize(os.path.join(out, "graph.svg")) == 0:
        findings.append("graph.svg is empty")
    return findings


def main():
    parser = argparse.ArgumentParser(description="hold the demo's results against what was staged")
    parser.add_argument("--lemona", default=os.path.join(CHECKOUT, "build/lemona"))
    parser.add_argument("out")
    arguments = parser.parse_args()
    findings = check(arguments.out, arguments.lemona)
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
