"""What each request writes, compiled from one table into text that only waits for the values of a request."""

import re
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lo2.simulate.lines import LINES, MAP_LOGGERS, STATUS, line
from lo2.simulate.traces import TRACES, api_exception

HEAD = "\x01"  # Stands where a line's time, thread and correlation id go.

_PATHS = {
    "token": ("token",),
    "code": ("code",),
    "user": ("user", "user/{userId}", "password/{userId}"),
    "client": ("client", "client/{clientId}"),
    "service": ("service", "service/{serviceId}"),
    "refresh-token": ("refresh_token", "refresh_token/{refreshToken}"),
}
# Parameters that pass a second validator; all are checked for their type.
_SECOND_CHECK = {"page": "format", "response_type": "enum"}

# JSON bodies: fields in the order of the request (name=placeholder where they differ), then in the order of the checks
# (name:second validator, name- where the body lacks the field).
_BODIES = {
    "{client}": (
        "clientType clientProfile clientName clientDesc scope redirectUri ownerId host",
        "redirectUri derefClientId- clientDesc clientId- clientType:enum clientProfile:enum clientName customClaim- "
        "scope clientSecret- ownerId authenticateClass-",
    ),
    "{service}": (
        "serviceId=id serviceType serviceName serviceDesc scope ownerId host",
        "serviceType:enum serviceDesc scope serviceId serviceName ownerId updateDt- createDt-",
    ),
    "{user}": (
        "userId=id userType firstName lastName email password passwordConfirm=password",
        "firstName lastName password:format passwordConfirm:format userType:enum updateDt- userId createDt- email",
    ),
    "{user no confirm}": (
        "userId=id userType firstName lastName email password",
        "firstName lastName password:format passwordConfirm- userType:enum updateDt- userId createDt- email",
    ),
    "{user mismatch}": (
        "userId=id userType firstName lastName email password=newPassword passwordConfirm=other",
        "firstName lastName password:format passwordConfirm:format userType:enum updateDt- userId createDt- email",
    ),
    "{password}": (
        "password newPassword newPasswordConfirm=newPassword",
        "newPasswordConfirm:format password:format newPassword:format",
    ),
    "{password mismatch}": (
        "password newPassword newPasswordConfirm=other",
        "newPasswordConfirm:format password:format newPassword:format",
    ),
}
_DEFAULTS = {
    "clientType": "public",
    "clientProfile": "mobile",
    "userType": "admin",
    "serviceType": "swagger",
    "scope": "read write",
    "ownerId": "admin",
    "host": "lightapi.net",
    "redirectUri": "http://localhost:8000/authorization",
    "method": "S256",
}
_SHAPES = {
    **dict.fromkeys(("firstName", "lastName", "clientName", "serviceName"), "name"),
    **dict.fromkeys(("email", "password", "newPassword", "other", "clientDesc", "serviceDesc"), "uuid"),
    **{"challenge": "challenge", "code": "id22"},
}

_LOGIN = "Authorization=Basic YWRtaW46MTIzNDU2"
_WRONG_LOGIN = "Authorization=Basic YWRtaW46d3JvbmdfcGFzc3dvcmQ="
# Query parameters come in the order of Java's hash table; validation ends at the first that fails.
_ASK = "response_type=code; redirect_uri=http://localhost:8080/authorization"
_CODE = f"{_ASK}; client_id=%(client_id)s"
_PKCE = f"{_ASK}; code_challenge_method=%(method)s; client_id=%(client_id)s; code_challenge=%(challenge)s"
_SIGN_IN = "auth_set auth_try auth_found auth_credential auth_factory"
_SIGNED_IN = f"{_SIGN_IN} auth_done auth_outcome auth_result params"
_TOKEN = "authorization=%(authorization)s"  # noqa: S105 - the header's name
_CRASH = "error_code+error_code ERR10010"

