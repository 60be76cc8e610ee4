"""Records, lines of JSON or logfmt: level, logger and message by their common keys, the rest as ``key=value``.

Times are cut out before (``lo2.loading.lines.parser``); what is left is read once per distinct line.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lo2.levels import level_of
from lo2.loading.formats.header import Fields

TIMES = (
    "@timestamp", "timestamp", "time", "ts", "asctime", "datetime", "date", "eventTime", "event_time", "logTime",
    "log_time", "@t", "Timestamp", "Time", "$date", "created_at", "timeMillis", "receiveTimestamp", "t", "at", "when",
    "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "instant.epochSecond", "StartUTC", "_time",
    "EventTime", "eventTimestamp", "lastTimestamp", "timeUnixNano", "observedTimeUnixNano", "timestamp.seconds",
)  # fmt: skip
_LEVELS = (
    "level", "levelname", "severity", "lvl", "log.level", "loglevel", "log_level", "logLevel", "Level", "LogLevel",
    "@level", "@l", "severityText", "severity_text", "PRIORITY", "priority", "levelno", "s", "Severity",
)  # fmt: skip
LEVEL_KEYS = frozenset(name.rpartition(".")[2] for name in _LEVELS)
"""Names of fields that may hold a level, wherever in a record they stand."""
_LOGGERS = (
    "logger", "logger_name", "loggerName", "log.logger", "name", "component", "module", "target", "SourceContext",
    "Properties.SourceContext", "Category", "SYSLOG_IDENTIFIER", "@module", "channel", "c",
)  # fmt: skip
_MESSAGES = (
    "message", "msg", "MESSAGE", "fields.message", "jsonPayload.message", "textPayload", "short_message", "@message",
    "event", "log", "text", "body", "Message", "RenderedMessage", "@m", "@mt", "MessageTemplate", "line",
    "_source.message", "_source.log", "exception.message",
)  # fmt: skip
_THREADS = ("thread", "thread_name", "threadName", "process.thread.name", "ctx", "context", "Thread")
_SAID = frozenset(
    (
        "pid hostname host host.name host.hostname tid thread_id threadId process process_id process.pid "
        "processName ecs.version time_iso8601 @version _p syslog.pid instance_id container_id container.id "
        "kubernetes.pod_name kubernetes.host agent.id"
    ).split()
)
_DEPTH = 8
_PAIR = re.compile(rb'(?:^|(?<=[\s,]))([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|\S*)')


def read_json_record(body: bytes) -> Fields | None:
    """Fields of one JSON object, or None where the text is none.

    Examples
    --------
    >>> read_json_record(b'{"level":50,"time":1,"msg":"refused","order":{"id":7}}')
    Fields(level='ERROR', logger=b'', thread=b'', text=b'refused order.id=7')
    """
    try:
        record = json.loads(body)
        flat = dict(_flatten_json_record(record)) if isinstance(record, dict) else None
    except (ValueError, RecursionError):
        return None
    return None if flat is None else _record_fields(flat)


def is_json_record(line: bytes) -> bool:
    """Whether a line is one JSON object.

    Examples
    --------
    >>> is_json_record(b'{"msg":"refused"}'), is_json_record(b"{refused}")
    (True, False)
    """
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def read_logfmt_record(body: bytes) -> Fields | None:
    """Fields of one line of ``key=value`` pairs, or None where there are fewer than two.

    Examples
    --------
    >>> read_logfmt_record(b'level=warn msg="cart is slow" took=3s')
    Fields(level='WARN', logger=b'', thread=b'', text=b'cart is slow took=3s')
    """
    pairs = [(m[1].decode(), _unquoted_logfmt_value(m[2])) for m in _PAIR.finditer(body)]
    if len(pairs) < 2:
        return None
    rest = b" ".join(_PAIR.sub(b"", body).split()).decode("utf-8", "surrogateescape")
    flat = dict(pairs)
    if rest:
        flat["message"] = f"{rest} {flat['message']}" if "message" in flat else rest
    return _record_fields(flat)


def _unquoted_logfmt_value(value: bytes) -> str:
    text = value.decode("utf-8", "surrogateescape")
    return (
        text[1:-1].replace('\\"', '"').replace("\\n", "\r")
        if text[:1] == '"' and text[-1:] == '"' and len(text) > 1
        else text
    )


def _flatten_json_record(record: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < _DEPTH:
            yield from _flatten_json_record(value, f"{name}.", depth + 1)
        else:
            yield name, value


def _record_fields(flat: dict[str, Any]) -> Fields:
    journal = "MESSAGE" in flat
    level = _take_record_level(flat)
    logger, message, thread = (_take_record_value(flat, names) for names in (_LOGGERS, _MESSAGES, _THREADS))
    rest = [
        f"{key}={_record_value_text(value)}"
        for key, value in flat.items()
        if not (_is_time_key(key) or key in _SAID or value is None or (journal and key.lstrip("_").isupper()))
    ]
    text = " ".join(filter(None, (message, *rest)))
    return Fields(level, _record_text_bytes(logger), _record_text_bytes(thread), _record_text_bytes(text))


def _is_time_key(key: str) -> bool:
    return (
        key in TIMES
        or key.rpartition(".")[2] in ("$date", "epochSecond", "nanoOfSecond", "@timestamp")
        or key == "timestamp.nanos"
    )


def _take_record_level(flat: dict[str, Any]) -> str:
    for name in _LEVELS:
        value = flat.get(name)
        if value is not None and (found := level_of(value)):
            del flat[name]
            return found
    return ""


def _take_record_value(flat: dict[str, Any], names: tuple[str, ...]) -> str:
    """The first of these that is there and says something, taken out."""
    for name in names:
        value = flat.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            del flat[name]
            return _record_value_text(value)
    return ""


def _record_value_text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.strip().replace("\r\n", "\n").replace("\n", "\r")


def _record_text_bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # escapes may name half a character, raw bytes none at all
        return text.encode(
            "utf-8", "surrogateescape" if not re.search("[\ud800-\udbff\udd00-\udfff]", text) else "replace"
        )
