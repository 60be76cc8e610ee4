"""What counts as a value in a log line: masks for the features, secrets for the exchange; each with its reason.

The masks form ONE leftmost alternation (sequential replacements differ where masks overlap), written in the common
subset of Rust's regex (Polars) and Python's ``re``: no look-around. Text before and after a value that tells it is
one is captured and kept. Masks are contextual, because the shapes of ids collide with words that carry the signal:
``UNSUPPORTED_GRANT_TYPE`` has the 22 characters of an authorisation code.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

PLACEHOLDER = "<*>"


@dataclass(frozen=True)
class Mask:
    """One shape of a value: ``before`` and ``after`` stay, ``value`` becomes the placeholder."""

    value: str
    reason: str
    before: str = ""
    after: str = ""


_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{8,12}\b"
_SECRET_FIELDS = (
    "password|passwordConfirm|newPassword|newPasswordConfirm|email|clientSecret|client_secret|firstName|lastName|username"
    "|userName|refreshToken|refresh_token|accessToken|access_token|codeVerifier|code_verifier"
)

MASKS: Mapping[str, Mask] = {
    "basic": Mask(
        r"[A-Za-z0-9+/]{16,}={0,2}", "credentials; shorter or undecodable text is a fault's own", before="Basic "
    ),
    "bearer": Mask(
        r"[A-Za-z0-9._~+/-]{20,}=*", "access token; `incorrect_token` is a fault's own word", before="Bearer "
    ),
    "jwt": Mask(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", "JSON web token"),
    "field": Mask(r'[^"\\]*', "secrets and names in JSON", before=rf'\\?"(?:{_SECRET_FIELDS})\\?": ?\\?"'),
    "user_name": Mask(r"[^']+", "who tried to log in", before="user name '"),
    "code": Mask(r"[A-Za-z0-9_-]{22}\b", "authorisation code, only where it is announced", before=r"code = |[?&]code="),
    "challenge": Mask(
        r'[A-Za-z0-9_-]{43}", "[A-Za-z0-9_-]{43}',
        "PKCE challenge",
        before=r'validate\( "',
        after=r'", code_challenge\)',
    ),
    "pkce": Mask(r'[^"\s]+', "PKCE value at the end of ERR12035/36/38/39", before="code(?:Challenge|Verifier) = "),
    "passwords": Mask(
        r"[^\s<]{8,}",
        "clear text in ERR12011 and ERR12012; null stays",
        before="Password(?:Confirm)? ",
        after=r" (?:and|or|is|are)\b",
    ),
    "segment": Mask(rf"(?:{_UUID}|[0-9a-f]{{8}}\b)", "id as a path segment", before="/"),
    "key": Mask(rf"(?:{_UUID}|[0-9a-f]{{8}}\b)", "map-store key", before="(?:Load|Store|Delete):"),
    "quoted": Mask("[0-9a-f]{8}", "id as a JSON string", before='"', after='"'),
    "exists": Mask(rf"(?:{_UUID}|[0-9a-f]{{8}}\b)", "service id in ERR12018", before="[Ii]d "),
    "hash": Mask(r"[0-9a-f]{6,8}\b", "Java object hash", before="@"),
    "uuid": Mask(rf"\b{_UUID}", "uuid, also cut to 32 characters (8-4-4-4-8)"),
    "email": Mask(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "e-mail address"),
    "timestamp": Mask(
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?", "ISO time inside a message"
    ),
    "jul": Mask(r"\b[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M", "java.util.logging time"),
    "ip": Mask(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "IPv4 address"),
    "hex": Mask(r"\b(?:0x[0-9a-fA-F]+|[0-9a-f]{16,})\b", "long hexadecimal number"),
    "number": Mask(r"\b\d{5,}\b", "long decimal number; status codes and line numbers are shorter"),
}
"""Masks of the LO2 profile, tried in this order at every position."""

TREE_MASKS: Mapping[str, Mask] = {
    **MASKS,
    "quantity": Mask(
        r"(?:\d+\.\d+|\d{1,2}|\d{4})(?:[kKMG]?i?B|ms|us|ns|s)?\b",
        "amount; three digits may be a status",
        before=r"[\s=(\[]",
    ),
}
"""Masks for other services' logs: the same, and amounts."""

PROFILES: Mapping[str, Mapping[str, Mask]] = {"lo2": MASKS, "tree": TREE_MASKS}


@cache
def alternation(profile: str) -> tuple[str, str]:
    """Pattern and replacement, for Polars, of the single-pass mask of ``profile``.

    Word boundaries, digits and blanks are those of ASCII: Unicode ones would make Polars' regex leave its fast engine
    at the first other character, and mask such lines a hundred times slower.

    Examples
    --------
    >>> pattern, replacement = alternation("lo2")
    >>> replacement.count("<*>")
    1
    """
    count = len(PROFILES[profile])
    pattern = _joined(profile).replace(r"\b", r"(?-u:\b)").replace(r"\d", "[0-9]").replace(r"\s", r" \t\n\r\f\v")
    before = "".join(f"${{{2 * i + 1}}}" for i in range(count))
    after = "".join(f"${{{2 * i + 2}}}" for i in range(count))
    return pattern, f"{before}{PLACEHOLDER}{after}"


def _joined(profile: str) -> str:
    return "|".join(f"({m.before}){m.value}({m.after})" for m in PROFILES[profile].values())


