import base64
import io
import json
import re
import stat
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from urllib.parse import quote

import joblib
import numpy as np
import polars as pl
import pytest

from artefacts.result_root import CARD, ROWS, explain_phase, load_phase, png, record
from lo2.artefacts import exchange, exchange_zip, files
from lo2.artefacts.anonymise import (
    anonymise,
    encoded_secret_forms,
    known_secret_values,
    leaked_secrets,
    pseudonym,
    readable_texts,
    secrets_in,
)
from lo2.artefacts.bundle import load_bundle, save_bundle
from lo2.artefacts.exchange import unpack_exchange
from lo2.errors import ArtefactExistsError, CheckFailedError, InputError, InputNotFoundError, UntrustedBundleError
from lo2.masking.profiles import SECRETS, mask
from lo2.masking.secrets import KINDS
from lo2.pipeline.pack import pack, raw_texts_to_search

KEY = b"k" * 32
UUID = "7a1a2b09-f435-4f6e-8faa-0d8326a452df"
CODE = "IdrOOp-pRUmUbQ7Gq106Qw"
PKCE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
HEADER = base64.b64encode(f"{UUID}:vvoD72HmRmW89lqdgViVOw".encode()).decode()
# One line per shape of the log grammar's section 12, with what must not be left of it.
CANARIES = {
    "basic": (f'validate( "Basic {HEADER}", "Basic {HEADER}", authorization)', HEADER),
    "admin": ('validate( "Basic YWRtaW46MTIzNDU2", x, Authorization)', "YWRtaW46MTIzNDU2"),
    "bearer": ("Authorization: Bearer canary-access-0123456789", "canary-access-0123456789"),
    "code": (f"code = {CODE} redirectUri = x", CODE),
    "code in a query": (f"redirectUri = http://localhost:8080/authorization?code={CODE}", CODE),
    "refresh token": (f"refreshToken = {UUID} scope = null", UUID),
    "refresh token in a path": (f"path = /oauth2/refresh_token/{UUID}, base path", UUID),
    "challenge": (f'validate( "{PKCE}", "{PKCE}", code_challenge)', PKCE),
    "verifier": (f"codeVerifier = {PKCE}", PKCE),
    "password field": ('{"password":"hunter-canary-2","x":1}', "hunter-canary-2"),
    "new password": ('{"newPasswordConfirm":"hunter-canary-3"}', "hunter-canary-3"),
    "escaped field": ('{\\"password\\":\\"hunter-canary-4\\"}', "hunter-canary-4"),
    "password text": (
        "Password hunter-canary-5 and PasswordConfirm canary-6x are not",
        "hunter-canary-5",
    ),
    "second password": ("Password null or PasswordConfirm hunter-canary-7 is empty.", "hunter-canary-7"),
    "e-mail field": ('{"email":"canary-mail-01"}', "canary-mail-01"),
    "e-mail": ("mail to eva.canary@example.org now", "eva.canary@example.org"),
    "name": ('validate( "1f0c35fa-12ab-4cde-9a1b-0123abcd"', "1f0c35fa-12ab-4cde-9a1b-0123abcd"),
    "first name": ('{"firstName":"Evacanary"}', "Evacanary"),
    "who": ("requested user name 'evacanary' and mechanism BASIC", "evacanary"),
    "client id": (f"Load:{UUID}", UUID),
    "user id": ("Store:1a2b3c4d", "1a2b3c4d"),
    "user id in a path": ("path = /oauth2/user/1a2b3c4e, base", "1a2b3c4e"),
    "quoted id": ('validate( "1a2b3c4f", "1a2b3c4f", userId)', "1a2b3c4f"),
    "correlation id": (f"16:29:40.197 [XNIO-1 task-1]  {CODE} DEBUG c.n.C <init> - x", CODE),
    "object hash": ("Mechanism@756fad98 for", "756fad98"),
    "ip": ("SEVERE: [172.24.0.7]:5701 [dev]", "172.24.0.7"),
    "service id": ("Service id 1a2b3c50 exists.", "1a2b3c50"),
    "jwt alone": ("token eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl here", "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"),
    "jwt": ("OAuthFlow(access_token='eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl')", "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"),
}
SIGNALS = [
    "UNSUPPORTED_GRANT_TYPE CODE_VERIFIER_TOO_LONG Oauth2TokenPostHandler Oauth2ClientPutHandler",
    "ProxyPreparedStatement SQLIntegrityConstraintViolationException VALIDATOR_REQUEST_PARAMETER_QUERY_MISSING",
    "Invalid authorization header Bearer incorrect_token. Basic authentication with credentials is required.",
    '{"statusCode":404,"code":"ERR12029","description":"Refresh token AAAAAA is not found."}',
    '"ownerId":"nouser" Load:not_a_client_id Password <*> or PasswordConfirm null is empty.',
    "com.networknt.handler.Handler.next(Handler.java:212) XNIO-1 task-1 [dev] [3.12] scikit-learn 1.9.1",
    "code = <*> redirectUri = http://localhost:8080/authorization?code=<*>",
]