# name | service | request | validated besides the path | then | map store | ms
# then: lines by name, ERRnnnnn answers, a line+its trace, api:ERRnnnnn:path for a token ApiException; ~ marks slow work.
# map store: map:operations:key; L load, S store, D delete, X failing delete, l a load mostly answered by a near cache.
_TABLE = f"""
user_post            | user    | POST user              |                     |          | User:LSL:id | 20
user_put             | user    | PUT user               |                     |          | User:SL:id  | 18
user_get             | user    | GET user/%(id)s        |                     |          |             | 1
user_page            | user    | GET user               | page=1              |          |             | 25
user_delete          | user    | DELETE user/%(id)s     |                     |          | User:D:id   | 15
password_post        | user    | POST password/%(id)s   | {{password}}        |          | User:SL:id  | 24
user_post_exists     | user    | POST user              | {{user}}            | ~ERR12021 | User:L:id  | 6
user_post_no_confirm | user    | POST user              | {{user no confirm}} | ERR12011 |             | 2
user_post_mismatch   | user    | POST user              | {{user mismatch}}   | ERR12012 |             | 2
user_put_404         | user    | PUT user               | {{user}}            | ~ERR12013 | User:L:id  | 4
user_get_404         | user    | GET user/%(id)s        |                     | ~ERR12013 | User:L:id  | 4
user_no_page         | user    | GET user               |                     | ERR11000:page invalid | | 1
user_delete_404      | user    | DELETE user/%(id)s     |                     | ~ERR12013 | User:L:id  | 4
password_wrong       | user    | POST password/%(id)s   | {{password}}        | ~ERR12016 |            | 12
password_404         | user    | POST password/%(id)s   | {{password}}        | ~ERR12013 | User:L:id  | 4
password_mismatch    | user    | POST password/%(id)s   | {{password mismatch}} | ~ERR12012 |          | 12
service_post         | service | POST service           |                     |          | Service:LSL:id | 20
service_put          | service | PUT service            | {{service}}         |          | Service:SL:id  | 18
service_get          | service | GET service/%(id)s     |                     |          | Service:l:id   | 1
service_page         | service | GET service            | page=1              |          |                | 25
service_delete       | service | DELETE service/%(id)s  |                     |          | ServiceEndpoint:D:id Service:D:id | 25
service_post_exists  | service | POST service           |                     | ~ERR12018 |               | 2
service_post_enum    | service | POST service           |                     | ~exception+service_type {_CRASH} | Service:L:id | 4
service_put_404      | service | PUT service            | {{service}}         | ~ERR12015 | Service:l:id  | 3
service_get_404      | service | GET service/%(id)s     |                     | ~ERR12015 | Service:l:id  | 2
service_delete_404   | service | DELETE service/%(id)s  |                     | ~ERR12015 | Service:l:id  | 2
service_no_page      | service | GET service            |                     | ERR11000:page invalid |   | 1
client_post          | client  | POST client            |                     |          | Client:LSL:id | 26
client_put           | client  | PUT client             | {{client}}          | exception+null_key {_CRASH} |   | 4
client_get           | client  | GET client/%(id)s      |                     |          |               | 1
client_page          | client  | GET client             | page=1              |          |               | 30
client_delete        | client  | DELETE client/%(id)s   |                     |          | Client:D:id   | 15
client_delete_500    | client  | DELETE client/%(id)s   |                     | ~exception+foreign_key {_CRASH} | Client:X:id | 12
client_post_enum     | client  | POST client            |                     | ~exception+client_type {_CRASH} | Client:L:id | 6
client_put_invalid   | client  | PUT client             | {{client}}          | ERR11004 invalid |         | 2
client_delete_404    | client  | DELETE client/%(id)s   |                     | ~ERR12014 | Client:l:id  | 2
client_get_404       | client  | GET client/%(id)s      |                     | ~ERR12014 | Client:l:id  | 2
client_no_page       | client  | GET client             |                     | ERR11000:page invalid |   | 1
refresh_get          | refresh-token | GET refresh_token/%(id)s    |          | rt_get    |              | 1
refresh_get_404      | refresh-token | GET refresh_token/%(id)s    |          | rt_get ERR12029 | RefreshToken:l:id | 1
refresh_delete       | refresh-token | DELETE refresh_token/%(id)s |          | rt_delete | RefreshToken:D:id | 35
refresh_delete_404   | refresh-token | DELETE refresh_token/%(id)s |          | rt_delete ERR12029 | RefreshToken:l:id | 1
refresh_page         | refresh-token | GET refresh_token           | page=1   | rt_page   |              | 3
refresh_no_page      | refresh-token | GET refresh_token           |          | ERR11000:page invalid |  | 1
code_plain           | code | GET code | {_CODE}; {_LOGIN}             | {_SIGNED_IN} ~redirect   |              | 5
code_pkce            | code | GET code | {_PKCE}; {_LOGIN}             | {_SIGNED_IN} ~redirect   |              | 5
code_unauthenticated | code | GET code | {_CODE}; {_WRONG_LOGIN}       | {_SIGN_IN} ~auth_failed auth_refused auth_challenge auth_sent | | 3
code_no_type         | code | GET code |       | ERR11000:response_type invalid | | 1
code_bad_type        | code | GET code | response_type=fail | ERR11004 invalid | | 1
code_no_client       | code | GET code | {_ASK} | ERR11000:client_id invalid | | 1
code_unknown_client  | code | GET code | {_CODE}; {_LOGIN}             | {_SIGNED_IN} ~ERR12014   | Client:l:id  | 4
code_bad_method      | code | GET code | {_PKCE}; {_LOGIN}             | {_SIGNED_IN} ERR12033    |              | 4
code_long_challenge  | code | GET code | {_PKCE}; {_LOGIN}             | {_SIGNED_IN} ERR12035    |              | 4
code_bad_challenge   | code | GET code | {_PKCE}; {_LOGIN}             | {_SIGNED_IN} ERR12036    |              | 4
token_cc             | token | POST token | {_TOKEN} | cc ~jwt jks                              |              | 6
token_ac             | token | POST token | {_TOKEN} | ac ac_map ~jwt jks                       | RefreshToken:SL:id | 9
token_rt             | token | POST token | {_TOKEN} | rt ~jwt jks           | RefreshToken:D:id RefreshToken:LSL:new | 12
token_rt_404         | token | POST token | {_TOKEN} | rt ~api:ERR12029:refresh                 | RefreshToken:L:id | 4
token_bad_grant      | token | POST token | {_TOKEN} | ERR12001                                 |              | 1
token_no_client      | token | POST token | {_TOKEN} | ac ~api:ERR12014:client_unknown          | Client:l:id  | 3
token_wrong_secret   | token | POST token | {_TOKEN} | ac ~api:ERR12007:secret_wrong            |              | 6
token_bad_header     | token | POST token | {_TOKEN} | ac api:ERR12003:header_invalid           |              | 2
token_no_header      | token | POST token | {_TOKEN} | ac api:ERR12002:header_missing           |              | 2
token_not_a_form     | token | POST token |          | token_exception+no_form ERR12000         |              | 2
token_bad_basic      | token | POST token | {_TOKEN} | ac api:ERR12004:basic_invalid            |              | 2
token_long_verifier  | token | POST token | {_TOKEN} | ac ac_map ~api:ERR12039:verifier_long    |              | 7
token_short_verifier | token | POST token | {_TOKEN} | ac ac_map ~api:ERR12038:verifier_short   |              | 7
token_no_verifier    | token | POST token | {_TOKEN} | ac ac_map ~api:ERR12040:verifier_missing |              | 7
token_bad_verifier   | token | POST token | {_TOKEN} | ac ac_map ~api:ERR12041:verifier_failed  |              | 7
"""  # noqa: E501

