"""Rows of the mask table: their examples, both engines, termination, and what must never be read again."""

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lo2.artefacts.anonymise import secrets_in
from lo2.errors import UsageError
from lo2.masking import people
from lo2.masking.credentials import SAID
from lo2.masking.masks import Masking, guarded_masks, sweep_of_masks
from lo2.masking.named import SAFE
from lo2.masking.profiles import (
    PROFILES,
    SECRETS,
    mask,
    profile_masking,
    redaction,
    secret_alternation,
    secret_searches,
)
from lo2.masking.secrets import KINDS, SWEEPS
from lo2.masking.shapes import IDENTIFIERS
from lo2.masking.values import APART, JOINED, KEPT, VALUES, WORDS

SECRET = Masking(profile_masking("lo2").passes[1:])


def test_no_two_kinds_of_secrets_share_a_name():
    tables = (IDENTIFIERS, *SWEEPS, people.NUMBERS)
    names = [name for table in tables for name in table if name in SECRETS]
    assert sorted(names) == sorted(SECRETS)
    assert set(KINDS) - set(SECRETS) == {"guid"}


HIDDEN = [(name, *example) for name, row in {**SAFE, **KINDS}.items() for example in row.examples]
VALUE = [
    (name, *example) for name, row in {**KEPT, **VALUES, **APART, **WORDS, **JOINED}.items() for example in row.examples
]


@pytest.mark.parametrize(("row", "text", "expected"), HIDDEN)
def test_examples_of_secrets(row, text, expected):
    assert SECRET.mask_text(text) == expected
    assert SECRET.mask_texts(pl.Series([text])).item() == expected


@pytest.mark.parametrize(("row", "text", "expected"), VALUE)
def test_examples_of_values(row, text, expected):
    whole = profile_masking("tree", secrets=False)
    assert whole.mask_text(text) == expected
    assert whole.mask_texts(pl.Series([text])).item() == expected


def test_every_row_has_a_reason_and_an_example():
    for name, row in {**KEPT, **VALUES, **APART, **WORDS, **SAFE, **KINDS}.items():
        assert row.reason, name
        assert row.examples, name


WORDS_SEEN = st.sampled_from(
    [text for _, text, _ in [*HIDDEN, *VALUE]]
    + [" ", "=", ":", "/", '"', "\x1f", "\n", "-", ".", "%40", "\u00e4", "\u0661", "\u212a", "\u017f", "\u00a0", "12", "ab", "status ", "password ", "<*>", "\ufffd", "@", "(", "E"]
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.lists(WORDS_SEEN, max_size=8).map("".join), st.sampled_from(sorted(PROFILES)))
def test_both_engines_mask_alike(text, profile):
    assert profile_masking(profile).mask_texts(pl.Series([text])).item() == mask(text, profile=profile)


@pytest.mark.parametrize(("row", "text", "expected"), HIDDEN)
def test_a_text_that_a_row_fits_holds_one_of_its_triggers(row, text, expected):
    triggers = {**SAFE, **SAID, **KINDS}[row].triggers
    assert text == expected or not triggers or any(one.lower() in text.lower() for one in triggers)


@settings(max_examples=120, deadline=None)
@given(st.lists(WORDS_SEEN, max_size=8).map("".join))
def test_texts_without_a_trigger_need_no_sweep(text):
    for rows in SWEEPS:
        assert guarded_masks(rows.values()).mask_texts(pl.Series([text])).item() == sweep_of_masks(
            rows.values()
        ).mask_text(text)


def test_every_line_of_a_private_key_is_hidden():
    lines = ["-----BEGIN RSA PRIVATE KEY-----", *(["Needle" + "Ab1+" * 14] * 4), "-----END RSA PRIVATE KEY-----"]
    assert "Needle" not in redaction().mask_text("\n".join(lines))


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS_SEEN, max_size=8).map("".join))
def test_no_mask_reaches_across_fields_or_lines(text):
    for separator in "\x1f\n":
        assert mask(text, profile="tree").count(separator) == text.count(separator)


NASTY = ["a", "1", "a.", "a-", "/a", "a@", "a:", "eyJ", "eyJ-", "password", "password=", "<password>", "://a:", "-----BEGIN A-----", "ab:", "a=b; ", "status ", "Basic ", "cookie: ", "mysql -", "insert into a ", "1 LOGIN ", "\u00e4", "4111 ", "%40", "a1 ", "Jun 1 "]  # fmt: skip


