"""``lo2 diff`` on real pairs that are made here, next to logreduce; on planted messages; on faults of an OpenStack.

python benchmarks/diff.py pairs --work /tmp/pairs [--logreduce /path/to/logreduce]
python benchmarks/diff.py planted --logs own-logs/loghub
python benchmarks/diff.py openstack --logs own-logs/openstack --labels own-logs/openstack_labels.csv
python benchmarks/diff.py size --work /tmp/pairs

A pair is made by running something twice, once broken: a test run with one line of code that raises, an install that does not
find its version, builds that lack a header or a function. What counts as the truth are the lines that say so; kept are patterns
of them, not the lines. The programs of a pair that is not there (cargo, cmake, npm) leave it out.
"""

import argparse
import csv
import gzip
import json
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import lo2
from lo2.diff.finding import Finding
from lo2.diff.ranking import rank_findings

ROOT = Path(__file__).parents[1]
PLANTED = "watchdog reset storage controller because heartbeat vanished"
TRUTH = {
    "pytest": (
        "confusion FAILED  ", "test_counts_and_f1_equal_a_loop_and_scikit_learn FAILED", "UNEXPECTED EXCEPTION", "^NameError",
        "E       NameError", "^FAILED src/lo2/metrics/labels", r"labels.py:\d+: NameError",
    ),
    "pip version": ("Could not find a version", "No matching distribution"),
    "pip build": (
        "fatal error: nosuch", "compilation terminated", "could not be installed from sources", "error: Command",
        "subprocess-exited", "did not run successfully", "exit code: 1", "finished with status 'error'", "Failed building wheel",
        "Failed to build psutil", "Could not build wheels",
    ),
    "make": ("fatal error: nosuch", "compilation terminated", "Error 1", "Waiting for unfinished"),
    "cmake": ("warning: implicit", "undefined reference", "ld returned 1", "Error 1", "Error 2"),
    "cargo": (
        r"case_delta \.\.\. FAILED", "panicked at", "assertion .left == right. failed", "^  left:", "^ right:", "test result: FAILED",
        "error: test failed",
    ),
    "npm": ("npm error code ETARGET", "No matching version found", "In most cases you", "verbose exit 1"),
}  # fmt: skip
"""Per pair what says that it failed, each counted once, where it first stands."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pairs", "planted", "openstack", "size"])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "lo2-diff-pairs")
    parser.add_argument("--logreduce")
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--labels", type=Path)
    given = parser.parse_args()
    {"pairs": pairs, "planted": planted, "openstack": openstack, "size": size}[given.what](given)


def shown(findings: Iterable[Finding]) -> set[tuple[str, int]]:
    """File and line of everything shown."""
    return {
        (str(one.file), n) for one in findings if one.line and one.end_line for n in range(one.line, one.end_line + 1)
    }


def pairs(given: argparse.Namespace) -> None:
    print(
        "| pair | lines | true | lo2: found in lines | top 10 | s | logreduce: found in lines | top 10 | first 10 | s |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    sums = [0] * 8
    for name, make in MAKERS.items():
        folder = given.work / name.replace(" ", "_")
        good, bad = folder / "good.log", folder / "bad.log"
        if not bad.exists():
            folder.mkdir(parents=True, exist_ok=True)
            if not make(folder, good, bad):
                print(f"| {name} | not made here | | | | | | | | |")
                continue
        truth = true_lines(bad, TRUTH[name])
        started = time.perf_counter()
        found = lo2.diff(good, bad)
        seconds = time.perf_counter() - started
        own, top = ({n for _, n in shown(those)} for those in (found.findings, rank_findings(found.findings, 10)))
        row = [len(truth), len(truth & own), found.lines_shown, len(truth & top)]
        peer, other = [], ""
        if given.logreduce:
            scores, took = logreduce(given.logreduce, good, bad, folder / "peer.json")
            every = {line for line, _ in scores}
            ranked = {line for line, _ in sorted(scores, key=lambda pair: -pair[1])[:10]}
            peer = [len(truth & every), len(every), len(truth & ranked), len(truth & set(sorted(every)[:10]))]
            other = f"{peer[0]} in {peer[1]} | {peer[2]} | {peer[3]} | {took:.1f}"
        sums = [a + b for a, b in zip(sums, [*row, *(peer or [0] * 4)], strict=True)]
        lines = found.targets[0][1]
        print(f"| {name} | {lines} | {row[0]} | {row[1]} in {row[2]} | {row[3]} | {seconds:.1f} | {other or '| | |'} |")
    print(
        f"| all | | {sums[0]} | {sums[1]} in {sums[2]} | {sums[3]} | | {sums[4]} in {sums[5]} | {sums[6]} | {sums[7]} | |"
    )


def true_lines(log: Path, patterns: Iterable[str]) -> set[int]:
    lines = log.read_text(errors="replace").split("\n")
    return {n for pattern in patterns if (n := next((i for i, x in enumerate(lines, 1) if re.search(pattern, x)), 0))}


def logreduce(program: str, good: Path, bad: Path, target: Path) -> tuple[list[tuple[int, float]], float]:
    """Lines that it shows for themselves, without context, with their distances."""
    started = time.perf_counter()
    subprocess.run([program, "diff", "--json", str(target), str(good), str(bad)], capture_output=True, check=True)
    files = json.loads(target.read_text())["files"].values()
    scores = next(iter(files), {"scores": []})["scores"]
    return [(place + 1, distance) for place, distance in scores if distance >= 0.2], time.perf_counter() - started


def run(command: list[str] | str, log: Path, cwd: Path, **environment: str) -> None:
    import os

    with log.open("w") as target:
        shell = isinstance(command, str)
        subprocess.run(
            command,
            stdout=target,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            shell=shell,
            env={**os.environ, **environment},
            check=False,
        )


def make_pytest(folder: Path, good: Path, bad: Path) -> bool:
    project = folder / "project"
    for part in ("src", "tests"):
        shutil.copytree(ROOT / part, project / part, dirs_exist_ok=True)
    shutil.copy(ROOT / "pyproject.toml", project)
    tests = [
        "src/lo2/masking/masks.py",
        "src/lo2/masking/profiles.py",
        "src/lo2/metrics",
        "tests/metrics",
        "tests/masking/test_profiles.py",
    ]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-vq", *tests]
    run(command, good, project, PYTHONPATH="src")
    broken = project / "src" / "lo2" / "metrics" / "labels.py"
    before, returned, after = broken.read_text().rpartition("return ")
    broken.write_text(f"{before}raise_me  # broken\n    {returned}{after}")
    run(command, bad, project, PYTHONPATH="src")
    return True


def make_pip_version(folder: Path, good: Path, bad: Path) -> bool:
    for log, version in ((good, "3.0.0"), (bad, "99.1.2")):
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--no-cache-dir",
            "download",
            "-v",
            "-d",
            str(folder / "got"),
            "requests==2.31.0",
        ]
        run([*pip, f"flask=={version}"], log, folder)
    return "No matching" in bad.read_text()


def make_pip_build(folder: Path, good: Path, bad: Path) -> bool:
    for log, flags in ((good, ""), (bad, "-include nosuch_header.h")):
        shutil.rmtree(folder / "there", ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "--no-cache-dir", "install", "-v", "--no-binary", "psutil", "psutil==5.9.8"]
        run([*pip, "--target", str(folder / "there")], log, folder, CFLAGS=flags)
    return "nosuch" in bad.read_text()


def make_make(folder: Path, good: Path, bad: Path) -> bool:
    names = [f"f{i}" for i in range(1, 26)]
    for name in names:
        (folder / f"{name}.c").write_text(
            f"#include <stdio.h>\nint {name}(int a){{ int unused; return a*{name[1:]}; }}\n"
        )
    (folder / "main.c").write_text("int f1(int);\nint main(){ return f1(0); }\n")
    objects = " ".join(f"{name}.o" for name in names)
    (folder / "Makefile").write_text(f"prog: main.o {objects}\n\tgcc -o prog $^\n%.o: %.c\n\tgcc -Wall -c $< -o $@\n")
    run("make -j2; rm -f *.o prog", good, folder)
    (folder / "f17.c").write_text("#include <nosuch_header.h>\n" + (folder / "f17.c").read_text())
    run("make -j2", bad, folder)
    return "nosuch" in bad.read_text()


def make_cmake(folder: Path, good: Path, bad: Path) -> bool:
    for i in range(1, 13):
        (folder / f"f{i}.c").write_text(f"int f{i}(int a){{ return a*{i}; }}\n")
    sources = " ".join(f"f{i}.c" for i in range(1, 13))
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.10)\nproject(demo C)\ninclude(CheckFunctionExists)\ncheck_function_exists(strlcpy A)\n"
        f"find_package(Threads REQUIRED)\nadd_executable(demo main.c {sources})\n"
    )
    for log, body in ((good, "f1(0)"), (bad, "f1(0) + nosuch_function(2)")):
        (folder / "main.c").write_text(f"int f1(int);\nint main(){{ return {body}; }}\n")
        run("rm -rf b && cmake -B b . && cmake --build b -v", log, folder)
    return "nosuch" in bad.read_text()


def make_cargo(folder: Path, good: Path, bad: Path) -> bool:
    (folder / "src").mkdir(exist_ok=True)
    (folder / "Cargo.toml").write_text('[package]\nname="demo"\nversion="0.1.0"\nedition="2021"\n')
    (folder / "src" / "main.rs").write_text('mod a;mod b;mod c;\nfn main(){println!("{}",a::f()+b::f()+c::f());}\n')
    cases = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
    tests = "".join(f"#[test] fn case_{w}(){{assert_eq!(f()+{i},{i}+1);}}\n" for i, w in enumerate(cases))
    body = f"pub fn f()->i32{{let unused=1; 1}}\n#[cfg(test)]\nmod tests{{\n use super::*;\n{tests}}}\n"
    for name in "abc":
        (folder / "src" / f"{name}.rs").write_text(body)
    run("cargo test -v", good, folder)
    (folder / "src" / "b.rs").write_text(body.replace("assert_eq!(f()+3,3+1)", "assert_eq!(f()+3,3+2)"))
    run("cargo clean -q; cargo test -v", bad, folder)
    return "panicked" in bad.read_text()


def make_npm(folder: Path, good: Path, bad: Path) -> bool:
    for log, version in ((good, "3.0.1"), (bad, "99.0.1")):
        wanted = {"left-pad": "1.3.0", "is-odd": version}
        (folder / "package.json").write_text(json.dumps({"name": "x", "version": "1.0.0", "dependencies": wanted}))
        run("rm -rf node_modules package-lock.json; npm install --verbose --no-audit", log, folder)
    return "ETARGET" in bad.read_text()


MAKERS: dict[str, Callable[[Path, Path, Path], bool]] = {
    "pytest": make_pytest,
    "pip version": make_pip_version,
    "pip build": make_pip_build,
    "make": make_make,
    "cmake": make_cmake,
    "cargo": make_cargo,
    "npm": make_npm,
}


def planted(given: argparse.Namespace) -> None:
    """One good run of 160 lines against a bad one of 140 with three lines of a message that the system never wrote."""
    print("| system | planted line in --top 5, of 3 | other findings | lines shown |\n|---|---:|---|---|")
    others, hits, n = [], 0, 0
    for folder in sorted(path for path in given.logs.iterdir() if path.is_dir()):
        mine, rest, lines = 0, [], []
        for good, bad, marks in planted_pairs(folder):
            found = lo2.diff(good, bad)
            mine += bool({line for _, line in shown(rank_findings(found.findings, 5))} & marks)
            rest.append(sum(not {line for _, line in shown([one])} & marks for one in found.findings))
            lines.append(found.lines_shown)
        print(f"| {folder.name} | {mine} | {', '.join(map(str, rest))} | {', '.join(map(str, lines))} |")
        others, hits, n = [*others, *rest], hits + mine, n + len(rest)
    print(f"| all | {hits} of {n} | median {sorted(others)[len(others) // 2]} | |")


def planted_pairs(folder: Path) -> Iterator[tuple[Path, Path, set[int]]]:
    lines = next(folder.glob("*_2k.log")).read_text("utf-8", errors="replace").split("\n")[:2000]
    with next(folder.glob("*_structured.csv")).open(newline="", encoding="utf-8") as stream:
        contents = [row["Content"] for row in csv.DictReader(stream)]
    with tempfile.TemporaryDirectory() as place:
        for k in range(3):
            good, bad = Path(place) / f"good{k}.log", Path(place) / f"bad{k}.log"
            good.write_text("\n".join(lines[(5 + k) * 160 : (6 + k) * 160]) + "\n")
            a, z = 1600 + k * 130, 1600 + k * 130 + 140
            mine = lines[a:z]
            for i, at in enumerate((40, 41, 120)):
                source = next(j for j in range(a + at, z) if contents[j].strip() and contents[j] in lines[j])
                mine.insert(at + i, lines[source].replace(contents[source], PLANTED))
            bad.write_text("\n".join(mine) + "\n")
            yield good, bad, {i for i, line in enumerate(mine, 1) if PLANTED in line}


def openstack(given: argparse.Namespace) -> None:
    """``correct`` against ``failed`` of every run: is the first error line of the faulty component among the findings?"""
    hit = n = 0
    lines, seconds = [], []
    with given.labels.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["case"] == "failed"]
    for row in rows:
        good, bad = given.logs / row["run"] / "correct", given.logs / row["run"] / "failed"
        if not good.is_dir() or not bad.is_dir():
            continue
        started = time.perf_counter()
        found = lo2.diff(good, bad)
        seconds.append(time.perf_counter() - started)
        lines.append(found.lines_shown)
        if (first := first_error(bad, row["component"].strip("/").split("/")[0])) is not None:
            n, hit = n + 1, hit + (first in shown(found.findings))
    lines.sort()
    print(f"first error line of the faulty component among the findings: {hit} of {n}")
    print(
        f"lines shown: median {lines[len(lines) // 2]}, most {lines[-1]}; seconds: median {sorted(seconds)[len(seconds) // 2]:.1f}"
    )


def first_error(folder: Path, component: str) -> tuple[str, int] | None:
    found = []
    for path in sorted(folder.glob(f"*{component}*")):
        with gzip.open(path, "rt", errors="replace") as stream:
            for i, line in enumerate(stream, 1):
                if re.search(r" (ERROR|CRITICAL) |Traceback", line):
                    found.append((line[:23], path.name, i))
                    break
    return min(found)[1:] if found else None


def size(given: argparse.Namespace) -> None:
    """A pair of 500 KB and one of 100 MB, made of 2,000 distinct shapes: time and memory of a process of its own."""
    given.work.mkdir(parents=True, exist_ok=True)
    for n_bytes in (500_000, 100_000_000):
        good, bad = (given.work / f"{side}{n_bytes}.log" for side in ("good", "bad"))
        for path, seed in ((good, 1), (bad, 2)):
            write(path, n_bytes, seed)
        with bad.open("a") as stream:
            stream.write(f"2024-05-02 09:59:59,120 ERROR shop.Pay - {PLANTED}\n")
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "lo2", "diff", str(good), str(bad)], capture_output=True, text=True, check=True
        )
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(
            f"{n_bytes:,} bytes a side: {wall:.1f} s, CPU {cpu:.1f} s, largest so far {after.ru_maxrss / 1000:.0f} MB; {done.stdout.splitlines()[0]}"
        )


def write(path: Path, n_bytes: int, seed: int) -> None:
    draw, written = random.Random(seed), 0
    words = [f"{a}{b}" for a in ("cart", "order", "bank", "card", "mail") for b in ("ing", "er", "ed", "s", "less")]
    shapes = [" ".join(random.Random(i).choices(words, k=6)) for i in range(2000)]
    with path.open("w") as stream:
        while written < n_bytes:
            clock = f"2024-05-02 08:{draw.randrange(60):02d}:{draw.randrange(60):02d},{draw.randrange(1000):03d}"
            written += stream.write(
                f"{clock} INFO shop.Cart - {draw.choice(shapes)} {draw.randrange(10**6)} in {draw.randrange(99)} ms\n"
            )


if __name__ == "__main__":
    main()
