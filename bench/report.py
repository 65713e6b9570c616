#!/usr/bin/env python3
"""report.py - prints the table of a run of coir_bench and draws it as one page of HTML."""
# SPDX-License-Identifier: BSL-1.0
import argparse
import datetime
import html
import json
import math
import os
import platform
import re
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = ("coir", "coir_local", "coir_call", "coir_boost", "coir_ucontext")
MEMORY = ("resident_bytes", "page_table_bytes", "mappings")
# What a row counts beside its time, and how that is said.
NOTES = {
    "peak_megabytes": "at most {} MB",
    "p99_late_ms": "99 % late by less than {} ms",
    "p99_ns": "99 % within {} ns",
}


class Row:
    """All repetitions of one benchmark."""

    def __init__(self, name):
        self.name = name
        self.operation, self.subject, *rest = name.split("/")
        self.n = int(rest[0]) if rest and rest[0].isdigit() else None
        # What follows the subject and is no number tells variants of a row apart.
        self.variant = "/".join(part for part in rest if not part.isdigit())
        several = re.fullmatch(r"workers(\d+)", self.variant)
        self.workers = int(several[1]) if several else 1
        self.values = []
        self.counters = {}
        self.error = None

    def add(self, run):
        if run.get("error_occurred"):
            self.error = run.get("error_message", "failed")
            return
        self.values.append(run["real_time" if run.get("label") == "wall" else "cpu_time"])
        for name in run.keys() & {*MEMORY, *NOTES, "contexts"}:
            self.counters.setdefault(name, []).append(run[name])

    def counter(self, name):
        return statistics.median(self.counters[name]) if name in self.counters else None

    @property
    def is_memory(self):
        return "resident_bytes" in self.counters

    @property
    def value(self):
        if self.error or not self.values:
            return None
        return self.counter("resident_bytes") if self.is_memory else statistics.median(self.values)

    @property
    def quartiles(self):
        if self.is_memory or len(self.values) < 2:
            return None
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high

    @property
    def notes(self):
        return ", ".join(text.format(number(self.counter(name)))
                         for name, text in NOTES.items() if name in self.counters)

    @property
    def label(self):
        return self.subject + (f" {self.variant}" if self.variant else "")


class Operation:
    """A line of operations.txt, with the rows that belong to it."""

    def __init__(self, name, yardstick=None, unit="ns", title=None, text="", many="contexts"):
        self.name, self.yardstick, self.unit = name, yardstick or None, unit
        self.title, self.text, self.many = title or name, text, many
        self.rows = []

    @property
    def sizes(self):
        if all(row.is_memory or row.error for row in self.rows):
            return [None]
        return sorted({row.n for row in self.rows}, key=lambda n: n or 0)

    def of_size(self, n):
        return self.rows if self.sizes == [None] else [row for row in self.rows if row.n == n]


class Report:
    def __init__(self, files):
        self.context, self.runs, self.rows = {}, [], {}
        for path in files:
            with open(path, encoding="utf-8") as file:
                read = json.load(file)
            self.context = {**read["context"], **self.context}
            self.runs += read["benchmarks"]
        for run in self.runs:
            if run.get("run_type", "iteration") == "iteration":
                self.rows.setdefault(run["run_name"], Row(run["run_name"])).add(run)
        known = {op.name: op for op in read_operations()}
        for row in self.rows.values():
            known.setdefault(row.operation, Operation(row.operation)).rows.append(row)
        self.operations = [op for op in known.values() if op.rows]
        for op in self.operations:
            subjects = [row.subject for row in op.rows]
            if op.yardstick is None:
                op.yardstick = next((s for s in subjects if s.startswith("boost")), None)
            op.rows.sort(key=lambda row: (row.n or 0, rank(row)))

    def yardstick(self, op, row):
        """The row that `row` is compared with: the yardstick's of the same n and world. Several
        workers are compared with one where the yardstick has no others."""
        if op.yardstick is None:
            return None
        if "/" in op.yardstick:
            return self.rows.get(op.yardstick)
        of_yardstick = [r for r in op.rows if r.subject == op.yardstick]
        world = row.variant if row.variant == "single" or row.workers > 1 else ""
        same = [r for r in of_yardstick if r.variant == world]
        if not same and row.workers > 1:
            same = [r for r in of_yardstick if not r.variant]
        exact = [r for r in same if r.n == row.n]
        if exact:
            return exact[0]
        return same[0] if same and row.is_memory else None

    def ratio(self, op, row):
        other = self.yardstick(op, row)
        if other is None or not other.value or row.value is None:
            return None
        return row.value / other.value

    def has_yardstick(self, op):
        return any(self.ratio(op, row) is not None for row in op.rows)

    @property
    def subjects(self):
        found = {k[len("subject:"):]: v for k, v in self.context.items() if k.startswith("subject:")}
        used = {row.subject for row in self.rows.values()}
        return sorted(((s, t) for s, t in found.items() if s in used), key=lambda p: subject_rank(p[0]))