@pytest.mark.parametrize("shape", CANARIES)
def test_every_shape_of_secret_is_replaced_joinably_and_found(shape):
    line, secret = CANARIES[shape]
    text, count = anonymise(line, KEY)
    assert count
    assert secret not in text
    assert pseudonym(secret, KEY) in text
    assert secret in {value for _, value in secrets_in([line])[0]}
    assert secrets_in([text]) == [set()]
    assert anonymise(text, KEY) == (text, 0)
    assert anonymise(line, b"x" * 32)[0] != text


@pytest.mark.parametrize("shape", CANARIES)
def test_the_masks_of_the_features_hide_every_shape_already(shape):
    line, secret = CANARIES[shape]
    header = re.match(r"\d\d:\d\d:\d\d\.\d{3} .*? - ", line)
    message = line[header.end() :] if header else line
    assert secret not in mask(message)
    assert secret not in mask(message, profile="tree")


def test_a_text_that_holds_the_marks_of_the_search_is_anonymised_as_any():
    text = "\ue000\ue001\ue002 " + "curl -" * 10_000 + f" code = {CODE} redirectUri"
    found, count = anonymise(text, KEY)
    assert count == 1
    assert CODE not in found
    assert found.startswith("\ue000\ue001\ue002 curl -")


@pytest.mark.parametrize("line", SIGNALS)
def test_words_that_carry_the_signal_are_left_alone(line):
    assert anonymise(line, KEY) == (line, 0)
    assert secrets_in([line]) == [set()]


def test_every_rule_finds_something_and_says_why():
    lines = [line for line, _ in CANARIES.values()] + [text for row in KINDS.values() for text, _ in row.examples]
    found = {rule for pairs in secrets_in(lines) for rule, _ in pairs}
    assert found == set(SECRETS)
    assert all(rule.reason for rule in SECRETS.values())


@pytest.fixture
def raw(tmp_path) -> Path:
    """Raw logs that hold every canary."""
    case = tmp_path / "raw/run/correct"
    case.mkdir(parents=True)
    (case / "token.log").write_text("\n".join(line for line, _ in CANARIES.values()))
    return tmp_path / "raw"


