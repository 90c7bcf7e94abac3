# SPDX-License-Identifier: MIT
"""SQL over a recording: the recipes, the page of tables, the prompt, and how answers end."""

import csv
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import termios
import time

import pytest

import lemona
from conftest import ATTACKER, Network, make_place

PORT = "4445"
USAGE, FAILURE, DAMAGED = 2, 3, 4
SHELL = """
echo secret > {shadow}; cat {shadow} > /dev/null
cp /bin/sleep {setuid}; chmod 4755 {setuid}
unshare --mount sh -c 'mount -t tmpfs none /etc/cron.d && echo x > /etc/cron.d/lemona-test'
cp /bin/sh {deleted}; {deleted} -c 'rm {deleted}; echo ready; read line'
"""


class Stage:
    """Something of everything that the recipes look for, recorded."""

    def __init__(self, place):
        self.place, self.log = place, place / "log"
        self.target, self.dropped = place / "target", place / "dropped"
        self.shadow, self.setuid = place / "shadow", place / "setuid"
        self.deleted = place / "deleted"
        self.odd = os.fsencode(place) + b"/odd\n\xff\\=name"
        self.pids = {}

    def paths(self):
        return {name: value for name, value in vars(self).items() if name not in ("pids", "log")}

    def play(self, network):
        with lemona.Recording(self.log):
            with lemona.Step(*network.prefix, lemona.workload("step"), "serve", ATTACKER, PORT,
                             lemona.workload("step"), stdin=subprocess.DEVNULL) as server:
                self.pids["fetcher"] = lemona.step("fetch", ATTACKER, PORT, self.dropped,
                                                   prefix=network.prefix)
                self.pids["server"] = server.pid
                assert server.process.wait(timeout=lemona.LIMIT_SECONDS) == 0
            self.pids["intruder"] = lemona.step("run", self.dropped, "append", self.target, "x\n")
            with open(self.odd, "wb") as odd:
                odd.write(b"odd")
            subprocess.run(["script", "-qc", "id -u; id -g", "/dev/null"], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            with lemona.Step("sh", "-c", SHELL.format(**self.paths())) as shell:
                self.pids["shell"] = shell.pid
                time.sleep(0.1)
                self.running_log = shutil.copytree(self.log, self.place / "running")
                shell.go()


@pytest.fixture(scope="module")
def stage():
    place = make_place("/tmp")
    made = Stage(place)
    with Network() as network:
        made.play(network)
    yield made
    shutil.rmtree(place)


def query(log, sql, *options, code=0):
    done = lemona.run("query", log, sql, *options, check=False)
    assert done.returncode == code, done.stderr
    return done


def rows(log, sql):
    """Rows as dictionaries."""
    answer = json.loads(query(log, sql, "--format", "json").stdout)
    return [dict(zip(answer["columns"], row)) for row in answer["rows"]]


def recipes():
    """The SQL of the page, by heading."""
    text = (lemona.ROOT / "docs/recipes.md").read_text()
    found = re.findall(r"^## (.*?)\n(?:(?!^## ).)*?```sql\n(.*?)```", text, re.M | re.S)
    assert len(found) == text.count("\n## ") == text.count("```sql")
    return dict(found)


def cook(stage, heading, log=None, **changes):
    """Rows of a recipe with other values in it, each of which must be there."""
    sql = recipes()[heading]
    for old, new in changes.items():
        old = {"passwd": "/etc/passwd", "shadow": "/etc/shadow", "pid": "4711",
               "begin": "2026-01-02T03:04:05Z", "end": "2026-01-02T03:09:05Z"}[old]
        assert old in sql
        sql = sql.replace(old, str(new))
    return rows(log or stage.log, sql)


def test_every_recipe_is_tested():
    tested = set(re.findall(r'cook\(stage, "(.*?)"', open(__file__).read()))
    assert tested == set(recipes())


def test_who_wrote(stage):
    found = cook(stage, "Who wrote this file?", passwd=stage.target)
    assert [(row["op"], row["pid"]) for row in found] == [("write", stage.pids["intruder"])]
    assert found[0]["exe"] == str(stage.dropped)


def test_session(stage):
    scripted = rows(stage.log, "select pid from processes where command = 'id -u'")
    assert len(scripted) == 1
    found = cook(stage, "What did this session run?", pid=scripted[0]["pid"])
    assert {"id -u", "id -g"} <= {row["command"] for row in found}
    assert not [row for row in found if row["pid"] == stage.pids["intruder"]]


def test_first_contact(stage):
    found = cook(stage, "First contact with an address")
    assert len(found) == 1 and found[0]["remote_address"] == ATTACKER
    # Both ends are on this host, and either may be told first.
    assert (found[0]["op"], found[0]["pid"]) in (("connect", stage.pids["fetcher"]),
                                                 ("accept", stage.pids["server"]))


def test_programs_from_tmp(stage):
    found = cook(stage, "Programs run from /tmp")
    assert {str(stage.dropped), str(stage.deleted)} <= {row["exe"] for row in found}


def test_what_changed(stage):
    span = rows(stage.log, f"select rfc3339(time_ns - 1000) as begin, rfc3339(time_ns + 1000) as "
                           f"end from events where path = '{stage.target}' and op = 'write'")[0]
    found = cook(stage, "What changed between two times?", begin=span["begin"], end=span["end"])
    assert [row["what"] for row in found if row["path"] == str(stage.target)] == ["write"]
    assert str(stage.setuid) not in {row["path"] for row in found}


def test_setuid(stage):
    found = cook(stage, "Setuid files created")
    mine = [row for row in found if row["path"] == str(stage.setuid)]
    assert len(mine) == 1 and mine[0]["mode"] == "4755"


def test_listening(stage):
    found = cook(stage, "Listening sockets by program")
    mine = [row for row in found if row["local"] == f"{ATTACKER}:{PORT}"]
    assert len(mine) == 1 and mine[0]["exe"] == lemona.workload("step")


def test_who_read(stage):
    found = cook(stage, "Who read /etc/shadow?", shadow=stage.shadow)
    assert [row["exe"].rsplit("/", 1)[1] for row in found] == ["cat"]
    assert found[0]["ancestry"].endswith(f"sh[{stage.pids['shell']}] > cat[{found[0]['pid']}]")


def test_longest_chain(stage):
    found = cook(stage, "The longest chain of parents")
    assert len(found) == 1 and found[0]["ancestry"].count(" > ") >= found[0]["depth"] > 1


def test_deleted_executables(stage):
    """A log of which a copy was made while the program ran, and the same when it had ended."""
    found = cook(stage, "Deleted executables still running", log=stage.running_log)
    assert str(stage.deleted) in {row["exe"] for row in found}
    found = cook(stage, "Deleted executables still running")
    assert str(stage.deleted) not in {row["exe"] for row in found}


def test_autostart(stage):
    found = cook(stage, "Writes to autostart places")
    assert [row["op"] for row in found if row["path"] == "/etc/cron.d/lemona-test"] == ["write"]


def test_programs_on_the_way(stage):
    found = cook(stage, "Programs on the way from an address to a file", passwd=stage.target)
    assert {stage.pids["fetcher"], stage.pids["intruder"]} <= {row["pid"] for row in found}


def test_where_a_secret_went(stage):
    """From the dropped file's sender: what it read went into its socket."""
    cook(stage, "Where did a secret go?", shadow=stage.shadow)
    found = rows(stage.log, f"select sink_label from forward('exe:{lemona.workload('step')}', "
                            "'no-filter=all') where sink_kind = 'socket'")
    assert any(ATTACKER in row["sink_label"] for row in found)


def test_all_names(stage):
    found = cook(stage, "All names that a file ever had", passwd=stage.deleted)
    assert [row["path"] for row in found] == [str(stage.deleted)]
    assert found[0]["until"] and found[0]["op"] == "open"


def test_page_has_every_column(stage):
    page = (lemona.ROOT / "docs/tables.md").read_text()
    section = page.split("\n## Tables\n", 1)[1].split("\n## ", 1)[0]
    told = {}
    for name, body in re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", section, re.M | re.S):
        told[name] = re.findall(r"^\| `(\w+)`(?: ✓)? \| (\w+) \|", body, re.M)
    listed = query(stage.log, "--help").stdout.split("Tables:\n", 1)[1]
    assert list(told) == [line.split()[0] for line in listed.splitlines()]
    for name, columns in told.items():
        has = rows(stage.log, f"pragma table_xinfo({name})")
        assert columns == [(row["name"], "argument" if row["hidden"] else row["type"])
                           for row in has], name


def test_manual_has_every_table(stage):
    page = (lemona.ROOT / "man/lemona-query.1").read_text()
    section = page.split(".Ss Tables\n", 1)[1].split(".El", 1)[0]
    listed = query(stage.log, "--help").stdout.split("Tables:\n", 1)[1]
    assert re.findall(r"^\.It Cm (\w+)", section, re.M) == \
        [line.split()[0] for line in listed.splitlines()]


def test_formats_agree(stage):
    sql = f"select id, path, bytes, error from events where path glob '{stage.place}/*' " \
          "order by id limit 300"
    answer = json.loads(query(stage.log, sql, "--format", "json").stdout)
    sheet = list(csv.reader(io.StringIO(query(stage.log, sql, "--format", "csv").stdout,
                                        newline="")))
    table = query(stage.log, sql).stdout.splitlines()
    assert sheet[0] == answer["columns"] == table[0].split()
    assert len(sheet) - 1 == len(answer["rows"]) == len(table) - 2 > 20
    for row, cells in zip(answer["rows"], sheet[1:]):
        assert cells == ["" if value is None else str(value) for value in row]


def test_hostile_name(stage):
    """One line in each format, and found by what it looks like."""
    shown = os.fsdecode(stage.odd[:-len(b"\n\xff\\=name")]) + r"\n\xff\\=name"
    found = rows(stage.log, f"select distinct path from events where path = '{shown}'")
    assert found == [{"path": shown}]
    assert shown in query(stage.log, "select path from events where op = 'write'").stdout
    below = f"select count(*) as n from names where path like '{stage.place}/odd\\n%'"
    assert rows(stage.log, below)[0]["n"] == 1


def test_same_as_events(stage):
    """Number for number what the plain list says."""
    listed = lemona.events(stage.log, "--path", f"{stage.place}/", "--op", "open,write,rename")
    found = rows(stage.log, f"select id from events where op in ('open', 'write', 'rename') and "
                            f"(path like '{stage.place}/%' or path2 like '{stage.place}/%') "
                            "order by id")
    assert {event["id"] for event in listed} <= {row["id"] for row in found}


def test_live(place):
    with lemona.Recording(place / "log"):
        lemona.step("append", place / "target", "x")
        deadline = time.monotonic() + 20
        while not rows(place / "log", f"select 1 from events where path = '{place}/target' and "
                                      "op = 'write'"):
            assert time.monotonic() < deadline, "a live log does not show what was written"


def test_nothing_recorded_yet(place, stage):
    """A log that was only just begun has no events, which is no fault of who asks."""
    (place / "begun").mkdir()
    with open(min(stage.log.glob("*.lms")), "rb") as whole:
        (place / "begun" / "00000001.lms").write_bytes(whole.read(300))
    done = query(place / "begun", "select (select count(*) from events) as events, "
                                  "(select count(*) from names) as names, reason from gaps",
                 "--format", "json", code=DAMAGED)
    assert json.loads(done.stdout)["rows"] == [[0, 0, "cut"]]
    done = lemona.run("backtrack", place / "begun", "--from", "file:/etc/passwd", check=False)
    assert done.returncode == DAMAGED and "holds no events yet" in done.stderr


def complaint(done):
    assert done.stderr.startswith("lemona: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("sql, says", [
    ("selec 1", "syntax error"), ("select x from events", "no such column: x"),
    ("insert into events(id) values (1)", "cannot be changed"),
    ("attach '/tmp/x' as y", "cannot be changed"),
    ("select * from backtrack('file:/none/such')", "matches nothing"),
    ("select ns('noon')", "noon")])
