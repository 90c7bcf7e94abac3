# SPDX-License-Identifier: MIT
"""What the tests share: running the recorder, reading its answers, checking their form."""

import json
import os
import pathlib
import re
import select
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("LEMONA", ROOT / "build" / "lemona"))
WORKLOADS = pathlib.Path(os.environ.get("LEMONA_WORKLOADS", BINARY.parent / "tests" / "workload"))

# No single step takes a second on an idle machine; this is where a hang becomes a failure.
LIMIT_SECONDS = 60

# A child of vfork(2) runs in its parent's memory, so each may influence the other: true, but then
# every step would hang together with every other one through the test's own process.
subprocess._USE_VFORK = False  # pylint: disable=protected-access


def workload(name):
    return str(WORKLOADS / f"w-{name}")


def run(*args, check=True, **kwargs):
    """Run a subcommand. Its output, as text."""
    done = subprocess.run([str(BINARY), *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=LIMIT_SECONDS, **kwargs)
    if check:
        assert done.returncode == 0, f"lemona {' '.join(map(str, args))}: {done.returncode}\n" \
                                     f"{done.stderr}"
    return done


def record(log, command, *options, **kwargs):
    """`lemona record -o LOG -- COMMAND`, to its end."""
    return run("record", "-o", log, *options, "--", *command, **kwargs)


class Summary:
    """The one line with which a recording ends."""

    FORM = re.compile(r"^lemona: (\d+) events(?:, \d+ of them folded)?, (\d+) events a second, "
                      r"(\d+) bytes, (\d+\.\d+) bytes an event, (\d+) lost$", re.MULTILINE)

    def __init__(self, text):
        found = self.FORM.findall(text)
        assert len(found) == 1, f"not one summary line in: {text!r}"
        events, _, size, _, lost = found[0]
        self.events, self.bytes, self.lost = int(events), int(size), int(lost)


class Recording:
    """`lemona record -o LOG` beside what it records. Left by SIGINT, unless it ended before."""

    def __init__(self, log, *options, prefix=(), env=None):
        self.log, self.prefix, self.env = str(log), prefix, env
        self.options = [str(option) for option in options]
        self.process = None
        self.said = ""

    def __enter__(self):
        self.process = subprocess.Popen(
            [*self.prefix, str(BINARY), "record", "-o", self.log, *self.options], env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        # That it records, and the key of the log.
        self.said = read_lines(self.process, 1 if "--no-seal" in self.options else 2)
        assert "recording" in self.said, f"the recorder did not start: {self.said!r}"
        return self

    @property
    def pid(self):
        return self.process.pid

    def end(self, signum=signal.SIGINT):
        """End it and return its exit code; what it said is in `said`."""
        if self.process.returncode is None:
            self.process.send_signal(signum)
            self.said += self.process.communicate(timeout=LIMIT_SECONDS)[1]
        return self.process.returncode

    def summary(self):
        return Summary(self.said)

    def __exit__(self, kind, value, trace):
        code = self.end()
        if kind is None and code != -signal.SIGKILL:
            assert code == 0, f"lemona record: {code}\n{self.said}"


def read_lines(process, count):
    """So many lines of standard error, and what has come with them: nothing stays in a buffer."""
    said = b""
    while said.count(b"\n") < count:
        ready, _, _ = select.select([process.stderr], [], [], LIMIT_SECONDS)
        assert ready, f"{said!r} and no more from {process.args} in {LIMIT_SECONDS} s"
        part = os.read(process.stderr.fileno(), 4096)
        if not part:
            break
        said += part
    return said.decode()


def read_line(stream, process):
    """One line, or an error when none comes: a hang is a failure with a reason."""
    ready, _, _ = select.select([stream], [], [], LIMIT_SECONDS)
    assert ready, f"no line from {process.args} in {LIMIT_SECONDS} s"
    return stream.readline()


class Step:
    """A process that says "ready" and, where told to, waits for a line before it goes on."""

    def __init__(self, *command, stdin=subprocess.PIPE):
        self.process = subprocess.Popen([str(word) for word in command], stdin=stdin,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        line = read_line(self.process.stdout, self.process)
        assert line == "ready\n", f"{self.process.args}: {line!r}"
        return self

    @property
    def pid(self):
        return self.process.pid

    def go(self):
        """Let it do its work, and wait for its end."""
        _, err = self.process.communicate("go\n", timeout=LIMIT_SECONDS)
        assert self.process.returncode == 0, err

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=LIMIT_SECONDS)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream and not stream.closed:
                stream.close()


def step(*args, prefix=()):
    """Run one step of w-step to its end. Its pid."""
    process = subprocess.Popen([*prefix, workload("step"), *map(str, args)],
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    _, err = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 0, f"w-step {args}: {err}"
    return process.pid


def parse_lines(text):
    # Not splitlines(): strings hold what it takes for ends of lines.
    return [json.loads(line) for line in text.split("\n") if line]


def events_and_gaps(log, *filters, check=True):
    done = run("events", log, "--format", "json", *filters, check=check)
    lines = [line for line in parse_lines(done.stdout) if not line.get("content")]
    return [e for e in lines if not e.get("gap")], [g for g in lines if g.get("gap")]


def events(log, *filters):
    """The events of a log without gaps: one that has some makes the test fail."""
    found, gaps = events_and_gaps(log, *filters)
    assert not gaps, f"events were lost: {gaps}"
    return found


def status(log, check=True):
    return json.loads(run("status", log, "--format", "json", check=check).stdout)


def ask(direction, log, *args):
    """`lemona backtrack|forward`, as checked JSON."""
    answer = json.loads(run(direction, log, "--format", "json", *args).stdout)
    validate_answer(answer, direction)
    return answer


def ask_exact(direction, log, *args):
    """As ask(), and nothing may be in the answer that its documented form does not have."""
    answer = ask(direction, log, *args)
    validate_answer(answer, direction, exact=True)
    return answer


def backtrack(log, *args):
    return ask("backtrack", log, *args)


def forward(log, *args):
    return ask("forward", log, *args)


# The form of an answer, as docs/formats/graph.md has it. Every key and its type; "!" marks those
# that must be there, "?" those that may be null.
TIME = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)$")
ANSWER_KEYS = {"version!": int, "direction!": str, "host!": str, "imported": str, "complete!": bool,
               "limited!": bool, "begin!": "time", "end!": "time", "nodes!": list, "edges!": list,
               "hidden!": list, "gaps!": list, "shown": dict}
NODE_KEYS = {"id!": str, "kind!": str, "label!": str, "first!": "time", "last!": "time",
             "detection!": bool, "entry!": bool, "exit!": bool}
PROCESS_KEYS = {"pid!": int, "ppid!": int, "version!": int, "comm!": str, "exe": str, "argv!": list,
                "sha256": str, "sha256_sure": bool, "unhashed": str,
                "loginuid": int, "session": int, "sid!": int, "tty": str, "cgroup": str,
                "container": dict, "adopter": int, "capabilities!": dict,
                "namespaces!": dict, "seccomp!": str, "no_new_privs!": bool,
                "argv_cut": bool, "uid!": int, "euid!": int, "gid!": int}
EDGE_KEYS = {"from!": str, "to!": str, "op!": str, "control!": str, "begin!": "time",
             "end!": "time", "count!": int, "bytes!": int, "event": str, "claimed": bool, "score!": dict}
SCORE_KEYS = {f"{part}!": float for part in ("total", "rarity", "fan", "data", "nearness",
                                             "control")}
SHOWN_KEYS = {"paths!": int, "of_nodes!": int, "of_edges!": int}
HIDDEN_KEYS = {"filter!": str, "objects!": int, "events!": int}
GAP_KEYS = {"begin!": "time", "end!": "time", "events!?": int, "reason!": str}

# What each kind of node has beside the keys of all.
NODE_KEYS_OF = {
    "process": PROCESS_KEYS,
    "file": {"sha256": str, "sha256_sure": bool, "unhashed": str, "path": str, "inode!": int, "device!": str, "removed": bool},
    "name": {"path!": str, "removed": bool, "absent": bool},
    "socket": {"local": str, "remote": str, "claimed": bool},
    "group": {"of!": str, "count!": int, "members": list, "removed": bool, "absent": bool},
    "pipe": {}, "kernel": {}, "cgroup": {}, "content": {},
}


def instant(text):
    """A time as a value that can be compared, to the nanosecond."""
    seconds, fraction = TIME.match(text).groups()
    return seconds, (fraction or "").ljust(9, "0")


def validate_value(what, value, kind):
    if kind == "time":
        assert isinstance(value, str) and TIME.match(value), f"{what} is no time: {value!r}"
    else:
        assert type(value) is kind, f"{what} is {value!r}, not {kind.__name__}"


def validate_keys(what, value, form, exact):
    """The known keys, each of its type (bool is no int here); with exact, no others."""
    assert isinstance(value, dict), f"{what} is no object: {value!r}"
    names = {key.rstrip("!?"): kind for key, kind in form.items()}
    unknown = set(value) - set(names)
    assert not (exact and unknown), f"{what} has unknown keys {unknown}: {value}"
    missing = {key.rstrip("!?") for key in form if "!" in key} - set(value)
    assert not missing, f"{what} lacks {missing}: {value}"
    nullable = {key.rstrip("!?") for key in form if "?" in key}
    for key in set(value) & set(names):
        if value[key] is not None or key not in nullable:
            validate_value(f"{what}: {key}", value[key], names[key])


def validate_node(node, exact):
    assert node.get("kind") in NODE_KEYS_OF, f"unknown kind: {node}"
    form = {**NODE_KEYS, **NODE_KEYS_OF[node["kind"]]}
    validate_keys("node", node, form, exact)
    elsewhere = {key.rstrip("!?") for keys in NODE_KEYS_OF.values() for key in keys}
    foreign = set(node) & (elsewhere - {key.rstrip("!?") for key in form})
    assert not foreign, f"{foreign} make no sense on a {node['kind']}: {node}"
    assert instant(node["first"]) <= instant(node["last"]), f"ends before it begins: {node}"
    if node["kind"] == "process":
        assert node["pid"] > 0, f"a process without a number: {node}"
        assert all(isinstance(word, str) for word in node["argv"]), node
    for key in ("argv_cut", "removed", "absent"):
        assert node.get(key, True) is True, f"{key} is there only where it is true: {node}"


def validate_edge(edge, ids, exact):
    validate_keys("edge", edge, EDGE_KEYS, exact)
    assert edge["from"] in ids and edge["to"] in ids, f"leads nowhere: {edge}"
    assert edge["from"] != edge["to"], f"a loop of one node: {edge}"
    assert instant(edge["begin"]) <= instant(edge["end"]), f"ends before it begins: {edge}"
    assert edge["control"] in ("high", "low"), f"unknown control: {edge}"
    assert edge["count"] >= 0 and edge["bytes"] >= 0, edge
    validate_keys("score", edge["score"], SCORE_KEYS, exact)
    assert all(0 <= part <= 1 for part in edge["score"].values()), edge


def validate_answer(answer, direction, exact=False):
    """Hold an answer against its documented form: nothing missing, and with exact nothing more."""
    validate_keys("answer", answer, ANSWER_KEYS, exact)
    assert answer["version"] == 1
    assert answer["direction"] == {"backtrack": "backward", "forward": "forward"}[direction]
    ids = [node.get("id") for node in answer["nodes"]]
    assert len(ids) == len(set(ids)), "two nodes with one id"
    for node in answer["nodes"]:
        validate_node(node, exact)
    for edge in answer["edges"]:
        validate_edge(edge, set(ids), exact)
    for hidden in answer["hidden"]:
        validate_keys("hidden", hidden, HIDDEN_KEYS, exact)
        assert hidden["objects"] >= 0 and hidden["events"] >= 0
    for gap in answer["gaps"]:
        validate_keys("gap", gap, GAP_KEYS, exact)
    if "shown" in answer:
        validate_keys("shown", answer["shown"], SHOWN_KEYS, exact)
        assert len(answer["nodes"]) <= answer["shown"]["of_nodes"]
    assert any(node["detection"] for node in answer["nodes"]), "no detection point in the answer"
    assert not (answer["complete"] and answer["gaps"]), "complete, with gaps"
    assert not (answer["complete"] and answer["limited"]), "complete, at the limit of nodes"
    assert instant(answer["begin"]) <= instant(answer["end"]), "ends before it begins"


def nodes(answer, **wanted):
    """The nodes that have these values."""
    return [node for node in answer["nodes"]
            if all(node.get(key) == value for key, value in wanted.items())]


def find_path(answer, sources, sinks):
    """
    A directed path of edges, as influence flows, from one of `sources` to one of `sinks` (nodes),
    along which no edge ends before influence can have reached it. None when there is none.
    """
    goal = {node["id"] for node in sinks}
    # Earliest time at which influence reaches a node, and the edge that brought it.
    reached = {node["id"]: (("", ""), None) for node in sources}
    queue = list(reached)
    while queue:
        queue.sort(key=lambda node: reached[node][0])
        at = queue.pop(0)
        for edge in answer["edges"]:
            if edge["from"] != at or instant(edge["end"]) < reached[at][0]:
                continue
            arrival = max(reached[at][0], instant(edge["begin"]))
            if edge["to"] in reached and reached[edge["to"]][0] <= arrival:
                continue
            reached[edge["to"]] = (arrival, edge)
            queue.append(edge["to"])
    for node in goal & set(reached):
        path = []
        while reached[node][1]:
            path.insert(0, reached[node][1])
            node = path[0]["from"]
        return path
    return None
