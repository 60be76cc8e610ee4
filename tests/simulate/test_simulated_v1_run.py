"""A simulated v1 run has the form and the figures of the published one."""

import gzip
import itertools
import re
import statistics
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from lo2.masking.profiles import mask
from lo2.simulate.cases import CASES
from simulate.conftest import HEADER, levels, logs, read_lines, read_table, truth

CONTINUATION = re.compile(
    r"\tat \S+\(.+\)$|\t\.\.\. \d+ (more|common frames omitted)$|(Caused by: )?[a-z]+(\.[\w$]+)+: .+$"
    r"|[A-Z][a-z]{2} \d+, \d{4} \d+:\d\d:\d\d [AP]M com\.hazelcast\.\S+$|SEVERE: \[172\.24\.0\.\d+\]:5701 "
    r"|Unable to load config 'values' with extension yml, yaml and json "
)
SHARED = Path(__file__).parents[3] / "shared" / "lo2" / "real"


def windows(run: Path) -> list[tuple[str, str, str]]:
    """First and last time of every test, in order of time."""
    found = []
    for test in run.iterdir():
        times = [
            row[:12] for path in logs(test).values() for row in path.read_text("utf-8").split("\n") if HEADER.match(row)
        ]
        found.append((min(times), max(times), test.name))
    return sorted(found)


def seconds(time: str) -> float:
    hours, minutes, rest = time.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_every_physical_line_is_a_header_or_a_known_continuation(v1_run):
    for test in v1_run.iterdir():
        for path in logs(test).values():
            for row in path.read_text("utf-8").split("\n")[:-1]:
                assert HEADER.match(row) or CONTINUATION.match(row), f"{path}: {row}"


def test_every_error_case_has_a_folder_with_seven_logs_and_a_foreign_file(v1_run):
    assert {test.name for test in v1_run.iterdir()} == {"correct", *CASES}
    for test in v1_run.iterdir():
        assert list(logs(test)) == ["client", "code", "key", "refresh-token", "service", "token", "user"]
        assert (test / "locust.log").read_text("utf-8").startswith("Starting Locust")


LETTERS = {
    "path = ": "P",
    "normalised = ": "N",
    "path =/": "S",
    "validate(": "V",
    "scope = ": "c",
    "code = ": "a",
    "variable ": "m",
    "refreshToken": "r",
    "filename = ": "J",
    "Config loaded from externalized": "K",
    "ApiException": "E",
}
REQUESTS = tuple("PNSNPNV" + handler for handler in ("cJK", "amJK", "rJK", "rE", "amE"))


def steps_fit(request: str, shown: str, adjacent: list[bool]) -> bool:
    """Whether ``shown`` can be lines of ``request``, those next to each other in the file 1 or 2 places apart."""
    places = {at for at, letter in enumerate(request) if letter == shown[0]}
    for letter, near in zip(shown[1:], adjacent, strict=True):
        limit = 2 if near else len(request)
        places = {
            to for at in places for to in range(at + 1, min(at + limit, len(request) - 1) + 1) if request[to] == letter
        }
    return bool(places)


def test_every_second_line_is_lost_whatever_thread_wrote_it(token_correct):
    requests = defaultdict(list)
    for line in token_correct:
        letter = next((letter for start, letter in LETTERS.items() if line.message.startswith(start)), "?")
        if line.cid:
            requests[line.cid].append((letter, line.number))
    fits = []
    for lines in requests.values():
        shown = "".join(letter for letter, _ in lines)
        adjacent = [b[1] - a[1] == 1 for a, b in itertools.pairwise(lines)]
        fits.append(any(steps_fit(request, shown, adjacent) for request in REQUESTS))
    assert len(fits) > 4000
    assert statistics.mean(fits) >= 0.99


def template_of(level: str, logger: str, method: str, message: str) -> tuple[str, str, str, str]:
    """The published template of a token line: what follows the words that tell them apart is a value."""
    fixed = re.match(r"path =/|path = |[A-Za-z]+ = |Load:|Store:|Delete:|validate\(|.*for primary.jks|.*", message)
    text = fixed[0].replace("path =/", "path =<") if fixed else ""
    return level, logger, method, re.sub(r"<.*", "", text)


