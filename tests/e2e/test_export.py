# SPDX-License-Identifier: MIT
"""What is exported: golden files, and the formats' own rules, read by others than us."""

import collections
import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

import lemona

GOLDEN = lemona.ROOT / "tests" / "golden" / "export"
LOG = GOLDEN / "log"
EVENTS = ["timesketch", "ecs", "ocsf", "perfetto"]
ANSWERS = ["prov", "graphml", "dot"]
FROM = ("--from", "file:/etc/passwd", "--no-filter", "all")


def export(log, form, *args):
    """As text, which must be UTF-8 without anything that has to be replaced."""
    done = subprocess.run([str(lemona.BINARY), "export", str(log), "--format", form,
                           *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=lemona.LIMIT_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode("utf-8", errors="strict")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", text), "controls are escaped"
    return text


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A log of the real thing, for what no made one has."""
    place = tmp_path_factory.mktemp("export")
    log = place / "log"
    evil = os.fsencode(place) + b"/e\xffvil<&>\"\n\x1b]]>"
    script = 'printf x > "$1"; cat "$1" | sh -c "cat > /dev/null"; mv "$1" "$1.b"; exit 3'
    with lemona.Recording(log):
        subprocess.run(["sh", "-c", script, "sh", evil], check=False)
        subprocess.run(["/usr/bin/python3", "-c", "import socket; s = socket.socket(); "
                        "s.connect_ex(('127.0.0.1', 1))"], check=False)
    return log, place


def without_scores(text):
    """How telling an edge is, is a matter of taste that may change."""
    return re.sub(r',"lemona:score":\d+|<data key="k26">\d+</data>', "", text)


@pytest.mark.parametrize("form", [*EVENTS, "prov", "graphml"])
def test_golden(form):
    text = export(LOG, form, *(FROM if form in ANSWERS else ()))
    golden = (GOLDEN / f"export.{form}").read_text(encoding="utf-8")
    assert without_scores(text) == without_scores(golden), \
        f"lemona export {LOG} --format {form} > {GOLDEN}/export.{form}, and look at it"


def lines_of(log, form, *args):
    """One JSON object a line, no key twice in one."""
    def once(pairs):
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), keys
        return dict(pairs)

    text = export(log, form, *args)
    assert text.endswith("\n")
    return [json.loads(line, object_pairs_hook=once) for line in text.split("\n")[:-1]]


@pytest.fixture(scope="module", params=["golden", "recorded"])
def log(request):
    return LOG if request.param == "golden" else request.getfixturevalue("recorded")[0]


def narrow(log):
    """All of a made log; of a recorded one, on a machine that others use, a part."""
    return () if log == LOG else ("--limit", "3000")


def test_timesketch(log):
    """docs/guides/user/import-from-json-csv.md of Timesketch: the mandatory members."""
    rows = lines_of(log, "timesketch", *narrow(log))
    assert rows
    for row in rows:
        assert row["message"] and row["timestamp_desc"] and row["data_type"].startswith("lemona:")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", row["datetime"])
        assert isinstance(row["timestamp"], int) and row["timestamp"] > 10 ** 15
        assert all(isinstance(value, (str, int, bool)) or key == "flags"
                   for key, value in row.items()), "columns are flat"


# https://www.elastic.co/guide/en/ecs/8.11/ecs-allowed-values-event-category.html
ECS_TYPES = {
    "api": {"access", "admin", "allowed", "change", "creation", "deletion", "denied", "end",
            "info", "start", "user"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "driver": {"change", "end", "info", "start"},
    "file": {"access", "change", "creation", "deletion", "info"},
    "network": {"access", "allowed", "connection", "denied", "end", "info", "protocol", "start"},
    "process": {"access", "change", "end", "info", "start"},
}
ECS_TOP = {"@timestamp", "ecs", "message", "event", "host", "process", "user", "container", "file",
           "source", "destination", "network", "error", "lemona"}


def test_ecs(log):
    rows = lines_of(log, "ecs", *narrow(log))
    kinds = collections.Counter(row["event"]["kind"] for row in rows)
    assert set(kinds) <= {"event", "state", "pipeline_error"} and kinds["event"]
    for row in rows:
        assert set(row) <= ECS_TOP
        assert lemona.TIME.match(row["@timestamp"]) and row["ecs"]["version"] == "8.11.0"
        assert row["host"]["os"]["type"] == "linux"
        if row["event"]["kind"] != "event":
            continue
        event = row["event"]
        assert event["outcome"] in ("success", "failure") and isinstance(event["id"], str)
        for category, kind in zip(event["category"], event["type"], strict=True):
            assert kind in ECS_TYPES[category], event
        if "pid" in row["process"]:
            assert isinstance(row["process"]["pid"], int) and row["process"]["entity_id"]
        assert isinstance(row["process"].get("args", []), list)
        assert isinstance(row.get("user", {}).get("id", ""), str)
        for end in ("source", "destination"):
            assert row.get(end, {"address": 1})["address"]


# schema.ocsf.io/1.1.0: the classes with their activities, and what each requires.
OCSF = {
    0: ({99}, set()),
    1001: ({1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14, 99}, {"actor", "device", "file"}),
    1002: ({1, 2, 99}, {"actor", "device", "driver"}),
    1003: ({1, 2, 3, 4, 99}, {"actor", "device", "kernel"}),
    1005: ({1, 2, 99}, {"actor", "device", "module"}),
    1007: ({1, 2, 3, 4, 5, 99}, {"actor", "device", "process"}),
    4001: ({1, 2, 3, 4, 5, 6, 99}, {"actor", "device"}),
}


def check_ocsf_file(file):
    assert file["name"] and file["type_id"] in {0, 1, 2, 3, 4, 5, 6, 7, 99}


def test_ocsf(log):
    rows = lines_of(log, "ocsf", *narrow(log))
    classes = collections.Counter(row["class_uid"] for row in rows)
    if log == LOG:
        assert set(classes) == set(OCSF), "each class has an event in the made log"
    for row in rows:
        activities, required = OCSF[row["class_uid"]]
        assert row["activity_id"] in activities and required <= set(row), row
        assert row["type_uid"] == row["class_uid"] * 100 + row["activity_id"]
        assert row["category_uid"] == row["class_uid"] // 1000
        assert row["severity_id"] in range(7) and 10 ** 12 < row["time"] < 10 ** 13
        assert row["metadata"]["version"] == "1.1.0" and row["metadata"]["product"]["vendor_name"]
        assert row["device"]["type_id"] == 0 and row["device"]["os"]["type_id"] == 200
        if "actor" in row:
            process = row["actor"]["process"]
            assert "pid" in process or "uid" in process
        for key in ("file", "file_result"):
            if key in row:
                check_ocsf_file(row[key])
        for key in ("module", "driver"):
            if key in row:
                check_ocsf_file(row[key]["file"])
        if row["class_uid"] == 4001:
            assert "src_endpoint" in row or "dst_endpoint" in row
            assert row["connection_info"]["direction_id"] in (1, 2)
        if row["class_uid"] == 1003:
            assert row["kernel"]["name"] and "type_id" in row["kernel"]


def test_perfetto(log):
    trace = json.loads(export(log, "perfetto", *narrow(log)))
    events = trace["traceEvents"]
    named, out, into = set(), set(), set()
    for event in events:
        assert {"ph", "name", "pid", "tid"} <= set(event)
        if event["ph"] == "M":
            named.add(event["pid"])
            assert event["name"] == "process_name" and event["args"]["name"] is not None
            continue
        assert event["ph"] in ("X", "i") and isinstance(event["ts"], (int, float))
        if event["ph"] == "X":
            assert event["dur"] >= 0
            (out if event.get("flow_out") else into if event.get("flow_in") else set()).add(
                event.get("bind_id"))
        else:
            assert event["s"] == "g"
    assert named and into <= out, "every arrow that ends has begun"
    if log == LOG:
        # Fork, exec, the pipe, a signal.
        assert len(into) >= 3


# https://www.w3.org/submissions/2013/SUBM-prov-json-20130424/: what each relation ties together.
PROV = {
    "used": {"prov:activity": "activity", "prov:entity": "entity"},
    "wasGeneratedBy": {"prov:entity": "entity", "prov:activity": "activity"},
    "wasInformedBy": {"prov:informed": "activity", "prov:informant": "activity"},
    "wasDerivedFrom": {"prov:generatedEntity": "entity", "prov:usedEntity": "entity"},
    "wasAssociatedWith": {"prov:activity": "activity", "prov:agent": "agent"},
}


def answers_of(log, request):
    if log == LOG:
        return FROM
    place = request.getfixturevalue("recorded")[1]
    return ("--from", f"exe:{os.path.realpath('/bin/sh')}", "--direction", "forward",
            "--no-filter", "all") if place else ()


def check_prov(text):
    document = json.loads(text)
    assert set(document) == {"prefix", "entity", "activity", "agent", *PROV}
    prefixes = set(document["prefix"]) | {"prov", "xsd"}
    for section in ("entity", "activity", "agent"):
        for name, record in document[section].items():
            assert name.split(":")[0] in prefixes and record["prov:label"]
            assert {key.split(":")[0] for key in record} <= prefixes
    for relation, ends in PROV.items():
        for name, record in document[relation].items():
            assert name.startswith("_:")
            for key, section in ends.items():
                assert record[key] in document[section], (relation, record)
    return document


def test_prov(log, request):
    document = check_prov(export(log, "prov", *answers_of(log, request)))
    if log == LOG:
        answer = lemona.backtrack(LOG, *FROM)
        assert len(document["activity"]) == sum(n["kind"] == "process" for n in answer["nodes"])
        assert len(document["entity"]) + len(document["activity"]) == len(answer["nodes"]) + 1
        assert sum(len(document[r]) for r in PROV if r != "wasAssociatedWith") == \
            len(answer["edges"])


def check_graphml(text):
    """An XML parser, the declarations, and each reference."""
    space = "{http://graphml.graphdrawing.org/xmlns}"
    root = ElementTree.fromstring(text)
    assert root.tag == f"{space}graphml"
    keys = {key.get("id"): key for key in root.findall(f"{space}key")}
    graph, = root.findall(f"{space}graph")
    assert graph.get("edgedefault") == "directed"
    nodes = {node.get("id") for node in graph.findall(f"{space}node")}
    edges = graph.findall(f"{space}edge")
    assert nodes and edges and len(nodes) == len(graph.findall(f"{space}node"))
    assert all(edge.get("source") in nodes and edge.get("target") in nodes for edge in edges)
    readers = {"string": str, "long": int, "boolean": {"true": True, "false": False}.__getitem__}
    for element in (graph, *graph):
        for data in element.findall(f"{space}data"):
            key = keys[data.get("key")]
            assert f"{space}{key.get('for')}" == element.tag
            readers[key.get("attr.type")](data.text or "")
    return len(nodes), len(edges)


def test_graphml(log, request):
    check_graphml(export(log, "graphml", *answers_of(log, request)))


def test_graph_of_all_events(recorded):
    """Without a question: as many edges as there are different influences."""
    document = check_prov(export(LOG, "prov"))
    nodes, edges = check_graphml(export(LOG, "graphml"))
    assert nodes == len(document["entity"]) + len(document["activity"]) - 1
    assert edges == sum(len(document[r]) for r in PROV if r != "wasAssociatedWith")
    assert not document["entity"]["log:answer"]["lemona:complete"]
    labels = {record["prov:label"] for record in document["entity"].values()}
    assert {"/etc/passwd", "pipe:[80]", "kernel", "tcp 10.0.0.1:22 > 203.0.113.7:51234"} <= labels
    # Each edge of an answer that an event stands for is here. An answer shows a child that did
    # nothing before its exec as what it ran.
    answer = lemona.backtrack(LOG, *FROM)
    told = {(record[next(iter(PROV[k]))], record["lemona:op"])
            for k in PROV if k != "wasAssociatedWith" for record in document[k].values()}
    asked = {(f"log:{e['to']}", e["op"]) for e in answer["edges"]
             if "event" in e and e["op"] != "fork"}
    assert len(asked) > 5 and asked <= told
    log, place = recorded
    some = check_prov(export(log, "prov", "--path", f"{place}/", "--op", "write"))
    assert some["wasGeneratedBy"] and not some["wasInformedBy"]
    assert all(r["lemona:op"] == "write" for r in some["wasGeneratedBy"].values())


def test_graph_of_all_events_is_bounded(tmp_path):
    """More edges than are kept: one sentence, and no half a graph."""
    log = tmp_path / "log"
    with lemona.Recording(log):
        subprocess.run(["/usr/bin/python3", "-c", "import os\nfor i in range(110000):\n"
                        f"    os.close(os.open('{tmp_path}/f%d' % i, os.O_CREAT | os.O_WRONLY))"],
                       check=True)
    file = tmp_path / "graph"
    done = lemona.run("export", log, "--format", "graphml", "-o", file, check=False)
    assert done.returncode == 3 and "edges" in done.stderr and done.stderr.count("\n") == 1
    assert not file.exists()


@pytest.mark.parametrize("form", [*EVENTS, "prov", "graphml"])
@pytest.mark.parametrize("name", ["v1", "v1-sealed"])
def test_senseless_logs(form, name):
    """Objects of one kind where others belong, numbers that nothing has: well-formed all the same."""
    text = export(lemona.ROOT / "tests" / "golden" / "log" / name, form)
    if form == "graphml":
        check_graphml(text)
    elif form == "prov":
        check_prov(text)
    elif form == "perfetto":
        json.loads(text)
    else:
        for line in text.split("\n")[:-1]:
            json.loads(line)


def test_dot(log, request):
    done = subprocess.run(["dot", "-Tcanon"], input=export(log, "dot", *answers_of(log, request)),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_backtrack_writes_the_same():
    for form in ANSWERS:
        done = lemona.run("backtrack", LOG, *FROM, "--format", form)
        assert done.stdout == export(LOG, form, *FROM)


def test_foreign_bytes_can_be_read_back(recorded):
    """A name that is no UTF-8 is told with its bytes, in each format of events."""
    log, place = recorded
    for form, key in (("timesketch", "path"), ("ecs", "file")):
        rows = lines_of(log, form, "--path", f"{place}/", "--op", "open")
        names = [row[key] if form == "timesketch" else row[key]["path"]
                 for row in rows if key in row]
        assert f"{place}/e\\xffvil<&>\"\n\x1b]]>" in names


def test_filters(recorded):
    log, place = recorded
    every = lines_of(log, "timesketch", "--path", f"{place}/")
    some = lines_of(log, "timesketch", "--path", f"{place}/", "--op", "rename", "--result", "ok")
    # Gaps are never left out.
    some = [row for row in some if row["data_type"] != "lemona:gap"]
    assert {row["op"] for row in some} == {"rename"}
    assert [row for row in every if row in some] == some
    assert len(lines_of(log, "ecs", "--path", f"{place}/", "--limit", "2")) >= 2


def test_output(tmp_path):
    file = tmp_path / "file"
    done = lemona.run("export", LOG, "--format", "ecs", "-o", file)
    assert not done.stdout and file.read_text() == export(LOG, "ecs")
    assert file.stat().st_mode & 0o777 == 0o600
    done = lemona.run("export", LOG, "--format", "prov", *FROM, "--output", file)
    assert not done.stdout and file.read_text() == export(LOG, "prov", *FROM)
    done = lemona.run("export", LOG, "--format", "ecs", "-o", tmp_path, check=False)
    assert done.returncode == 3 and done.stderr.count("\n") == 1


@pytest.mark.parametrize("form", EVENTS + ANSWERS)
def test_full_disk_is_a_failure(form):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(lemona.BINARY), "export", str(LOG), "--format", form,
                               *(FROM if form in ANSWERS else ())], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3 and "output" in done.stderr


@pytest.mark.parametrize("form", EVENTS + ANSWERS)
def test_closed_pipe_is_no_failure(form):
    ends = os.pipe()
    os.close(ends[0])
    # As a shell's `trap '' PIPE` does: else the signal ends it.
    done = subprocess.run(["env", "--ignore-signal=PIPE", str(lemona.BINARY), "export", str(LOG),
                           "--format", form, *(FROM if form in ANSWERS else ())], stdout=ends[1],
                          stderr=subprocess.PIPE, text=True, check=False)
    os.close(ends[1])
    assert done.returncode == 0 and "output" not in done.stderr, done.stderr


@pytest.mark.parametrize("arguments", [
    (), ("--format", "xml"), ("--format", "dot"), ("--format", "prov", "--to", "file:/x"),
    ("--format", "graphml", "--intersect"), ("--format", "ecs", "--from", "file:/x"),
    ("--format", "ecs", "--direction", "forward"),
    ("--format", "prov", "--from", "file:/etc/passwd", "--pid", "1"),
    ("--format", "prov", "--from", "file:/etc/passwd", "--direction", "up"),
    ("--format", "ecs", "--limit", "0"), ("--format", "prov", "--from", "file:/no/such/file"),
    ("--format", "ecs", "--address", "x"),
], ids=" ".join)
def test_usage(arguments):
    done = lemona.run("export", LOG, *arguments, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and not done.stdout