def test_bad_sql(stage, sql, says):
    assert says in complaint(query(stage.log, sql, code=USAGE))


def test_usage(stage):
    for arguments in [(), (stage.log, "select", "1"), (stage.log, "select 1", "--format", "xml"),
                      (stage.log, "select 1", "--timeout", "soon"),
                      (stage.log, "select 1", "--memory", "1")]:
        done = lemona.run("query", *arguments, check=False)
        assert done.returncode == USAGE
        complaint(done)
    assert query(stage.place / "nothing", "select 1", code=FAILURE)


FOREVER = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"


def test_limits(stage):
    done = query(stage.log, FOREVER + " where i < 0", "--timeout", "100ms", code=FAILURE)
    assert "--timeout" in complaint(done)
    greedy = FOREVER.replace("union all", "union") + " order by 1 desc"
    assert "--memory" in complaint(query(stage.log, greedy, "--memory", "4M", code=FAILURE))


def test_reader_goes_away(stage):
    done = subprocess.run(f"'{lemona.BINARY}' query '{stage.log}' '{FOREVER}' | head -3",
                          shell=True, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.split() == ["i", "---", "1"] and not done.stderr


def test_statements_from_a_file(stage):
    done = lemona.run("query", stage.log, "--format", "csv", input="select 1;\nselect\n2;")
    assert done.stdout == "1\n1\n2\n2\n"
    done = lemona.run("query", stage.log, input="select 1; wrong; select 3;", check=False)
    assert done.returncode == USAGE and "3" not in done.stdout


def test_a_cut_log_says_so(stage, place):
    cut = shutil.copytree(stage.log, place / "cut")
    last = sorted(cut.glob("*.lms"))[-1]
    os.truncate(last, last.stat().st_size - 40)
    done = query(cut, "select count(*) from events", code=DAMAGED)
    assert "events are missing where this answer comes from: 1 gaps" in done.stderr
    answer = json.loads(query(cut, "select count(*) from events", "--format", "json",
                              code=DAMAGED).stdout)
    assert answer["complete"] is False and len(answer["gaps"]) == 1
    assert rows_of_gaps(cut) == ["cut"]


def rows_of_gaps(log):
    done = query(log, "select reason from gaps", "--format", "csv", code=DAMAGED)
    return done.stdout.split()[1:]


class Terminal:
    """The prompt on a terminal of its own."""

    def __init__(self, log, home):
        environment = {**os.environ, "HOME": str(home), "TERM": "dumb"}
        environment.pop("XDG_STATE_HOME", None)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(lemona.BINARY, ["lemona", "query", str(log)], environment)
        self.said = ""

    def expect(self, text):
        deadline = time.monotonic() + lemona.LIMIT_SECONDS
        while text not in self.said:
            assert time.monotonic() < deadline, f"{text!r} is not in {self.said!r}"
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.said += os.read(self.fd, 4096).decode(errors="replace")
                except OSError:
                    assert text in self.said, f"{text!r} is not in {self.said!r}"
        self.said = self.said.split(text, 1)[1]
        # What a terminal gets between the prompt and its being ready can be lost.
        while text == "lemona> " and termios.tcgetattr(self.fd)[3] & termios.ICANON:
            assert time.monotonic() < deadline, "the prompt does not edit lines"
            time.sleep(0.01)

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """Its exit code."""
        deadline = time.monotonic() + lemona.LIMIT_SECONDS
        while True:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            if not select.select([self.fd], [], [], 1)[0]:
                continue
            try:
                if not os.read(self.fd, 4096):
                    break
            except OSError:
                break
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_prompt(stage, place):
    terminal = Terminal(stage.log, place)
    terminal.expect("lemona> ")
    terminal.type(".tables\n")
    terminal.expect("processes ")
    terminal.type(".schema gaps\n")
    terminal.expect("reason ")
    terminal.type(".schema nothing\n")
    terminal.expect("there is no table nothing")
    terminal.type(".format csv\nselect 40 + 2 as a,\n")
    terminal.expect("...> ")
    terminal.type("'x' as b;\n")
    terminal.expect("42,x")
    terminal.type("select wrong;\n")
    terminal.expect("no such column: wrong")
    terminal.type(FOREVER + " where i < 0;\n")
    time.sleep(0.5)
    terminal.type("\x03")
    terminal.expect("interrupted")
    terminal.type("select 7 * 11 as c;\n")
    terminal.expect("77")
    terminal.type(".quit\n")
    assert terminal.end() == 0
    history = place / ".local/state/lemona/query-history"
    assert "select 7 * 11" in history.read_text().replace("\\040", " ")
    assert history.stat().st_mode & 0o077 == 0


def test_prompt_ends_with_its_input(stage, place):
    terminal = Terminal(stage.log, place)
    terminal.expect("lemona> ")
    terminal.type("\x04")
    assert terminal.end() == 0