def test_original_values_are_read_from_logs_of_any_name_packed_in_any_way(tmp_path):
    import gzip
    import lzma
    import tarfile

    line = b"code = " + CODE.encode()
    for name in ("plain", "gz", "zip", "tar"):
        (tmp_path / name).mkdir()
    (tmp_path / "plain/a.log").write_bytes(line)
    (tmp_path / "gz/a.log.gz").write_bytes(gzip.compress(line))
    (tmp_path / "gz/damaged.log.gz").write_bytes(gzip.compress(line)[:-9])
    with zipfile.ZipFile(tmp_path / "zip/a.zip", "w") as packed:
        packed.writestr("run/a.log", line)
    with tarfile.open(tmp_path / "tar/a.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "plain/a.log", "run/a.log")
        packed.add(tmp_path / "gz/a.log.gz", "run/b.log.gz")
    with zipfile.ZipFile(tmp_path / "tars.zip", "w") as packed:
        packed.write(tmp_path / "tar/a.tar.gz", "run.tar.gz")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a.txt.xz").write_bytes(lzma.compress(line))
    (tmp_path / "other/app.out").write_bytes(line.decode().encode("utf-16"))
    with tarfile.open(tmp_path / "other/b.tar.bz2", "w:bz2") as packed:
        packed.add(tmp_path / "plain/a.log", "run/messages")
    names = ("plain", "gz", "zip", "zip/a.zip", "tar", "tars.zip", "other")
    found = {name: known_secret_values(raw_texts_to_search(tmp_path / name)) for name in names}
    assert {name: (known.values, known.files) for name, known in found.items()} == {
        "plain": (1, 1), "gz": (1, 2), "zip": (1, 1), "zip/a.zip": (1, 1), "tar": (1, 2), "tars.zip": (1, 2), "other": (1, 3),
    }  # fmt: skip


def test_a_damaged_archive_among_the_raw_logs_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("run/a.log", b"line " * 500)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[45] ^= 255
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.zip.*--without-raw-root"):
        known_secret_values(raw_texts_to_search(tmp_path))


def test_a_root_without_any_log_is_no_search(home, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputNotFoundError, match=r"No log is below .*empty, so no value can be looked for"):
        pack(home, tmp_path / "a.zip", raw_root=tmp_path / "empty")
    assert pack(home, tmp_path / "a.zip", raw_root=tmp_path / "empty", without_raw_root=True).known == 0


def test_credentials_inside_a_basic_header_count_as_values(raw):
    assert {UUID, "vvoD72HmRmW89lqdgViVOw"} <= set(known_secret_values(raw_texts_to_search(raw)).forms.values())


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_a_value_is_found_in_every_encoding(before, raw):
    known = known_secret_values(raw_texts_to_search(raw))
    for secret in (HEADER, CODE, UUID, "hunter-canary-2"):
        for encoded in (
            secret,
            quote(f"+{secret}/", safe=""),
            (before + secret + "z").encode().hex(),
            base64.b64encode((before + secret + "zz").encode()).decode(),
            base64.urlsafe_b64encode((before + secret).encode()).decode(),
        ):
            assert leaked_secrets({"a.txt": f"x {encoded} y".encode()}, known), encoded


def test_short_values_count_as_whole_words_only(raw):
    known = known_secret_values(raw_texts_to_search(raw))
    assert leaked_secrets({"a.txt": b"user 1a2b3c4d here"}, known)
    assert not leaked_secrets({"a.txt": b"ff1a2b3c4dff 0.1a2b3c4d"}, known)


def test_every_hiding_place_is_looked_at(raw, forest):
    known = known_secret_values(raw_texts_to_search(raw))
    target = io.BytesIO()
    joblib.dump((forest[0], ["x", CODE]), target, compress=3)
    frame = pl.DataFrame({"words": [["a", CODE]]})
    sheet = io.BytesIO()
    frame.write_parquet(sheet)
    hidden = {
        f"metrics/{CODE}.csv": b"a",
        "text.png": png((b"tEXt", b"Comment\0" + CODE.encode())),
        "packed.png": png((b"zTXt", b"Comment\0\0" + zlib.compress(CODE.encode()))),
        "after.png": png() + CODE.encode(),
        "a.joblib": target.getvalue(),
        "a.parquet": sheet.getvalue(),
    }
    for name, data in hidden.items():
        assert leaked_secrets({name: data}, known), name
        assert all(CODE not in leak.what for leak in leaked_secrets({name: data}, known))
    assert leaked_secrets({"a.png": png(), "b.joblib": joblib_bytes(forest)}, known) == []


def joblib_bytes(payload) -> bytes:
    target = io.BytesIO()
    joblib.dump(payload, target)
    return target.getvalue()


def test_statistics_of_a_parquet_are_read_as_text(tmp_path):
    pl.DataFrame({"a": [UUID]}).write_parquet(tmp_path / "a.parquet", statistics=True)
    places = dict(readable_texts("a.parquet", (tmp_path / "a.parquet").read_bytes()))
    assert UUID in places["statistics and metadata"]


def test_the_same_input_and_key_give_the_same_zip_and_never_raw_text(home, tmp_path, raw):
    files.write_parquet(home.path("events"), pl.DataFrame({"m_message": ["raw"]}))
    explain_phase(home, text=f"line code = {CODE} end\n")
    record(home, "load", [home.path("events")])
    for name in ("a.zip", "b.zip"):
        done = pack(home, tmp_path / name, key=KEY, raw_root=raw)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert done.left_out["lo2_events.parquet"].startswith("stays here")
    assert done.left_out["lo2_if_predictions.parquet"] == "a Parquet: --include-parquet"
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert packed.namelist() == sorted(packed.namelist())
        assert not [name for name in packed.namelist() if name.endswith(".parquet")]
        text = packed.read("explainability/if_top_tokens.txt").decode()
        manifest = json.loads(packed.read("MANIFEST.json"))
        readme = packed.read("README.md").decode()
    assert text == f"line code = {pseudonym(CODE, KEY)} end\n"
    assert manifest["statement"] == "no known pattern found"
    assert manifest["raw_root"] == "read"
    assert "| if.auc | 0.9 | 0.8 to 0.95 | 9 |  |" in readme
    assert KEY not in (tmp_path / "a.zip").read_bytes()


def test_parquets_go_in_on_request_anonymised_and_joinable(home, tmp_path, raw):
    frame = pl.DataFrame({"seq_id": ["a", "b"], "m_message": [f"code = {CODE}", f"Load:{UUID} refreshToken = {UUID}"]})
    files.write_parquet(home.path("base_sequences"), frame)
    written = [home.path("base_sequences")]
    record(home, "load", written)
    done = pack(home, tmp_path / "a.zip", include_parquet=True, key=KEY, raw_root=raw)
    assert "lo2_sequences.parquet" in done.members
    unpack_exchange(tmp_path / "a.zip", tmp_path / "out")
    text = "".join(pl.read_parquet(tmp_path / "out/lo2_sequences.parquet")["m_message"])
    assert text.count(pseudonym(UUID, KEY)) == 2
    assert CODE not in text


def test_a_secret_that_cannot_be_replaced_refuses_the_zip_and_names_the_place(home, tmp_path, raw, forest):
    explain_phase(home)
    vectorizer = type(forest[1])(analyzer=list)
    vectorizer.vocabulary_ = {**forest[1].vocabulary_, CODE: 0}
    made = save_bundle(home.path("bundle"), (forest[0], vectorizer), CARD, overwrite=True)
    record(home, "detect", made)
    with pytest.raises(CheckFailedError, match=r"models/lo2_if.joblib \(vocabulary and parameters\)") as refusal:
        pack(home, tmp_path / "a.zip", raw_root=raw)
    assert CODE not in str(refusal.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["models", "raw", "result"]


def test_a_picture_with_a_secret_in_its_metadata_refuses_the_zip(home, tmp_path, raw):
    files.write_bytes(home.path("shap_bar"), png((b"tEXt", b"Author\0eva.canary@example.org")))
    record(home, "explain", [home.path("shap_bar")])
    with pytest.raises(CheckFailedError, match="tEXt chunk"):
        pack(home, tmp_path / "a.zip", raw_root=raw)


def test_without_the_raw_logs_a_flag_is_needed_and_the_manifest_says_so(home, tmp_path):
    with pytest.raises(InputNotFoundError, match="--without-raw-root"):
        pack(home, tmp_path / "a.zip")
    pack(home, tmp_path / "a.zip", without_raw_root=True)
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert json.loads(packed.read("MANIFEST.json"))["raw_root"].startswith("not at hand")


def test_changed_artefacts_and_existing_zips_are_refused(home, tmp_path, raw):
    (tmp_path / "a.zip").write_bytes(b"mine")
    with pytest.raises(ArtefactExistsError, match="--overwrite"):
        pack(home, tmp_path / "a.zip", raw_root=raw)
    home.path("top_tokens").write_text("edited")
    with pytest.raises(CheckFailedError, match=r"if_top_tokens\.txt changed"):
        pack(home, tmp_path / "b.zip", raw_root=raw)


def test_where_all_is_stale_that_could_be_shared_it_says_so(home, tmp_path, raw):
    load_phase(home, words=("other",))
    with pytest.raises(CheckFailedError, match="older than the sequences: run lo2 detect"):
        pack(home, tmp_path / "x.zip", raw_root=raw)


def test_a_stale_artefact_stays_out(home, tmp_path, raw):
    load_phase(home, words=("other",))
    done = pack(home, tmp_path / "a.zip", raw_root=raw, include_parquet=True)
    assert done.left_out["models/lo2_if.joblib"] == "older than lo2_sequences_enhanced.parquet"
    assert set(done.members) == {*exchange_zip.OWN, "lo2_sequences_enhanced.parquet", "lo2_templates.parquet"}


def test_a_colleague_unpacks_checks_and_scores(home, tmp_path, raw, forest):
    pack(home, tmp_path / "a.zip", raw_root=raw)
    unpack_exchange(tmp_path / "a.zip", tmp_path / "out")
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "out", check=True, capture_output=True)
    code = (
        "import joblib, json, sys\nmodel, vectorizer = joblib.load('models/lo2_if.joblib')\n"
        "print(json.dumps((-model.score_samples(vectorizer.transform(json.loads(sys.argv[1])))).tolist()))"
    )
    arguments = [sys.executable, "-c", code, json.dumps(ROWS[:4])]
    done = subprocess.run(arguments, cwd=tmp_path / "out", capture_output=True, text=True, check=True)
    expected = -forest[0].score_samples(forest[1].transform(ROWS[:4]))
    assert np.array_equal(json.loads(done.stdout), expected)
    assert load_bundle(tmp_path / "out/models/lo2_if.joblib").card["threshold"] == 0.5


@pytest.fixture
def good(home, tmp_path) -> dict[str, bytes]:
    """Members of a good archive."""
    pack(home, tmp_path / "good.zip", without_raw_root=True)
    with exchange_zip.open_checked_zip(tmp_path / "good.zip") as members:
        return {name: b"".join(members.zip_member_chunks(name)) for name in members.hashes}


def with_sums(members: dict[str, bytes]) -> dict[str, bytes]:
    sums = "".join(f"{files.sha256_bytes(d)}  {n}\n" for n, d in sorted(members.items()) if n != "SHA256SUMS")
    return {**members, "SHA256SUMS": sums.encode()}


def written(path: Path, members: dict[str, bytes], **extra) -> Path:
    """The members as a ZIP, each name in ``extra`` given its own ZipInfo fields."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in extra.get(name, {}).items():
                setattr(info, key, value)
            target.writestr(info, data)
    return path


def swapped(members):
    return {**members, "models/lo2_if.joblib": b"other bytes"}


HOSTILE = {
    "no plain relative name": {
        "climbing": lambda good: with_sums({**good, "../tripwire": b"x"}),
        "climbing inside": lambda good: with_sums({**good, "models/../../tripwire": b"x"}),
        "absolute": lambda good: with_sums({**good, "/tmp/tripwire": b"x"}),
        "backslash": lambda good: with_sums({**good, "..\\tripwire": b"x"}),
        "drive": lambda good: with_sums({**good, "C:tripwire": b"x"}),
        "control character": lambda good: with_sums({**good, "metrics/a\nb.csv": b"x"}),
    },
    "twice": {"other case": lambda good: with_sums({**good, "metrics/IF_metrics.csv": b"x"})},
    "nothing that lo2 pack writes": {
        "code": lambda good: with_sums({**good, "lo2/__init__.py": b"x"}),
        "hidden": lambda good: with_sums({**good, ".git/hooks/post-checkout": b"x"}),
        "events": lambda good: with_sums({**good, "lo2_events.parquet": b"x"}),
    },
    "not what its SHA256SUMS lists": {
        "added": lambda good: {**good, "report.html": b"x"},
        "gone": lambda good: {k: v for k, v in good.items() if k != "metrics/if_metrics.csv"},
        "swapped": swapped,
    },
    "not the bundle that": {"swapped, sums too": lambda good: with_sums(swapped(good))},
    "no SHA256SUMS": {"no sums": lambda good: {k: v for k, v in good.items() if k != "SHA256SUMS"}},
    "no MANIFEST": {"no manifest": lambda good: with_sums({k: v for k, v in good.items() if k != "MANIFEST.json"})},
    "times its size": {"bomb": lambda good: with_sums({**good, "report.html": b"\0" * (8 << 20)})},
}


def refused(path: Path, into: Path, why: str) -> None:
    before = sorted(into.parent.iterdir())
    with pytest.raises(UntrustedBundleError, match=why) as refusal:
        unpack_exchange(path, into)
    assert refusal.value.exit_code == 6
    assert sorted(into.parent.iterdir()) == before


@pytest.mark.parametrize(("why", "name"), [(why, name) for why, kinds in HOSTILE.items() for name in kinds])
def test_hostile_archives_are_refused_and_nothing_is_written(why, name, good, place):
    refused(written(place / "a.zip", HOSTILE[why][name](good)), place / "into", why)


@pytest.fixture
def place(tmp_path) -> Path:
    """A folder of its own, to see that nothing is written beside the archive."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def test_links_duplicates_truncation_and_noise_are_refused(good, place):
    link = {"report.html": {"external_attr": (stat.S_IFLNK | 0o777) << 16, "create_system": 3}}
    linked = with_sums({**good, "report.html": b"/etc/passwd"})
    refused(written(place / "link.zip", linked, **link), place / "into", "is a link")
    double = written(place / "double.zip", good)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(double, "a") as more:
        more.writestr("README.md", b"other")
    refused(double, place / "into", "twice")
    data = written(place / "whole.zip", good).read_bytes()
    (place / "short.zip").write_bytes(data[: len(data) // 2])
    refused(place / "short.zip", place / "into", "damaged")
    (place / "flipped.zip").write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    refused(place / "flipped.zip", place / "into", "damaged")
    (place / "noise.zip").write_bytes(b"PK\x03\x04" + bytes(1000))
    refused(place / "noise.zip", place / "into", "damaged")


def test_too_many_members_or_bytes_are_refused(good, place, monkeypatch):
    path = written(place / "a.zip", good)
    monkeypatch.setattr(exchange_zip, "MAX_MEMBERS", 3)
    refused(path, place / "into", "too many")
    monkeypatch.setattr(exchange_zip, "MAX_MEMBERS", 10_000)
    monkeypatch.setattr(exchange_zip, "MAX_BYTES", 100)
    refused(path, place / "into", "too large")


def test_unpacking_never_goes_through_a_link_or_over_a_different_file(good, tmp_path):
    path = written(tmp_path / "a.zip", good)
    (tmp_path / "outside").mkdir()
    (tmp_path / "into").mkdir()
    (tmp_path / "into/models").symlink_to(tmp_path / "outside")
    with pytest.raises(UntrustedBundleError, match="link"):
        unpack_exchange(path, tmp_path / "into")
    assert list((tmp_path / "outside").iterdir()) == []
    files.write_text(tmp_path / "two/README.md", "mine")
    with pytest.raises(ArtefactExistsError, match="--into"):
        unpack_exchange(path, tmp_path / "two")
    assert [path.name for path in (tmp_path / "two").iterdir()] == ["README.md"]
    unpack_exchange(path, tmp_path / "two", overwrite=True)
    assert unpack_exchange(path, tmp_path / "two") == tuple(sorted(good))
    with pytest.raises(InputNotFoundError):
        unpack_exchange(tmp_path / "none.zip", tmp_path / "two")


def test_forms_of_long_values_cover_all_alignments():
    raw = b"secret+value"
    for offset in range(3):
        text = base64.b64encode(b"x" * offset + raw + b"yy").decode()
        assert any(form in text for form in encoded_secret_forms("secret+value"))


def test_packing_verifies_the_finished_file_not_its_parts(home, tmp_path, raw, monkeypatch):
    monkeypatch.setattr(exchange, "README", "code = " + CODE + "{data}{metrics}{statement}")
    with pytest.raises(CheckFailedError, match=r"README\.md"):
        pack(home, tmp_path / "a.zip", raw_root=raw)
    assert not (tmp_path / "a.zip").exists()
