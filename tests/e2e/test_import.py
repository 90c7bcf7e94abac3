# SPDX-License-Identifier: MIT
"""Other tools' logs become ordinary logs: what real samples become is kept beside them.

UPDATE_GOLDEN=1 writes what they become now; read the difference before it is committed.
"""
import json
import os
import subprocess

import pytest

import lemona

GOLDEN = lemona.ROOT / "tests" / "golden" / "import"
# The tool that a sample is from is its name up to the first "-" or "."; files in a folder belong
# together.
SAMPLES = sorted(path for path in GOLDEN.iterdir() if path.suffix != ".golden")


def run_import(*words, **options):
    return lemona.run("import", "--no-seal", *words, check=False, **options)


def files_of(sample):
    return sorted(sample.iterdir()) if sample.is_dir() else [sample]


def tool_of(sample):
    return sample.name.split("-")[0].split(".")[0]


def told(sample, log):
    """What import says of a sample, and what the log then holds."""
    done = subprocess.run([lemona.BINARY, "import", "--no-seal", "-o", log,
                           *[path.relative_to(GOLDEN) for path in files_of(sample)]],
                          cwd=GOLDEN, capture_output=True, text=True, check=False,
                          timeout=lemona.LIMIT_SECONDS)
    listed = lemona.run("events", log, "--format", "json").stdout
    return f"exit {done.returncode}\n{done.stderr}{listed}"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_sample(sample, log):
    golden = GOLDEN / (sample.name + ".golden")
    text = told(sample, log)
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_log_says_that_it_is_imported(sample, log):
    run_import("-o", log, *files_of(sample))
    status = lemona.status(log)
    assert status["attach"] == "imported" and status["level"] == "partial"
    assert tool_of(sample) in status["recorder"]
    assert lemona.run("verify", log).returncode == 0


def test_answers_say_that_it_is_imported(log):
    run_import("-o", log, GOLDEN / "auditd.log")
    answer = lemona.ask_exact("backtrack", log, "--from", "file:/srv/c")
    assert answer["imported"].startswith("auditd (lemona ")
    told = lemona.run("backtrack", log, "--from", "file:/srv/c").stdout
    assert told.split("\n")[0].endswith(f", imported from {answer['imported']}")


@pytest.mark.parametrize("version", [18, 19, 20])
def test_common_data_model_leads_to_the_intruder(log, version):
    run_import("-o", log, GOLDEN / f"cdm-{version}.json")
    answer = lemona.ask_exact("backtrack", log, "--from", "file:/etc/passwd")
    labels = " ".join(node["label"] for node in answer["nodes"])
    for wanted in ("203.0.113.7", "httpd", "sh", "/tmp/y", "/etc/passwd"):
        assert wanted in labels, labels
    assert "/srv" not in labels
    # What was written under its first name is what ran under its second one.
    assert any(edge["op"] == "write" and edge["bytes"] == 900 for edge in answer["edges"])


def test_what_tells_nothing_is_named(log):
    done = run_import("-o", log, GOLDEN / "cdm-18.json")
    assert "2 EVENT_LSEEK" in done.stderr and "1 EVENT_NEVER_HEARD_OF" in done.stderr


def test_log_of_one_host(place, log):
    """Records of another host are not mixed in: counted, and said so."""
    text = (GOLDEN / "cdm-18.json").read_text(encoding="utf-8")
    other = (GOLDEN / "cdm-19.json").read_text(encoding="utf-8").replace("0000000A", "0000000B")
    (place / "both").write_text(text + other)
    done = run_import("-o", log, place / "both")
    assert f"{len(other.splitlines())} records of another host" in done.stderr
    assert len(lemona.events(log)) == (GOLDEN / "cdm-18.json.golden").read_text(
        encoding="utf-8").count('{"id":')


def short_times(place, text, changed):
    """A file of lines without years, as old as `changed`."""
    path = place / "messages"
    path.write_text(text)
    os.utime(path, (changed, changed))
    return path


@pytest.mark.parametrize("zone, times", [
    ("UTC", ["2023-12-31T22", "2024-01-01T22", "2023-12-31T23", "2024-02-29T22"]),
    ("America/New_York", ["2024-01-01T03", "2024-01-02T03", "2024-01-01T04", "2024-03-01T03"]),
])
def test_lines_without_year_and_zone(place, log, monkeypatch, zone, times):
    """The year before the file was changed, and the year after when December is over."""
    monkeypatch.setenv("TZ", zone)
    file = short_times(place, "Dec 31 22:00:00 web1 a[7]: old year\n"
                              "Jan  1 22:00:00 web1 a[7]: new year\n"
                              "<13>Dec 31 23:00:00 web1 a[7]: late\n"
                              "Feb 29 22:00:00 web1 a[7]: leap day\n", 1709300000)
    run_import("-o", log, file)
    assert [event["begin"][:13] for event in lemona.events(log)] == times