def test_template_shares_of_the_token_log_are_within_a_point_of_the_published_ones(token_logs):
    found = Counter(template_of(line.level, line.logger, line.method, line.message) for line in token_logs)
    for row in read_table("token_templates.csv"):
        template = template_of(row["level"], row["logger"], row["method"], row["message"])
        if float(row["share"]) >= 0.0005:
            assert found[template] / found.total() == pytest.approx(float(row["share"]), abs=0.01), template


def test_the_token_log_runs_at_the_published_rate_outside_stalls(token_correct):
    per_second = Counter(line.time[:8] for line in token_correct)
    rates = [n for _, n in sorted(per_second.items())][1:-1]
    assert 430 <= statistics.median(rates) <= 600
    assert statistics.mean(rate >= 350 for rate in rates) > 0.75


def test_hazelcast_lines_are_three_percent_of_the_token_log(token_correct):
    assert statistics.mean("MapStore" in line.logger for line in token_correct) == pytest.approx(0.032, abs=0.012)


def test_lines_and_error_share_are_those_of_the_published_run(v1_run):
    published = {
        row["test_case"]: (int(row["lines"]), float(row["error_share"])) for row in read_table("v1_counts.csv")
    }
    found = {test.name: levels(test) for test in v1_run.iterdir()}
    counts = {name: (level.total(), level["ERROR"] / level.total()) for name, level in found.items()}
    for which in (0, 1):
        assert counts["correct"][which] == pytest.approx(published["correct"][which], rel=0.1)
        ours, theirs = (
            [row[which] for name, row in table.items() if name != "correct"] for table in (counts, published)
        )
        assert statistics.mean(ours) == pytest.approx(statistics.mean(theirs), rel=0.1)
        assert 0.5 <= statistics.stdev(ours) / statistics.stdev(theirs) <= 2
    assert found["correct"]["WARN"] <= 6


def templates(test: Path) -> set[str]:
    rows = {
        f"{line.level} {line.logger} {line.method} - {line.message}"
        for path in logs(test).values()
        for line in read_lines(path)
    }
    return set(map(mask, rows))


def test_cases_without_a_signal_show_no_template_that_correct_does_not(v1_run):
    known = templates(v1_run / "correct")
    for case in (case for case in CASES.values() if not case.flow):
        assert templates(v1_run / case.name) <= known
    assert templates(v1_run / "get_client_404_no_client") - known


def test_a_key_of_the_shared_maps_stays_on_one_service_and_one_thread(v1_run):
    owners = defaultdict(set)
    for test in v1_run.iterdir():
        for service, path in logs(test).items():
            for line in read_lines(path):
                if "MapStore" in line.logger and ":" in line.message:
                    owners[line.message.partition(":")[2]].add((service, line.thread))
    owners.pop("", None)
    assert len(owners) > 3000
    assert {len(places) for places in owners.values()} == {1}
    assert len({service for places in owners.values() for service, _ in places}) == 7


def test_tests_run_in_the_published_order_and_windows_and_the_name_is_the_end(v1_run):
    found, published = windows(v1_run), read_table("v1_windows.csv")
    assert [name for _, _, name in found] == [row["test_case"] for row in published]
    for (first, last, _), row in zip(found, published, strict=True):
        delay = 5 if row["test_case"] == "correct" else 2.5
        assert int(row["duration_s"]) - delay - 1 <= seconds(last) - seconds(first) <= int(row["duration_s"]) + 1.1
    starts = [seconds(first) for first, _, _ in found[1:]]
    assert statistics.mean(b - a for a, b in itertools.pairwise(starts)) == pytest.approx(14.0, abs=0.3)
    epoch = int(v1_run.name.rpartition("-")[2])
    assert epoch % 86_400 - seconds(found[-1][1]) == pytest.approx(15, abs=1)


