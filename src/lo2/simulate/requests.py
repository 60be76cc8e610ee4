"""Requests: the lines of one before its handler gets it (path, validation), of the handler and of configuration."""

from lo2.simulate.tables import simulation_table_rows, simulation_traces

HEAD = "\x01"  # Stands where a line's thread and correlation id go; lines without it are continuations.

LINES = {name: f"{HEAD}{head} - {message}" for name, head, message in simulation_table_rows("lines")}
TRACES = simulation_traces()
ANSWERS = {
    code: f'{{"statusCode":{number},"code":"{code}","message":"{name}","description":"{text}","severity":"ERROR"}}'
    for code, number, name, text in simulation_table_rows("answers")
}
_BODIES = {f"{{{name}}}": (fields.split(), checks.split()) for name, fields, checks in simulation_table_rows("bodies")}

# Paths of each service's specification, in file order.
_PATHS = {
    "token": ("token",),
    "code": ("code",),
    "user": ("user", "user/{userId}", "password/{userId}"),
    "client": ("client", "client/{clientId}"),
    "service": ("service", "service/{serviceId}"),
    "refresh-token": ("refresh_token", "refresh_token/{refreshToken}"),
}
# Parameters that pass a second validator; all are checked for their type.
_SECOND_CHECK = {"page": ["format"], "response_type": ["enum"]}


def match_request_path(service: str, path: str) -> list[str]:
    """Paths of the specification tried for ``path``, the last one matches.

    Examples
    --------
    >>> match_request_path("client", "client/none")
    ['client', 'client/{clientId}']
    """
    paths = _PATHS[service]
    kind, has_id = path.split("/")[0], "/" in path
    at = next(at for at, spec in enumerate(paths) if spec.split("/")[0] == kind and ("/" in spec) == has_id)
    return list(paths[: at + 1])


def request_arrival(path: str, tried: list[str]) -> list[str]:
    """Lines from the request's arrival to its validation."""
    asked = [f"{LINES['path']}path = /oauth2/{path}, base path is set to: null", _normalised_request_path(path)]
    walked = [
        text for spec in tried for text in (f"{LINES['path']}path =/oauth2/{spec}", _normalised_request_path(spec))
    ]
    return [*asked, *walked, *asked]


def _normalised_request_path(path: str) -> str:
    return f"{LINES['path']}normalised = /oauth2/{path}"


def _request_validation_lines(value: str, root: str, at: str, validators: list[str]) -> list[str]:
    return [f"{LINES[validator]}validate( {value}, {root}, {at})" for validator in validators]


def request_validation(item: str) -> list[str]:
    """Lines of the validation of one parameter (``name=value``) or of a JSON body (``{kind}``)."""
    if item in _BODIES:
        return _validate_request_body(*_BODIES[item])
    name, _, value = item.partition("=")
    shown = value if name == "page" else f'"{value}"'
    return _request_validation_lines(shown, shown, name, ["type", *_SECOND_CHECK.get(name, [])])


def _validate_request_body(fields: list[str], checks: list[str]) -> list[str]:
    """The whole body is printed as the root of each check, and as the value of those for an absent field."""
    values = {name: f'"%({other or name})s"' for name, _, other in (field.partition("=") for field in fields)}
    root = "{" + ",".join(f'"{name}":{value}' for name, value in values.items()) + "}"
    lines = _request_validation_lines(root, root, "requestBody", ["type", "required", "properties"])
    for check in checks:
        name, _, second = check.rstrip("-").partition(":")
        if check.endswith("-"):
            lines += _request_validation_lines(root, root, f"requestBody.{name}", ["required"])
        else:
            lines += _request_validation_lines(
                values[name], root, f"requestBody.{name}", ["type", *filter(None, [second])]
            )
    return lines


def request_handling(step: str, method: str, path: str, spec: str) -> list[str]:
    """Lines of one step of the handler, as ``tables/flows.txt`` names it."""
    if step.startswith("api:"):
        _, code, reason = step.split(":")
        return [LINES["api_exception"], f"com.networknt.exception.ApiException: {ANSWERS[code]}", *TRACES[reason]]
    if step.startswith("ERR"):
        code, _, missing = step.partition(":")
        answer = ANSWERS[code].replace("{missing}", missing).replace("{path}", f"/oauth2/{spec}")
        return [LINES["status"] + answer]
    name, _, trace = step.partition("+")
    line = LINES[name].replace("{method}", method).replace("{uri}", f"/oauth2/{path}")
    return [line, *(TRACES[trace] if trace else [])]


def load_config(name: str) -> list[str]:
    """The four lines that loading ``<name>.yml`` from the class path writes."""
    steps = ("load", "load_folder", "load_class_path", "load_default")
    return [LINES[step].replace("{name}", name).replace("{file}", f"{name}.yml") for step in steps]


def load_values() -> list[str]:
    """The lines of the vain search for ``values``; the last goes to stdout without a header."""
    lines = []
    for extension, following in (("yml", "yaml"), ("yaml", "json"), ("json", "")):
        steps = ("load_folder", "load_class_path", *(["load_next"] if following else []))
        lines += [LINES[step].replace("{file}", f"values.{extension}").replace("{next}", following) for step in steps]
    return [*lines, *TRACES["no_values"]]
