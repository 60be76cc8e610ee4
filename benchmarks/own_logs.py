"""How well logs that nobody here wrote are read: times, levels, templates, new words, planted messages, speed.

    python benchmarks/own_logs.py DIR [--lo2 PATH] [--skip planted,openstack,speed]

``DIR/loghub/<System>/`` holds ``<System>_2k.log`` and ``<System>_2k.log_structured.csv`` (public samples with their ground truth,
for whatever systems are there); ``DIR/openstack/<run>/<case>/<service>.log.gz`` is optional. Prints tables in Markdown.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

import lo2
from lo2.canonical import canonical_text, mask_canonical
from lo2.features.variables import learn_variables
from lo2.features.words import words
from lo2.levels import level_of
from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.masking.profiles import profile_masking
from lo2.pipeline.shards import load_shard

FORMATS = (
    "%m-%d %H:%M:%S.%f", "%a %b %d %H:%M:%S %Y", "%y%m%d %H%M%S", "%Y-%m-%d %H:%M:%S,%f", "%Y-%m-%d %H:%M:%S.%f",
    "%b %d %H:%M:%S", "%y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d-%H.%M.%S.%f", "%m.%d %H:%M:%S",
)  # fmt: skip
COLUMNS = (
    ("Timestamp",),
    ("Month", "Date", "Time"),
    ("Date", "Day", "Time"),
    ("Month", "Day", "Time"),
    ("Date", "Time"),
    ("Time",),
)
PLANTED = "spindle motor gave up although nobody asked for it"
RUN_LINES, BAD_LINES = 160, 140


def moments(row: dict[str, str]) -> set[datetime]:
    """Every moment that the header fields of a line may mean; the year is 1900 where they have none."""
    found = set()
    for names in COLUMNS:
        if not all(row.get(name) for name in names):
            continue
        text = " ".join(row[name].strip() for name in names)
        if text.isdecimal() and len(text) == 10:
            found.add(datetime.fromtimestamp(int(text), UTC).replace(tzinfo=None))
        parts = text.split(":")
        if len(parts) == 4 and parts[3].isdecimal():  # 20171224-0:7:20:6, the last part in milliseconds
            then = datetime.strptime(":".join(parts[:3]), "%Y%m%d-%H:%M:%S")
            found.add(then.replace(microsecond=1000 * int(parts[3])))
        for form in FORMATS:
            padded = " ".join(part.zfill(6) for part in text.split()) if form == "%y%m%d %H%M%S" else text
            try:
                then = (
                    datetime.strptime(f"1904 {padded}", f"%Y {form}")
                    if "y" not in form.lower()
                    else datetime.strptime(padded, form)
                )
            except ValueError:
                continue
            found.add(then.replace(year=1904) if "y" not in form.lower() else then)
    return found


def same(read: datetime | None, meant: set[datetime]) -> bool:
    """Whether a time that was read is one of those that are meant, to the millisecond."""
    if read is None:
        return False
    cut = {one.replace(microsecond=one.microsecond // 1000 * 1000) for one in meant}
    return read in cut or any(one.year == 1904 and one == read.replace(year=1904) for one in cut)


def grouping(found: list[str | None], true: list[str]) -> tuple[float, float]:
    """Share of lines whose group is exactly a true one (GA), and F1 over the groups (FGA)."""
    mine, theirs, both = Counter(found), Counter(true), Counter(zip(found, true, strict=True))
    exact = [n for (a, b), n in both.items() if a is not None and mine[a] == theirs[b] == n]
    return sum(exact) / len(true), 2 * len(exact) / (len(mine) + len(theirs))


def command(program: str, *arguments: object, cwd: Path) -> None:
    done = subprocess.run([program, *map(str, arguments), "-q"], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, arguments))}: {done.stderr}")


def system(folder: Path, program: str) -> dict[str, float | None]:
    """Figures of one public sample."""
    name = folder.name
    truth = pl.read_csv(folder / f"{name}_2k.log_structured.csv", infer_schema=False).fill_null("").to_dicts()
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "root" / "run1" / "baseline" / f"{name.lower()}.log"
        log.parent.mkdir(parents=True)
        log.write_bytes((folder / f"{name}_2k.log").read_bytes())
        command(program, "load", "root", "--profile", "tree", "--normal", "baseline", "--save-events", cwd=Path(place))
        events = pl.read_parquet(Path(place) / "demo/result/lo2/lo2_events.parquet").to_dicts()
    by_line = {event["line"]: event for event in events}
    lines = [by_line.get(i, {}) for i in range(1, len(truth) + 1)]
    groups = [row["EventId"] for row in truth]
    levels = [(level_of(row.get("Level", "")), line.get("level") or "") for row, line in zip(truth, lines, strict=True)]
    known = sum(bool(level) for level, _ in levels) > len(levels) / 2
    messages = [line.get("m_message") or "" for line in lines]
    ga, fga = grouping([line.get("e_event_drain_id") for line in lines], groups)
    learnt = grouping(lo2.templates(pl.Series("message", messages, dtype=pl.String))["template_id"].to_list(), groups)
    return {
        "times": sum(same(line.get("m_timestamp"), moments(row)) for row, line in zip(truth, lines, strict=True))
        / len(truth),
        "levels": sum(a == b for a, b in levels) / len(levels) if known else None,
        "GA": ga,
        "FGA": fga,
        "GA learnt": learnt[0],
        "FGA learnt": learnt[1],
        "unseen word": unseen(messages, groups),
    }


def unseen(messages: list[str], groups: list[str]) -> float:
    """Of the lines of the second half whose template is in the first, the share with a word that the first half lacks."""
    masked = [
        canonical_text(text)
        for text in mask_canonical(pl.Series(messages, dtype=pl.String), profile_masking("tree")).to_list()
    ]
    half = len(masked) // 2
    variables = learn_variables(masked[:half])
    merged = variables.merge_variables(masked)
    known = {word for text in (*masked[:half], *merged[:half]) for word in words(text)}
    seen = set(groups[:half])
    late = [set(words(text)) for text, group in zip(merged[half:], groups[half:], strict=True) if group in seen]
    return sum(not found <= known for found in late) / max(1, len(late))


def planted(folder: Path, program: str) -> dict[str, int]:
    """Ten runs of real lines, three with a bad case in which a message stands that the system never wrote."""
    name = folder.name
    lines = (folder / f"{name}_2k.log").read_text("utf-8", "replace").split("\n")[:2000]
    contents = pl.read_csv(folder / f"{name}_2k.log_structured.csv", infer_schema=False)["Content"].to_list()
    marks: dict[str, set[int]] = {}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "root"

        def write(run: int, case: str, text: list[str]) -> None:
            path = root / f"run{run}" / case / "svc.log"
            path.parent.mkdir(parents=True)
            path.write_text("\n".join(text) + "\n")

        for run in range(10):
            write(run, "baseline", lines[run * RUN_LINES : (run + 1) * RUN_LINES])
        for k, run in enumerate((7, 8, 9)):
            begin = 10 * RUN_LINES + k * (BAD_LINES - 10)
            text = list(lines[begin : begin + BAD_LINES])
            for place_in in (30, 31, 100):
                source = next(i for i in range(begin + place_in, len(lines)) if contents[i] and contents[i] in lines[i])
                text.insert(place_in, lines[source].replace(contents[source], PLANTED))
            marks[f"run{run}__bad__svc"] = {i for i, line in enumerate(text, 1) if PLANTED in line}
            write(run, "bad", text)
        command(program, "run", "root", "--normal", "baseline", cwd=Path(place))
        out = Path(place) / "demo/result/lo2"
        figures = {}
        for model in ("if", "knn_words"):
            if not (out / f"lo2_{model}_predictions.parquet").is_file():
                continue
            flags = pl.read_parquet(out / f"lo2_{model}_predictions.parquet").filter(
                pl.col("seq_id").is_in(list(marks))
            )
            shown = pl.read_csv(out / f"explainability/{model}_line_attribution.csv", infer_schema=False)
            first = {
                row[0]: [int(n) for n in row[1][:5] if n]
                for row in shown.group_by("seq_id", maintain_order=True).agg("line").iter_rows()
            }
            figures[f"{model}: flagged"] = int(flags[f"pred_{model}_threshold"].sum())
            figures[f"{model}: among five"] = sum(
                not mine.isdisjoint(first.get(seq, [])) for seq, mine in marks.items()
            )
    return figures


def openstack(root: Path) -> tuple[float, float]:
    """MB of unpacked text a second of the clock and of the processor, one process, after the first run."""
    inventory = take_inventory(root, LoadOptions())
    size, begin, used = 0, 0.0, 0.0
    for number, shard in enumerate(inventory.shards):
        result = load_shard(shard, inventory.options)
        if number:
            size += sum(file["size_bytes"] for file in result.files)
        else:
            begin, used = time.perf_counter(), time.process_time()
    return size / (time.perf_counter() - begin) / 1e6, size / (time.process_time() - used) / 1e6


def generated(kind: str, lines: int = 300_000) -> float:
    """Lines a second of a generated log, one process."""
    rng = random.Random(1)
    texts = [
        f"{verb} {thing} " + "{} for {}"
        for verb in ("opened", "priced", "closed", "sent")
        for thing in ("cart", "order", "mail", "bill")
    ]
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "run1" / "correct" / "shop.log"
        path.parent.mkdir(parents=True)
        with path.open("w") as log:
            for i in range(lines):
                then = datetime.fromtimestamp(1_714_600_000 + i / 50, UTC)
                text = rng.choice(texts).format(rng.randrange(10**9), f"{rng.getrandbits(64):016x}")
                if kind == "json":
                    log.write(
                        f'{{"time":"{then.isoformat()}","level":"info","logger":"shop.Pay","msg":"{text}","took":{i % 9}}}\n'
                    )
                else:
                    log.write(f"{then:%Y-%m-%d %H:%M:%S},{i % 1000:03d} INFO shop.Pay - {text}\n")
        inventory = take_inventory(place, LoadOptions())
        begin = time.perf_counter()
        load_shard(inventory.shards[0], inventory.options)
        return lines / (time.perf_counter() - begin)


def table(rows: dict[str, dict[str, float | int | None]]) -> None:
    """Markdown table with the mean (or sum, of counts) below."""
    names = list(next(iter(rows.values())))
    print("\n| | " + " | ".join(names) + " |\n|---|" + "---:|" * len(names))
    for label, row in rows.items():
        print(f"| {label} | " + " | ".join(shown(row.get(name)) for name in names) + " |")
    held = {name: [row[name] for row in rows.values() if row.get(name) is not None] for name in names}
    last = {name: (sum(v) if all(isinstance(x, int) for x in v) else sum(v) / len(v)) for name, v in held.items() if v}
    print("| **all** | " + " | ".join(shown(last.get(name)) for name in names) + " |", flush=True)


def shown(value: float | int | None) -> str:
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    parser.add_argument(
        "--lo2", default=str(Path(sys.executable).with_name("lo2")), help="the program that is measured"
    )
    parser.add_argument("--skip", default="", help="planted, openstack, speed")
    arguments = parser.parse_args()
    skip, program = arguments.skip.split(","), str(Path(arguments.lo2).absolute())
    folders = [path.parent for path in sorted((arguments.dir / "loghub").glob("*/*_2k.log"))]
    if folders:
        table({folder.name: system(folder, program) for folder in folders})
    if folders and "planted" not in skip:
        table({folder.name: planted(folder, program) for folder in folders})
    if (arguments.dir / "openstack").is_dir() and "openstack" not in skip:
        clock, processor = openstack(arguments.dir / "openstack")
        print(f"\nOpenStack, one process: {clock:.0f} MB/s by the clock, {processor:.0f} MB/s of processor time")
    if "speed" not in skip:
        print(f"\ngenerated text: {generated('text'):,.0f} lines/s; generated JSON: {generated('json'):,.0f} lines/s")


if __name__ == "__main__":
    main()