def test_messages_stand_beside_what_was_done(place, log):
    """Told by the process that auditd knows, and no way for influence."""
    audited = GOLDEN / "auditd.log"
    run_import("-o", place / "without", audited)
    wrote = [event for event in lemona.events(place / "without")
             if event["op"] == "write" and event.get("path") == "/srv/a"][0]
    (place / "said").write_text(f"{wrote['time']} web1 sh[{wrote['pid']}]: I was here\n"
                                f"{wrote['time']} web1 nobody: nor was I\n")
    assert run_import("-o", log, place / "said", audited).returncode == 0
    said, untied = [event for event in lemona.events(log) if event["op"] == "message"]
    assert said["text"] == "I was here" and said["tag"] == "sh"
    assert said["pid"] == wrote["pid"] and said["exe"] == wrote["exe"]
    assert untied["pid"] == 0 and untied["comm"] == "nobody"
    status = lemona.status(log)
    assert "auditd" in status["recorder"] and "syslog" in status["recorder"]

    def shape(answer):
        return sorted((edge["op"], edge["count"], edge.get("bytes")) for edge in answer["edges"])

    options = ("--no-filter", "all")
    assert shape(lemona.backtrack(log, "--from", "file:/srv/c", *options)) == shape(
        lemona.backtrack(place / "without", "--from", "file:/srv/c", *options))
    answer = lemona.ask_exact("backtrack", log, "--from", f"event:{said['id']}", *options)
    assert any(node.get("pid") == said["pid"] and node["detection"] for node in answer["nodes"])
    assert answer["edges"] and all(edge["op"] != "message" for edge in answer["edges"])


def test_messages_can_be_asked_for(log):
    run_import("-o", log, GOLDEN / "journal.json", GOLDEN / "syslog.log")
    rows = json.loads(lemona.run(
        "query", log, "--format", "json",
        "select pid, text from events where op = 'message' and text like 'Accepted %'").stdout)
    assert [row[1] for row in rows["rows"]] == [
        "Accepted password for root from 203.0.113.7 port 40001 ssh2"] * 2
    listed = lemona.run("events", log, "--op", "message", "--pid", "812").stdout
    assert "sshd info: Accepted password" in listed
    exported = lemona.run("export", log, "--format", "timesketch").stdout
    assert any(json.loads(line).get("text", "").startswith("Accepted ")
               for line in exported.splitlines())


def test_numbers_of_processes_end_with_the_boot(log):
    run_import("-o", log, GOLDEN / "journal.json")
    messages = [event for event in lemona.events(log) if event["pid"] == 812]
    assert [event["comm"] for event in messages] == ["sshd", "sshd", "cron"]
    assert messages[0]["actor"] == messages[1]["actor"] != messages[2]["actor"]
    assert messages[0]["begin"] < messages[0]["time"]


def test_sealed_unless_told_otherwise(log):
    done = lemona.run("import", "-o", log, GOLDEN / "auditd.log")
    assert "its key, to be kept elsewhere: lemona/" in done.stderr
    assert "signed      up to event" in lemona.run("verify", log).stdout


def test_standard_input(place, log):
    sample = GOLDEN / "auditd.log"
    run_import("-o", log, sample)
    with open(sample, "rb") as file:
        done = run_import("-o", place / "second", "-", stdin=file)
    assert done.returncode == 0
    assert lemona.events(log) == lemona.events(place / "second")


def test_parts_are_put_together(place, log):
    """A log that was rotated: the later part may be named first."""
    lines = (GOLDEN / "auditd.log").read_bytes().split(b"\n")
    cut = next(i for i, line in enumerate(lines) if i > 130 and line.startswith(b"type=SYSCALL"))
    (place / "1").write_bytes(b"\n".join(lines[:cut]) + b"\n")
    (place / "2").write_bytes(b"\n".join(lines[cut:]))
    run_import("-o", log, GOLDEN / "auditd.log")
    assert run_import("-o", place / "both", place / "2", place / "1").returncode == 0
    wanted = [(e["op"], e.get("path"), e.get("result")) for e in lemona.events(log)]
    assert [(e["op"], e.get("path"), e.get("result"))
            for e in lemona.events(place / "both")] == wanted


@pytest.mark.parametrize("text", ["", "hello\n", "\x7fELF\0\0\0"])
def test_nothing_of_use(place, log, text):
    (place / "file").write_text(text)
    for words in ([], ["--format", "auditd"]):
        done = run_import("-o", log, *words, place / "file")
        assert done.returncode == 3 and not log.exists(), done.stderr
        assert done.stderr.startswith("lemona: ")


def test_bad_arguments(place, log):
    assert run_import(GOLDEN / "auditd.log").returncode == 2
    assert run_import("-o", log).returncode == 2
    assert run_import("-o", log, "--format", "none", GOLDEN / "auditd.log").returncode == 2
    assert run_import("-o", log, place / "absent").returncode == 3
    assert run_import("-o", log, place).returncode == 3
    log.mkdir()
    (log / "file").touch()
    assert run_import("-o", log, GOLDEN / "auditd.log").returncode == 3
    assert [path.name for path in log.iterdir()] == ["file"]


def test_terminal_is_not_written_to(log):
    done = run_import("-o", log, GOLDEN / "auditd-broken.log")
    assert "\x1b" not in done.stderr and r"\x1b[2J" in done.stderr
    assert done.returncode == 1