_PAUSE_MS = 0.12  # Between two ordinary lines of a request.


@dataclass(frozen=True)
class Flow:
    """The lines of one kind of request and what it asks of the world."""

    service: str
    lines: tuple[str, ...]
    slow: frozenset[int] = frozenset()
    stores: tuple[tuple[str, str], ...] = ()
    ms: float = 1.0

    @cached_property
    def text(self) -> str:
        """All lines, ready for ``%`` with the values of a request."""
        return re.sub(r"%(?!\()", "%%", "\n".join(self.lines))

    @cached_property
    def headed(self) -> NDArray[np.bool_]:
        """True for lines with a time; stack frames and stdout text have none."""
        return np.array([text.startswith(HEAD) for text in self.lines])

    @cached_property
    def pauses(self) -> NDArray[np.float64]:
        """Mean milliseconds before each line; a trace is written at once."""
        pauses = np.where(self.headed, _PAUSE_MS, 0.0)
        pauses[list(self.slow)] = self.ms * 0.8
        return pauses

    @cached_property
    def size(self) -> int:
        """Number of lines."""
        return len(self.lines)

    @cached_property
    def defaults(self) -> dict[str, str]:
        """Values that are the same in every request."""
        return {name: _DEFAULTS[name] for name in self._names if name in _DEFAULTS}

    @cached_property
    def fresh(self) -> tuple[tuple[str, str], ...]:
        """Values drawn for every request: name and shape."""
        return tuple((name, _SHAPES[name]) for name in self._names if name in _SHAPES)

    @cached_property
    def _names(self) -> list[str]:
        return sorted(set(re.findall(r"%\((\w+)\)s", self.text)))

    def first(self, part: str) -> int:
        """Index of the first line that holds ``part``, -1 without one."""
        return next((at for at, text in enumerate(self.lines) if part in text), -1)

    def inserted(self, lines: list[str], at: int) -> "Flow":
        """The same flow with ``lines`` put in before line ``at``."""
        slow = frozenset(old if old < at else old + len(lines) for old in self.slow)
        return replace(self, lines=(*self.lines[:at], *lines, *self.lines[at:]), slow=slow)


