#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts are written once, in tables (*.def); this holds the documents against them.

Every row of a table must stand in its document, and where a document has a table of its own, it
must have no row that the code lacks. Prints TAP.
"""
import fnmatch
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GATE = ROOT / "include/weir/gate"


def rows(path, macro):
    """The rows of a .def file, as lists of tokens; neighbouring string literals are joined."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    found = []
    for body in re.findall(rf"^{macro}\((.*?)\)\s*(?=^{macro}\(|\Z)", text, re.S | re.M):
        body = re.sub(r'"\s+"', "", body)
        found.append([t.strip('"') for t in re.findall(r'"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|\d+', body)])
    return found


def table(document, heading):
    """First cells of the first Markdown table behind a line that holds `heading`."""
    text = (ROOT / "docs" / document).read_text()
    text = text[text.index(heading):]
    cells = []
    for line in text.splitlines():
        if line.startswith("| `"):
            cells.append(line.split("`")[1])
        elif cells:
            break
    return cells


def schema_has(path):
    node = json.loads((ROOT / "conf/weir.schema.json").read_text())
    for part in path.split("."):
        name, is_list = (part[:-2], True) if part.endswith("[]") else (part, False)
        node = node["properties"].get(name)
        if node is None:
            return False
        if is_list:
            node = node["items"]
    return "description" in node


def families():
    """Which modules the table of ARCHITECTURE.md lacks, and which of its names are of no module."""
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    names = [f"{room}/{name}" for room, cell in re.findall(r"^\| (\w+)/ (.*?) \|", text, re.M)
             for name in re.findall(r"`(.*?)`", cell)]
    modules = [f"{p.parent.name}/{p.stem}" for p in (ROOT / "src").glob("*/*.c")]
    return [m for m in modules if not any(fnmatch.fnmatch(m, n) for n in names)] + \
        [n for n in names if not fnmatch.filter(modules, n)]


def checks():
    directives = [r[0] for r in rows(GATE / "directives.def", "DIRECTIVE")]
    yield "CONFIG.md has every directive and no other", \
        sorted(directives) == sorted(table("CONFIG.md", "| key |"))
    yield "the schema has every directive", all(schema_has(d) for d in directives)
    example = (ROOT / "conf/weir.yaml").read_text()
    yield "the example names every directive", \
        all(d.split(".")[-1].replace("[]", "") + ":" in example for d in directives)

    metrics = [r[1] for r in rows(GATE / "metrics.def", "METRIC")]
    yield "METRICS.md has every metric and no other", \
        sorted(metrics) == sorted(table("METRICS.md", "| name |"))
    measures = rows(ROOT / "include/weir/book/measures.def", "MEASURE")
    yield "METRICS.md has every metric under CloudWatch's names and no other", \
        [m[1] for m in measures] == table("METRICS.md", "| metric |")
    yield "METRICS.md says what each is", \
        all(m[-1] in (ROOT / "docs/METRICS.md").read_text() for m in measures)

    outcomes = rows(GATE / "outcomes.def", "OUTCOME")
    operations_md = (ROOT / "docs/OPERATIONS.md").read_text()
    yield "OPERATIONS.md has every outcome and no other", \
        [r[1] for r in outcomes] == table("OPERATIONS.md", "| outcome |")
    yield "OPERATIONS.md says each outcome's sentence", \
        all(r[7] in operations_md for r in outcomes)

    config_md = (ROOT / "docs/CONFIG.md").read_text()
    operations = [r for r in rows(GATE / "operations.def", "OPERATION")
                  if r[2] == "DATA" or r[1] == "Other"]
    yield "CONFIG.md has every operation", all(f"| {r[1]} |" in config_md for r in operations)
    passes = [r[0] for r in rows(GATE / "pass_fields.def", "PASS_FIELD")]
    yield "CONFIG.md has every header that passes", all(f"`{p}`" in config_md for p in passes)

    commands = [r[0] for r in rows(ROOT / "src/commands.def", "COMMAND")]
    readme = (ROOT / "README.md").read_text()
    yield "README has every command", all(f"weir {c}" in readme for c in commands)
    yield "README is at most 200 lines", len(readme.splitlines()) <= 200
    sources = {p.stem.split("_")[1] for p in (ROOT / "src").glob("cmd_*.c")}
    yield "a cmd_ file for each command and no other", sources == set(commands)
    wrong = families()
    yield "ARCHITECTURE.md has every family of files and no other" + \
        (f": {', '.join(wrong)}" if wrong else ""), not wrong
    changelog = (ROOT / "CHANGELOG.md").read_text()
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text()).group(1)
    yield "the changelog has this version", f"## {version}" in changelog


def main():
    results = list(checks())
    print(f"1..{len(results)}")
    for number, (what, good) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {what}")
    return 0 if all(good for _, good in results) else 1


if __name__ == "__main__":
    sys.exit(main())
