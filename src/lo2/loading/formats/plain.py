"""Headers of lines without a time: the same kind of rows as ``lo2.loading.formats.headers``, with ``place="none"``."""

from collections.abc import Mapping

from lo2.levels import LETTER, WORD
from lo2.loading.formats.header import SQUARE, Header

PLAIN: Mapping[str, Header] = {
    "python": Header(
        rf"{WORD}:(?P<logger>[\w.-]+):",
        (("WARNING:root:disk is full", "WARN", "root", "disk is full"),), place="none",
    ),
    "uvicorn": Header(
        rf"{WORD}: {{2,}}", (('INFO:     127.0.0.1:5 - "GET /" 200', "INFO", "", '127.0.0.1:5 - "GET /" 200'),), place="none"
    ),
    "dotnet": Header(
        r"(?P<level>trce|dbug|info|warn|fail|crit): (?P<logger>[\w.`]+)(?P<text>\[\d+\])?",
        (("fail: Shop.Pay[7]", "ERROR", "Shop.Pay", "[7]"),), place="none",
    ),
    "logcat brief": Header(
        rf"{LETTER}/(?P<logger>[^(\n]{{1,60}}?) *\( *\d+\): ",
        (("E/PayActivity( 4711): refused", "ERROR", "PayActivity", "refused"),), place="none",
    ),
    "kernel ring": Header(
        r"(?:<\d+>)?\[ *\d+\.\d{4,6}\](?:\[ *[TC]\d+\])? (?:(?P<logger>[a-z][\w-]{1,30}): )?",
        (("[   12.345678] usb: new device", "", "usb", "new device"),), place="none",
    ),
    "uptime": Header(
        rf"\[\d+\.\d{{3}}s\]\[{WORD} *\]\[(?P<logger>[^\]\n]*)\] ",
        (("[0.015s][info][gc] Using G1", "INFO", "gc", "Using G1"),), place="none",
    ),
    "npm": Header(
        r"npm (?P<level>ERR!|WARN|notice|error|warn|info) ", (("npm ERR! code E404", "ERROR", "", "code E404"),),
        place="none", signs={"ERR!": "ERROR"},
    ),
    "thread level": Header(
        rf"(?:\d+ )?{SQUARE} {WORD} +(?P<logger>[\w.$]+) +- ",
        (
            ("[main] INFO org.acme.App - up", "INFO", "org.acme.App", "up"),
            ("4711 [main] INFO org.acme.App  - up", "INFO", "org.acme.App", "up"),
        ),
        place="none",
    ),
    "logrus": Header(
        rf"{WORD}\[\d{{4,}}\] ", (("ERRO[0041] refused   order=7", "ERROR", "", "refused   order=7"),), place="none"
    ),
    "bracket level": Header(
        rf"\[{WORD}\]:? +", (("[INFO] Building shop 1.0", "INFO", "", "Building shop 1.0"),), place="none", least=0.3
    ),
    "level first": Header(
        rf"{WORD}(?: - |:? +)", (("ERROR pay refused", "ERROR", "", "pay refused"),), place="none", least=0.3
    ),
    "ci": Header(
        r"##\[(?:(?P<level>error|warning|debug|notice)|\w+)\](?P<text>.*)",
        (("##[error]Process failed", "ERROR", "", "Process failed"), ("##[group]Run", "", "", "Run")), place="none", least=0.02,
    ),
    "plain": Header("", (("tests/test_pay.py PASSED", "", "", "tests/test_pay.py PASSED"),), place="none", least=0.0),
}  # fmt: skip
"""The same for lines without a time; the last one fits any line."""
