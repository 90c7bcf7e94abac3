# SPDX-License-Identifier: MIT
"""A program acts on what is not there: whoever took it away, or put it there later, is found."""

import subprocess

import lemona


def play(place, *scripts):
    """Run each with sh, one after the other, recorded. Their pids."""
    pids = []
    with lemona.Recording(place / "log"):
        for script in scripts:
            process = subprocess.Popen(["sh", "-c", script], cwd=place, stdin=subprocess.DEVNULL)
            assert process.wait(timeout=lemona.LIMIT_SECONDS) == 0, script
            pids.append(process.pid)
    return pids


def pids_of(answer):
    return {node["pid"] for node in lemona.nodes(answer, kind="process")}


def test_whoever_removed_the_configuration(place):
    rules, out = place / "rules", place / "out"
    rules.write_text("deny all\n")
    pids = play(place, "exec rm rules", "[ -e rules ] || echo open > out")
    answer = lemona.ask_exact("backtrack", place / "log", "--from", f"file:{out}")
    names = lemona.nodes(answer, kind="name", path=str(rules))
    assert names and names[0].get("absent") and names[0].get("removed"), answer["nodes"]
    assert pids[0] in pids_of(answer) and pids[1] in pids_of(answer)
    remover = [node for node in lemona.nodes(answer, kind="process") if node["pid"] == pids[0]]
    assert lemona.find_path(answer, remover, lemona.nodes(answer, kind="file", path=str(out)))
    story = lemona.run("backtrack", place / "log", "--from", f"file:{out}").stdout
    assert f"looked in vain for {rules}" in story
    forward = lemona.forward(place / "log", "--from", f"proc:{pids[0]}")
    assert lemona.nodes(forward, kind="file", path=str(out))


def test_what_never_was_says_nothing(place):
    out = place / "out"
    play(place, "[ -e rules ] || echo open > out")
    answer = lemona.backtrack(place / "log", "--from", f"file:{out}")
    assert not lemona.nodes(answer, path=str(place / "rules"))


def test_whoever_put_it_there_later(place):
    preload, out = place / "preload", place / "out"
    pids = play(place, "echo evil > preload",
                "[ -e preload ] && cat preload > out")
    answer = lemona.backtrack(place / "log", "--from", f"file:{out}")
    assert pids[0] in pids_of(answer)
    assert lemona.nodes(answer, kind="file", path=str(preload))


def test_looked_for_before_and_after(place):
    """The same process looks in vain, waits, and finds what somebody has put there."""
    preload, out = place / "preload", place / "out"
    with lemona.Recording(place / "log"):
        waiter = subprocess.Popen(
            ["sh", "-c", "until [ -s preload ]; do sleep 0.05; done; read x < preload; "
                         "echo $x > out"], cwd=place, stdin=subprocess.DEVNULL)
        writer = subprocess.Popen(["sh", "-c", "sleep 0.3; echo evil > preload"], cwd=place,
                                  stdin=subprocess.DEVNULL)
        assert waiter.wait(timeout=lemona.LIMIT_SECONDS) == 0
        assert writer.wait(timeout=lemona.LIMIT_SECONDS) == 0
    answer = lemona.ask_exact("backtrack", place / "log", "--from", f"file:{out}",
                              "--no-filter", "names")
    assert writer.pid in pids_of(answer) and waiter.pid in pids_of(answer)
    names = lemona.nodes(answer, kind="name", path=str(preload))
    assert names and names[0].get("absent") is True and "removed" not in names[0]