def subject_rank(subject):
    return (OURS.index(subject) if subject in OURS else len(OURS), subject)


def rank(row):
    return subject_rank(row.subject) + (row.variant,)


def lines_of(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def read_operations():
    return [Operation(*(part.strip() for part in line.split("|"))) for line in lines_of("operations.txt")]


# ---- numbers as text ----------------------------------------------------------------------------


def number(value):
    if value is None:
        return "-"
    if value >= 10000:
        return f"{value:,.0f}".replace(",", " ")
    if value >= 100 or isinstance(value, int):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def factor(value):
    if value is None:
        return ""
    return f"{value:.3f}" if value < 0.995 else f"{value:.2f}" if value < 9.95 else number(value)


def spread(row):
    if row.quartiles is None or not row.value:
        return ""
    low, high = row.quartiles
    return f"{100 * (low / row.value - 1):+.0f} {100 * (high / row.value - 1):+.0f} %"


def memory_note(row):
    return (f"page table {number(row.counter('page_table_bytes'))}, "
            f"mappings {row.counter('mappings'):.0f} for {row.counter('contexts'):,.0f}")


# ---- targets ------------------------------------------------------------------------------------

TARGET = re.compile(r"(?P<row>[^\s:]+)(?::(?P<counter>\w+))?\s*<=\s*(?P<limit>[\d.]+)"
                    r"(?:\s*(?P<how>[x+])\s*(?P<of>\S+))?$")


def targets(report):
    """Each target whose row was run, as (text, measured or None, met or None)."""
    found = []
    for line in lines_of("targets.txt"):
        match = TARGET.match(line)
        if not match:
            sys.exit(f"report.py: targets.txt: cannot read '{line}'")
        row, other = report.rows.get(match["row"]), report.rows.get(match["of"] or "")
        measured = None
        if row is None:
            continue
        if row.value is not None:
            if match["counter"]:
                measured = row.counter(match["counter"])
            elif match["of"] is None:
                measured = row.value
            elif other is not None and other.value:
                measured = row.value / other.value if match["how"] == "x" else row.value - other.value
        met = None if measured is None else measured <= float(match["limit"])
        found.append((line, measured, met))
    return found


# ---- the machine --------------------------------------------------------------------------------


def facts(report):
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() in ("model name", "Hardware", "uarch"):
                    model = value.strip()
                    break
    except OSError:
        pass
    context = report.context
    boost = context.get("boost")
    return [
        ("Processor", f"{model}, {os.cpu_count()} cores, {platform.machine()}"),
        ("System", f"{platform.system()} {platform.release()}"),
        ("Compiler", f"{context.get('compiler', '?')}, {context.get('flags', '?')}"),
        ("Boost", boost.replace("_", ".") if boost else "none"),
        ("Date", datetime.datetime.now().strftime("%Y-%m-%d %H:%M")),
        ("Repetitions", repetitions(report)),
    ]


def repetitions(report):
    counts = {len(row.values) for row in report.rows.values() if row.values}
    return f"{min(counts)} to {max(counts)} of each row, interleaved" if counts else "none"


# ---- the table ----------------------------------------------------------------------------------


def print_table(report):
    for name, value in facts(report):
        print(f"{name:<12} {value}")
    width = max(len(row.name) for row in report.rows.values())
    for op in report.operations:
        against = f", ratio to {op.yardstick}" if report.has_yardstick(op) else ""
        print(f"\n{op.title} ({op.unit}{against})")
        for row in op.rows:
            if row.value is None:
                print(f"  {row.name:<{width}}  left out: {row.error}")
                continue
            note = memory_note(row) if row.is_memory else f"{spread(row):>11}  {row.notes}"
            print(f"  {row.name:<{width}} {number(row.value):>9}  {factor(report.ratio(op, row)):>6}  {note}".rstrip())
    print("\nTargets")
    for line, measured, met in targets(report):
        verdict = "not measured" if met is None else "met" if met else "missed"
        value = "-" if measured is None else number(measured) if measured >= 100 else f"{measured:.3f}"
        print(f"  {line:<62} {value:>8}  {verdict}")
    print()


# ---- the page -----------------------------------------------------------------------------------

STYLE = """
:root { --ink: #1c2430; --soft: #5c6675; --line: #dde2e9; --paper: #fff; --card: #f7f8fa;
  --coir: #0b7a75; --near: #5fb3ae; --boost: #c96f2e; --other: #98a2b3; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --soft: #9aa4b2; --line: #2e3642; --paper: #12161c; --card: #1a2028;
    --coir: #35c4bb; --near: #1f8680; --boost: #e0915a; --other: #6b7686; --bad: #ff8a80; } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem } h2 { font-size: 1.2rem; margin: 2.5rem 0 .25rem }
h3 { font-size: .95rem; margin: 1.25rem 0 .25rem; color: var(--soft); font-weight: 600 }
p { margin: .25rem 0 .75rem; color: var(--soft); max-width: 48rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem; width: 100% }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top }
th { font-weight: 600; white-space: nowrap } td.n { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap }
.met { color: var(--coir) } .missed { color: var(--bad); font-weight: 600 }
svg { display: block; width: 100%; height: auto; background: var(--card); border-radius: 8px }
svg + svg { margin-top: .5rem }
svg text { font: 13px system-ui, sans-serif; fill: var(--ink) } svg .soft { fill: var(--soft) }
svg .grid { stroke: var(--line) } svg .whisker { stroke: var(--ink); stroke-width: 1.5 }
.coir { fill: var(--coir); stroke: var(--coir) } .near { fill: var(--near); stroke: var(--near) }
.boost { fill: var(--boost); stroke: var(--boost) } .other { fill: var(--other); stroke: var(--other) }
rect.coir, rect.near, rect.boost, rect.other { stroke: none } svg .gap { fill: var(--card) }
path.curve { fill: none; stroke-width: 2.5 } path.coir_boost, path.cxx20 { stroke-dasharray: 6 4 }
svg text.coir, svg text.near, svg text.boost, svg text.other { stroke: none; font-weight: 600 }
svg text.coir { fill: var(--coir) } svg text.near { fill: var(--near) }
svg text.boost { fill: var(--boost) } svg text.other { fill: var(--soft) }
"""

WIDTH = 960


def kind(subject):
    if subject == "coir":
        return "coir"
    if subject.startswith("coir"):
        return "near"
    return "boost" if subject.startswith("boost") else "other"


def scale_end(report, op, rows):
    """The longest bar drawn in full: what is far beyond the yardstick is broken off."""
    values = [row.value for row in rows]
    yard = [report.yardstick(op, row) for row in rows]
    yard = max((y.value for y in yard if y is not None and y.value), default=statistics.median(values))
    return max([v for v in values if v <= 2.5 * yard] + [yard])


def bars(report, op, rows):
    rows = [row for row in rows if row.value is not None]
    if not rows:
        return ""
    left, right, step = 220, 190, 28
    end, room = scale_end(report, op, rows), WIDTH - left - right
    out = [f'<svg viewBox="0 0 {WIDTH} {step * len(rows) + 16}" role="img" '
           f'aria-label="{html.escape(op.title)}">']
    for i, row in enumerate(rows):
        y = 8 + i * step
        broken, text = row.value > end, 0
        length = room if broken else max(2, room * row.value / end)
        label = row.label + (f" ({row.n:,})" if row.is_memory and row.n else "")
        out.append(f'<text x="{left - 10}" y="{y + 19}" text-anchor="end">{html.escape(label)}</text>')
        out.append(f'<rect class="{kind(row.subject)}" x="{left}" y="{y + 5}" width="{length:.1f}" '
                   f'height="{step - 10}" rx="2"/>')
        if broken:
            x = left + room * 0.93
            out.append(f'<path class="gap" d="M{x} {y + 27}l10 -26h8l-10 26z"/>')
        elif row.quartiles:
            low, high = (left + room * min(q, end * 1.05) / end for q in row.quartiles)
            text = high - left
            out.append(f'<path class="whisker" d="M{low:.1f} {y + 14}H{high:.1f}"/>')
        ratio = report.ratio(op, row)
        note = memory_note(row) if row.is_memory else (f"{factor(ratio)} x" if ratio else "")
        out.append(f'<text x="{left + max(length, text) + 10:.1f}" y="{y + 19}">{number(row.value)}'
                   f'<tspan class="soft" dx="10">{html.escape(note if not row.is_memory else "")}</tspan></text>')
    return "\n".join(out) + "</svg>"


def curves_over_n(op):
    series = {}
    for row in op.rows:
        if row.value is not None and not row.is_memory and row.n:
            series.setdefault((row.label, row.label), []).append(row)
    return curves(op, series, op.many, lambda row: row.n, 3)


def curves_over_workers(op):
    series = {}
    for row in op.rows:
        if row.value is not None and row.variant in ("", f"workers{row.workers}"):
            label = row.subject + (f", {number(row.n)} {op.many}" if row.n else "")
            series.setdefault((row.subject, label), []).append(row)
    return curves(op, series, "workers", lambda row: row.workers, 2)


def curves(op, series, many, x, least):
    """ns against x(row), both logarithmic, a line for each subject; none with fewer than `least` x."""
    series = {key: sorted(rows, key=x) for key, rows in series.items() if len(rows) > 1}
    points = [row for rows in series.values() for row in rows]
    if len({x(row) for row in points}) < least:
        return ""
    left, right, top, bottom, height = 70, 190, 36, 48, 440
    x0, x1 = (math.log10(f(x(row) for row in points)) for f in (min, max))
    y0 = math.floor(math.log10(min(row.value for row in points)))
    y1 = max(y0 + 1, math.ceil(math.log10(max(row.value for row in points))))
    fx = lambda n: left + (math.log10(n) - x0) / (x1 - x0) * (WIDTH - left - right)
    fy = lambda v: height - bottom - (math.log10(v) - y0) / (y1 - y0) * (height - top - bottom)
    out = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(op.title)} against {many}">']
    for power in range(y0, y1 + 1):
        for times in (1, 2, 5):
            value = times * 10.0 ** power
            if power == y1 and times > 1:
                continue
            y = fy(value)
            out.append(f'<path class="grid" d="M{left} {y:.1f}H{WIDTH - right}"/>'
                       f'<text class="soft" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for n in sorted({x(row) for row in points}):
        out.append(f'<path class="grid" d="M{fx(n):.1f} {top}V{height - bottom}"/><text class="soft" '
                   f'x="{fx(n):.1f}" y="{height - bottom + 20}" text-anchor="middle">{n:,}</text>'.replace(",", " "))
    out.append(f'<text class="soft" x="{(left + WIDTH - right) / 2}" y="{height - 8}" text-anchor="middle">{many}</text>')
    out.append(f'<text class="soft" x="20" y="20">{html.escape(op.unit)}</text>')
    ends = []
    for (subject, label), rows in series.items():
        path = "M" + "L".join(f"{fx(x(row)):.1f} {fy(row.value):.1f}" for row in rows)
        out.append(f'<path class="curve {kind(subject)} {html.escape(subject)}" d="{path}"/>')
        out += [f'<circle class="{kind(subject)}" cx="{fx(x(row)):.1f}" cy="{fy(row.value):.1f}" r="3.5"/>' for row in rows]
        ends.append([fy(rows[-1].value) + 4, fx(x(rows[-1])) + 10, kind(subject), label, rows[-1].value])
    # Names stand at the ends of their lines, moved apart where they would meet.
    ends.sort()
    for before, after in zip(ends, ends[1:]):
        if abs(before[1] - after[1]) < 150:
            after[0] = max(after[0], before[0] + 16)
    for text_y, text_x, style, label, value in ends:
        out.append(f'<text class="{style}" x="{text_x:.1f}" y="{text_y:.1f}">{html.escape(label)}'
                   f' {number(value)}</text>')
    return "\n".join(out) + "</svg>"


def section(report, op):
    against = f" Ratios are to <b>{html.escape(op.yardstick)}</b>." if report.has_yardstick(op) else ""
    out = [f'<h2 id="{op.name}">{html.escape(op.title)}, {html.escape(op.unit)}</h2>',
           f"<p>{html.escape(op.text)}{against}</p>", curves_over_n(op),
           curves_over_workers(op)]
    for n in op.sizes:
        if n is not None:
            out.append(f"<h3>{n:,} {op.many}</h3>".replace(",", " "))
        out.append(bars(report, op, op.of_size(n)))
    if any(row.is_memory for row in op.rows):
        cells = "".join(
            f"<tr><td>{html.escape(row.label)}</td><td class=n>{row.counter('contexts'):,.0f}</td>"
            + "".join(f"<td class=n>{number(row.counter(name))}</td>" for name in MEMORY) + "</tr>"
            for row in op.rows if row.is_memory)
        out.append('<div class="scroll"><table><tr><th>subject</th><th>contexts</th><th>resident bytes each</th>'
                   f"<th>page table bytes each</th><th>mappings in all</th></tr>{cells}</table></div>")
    out += [f"<p>{html.escape(row.name)}: {html.escape(row.notes)}.</p>" for row in op.rows if row.notes]
    left_out = [row for row in op.rows if row.error]
    out += [f"<p>{html.escape(row.name)} is left out: {html.escape(row.error)}.</p>" for row in left_out]
    return "\n".join(out)


def page(report):
    fact_rows = "".join(f"<tr><th>{k}</th><td>{html.escape(v)}</td></tr>" for k, v in facts(report))
    subject_rows = "".join(f"<tr><th>{html.escape(s)}</th><td>{html.escape(t)}</td></tr>" for s, t in report.subjects)
    target_rows = ""
    for line, measured, met in targets(report):
        verdict = "not measured" if met is None else "met" if met else "missed"
        value = "-" if measured is None else number(measured) if measured >= 100 else f"{measured:.3f}"
        target_rows += (f"<tr><td>{html.escape(line)}</td><td class=n>{value}</td>"
                        f'<td class="{verdict if met is not None else ""}">{verdict}</td></tr>')
    sections = "\n".join(section(report, op) for op in report.operations)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>coir: benchmarks</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>{STYLE}</style></head><body>
<h1>coir: benchmarks</h1>
<p>Medians; the thin line on a bar spans the quartiles, a cut bar is longer than drawn. Shorter is better.
On a shared machine absolute times wander: ratios within one run are what counts.</p>
<div class="scroll"><table>{fact_rows}</table></div>
{sections}
<h2>Targets</h2><div class="scroll"><table><tr><th>target</th><th>measured</th><th></th></tr>{target_rows}</table></div>
<h2>What each subject got</h2><div class="scroll"><table>{subject_rows}</table></div>
</body></html>
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", help="where to write the page")
    parser.add_argument("--json", help="where to write all repetitions as one JSON file")
    parser.add_argument("files", nargs="+", help="what coir_bench wrote")
    options = parser.parse_args()
    report = Report(options.files)
    if not any(row.value is not None for row in report.rows.values()):
        sys.exit("report.py: nothing was measured")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"context": report.context, "benchmarks": report.runs}, file, indent=2)
            file.write("\n")
    if options.page:
        with open(options.page, "w", encoding="utf-8") as file:
            file.write(page(report))
    print_table(report)


if __name__ == "__main__":
    main()
