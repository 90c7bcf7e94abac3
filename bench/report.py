# SPDX-License-Identifier: MIT
"""Medians of the runs, as JSON and as tables."""
import json
import math
import statistics

COLUMNS = ("wall", "cpu", "events", "lost", "bytes_per_event")


def select(runs, **wanted):
    return [run for run in runs if all(run[key] == value for key, value in wanted.items())]


def names(runs, key):
    """Names in the order in which they first appear."""
    return list(dict.fromkeys(run[key] for run in runs))


def over(action, runs, key):
    """Of all that is known; None when nothing is."""
    values = [run[key] for run in runs if run[key] is not None]
    return action(values) if values else None


def bytes_per_event(runs):
    size, events = over(sum, runs, "bytes"), over(sum, runs, "events")
    if events is None:
        return None
    return round(size / events, 3) if events else 0.0


def cost(runs):
    """Of one recorder under one workload: medians; lost is what was lost in all rounds."""
    return {"wall": round(over(statistics.median, runs, "wall"), 3),
            "cpu": round(over(statistics.median, runs, "cpu"), 3),
            "events": over(statistics.median_low, runs, "events"),
            "lost": over(sum, runs, "lost"),
            "bytes_per_event": bytes_per_event(runs)}


def summarize(runs):
    return {workload: {recorder: cost(select(runs, workload=workload, recorder=recorder))
                       for recorder in names(select(runs, workload=workload), "recorder")}
            for workload in names(runs, "workload")}


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def write_json(content, path):
    with open(path, "w", encoding="ascii") as file:
        json.dump(content, file, indent=1)
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


def print_table(runs):
    rows = [("workload", "recorder", "wall", "CPU", "events", "lost", "bytes an event")]
    for workload, recorders in summarize(runs).items():
        rows += [(workload, name, *(show(recorders[name][column]) for column in COLUMNS))
                 for name in sorted(recorders) if name != "none"]
    print_rows(rows)


def print_means(runs):
    """Geometric means over the workloads; bytes an event over all events of the bench."""
    results = summarize(runs)
    rows = [("geometric mean", "workloads", "wall", "CPU", "lost", "bytes an event")]
    for name in sorted(set(names(runs, "recorder")) - {"none"}):
        costs = [recorders[name] for recorders in results.values()]
        own = select(runs, recorder=name)
        rows.append((name, str(len(costs)), show(geometric_mean([one["wall"] for one in costs])),
                     show(geometric_mean([one["cpu"] for one in costs])),
                     show(over(sum, own, "lost")), show(bytes_per_event(own))))
    print_rows(rows)
