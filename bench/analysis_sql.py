# SPDX-License-Identifier: MIT
"""The same questions in SQL: to `lemona query`, and to SQLite with the same rows in a table."""
import csv
import json
import os
import sqlite3
import statistics
import subprocess
import time

from failure import Failure
from report import print_rows
from settings import number_of

ROUNDS = 3
BATCH = 50_000
COLUMNS = ("id", "time_ns", "pid", "op", "object", "path", "result")
INDEXES = ("pid, time_ns", "path", "time_ns", "object")
HOUR_NS, DAY_NS = 3600 * 10**9, 86400 * 10**9


def place():
    """Where logs and tables may be large."""
    return os.environ.get("BENCH_ANALYSIS_DIR") or None


def has_sockets(lemona):
    """Whether there is a table of sockets to ask for an address."""
    done = subprocess.run([lemona, "query", "--help"], stdout=subprocess.PIPE, text=True, check=True)
    return "\n  sockets " in done.stdout


def questions(truth, first_ns):
    """Conditions by name, for both sides the same."""
    middle = first_ns + (truth["end_ns"] - truth["begin_ns"]) // 2
    attack = next(one for one in truth["attacks"] if one["kind"] == "web")
    server = next(thing for thing in attack["things"] if thing["role"] == "carrier")
    pid = int(server["label"].rsplit("[", 1)[1][:-1])
    changed = next(thing for thing in attack["things"] if thing["label"] == "/etc/passwd")
    socket = next(thing for thing in attack["things"] if thing["kind"] == "socket")
    return {
        "pid over a day": f"pid = {pid} and time_ns >= {middle} and time_ns < {middle + DAY_NS}",
        "path prefix": "path like '/etc/ssh/%'",
        "one hour": f"time_ns >= {middle} and time_ns < {middle + HOUR_NS}",
        "object": f"object = {changed['objects'][0]}",
        "address": "object in (select id from sockets where remote_address = "
                   f"'{socket['label'].rsplit(':', 1)[0]}')",
    }


def count_of(condition):
    return "select count(*), sum(id), min(id), max(id), sum(result % 65521) from events " \
           f"where {condition}"


def rows_of(condition):
    return f"select id, time_ns, pid, op, object, result from events where {condition} " \
           "order by id limit 1000"


class Query:
    """`lemona query` reads all statements first: each answer is a line, timed by its arrival."""

    def __init__(self, lemona, log):
        self.command = [str(lemona), "query", str(log), "--format", "json", "--timeout", "0s"]

    def run(self, statements):
        """Of each statement: its rows, and milliseconds since the one before it."""
        process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True)
        process.stdin.write(";\n".join(["select 1", *statements]) + ";\n")
        process.stdin.close()
        self.read_answer(process)
        answers, last = [], time.perf_counter()
        for _ in statements:
            text = self.read_answer(process)
            now = time.perf_counter()
            answers.append(([tuple(row) for row in json.loads(text)["rows"]], (now - last) * 1e3))
            last = time.perf_counter()
        if process.wait() != 0:
            raise Failure("lemona query failed")
        return answers

    @staticmethod
    def read_answer(process):
        """One JSON object: its last line is the one with `complete`."""
        lines = []
        while not lines or not lines[-1].startswith('"complete":'):
            lines.append(process.stdout.readline())
            if not lines[-1]:
                raise Failure(f"lemona query ended with status {process.wait()}")
        return "".join(lines)


def read_rows(lemona, log, statement):
    """The rows of the log, for SQLite's tables."""
    process = subprocess.Popen([str(lemona), "query", str(log), statement, "--format", "csv",
                                "--timeout", "0s"], stdout=subprocess.PIPE, text=True)
    reader = csv.reader(process.stdout)
    next(reader)
    for row in reader:
        yield tuple(value if value != "" else None for value in row)
    if process.wait() != 0:
        raise Failure("lemona query failed")


def make_tables(lemona, log, path):
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("pragma journal_mode = off")
    database.execute("pragma synchronous = off")
    database.execute("pragma case_sensitive_like = on")
    database.execute("create table events (id integer primary key, time_ns integer, pid integer, "
                     "op text, object integer, path text, result integer)")
    database.execute("begin")
    database.executemany(f"insert into events values ({', '.join('?' * len(COLUMNS))})",
                         read_rows(lemona, log, f"select {', '.join(COLUMNS)} from events"))
    if has_sockets(lemona):
        database.execute("create table sockets (id integer primary key, remote_address text)")
        database.executemany("insert into sockets values (?, ?)",
                             read_rows(lemona, log, "select id, remote_address from sockets"))
    database.execute("commit")
    return database


def add_indexes(database):
    for number, columns in enumerate(INDEXES):
        database.execute(f"create index by{number} on events ({columns})")
    if database.execute("select 1 from sqlite_schema where name = 'sockets'").fetchone():
        database.execute("create index by_address on sockets (remote_address)")
    database.execute("analyze")


def ask_table(database, statement):
    begin = time.perf_counter()
    rows = database.execute(statement).fetchall()
    return rows, (time.perf_counter() - begin) * 1e3


def check_same(name, left, right):
    def plain(rows):
        return [tuple(float(value) if isinstance(value, (int, float)) else value
                      for value in row) for row in rows]
    if plain(left) != plain(right):
        raise Failure(f"SQL, {name}: lemona says {left[:3]}, SQLite says {right[:3]}")


def measure_side(database, conditions, key, results, rounds):
    """Once to have the pages in memory, then timed."""
    for name, condition in conditions.items():
        times = [ask_table(database, count_of(condition))[1] for _ in range(rounds + 1)][1:]
        results[name][key] = statistics.median(times)


def measure_lemona(query, conditions, results, rounds):
    statements = [count_of(condition) for condition in conditions.values()]
    answers = query.run(statements * (rounds + 1))[len(statements):]
    for number, name in enumerate(conditions):
        own = answers[number::len(statements)]
        results[name]["lemona_ms"] = statistics.median(ms for _, ms in own)
        results[name]["rows"] = own[0][0][0][0]


def check_answers(query, database, conditions):
    for name, condition in conditions.items():
        for statement in (count_of(condition), rows_of(condition)):
            check_same(name, query.run([statement])[0][0], ask_table(database, statement)[0])


def measure(lemona, log, truth, folder):
    rounds = number_of("BENCH_ANALYSIS_ROUNDS", ROUNDS)
    query = Query(lemona, log)
    first_ns = query.run(["select min(time_ns) from events"])[0][0][0][0]
    conditions = questions(truth, first_ns)
    if not has_sockets(lemona):
        print("bench: SQL without address: lemona query has no table of sockets", flush=True)
        del conditions["address"]
    results = {name: {} for name in conditions}
    database = make_tables(lemona, log, folder / "events.sqlite")
    check_answers(query, database, conditions)
    measure_lemona(query, conditions, results, rounds)
    measure_side(database, conditions, "sqlite_noindex_ms", results, rounds)
    add_indexes(database)
    measure_side(database, conditions, "sqlite_index_ms", results, rounds)
    measure_lemona(query, conditions, results, rounds)
    database.close()
    return results


def print_table(sql):
    if not sql:
        return
    rows = [("SQL", "", "rows", "lemona ms", "SQLite ms", "with index", "times faster")]
    rows += [(name, "", f"{one['rows']:,}", f"{one['lemona_ms']:.2f}",
              f"{one['sqlite_noindex_ms']:.2f}", f"{one['sqlite_index_ms']:.2f}",
              f"{one['sqlite_noindex_ms'] / one['lemona_ms']:.0f}") for name, one in sql.items()]
    print_rows(rows)
