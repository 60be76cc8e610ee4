"""LO2's own rows: what is a value in its logs, and the shapes of its identifiers that the exchange looks for.

They are contextual, because the shapes of ids collide with words that carry the signal: ``UNSUPPORTED_GRANT_TYPE`` has
the 22 characters of an authorisation code.
"""

import re
from collections.abc import Mapping

from lo2.levels import LOGBACK
from lo2.masking.masks import Mask

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

_VALIDATED = "DEBUG com.networknt.schema.TypeValidator debug - validate( "
_CODE, _CHALLENGE = "a" * 22, "a" * 43

SHORT_CUTS: Mapping[str, str] = {
    r"\?code=[A-Za-z0-9_-]{21}[A-Za-z0-9_]\b": f"?code={_CODE}",
    r"([^=]) code = [A-Za-z0-9_-]{21}[A-Za-z0-9_]\b": f"${{1}} code = {_CODE}",  # else `code` is a PKCE value itself
    r"\"Basic [A-Za-z0-9]{4}[A-Za-z0-9+/]{12,}": f'"Basic {"A" * 16}',
    rf'^{re.escape(_VALIDATED)}"[A-Za-z0-9_-]{{43}}", "[A-Za-z0-9_-]{{43}}", code_challenge\)': (
        f'{_VALIDATED}"{_CHALLENGE}", "{_CHALLENGE}", code_challenge)'
    ),
}
"""Ids that the masks replace anyway, and what stands in for each: few texts differ then, and the masks run over few.

Where such an id stands one mask covers all of it, or an earlier match swallows all of it, and neither depends on which
characters it has; masked text must not change by them, which a test holds against the masks.
"""

_ID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-(?:[0-9A-Fa-f]{12}|[0-9A-Fa-f]{8})\b"
_ID_OR_HEX8 = rf"(?:{_ID}|[0-9a-f]{{8}}\b)"
_QUOTE = r"(?:\\*\"|&quot;|&#34;|%22)"
_FIELDS = (
    "[Pp]assword|passwordConfirm|newPassword|newPasswordConfirm|passwd|e?[Mm]ail|clientSecret|client_secret|secret"
    "|refreshToken|refresh_token|accessToken|access_token|id_token|codeVerifier|code_verifier|codeChallenge"
    "|code_challenge|firstName|lastName|userName|user_name|username|userId|ownerId|clientId|client_id|api_?[Kk]ey"
)
_ASSIGNED = "(?:refresh_?|access_?|id_)[Tt]oken|[Pp]assword|client_?[Ss]ecret|api_?[Kk]ey"

IDENTIFIERS: Mapping[str, Mask] = {
    "basic": Mask(r"[A-Za-z0-9+/_-]{16,}={0,2}", "credentials of the Basic scheme", before="Basic (?:%20)?"),
    "bearer": Mask(r"[A-Za-z0-9._~+/-]{7,}[A-Za-z0-9_~+/-]=*", "access token", before="Bearer (?:%20)?"),
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
    "correlation": Mask(r"[A-Za-z0-9_-]{22}", "correlation id in a header", before=r"\]  ", after=f" (?:{LOGBACK})"),
}
"""Shapes of secrets and identifiers (log grammar, section 12), for the exchange; broader than the masks on purpose."""