def mask(text: str, *, profile: str = "lo2") -> str:
    """Return ``text`` with every value replaced by ``<*>``; the slow twin of what the features do in bulk.

    Examples
    --------
    >>> mask('Load:66c2c2bd and "code":"UNSUPPORTED_GRANT_TYPE"')
    'Load:<*> and "code":"UNSUPPORTED_GRANT_TYPE"'
    """
    return re.sub(_joined(profile), _replace, text, flags=re.ASCII)


def _replace(match: re.Match[str]) -> str:
    groups = [g or "" for g in match.groups()]
    return "".join(groups[::2]) + PLACEHOLDER + "".join(groups[1::2])


_ID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-(?:[0-9A-Fa-f]{12}|[0-9A-Fa-f]{8})\b"
_ID_OR_HEX8 = rf"(?:{_ID}|[0-9a-f]{{8}}\b)"
_QUOTE = r"(?:\\*\"|&quot;|&#34;|%22)"
_FIELDS = (
    "[Pp]assword|passwordConfirm|newPassword|newPasswordConfirm|passwd|e?[Mm]ail|clientSecret|client_secret|secret"
    "|refreshToken|refresh_token|accessToken|access_token|id_token|codeVerifier|code_verifier|codeChallenge"
    "|code_challenge|firstName|lastName|userName|user_name|username|userId|ownerId|clientId|client_id|api_?[Kk]ey"
)
_ASSIGNED = "(?:refresh_?|access_?|id_)[Tt]oken|[Pp]assword|client_?[Ss]ecret|api_?[Kk]ey"

SECRETS: Mapping[str, Mask] = {
    "basic": Mask(r"[A-Za-z0-9+/_-]{16,}={0,2}", "credentials of the Basic scheme", before="Basic (?:%20)?"),
    "bearer": Mask(r"[A-Za-z0-9._~+/-]{7,}[A-Za-z0-9_~+/-]=*", "access token", before="Bearer (?:%20)?"),
    "jwt": Mask(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "JSON web token"),
    "field": Mask(
        r"[^\"\\&%<\s][^\"\\&%<]*",
        "passwords, e-mails, names, ids in JSON",
        before=rf"{_QUOTE}(?:{_FIELDS}){_QUOTE}\s*:\s*{_QUOTE}",
    ),
    "assigned": Mask(r"[^\s\"'<>&,;)]{6,}", "the same in text and forms", before=rf"\b(?:{_ASSIGNED}) ?= ?['\"]?"),
    "code": Mask(r"[A-Za-z0-9_-]{22}\b", "authorisation code", before=r"\bcode ?= ?['\"]?|code%3D"),
    "challenge": Mask(r"[A-Za-z0-9_-]{43}", "PKCE challenge as checked", before=r"validate\( \"", after=r"\""),
    "challenge_root": Mask(r"[A-Za-z0-9_-]{43}", "and once more", before=r", \"", after=r"\", code_challenge"),
    "pkce": Mask(r"[A-Za-z0-9_~.-]{8,}", "PKCE value", before=r"code_?(?:[Cc]hallenge|[Vv]erifier) ?= ?['\"]?"),
    "password": Mask(
        r"[^\s\"<&]+",
        "clear-text password in ERR12011 and ERR12012",
        before=r"Password(?:Confirm)? ",
        after=r" (?:and|or|is|are) ",
    ),
    "user_name": Mask(r"[^'<&]+", "who logs in", before="user name (?:'|&#39;)"),
    "uuid": Mask(_ID, "client, user and refresh-token id, cut names (8-4-4-4-8)", before=r"\b"),
    "segment": Mask(_ID_OR_HEX8, "id as a path segment", before="/"),
    "key": Mask(_ID_OR_HEX8, "id as a map-store key", before="(?:Load|Store|Delete):"),
    "quoted": Mask("[0-9a-f]{8}", "user and service id as a JSON string", before=_QUOTE, after=_QUOTE),
    "exists": Mask(r"[0-9a-f]{8}\b", "service id in ERR12018", before="[Ii]d "),
    "hash": Mask(r"[0-9a-f]{6,8}\b", "Java object hash", before="@"),
    "correlation": Mask(
        r"[A-Za-z0-9_-]{22}", "correlation id in a header", before=r"\]  ", after=" (?:DEBUG|INFO|WARN|ERROR)"
    ),
    "email": Mask(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "e-mail address"),
    "ip": Mask(r"\d{1,3}(?:\.\d{1,3}){3}\b", "IPv4 address", before=r"\b"),
}
"""Shapes of secrets and identifiers (log grammar, section 12), for the exchange; broader than the masks on purpose."""

PUBLIC: frozenset[str] = frozenset(
    {
        "nouser",
        "none",
        "null",
        "admin",
        "user",
        "AAAAAA",
        "not_a_client_id",
        "not_service_id",
        "invalid_client_id",
        "no_id",
    }
    | {
        "incorrect_token",
        "wrong_password",
        "123456",
        "invalid",
        "fail",
        "unsupported_grant",
        "localhost",
        "127.0.0.1",
        "0.0.0.0",
    }
)
"""Fixed words of the published test cases that stand where secrets stand, and are none."""


@cache
def secret_alternation() -> str:
    """All of ``SECRETS`` as one pattern; every rule has three groups: before, value, after."""
    return "|".join(f"({rule.before})({rule.value})({rule.after})" for rule in SECRETS.values())
