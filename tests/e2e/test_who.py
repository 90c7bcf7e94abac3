# SPDX-License-Identifier: MIT
"""What investigators ask of every process: container, login, terminal, rights, who adopted it."""

import os
import pathlib
import subprocess
import uuid

import pytest

import lemona

ID = "c0ffee" + uuid.uuid4().hex + "0" * 26
UNIFIED = [path for path in (pathlib.Path("/sys/fs/cgroup/unified"), pathlib.Path("/sys/fs/cgroup"))
           if (path / "cgroup.procs").exists()]
MEMORY = pathlib.Path("/sys/fs/cgroup/memory")


@pytest.fixture
def group(request):
    """A control group as a container manager makes it, below the given one."""
    path = request.param / f"docker-{ID}.scope"
    path.mkdir()
    yield path
    path.rmdir()


def process_of_exec(log, program):
    found = [event["process"] for event in lemona.events(log, "--op", "exec")
             if event.get("path", "").endswith(program) and event["result"] == 0]
    assert len(found) == 1, f"{program} was executed {len(found)} times"
    return found[0]


# What runs in a version 2 group is in that one; else the group of a controller counts.
@pytest.mark.parametrize("group", [*UNIFIED, *([MEMORY] if MEMORY.is_dir() else [])],
                         indirect=True)
def test_container(group, log):
    """Moved before it executes, as every container manager does."""
    script = f"echo $$ > {group}/cgroup.procs; exec /usr/bin/env true"
    lemona.record(log, ["/bin/sh", "-c", script])
    process = process_of_exec(log, "/bin/env")
    assert process["container"] == {"runtime": "docker", "id": ID}
    assert process["cgroup"] == f"/docker-{ID}.scope"
    lines = [event for event in lemona.events(log, "--pid", process["pid"])
             if event.get("exe", "").endswith("/true")]
    assert lines and all(line["container"]["id"] == ID for line in lines)
    answer = lemona.backtrack(log, "--from", f"proc:{process['pid']}", "--no-filter", "all")
    node = [n for n in lemona.nodes(answer, pid=process["pid"]) if n["exe"].endswith("/true")][0]
    assert node["container"] == {"runtime": "docker", "id": ID}
    text = lemona.run("backtrack", log, "--from", f"proc:{process['pid']}", "--no-filter",
                      "all").stdout
    assert f", in docker {ID[:12]}" in text


@pytest.mark.skipif(not os.path.exists("/proc/self/loginuid"), reason="a kernel without audit")
def test_login(log):
    """A login is written into loginuid, once; the kernel then numbers the session."""
    script = "echo 4711 > /proc/self/loginuid; cat /proc/self/sessionid; exec /usr/bin/env true"
    done = subprocess.run([str(lemona.BINARY), "record", "-o", str(log), "--", "/bin/sh", "-c",
                           script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=True, timeout=lemona.LIMIT_SECONDS)
    process = process_of_exec(log, "/bin/env")
    assert process["loginuid"] == 4711
    assert process["session"] == int(done.stdout)
    shell = process_of_exec(log, "/dash") if os.path.exists("/usr/bin/dash") else {}
    assert "loginuid" not in shell


def test_rights(log):
    """Capabilities of all five kinds, seccomp and no_new_privs, and namespaces of its own."""
    lemona.record(log, ["/usr/bin/unshare", "--uts", "--ipc", "--cgroup", "/usr/bin/setpriv",
                        "--no-new-privs", "--bounding-set=-all,+chown", "--inh-caps=-all,+chown",
                        "/usr/bin/env", "/bin/true"])
    first = process_of_exec(log, "/unshare")
    last = process_of_exec(log, "/env")
    assert not first["no_new_privs"] and last["no_new_privs"]
    assert int(first["capabilities"]["bounding"], 16) != 1
    assert int(last["capabilities"]["bounding"], 16) == 1
    assert int(last["capabilities"]["inheritable"], 16) == 1
    assert int(last["capabilities"]["ambient"], 16) == 0
    assert first["seccomp"] == "none"
    other = {name for name, number in last["namespaces"].items()
             if number != first["namespaces"][name]}
    assert other == {"uts", "ipc", "cgroup"}
    assert all(first["namespaces"].values())
    for name, number in first["namespaces"].items():
        assert os.stat(f"/proc/self/ns/{name}").st_ino == number


def test_terminal(log):
    """script(1) gives its child a terminal."""
    lemona.record(log, ["/usr/bin/script", "-q", "-c", "/usr/bin/env true", "/dev/null"],
                  stdin=subprocess.DEVNULL)
    assert process_of_exec(log, "/env")["tty"].startswith("pts/")
    assert "tty" not in process_of_exec(log, "/script")


def test_adopted(log):
    """Whoever forked a process stays its parent, after its end too; who took over is told."""
    script = "( ( sleep 0.2; exec /usr/bin/env true ) & ); sleep 0.6"
    lemona.record(log, ["/bin/sh", "-c", script])
    process = process_of_exec(log, "/env")
    forks = {event["target"]: event["pid"] for event in lemona.events(log, "--op", "fork")}
    parent = forks[process["pid"]]
    assert process["adopter"] not in (0, parent)
    events = [event for event in lemona.events(log, "--pid", process["pid"])
              if event["op"] == "exec"]
    assert all(event["ppid"] == parent for event in events)
