# SPDX-License-Identifier: MIT
"""What investigators ask of every process: container, login, terminal, rights, who adopted it."""

import hashlib
import os
import pathlib
import shutil
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


def contents(log):
    lines = lemona.parse_lines(lemona.run("events", log, "--format", "json").stdout)
    return [line for line in lines if line.get("content")]


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def test_hashes_of_what_ran(log):
    """Program, its interpreter, and the library that it maps."""
    lemona.record(log, ["/usr/bin/env", "/bin/true"])
    found = {line["sha256"] for line in contents(log) if "sha256" in line}
    maps = pathlib.Path("/proc/self/maps").read_text().split()
    libraries = {word for word in maps if "/libc.so" in word or "/ld-linux" in word}
    assert libraries
    for path in ("/usr/bin/env", "/bin/true", *libraries):
        assert digest(path) in found, path
    answer = lemona.backtrack(log, "--from", "exe:/usr/bin/env", "--no-filter", "all")
    node = [n for n in answer["nodes"] if n.get("exe", "").endswith("/env")][0]
    assert node["sha256"] == digest("/usr/bin/env") and node["sha256_sure"] is True


def test_file_replaced_before_it_is_hashed(place, log):
    """Another file under the name of what ran must not lend it its hash."""
    program, other = place / "program", place / "other"
    shutil.copy("/bin/sleep", program)
    shutil.copy("/bin/true", other)
    lemona.record(log, ["/bin/sh", "-c", f"{program} 0; mv {other} {program}"])
    mine = [event["object"] for event in lemona.events(log, "--op", "exec")
            if event.get("path", "") == str(program)]
    assert len(mine) == 1
    told = [line for line in contents(log) if line["object"] == mine[0]]
    assert told, "neither a hash nor a word of why there is none"
    assert all(line.get("sha256", digest("/bin/sleep")) == digest("/bin/sleep") for line in told)


def test_file_overwritten_after_it_ran(place, log):
    """The same file with another content: the hash is told, and that it may not be what ran."""
    program = place / "program"
    shutil.copy("/bin/sleep", program)
    before = digest(program)
    lemona.record(log, ["/bin/sh", "-c", f"{program} 0; cat /bin/true > {program}; sleep 0.05"])
    answer = lemona.backtrack(log, "--from", f"exe:{program}", "--no-filter", "all")
    node = [n for n in answer["nodes"] if n.get("exe") == str(program)][0]
    assert node["sha256"] == before or node["sha256_sure"] is False
