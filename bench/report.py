# SPDX-License-Identifier: MIT
"""Medians of the runs, as JSON and as tables."""
import json
import math
import statistics

COLUMNS = ("wall", "cpu", "events", "lost", "bytes_per_event")


def summarize(runs):
    """Cost of one recorder under one workload. Runs: ratios and counts, one for each round.

    Times are medians, lost events are all that were lost in any round."""
    def over(action, key):
        values = [run[key] for run in runs if run[key] is not None]
        return action(values) if values else None

    return {"wall": round(over(statistics.median, "wall"), 3),
            "cpu": round(over(statistics.median, "cpu"), 3),
            "events": over(statistics.median_low, "events"),
            "lost": over(sum, "lost"),
            "bytes_per_event": bytes_per_event(over(sum, "bytes"), over(sum, "events"))}


def bytes_per_event(size, events):
    if size is None or events is None:
        return None
    return round(size / events, 3) if events else 0.0


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def write_json(results, path):
    with open(path, "w", encoding="ascii") as file:
        json.dump(results, file, indent=1)
        file.write("\n")


def show(value):
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def print_rows(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) if number < 2 else cell.rjust(width)
                 for number, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())
    print(flush=True)


def print_table(results):
    rows = [("workload", "recorder", "wall", "CPU", "events", "lost", "bytes an event")]
    for workload, recorders in results.items():
        for recorder, cost in recorders.items():
            if recorder != "none":
                rows.append((workload, recorder, *(show(cost[column]) for column in COLUMNS)))
    print_rows(rows)


def print_means(results):
    """Geometric means over the workloads; bytes an event over all events of the bench."""
    names = list(dict.fromkeys(name for recorders in results.values() for name in recorders))
    rows = [("geometric mean", "workloads", "wall", "CPU", "lost", "bytes an event")]
    for name in names:
        costs = [recorders[name] for recorders in results.values() if name in recorders]
        counted = [cost for cost in costs if cost["bytes_per_event"] is not None]
        events = sum(cost["events"] for cost in counted)
        size = sum(cost["events"] * cost["bytes_per_event"] for cost in counted)
        lost = [cost["lost"] for cost in costs if cost["lost"] is not None]
        if name != "none":
            rows.append((name, str(len(costs)),
                         show(geometric_mean([cost["wall"] for cost in costs])),
                         show(geometric_mean([cost["cpu"] for cost in costs])),
                         show(sum(lost) if lost else None),
                         show(size / events if events else None)))
    print_rows(rows)