def headed(line_text: str) -> str:
    """A line that gets a time, a thread and a correlation id."""
    return HEAD + line_text


def _walk(uri: str, paths: tuple[str, ...]) -> tuple[list[str], str]:
    """Lines of the handlers before validation, and the path of the specification that matched."""

    def path(message: str) -> str:
        return headed(line("path", message))

    asked = [path(f"path = {uri}, base path is set to: null"), path(f"normalised = {uri}")]
    kind = uri.removeprefix("/oauth2/")
    matched = next(
        spec for spec in paths if spec.split("/")[0] == kind.split("/")[0] and ("/" in spec) == ("/" in kind)
    )
    lines = list(asked)
    for spec in paths[: paths.index(matched) + 1]:
        lines += [path(f"path =/oauth2/{spec}"), path(f"normalised = /oauth2/{spec}")]
    return lines + asked, matched


def _checks(value: str, root: str, at: str, validators: list[str]) -> list[str]:
    return [headed(line(validator, f"validate( {value}, {root}, {at})")) for validator in validators]


def _validate_parameter(name: str, value: str) -> list[str]:
    shown = value if name == "page" else f'"{value}"'
    second = [_SECOND_CHECK[name]] if name in _SECOND_CHECK else []
    return _checks(shown, shown, name, ["type", *second])


def _validate_body(kind: str) -> list[str]:
    fields, checks = _BODIES[kind]
    placeholder = {}
    for field in fields.split():
        name, _, other = field.partition("=")
        placeholder[name] = f'"%({other or name})s"'
    root = "{" + ",".join(f'"{name}":{value}' for name, value in placeholder.items()) + "}"
    lines = _checks(root, root, "requestBody", ["type", "required", "properties"])
    for check in checks.split():
        name, _, second = check.rstrip("-").partition(":")
        absent = check.endswith("-")
        validators = ["required"] if absent else ["type", *([second] if second else [])]
        lines += _checks(root if absent else placeholder[name], root, f"requestBody.{name}", validators)
    return lines


def _answer(step: str, path: str) -> list[str]:
    """Lines of one step of the handler."""
    if step.startswith("api:"):
        _, code, reason = step.split(":")
        return [headed(LINES["api_exception"]), *api_exception(STATUS[code], reason)]
    if step.startswith("ERR"):
        code, _, missing = step.partition(":")
        status = STATUS[code].replace("{missing}", missing).replace("{path}", f"/oauth2/{path}")
        return [headed(line("status", status))]
    name, _, trace = step.partition("+")
    return [headed(LINES[name]), *(TRACES[trace] if trace else [])]


def _flow(row: str) -> tuple[str, Flow]:
    name, service, request, validated, then, stores, ms = (cell.strip() for cell in row.split("|"))
    method, path = request.split()
    uri = f"/oauth2/{path}"
    lines, matched = _walk(uri, _PATHS[service])
    if "/" in path:
        lines += _validate_parameter(matched.split("{")[1].rstrip("}"), "%(id)s")
    for item in filter(None, validated.split("; ")):
        lines += _validate_body(item) if item in _BODIES else _validate_parameter(*item.split("=", 1))
    slow = set()
    for step in then.split():
        if step.startswith("~"):
            slow.add(len(lines))
        lines += [
            text.replace("{method}", method).replace("{uri}", uri) for text in _answer(step.removeprefix("~"), matched)
        ]
    operations = tuple((where.rsplit(":", 1)[0], where.rsplit(":", 1)[1]) for where in stores.split())
    return name, Flow(service, tuple(lines), frozenset(slow), operations, float(ms))


FLOWS = dict(map(_flow, _TABLE.strip().splitlines()))


def _operation(store: str, letters: str) -> Flow:
    """Lines of the owner of a key: ``letters`` as in the table."""
    logger = MAP_LOGGERS[store]
    words = {"L": "DEBUG {} load - Load:", "S": "DEBUG {} store - Store:", "D": "DEBUG {} delete - Delete:"}
    words["X"] = words["D"]
    lines = [headed(words[letter.upper()].format(logger) + "%(key)s") for letter in letters]
    if letters == "X":
        lines += [headed(f"ERROR {logger} delete - Exception:"), *TRACES["map_store"], *TRACES["record"]]
    return Flow("", tuple(lines), frozenset(range(1, len(letters))), (), 2.0)


OPERATIONS = {
    where: _operation(*where.split(":"))
    for where in sorted({where for flow in FLOWS.values() for where, _ in flow.stores})
}