def test_config_is_loaded_once_by_the_test_that_needs_it_first(v1_run):
    loads = re.compile(r"(Trying to load|Unable to load|loaded from default).*\b(mask|status|body|values)\b")
    found = Counter()
    for test in v1_run.iterdir():
        for service, path in logs(test).items():
            for line in read_lines(path):
                if line.logger.endswith("config.Config") and (match := loads.search(line.message)):
                    found[test.name, service, match[2]] += 1
    assert found.total() >= 12
    for name in ("mask", "body", "values"):
        assert {test for test, _, config in found if config == name} == {"correct"}
    # Services that answer without a fault in `correct` load their texts with their first error.
    late = {(test, service) for test, service, config in found if config == "status" and test != "correct"}
    assert late <= {
        ("register_service_400_service_id", "service"),
        ("authorization_code_missing_response_type_400", "code"),
        ("register_user_400_user_exists", "user"),
    }


def test_every_error_answer_has_the_published_text(v1_run):
    shapes: dict[str, list[re.Pattern[str]]] = defaultdict(list)
    for row in read_table("answers.csv"):
        description = re.sub(r"<[^>]+>", ".*", re.escape(row["description"]).replace(r"\ ", " "))
        shapes[row["code"]].append(
            re.compile(
                f'{{"statusCode":{row["status"]},"code":"{row["code"]}","message":"{row["name"]}","description":"{description}","severity":"ERROR"}}'
            )
        )
    seen = set()
    for test in v1_run.iterdir():
        for path in logs(test).values():
            for body in re.findall(r'\{"statusCode".*', path.read_text("utf-8")):
                code = re.search('"code":"(ERR\\d+)"', body)[1]
                seen.add(code)
                assert any(shape.fullmatch(body) for shape in shapes[code]), body
    assert seen == set(shapes)


def test_times_step_back_seldom_and_at_most_7_ms(token_correct):
    steps = [seconds(b.time) - seconds(a.time) for a, b in itertools.pairwise(token_correct)]
    back = [step for step in steps if step < 0]
    assert 0 < len(back) < 0.003 * len(steps)
    assert min(back) >= -0.00701


def test_one_request_stays_on_one_thread(token_correct):
    threads = defaultdict(set)
    for line in token_correct:
        threads[line.cid].add(line.thread)
    assert max(len(seen) for cid, seen in threads.items() if cid) == 1


def test_truth_points_at_the_lines_that_carry_the_marks(v1_root):
    rows = truth(v1_root)
    assert list(rows[0]) == ["run", "case", "service", "mark", "file", "line"]
    assert {row["case"] for row in rows} == {case.name for case in CASES.values() if case.flow}
    files: dict[str, list[str]] = {}
    for row in rows:
        if row["file"] not in files:
            files[row["file"]] = (v1_root / row["file"]).read_text("utf-8").split("\n")
        if row["line"]:
            assert row["mark"] in files[row["file"]][int(row["line"]) - 1]
    survivors = Counter(row["case"] for row in rows if row["line"])
    assert set(survivors) == {case.name for case in CASES.values() if case.flow}
    assert 0.3 < survivors.total() / len(rows) < 0.95


def test_the_real_token_log_holds_no_word_the_simulated_ones_lack(token_logs):
    path = SHARED / "light-oauth2-data-1719592986" / "correct" / "light-oauth2-oauth2-token-1.log.gz"
    if not path.exists():
        pytest.skip("the real token log is not here")
    real = [HEADER.match(row).groups()[3:] for row in gzip.decompress(path.read_bytes()).decode().splitlines()]
    ours = [(line.level, line.logger, line.method, line.message) for line in token_logs]
    words = [
        {word for row in set(rows) for word in mask("{} {} {} - {}".format(*row)).split()} for rows in (real, ours)
    ]
    assert words[0] - words[1] == set()
    shares = [Counter(template_of(*row) for row in rows) for rows in (real, ours)]
    for template in shares[0] | shares[1]:
        assert abs(shares[0][template] / len(real) - shares[1][template] / len(ours)) <= 0.01, template