@pytest.mark.parametrize("shape", NASTY)
def test_a_long_line_of_any_shape_is_masked_and_searched(shape):
    text = shape * (65_536 // len(shape))
    for profile in PROFILES:
        mask(text, profile=profile)
    for _, search in secret_searches():
        pl.Series([text]).str.extract_all(search)
    re.sub(secret_alternation(), "", text)


PLANTED = [
    "connecting with Server=db;Database=x;User Id=sa;Password=Needle;Encrypt=yes",
    "jdbc:postgresql://db/x?user=app&password=Needle&ssl=1",
    "amqp://guest:Needle@mq/vhost",
    "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=Needle+abc/def==;EndpointSuffix=y",
    "PROXY-AUTHORIZATION: Basic Needle",
    "authorization=Token Needle",
    '"Authorization":"ApiKey Needle"',
    "Set-Cookie: sid=Needle; Path=/; HttpOnly",
    "POST user=a&pwd=Needle&x=1",
    "GET /cb?access_token=Needle&x=1",
    "q=%7B%22password%22%3A%22Needle%22%7D",
    "q=%257B%2522password%2522%253A%2522Needle%2522",
    r"{\"user\":{\"secret\":\"Needle\"}}",
    r"a?token\u003dNeedle\u0026b",
    "{'user': u'x', 'password': u'Needle'}",
    "client_secret: Needle",
    "  api_key: 'Needle'",
    "<ns:apiKey>Needle</ns:apiKey>",
    '<user name="a" password="Needle"/>',
    "export AWS_SECRET_ACCESS_KEY=Needle",
    "GITHUB_TOKEN=Needle make",
    "psql --password Needle -h db",
    "deploy --api-key=Needle --dry-run",
    "mysqldump -u root -pNeedle shop",
    "login with password Needle failed",
    "Kennwort falsch, Passwort=Needle",
    "$6$saltsalt$NeedleNeedleNeedle",
    "$argon2id$v=19$m=65536,t=3,p=4$Needleabc$Needledef",
    "{SSHA}Needleabcdef=",
    "cannot read /home/Needle/.ssh/id",
    r"C:\Users\Needle\AppData",
    "Needle@mail.example.org bounced",
    "mail=Needle%40mail.example.org",
    "principal Needle/host@CORP.EXAMPLE",
    "ghp_Needleabcdefghijklmnop",
    "glpat-Needleabcdefghijklmnop",
    "xoxb-Needle-abcdefghijkl",
    "sk_live_Needleabcdef",
    "sk-proj-Needleabcdefghijkl",
    "hf_Needleabcdefghijklmnop",
    "npm_Needleabcdefghijklmnop",
    "pypi-Needleabcdefghijklmnop",
    "hvs.Needleabcdefghijklmnop",
    "eyJNeedle.eyJNeedle.Needle",
    "-----BEGIN PRIVATE KEY-----\\nNeedleNeedle\\n-----END PRIVATE KEY-----",
    '{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\nNeedleNeedle\\n"}',
    r"{\"private_key\":\"-----BEGIN PRIVATE KEY-----\\nNeedleNeedle\\n",
    '{"password":"horse battery: Needle, and \\"more\\""}',
    "{'passphrase': 'correct Needle'}",
    '{"passwords":["x","Needle"]}',
    'env: {"name":"DB_PASSWORD","value":"Needle"}',
    "map[Authorization:[Bearer Needleabcdefghijk] Accept:[x]]",
    "Driver={ODBC};UID=sa;PWD={Needle;1}",
    "password%25253DNeedle and &#x22;password&#x22;:&#x22;Needle",
    "db=postgres%253A%252F%252Fu%253ANeedle%2540host",
    "//registry.example.org/:_authToken=Needle",
    "https%3A%2F%2Fhooks.example.org%2Fservices%2FT0000%2FB0000%2FNeedleabcdefgh",
    "https://x.blob.example.net/c?sv=2020&sig=Needle%2Babc&se=1",
    "Ocp-Apim-Subscription-Key: Needle",
    "Fastly-Key: Needleabcdefghijk",
    "GET /cb?code=Needleabcdefghijklmnop&x=1",
    "laravel_session=Needleabc; theme=dark",
    "curl -s -u bob:Needle https://x",
    "docker login -u bob -p Needle registry.example.org",
    "keytool -storepass Needle -keypass Needle",
    "CREATE USER x IDENTIFIED BY 'Needle'",
    "config set requirepass Needle",
    "Incorrect API key provided: Needle1",
    '<w:Password Type="x"><![CDATA[Needle]]></w:Password>',
    "&lt;password&gt;Needle&lt;/password&gt;",
    "pbkdf2:sha256:260000$Needleab$0123456789abcdef",
    r'"path":"\/home\/Needle\/x"',
    "mailto Needle&#64;mail.example.org",
    "password=no-Needle-way",
    "su: user deploy supplied password Needle, rejected",
    "the password for bob is Needle",
    "Admin set the password of user carol to Needle",
    "username root and password Needle",
    "default credentials admin/Needle",
    "INSERT INTO users (id, name, password) VALUES (7, 'bob', 'Needle'), (8, 'eve', 'Needle')",
    "replace into `t`(`login`,`passwd`) values('eve','Needle')",
    "ALTER ROLE app WITH LOGIN PASSWORD 'Needle'",
    '1700000000.1 [0 10.0.0.1:5000] "AUTH" "default" "Needle"',
    "redis> AUTH Needle",
    "AUTH Needle",
    "C: a001 LOGIN mrc Needle",
    "<<< PASS Needle",
    r"ftp> USER bob\r\nPASS Needle\r\n",
    "SNMPv2c community=Needle get",
    '{:user "bob" :password "Needle"}',
    '["--user", "bob", "--password", "Needle"]',
    "Server=db;Password=two Needle;Encrypt=yes",
]


@pytest.mark.parametrize("text", PLANTED)
def test_no_planted_secret_is_left(text):
    for hidden in (profile_masking("tree"), redaction()):
        assert "Needle" not in hidden.mask_text(text)
        assert "Needle" not in hidden.mask_texts(pl.Series([text])).item()


SAID_OF_SECRETS = [
    *("password is required", "Password is invalid for this request", "your password has expired", "password is wrong"),
    *("password is too short", "token is missing", "secret is not found in namespace", "AUTH failed for client"),
    *("the password was changed successfully", "the password for the database is missing", "no password supplied"),
    *("AUTH command not allowed", "LOGIN FAILED for session", "auth failed", "AUTH failed", "C: AUTH PLAIN"),
    *(
        "password is stored in vault",
        "the password is about to expire",
        "user authenticated with password successfully",
    ),
    *("PASS all tests ok", "new password must differ", "supplied password does not match", "using password file x"),
    *(
        "INSERT INTO jobs (id, state) VALUES (a, 'running')",
        "password with length below minimum",
        "pin is already used",
    ),
]


@pytest.mark.parametrize("text", SAID_OF_SECRETS)
def test_what_a_program_says_of_a_secret_stays(text):
    for hidden in (profile_masking("tree"), redaction()):
        assert hidden.mask_text(text) == text
        assert hidden.mask_texts(pl.Series([text])).item() == text
    assert secrets_in([text]) == [set()]


NUMBERS = [
    "paid 4929 1234 5678 9012 ok",
    "paid 4929123456789012 ok",
    "iban GB33BUKB20201555555555 x",
    "ssn 078-05-1120",
    "call +1 (415) 555-0132 now",
    "from fe80::1ff:fe23:4567:890a to x",
    "hw 00:1B:44:11:3A:B7",
]


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_of_people_are_hidden_in_both_profiles(text):
    for hidden in (profile_masking("lo2"), profile_masking("tree"), redaction()):
        assert not re.search("[0-9]{3}", hidden.mask_text(text))


@pytest.mark.parametrize(
    "text",
    [
        "wrong_password",
        "invalid token",
        "password is incorrect",
        "token expired",
        "check pass; user unknown",
        "Password and passwordConfirm are not matched.",
        '"Bearer incorrect_token"',
        "Basic authentication with credentials is required.",
        "password: invalid",
        "handleRequest - refreshToken = AAAAAA",
        "at org.xnio.XnioWorker$WorkerThreadFactory$1$1.run(XnioWorker.java)",
    ],
)
@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_what_is_said_of_secrets_survives(text, profile):
    assert mask(text, profile=profile) == text


def test_patterns_of_a_team_hide_their_values():
    own = profile_masking("tree", variables=("queue (?P<value>[a-z]+)",), redact=("ACME|Wayne",))
    assert own.mask_text("queue orders of ACME is full") == "queue <*> of <*> is full"
    assert own.mask_texts(pl.Series(["queue orders of ACME is full"])).item() == "queue <*> of <*> is full"


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)b", r"(a)\1", "((?P<value>a))", "a|(?P<value>b)", "(?P<value>a)(?P<value>b)", "a*", "", "(", "a" * 1_001, "(?P<value>a"],
)  # fmt: skip
def test_patterns_that_are_no_linear_expressions_are_refused(pattern):
    with pytest.raises(UsageError, match=r"look-around"):
        profile_masking("tree", variables=(pattern,))


def test_a_pattern_that_would_never_end_ends():
    assert profile_masking("tree", redact=("(z_+)+b",)).mask_text("see " + "z_" * 5_000) == "see " + "z_" * 5_000


def test_the_version_tells_tables_apart():
    versions = {
        profile_masking(profile, variables=own).masks_version for profile in PROFILES for own in ((), ("queue [a-z]+",))
    }
    assert len(versions) == 4


def test_redacted_text_keeps_what_is_no_secret():
    assert redaction(("ACME",)).mask_text("order 4711 of ACME from 10.0.0.1") == "order 4711 of <*> from <*>"


def test_kept_words_stay_and_values_beside_them_go():
    assert mask('HTTP/1.1" 502 status=404 exit code 137 and 17', profile="tree") == (
        'HTTP/1.1" 502 status=404 exit code 137 and <*>'
    )


def test_every_kind_has_three_groups_for_the_exchange():
    assert re.compile(secret_alternation()).groups == 3 * len(SECRETS)
