"""What is a value in the message of any program, and which words with a digit carry the signal and stay.

The last row is the rule: a word that holds a digit is a value as a whole. The rows before it are whole values that no
such word covers (they hold blanks or no digit), and, before those, the words that stay.
"""

from collections.abc import Mapping

from lo2.masking.masks import Mask

_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d)?(?:[.,:]\d{1,9})?(?: ?[AP]M\b)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|CET|CEST|EST|EDT|PST|PDT|[+-]\d\d:?\d\d)\b)?"
_TOP_LEVEL = (
    "com|net|org|edu|gov|mil|info|biz|arpa|local|localdomain|internal|lan|corp|example|cloud|dev|eu|uk|de|fr|it|es|nl|ch|pl"
    "|at|se|dk|fi|cz|pt|ro|hu|gr|tr|ru|ua|cn|hk|tw|jp|kr|sg|vn|au|nz|ca|mx|br|ar|cl|za|il|ir"
)
_EQUALS = r"[\"'\\]{0,4}[ ]?[=:]?[ ]?[\"'\\]{0,4}"
_WORD = "[^\\s,;:=()\\[\\]{}<>\"'|`\x1f]"
_LAST = _WORD.replace("[^", "[^.!?")
_HOLDS = rf"{_WORD}*(?:\d|[0-9a-f]{{8}})"

KEPT: Mapping[str, Mask] = {
    "http_status": Mask(
        r"HTTP/\d(?:\.\d)?[\"']? \d{3}\b|\| \d{3} \|",
        "the answer of a web server",
        keep=True,
        examples=(
            ('"GET / HTTP/1.1" 502 1274', '"GET / HTTP/1.1" 502 <*>'),
            ("| 404 | 12ms | POST", "| 404 | <*> | POST"),
        ),
    ),
    "status": Mask(
        rf"(?i:\bstatus(?:[ _-]?code)?|\bhttp[ _-]?(?:status|code)|\b(?:error|return|result|response|exit)[ _-]?code"
        rf"|\bexit(?:ed)?(?: with)?(?: (?:code|status))?|\bcode|\brc|\bresponse|\breturned|\bsignal){_EQUALS}"
        r"-?\d{1,3}\b",
        "status, exit and result codes tell failure from success",
        keep=True,
        examples=(
            ("status=502 after 12", "status=502 after <*>"),
            ("status code: 404", "status code: 404"),
            ('{"statusCode":404,"n":17}', '{"statusCode":404,"n":<*>}'),
            ("exited with code 137", "exited with code 137"),
            ("exit status 1", "exit status 1"),
        ),
    ),
    "errno": Mask(
        rf"(?i:\berrno){_EQUALS}-?\d{{1,3}}\b|\(\d{{1,3}}: [A-Z]|\b[Ee]rror:? \d{{1,5}}[,:]? ",
        "the number of a system's or a server's error",
        keep=True,
        examples=(
            ("[Errno 111] refused", "[Errno 111] refused"),
            ("errno=111", "errno=111"),
            ("connect() failed (111: Connection refused)", "connect() failed (111: Connection refused)"),
            ("Error: 18456, Severity: 14.", "Error: 18456, Severity: <*>."),
        ),
    ),
    "code": Mask(
        r"\b(?:ERR|ORA-|PLS-|TNS-|AH|MY-|SQL|E|MSB|LNK|WFLY[A-Z]{2,12}|[A-Z]{2,8}-?E)\d{3,6}[A-Z]?\b"
        r"|\b[A-Z]{2,12}-?\d{4,6}[EWI]?: |(?i:\bsqlstate)[ =:]{0,2}\[?[0-9A-Z]{5}\b",
        "error codes of programs and databases",
        keep=True,
        examples=(
            ("ERR12014 at 7", "ERR12014 at <*>"),
            ("ORA-00600: internal", "ORA-00600: internal"),
            ("AH00124: redirects", "AH00124: redirects"),
            ("[MY-010055] [Server]", "[MY-010055] [Server]"),
            ("SQLSTATE 40001", "SQLSTATE 40001"),
            ("UT005023: x", "UT005023: x"),
        ),
    ),
    "http": Mask(
        r"\b(?i:HTTP/[123](?:\.[01])?)\b",
        "the version of HTTP",
        keep=True,
        examples=(("HTTP/2 stream 17", "HTTP/2 stream <*>"),),
    ),
    "name": Mask(
        r"\b(?i:TLSv?1(?:\.[0-3])?|SSLv[23]|UTF-?(?:8|16|32)|utf8mb4|ISO-8859-1|x86_64|x86|x64|amd64|arm64"
        r"|sha-?(?:1|224|256|384|512)|md5|base64|ipv[46]|http2|h2c?|oauth2?|oauth2|k8s|s3|i18n|l10n|log4j2?|slf4j"
        r"|x509|p2p|b2b|e2e|mp[34]|ssh2|ext[34]|win32|ntlmv2)\b",
        "names of protocols, encodings and libraries that are spelt with a digit",
        keep=True,
        examples=(
            ("bad UTF-8", "bad UTF-8"),
            ("x86_64 SHA256 IPv4 utf8", "x86_64 SHA256 IPv4 utf8"),
            ("log4j Log4j2 oauth2 http2 k8s s3", "log4j Log4j2 oauth2 http2 k8s s3"),
        ),
    ),
    "class": Mask(
        r"\b[A-Z][a-z]+[0-9](?:[A-Z][a-z]+)+\b|\b(?:[a-z]+\.)+log4j2?(?:\.[A-Za-z$]+)*\b"
        r"|\b(?:[a-z_]+\.)+[A-Z][A-Za-z]*[0-9]{1,2}\b"
        r"|\b(?:[a-z_]+\.)*[A-Z][A-Za-z]*(?:\$[A-Z][A-Za-z]*|\$\d{1,2}\b)+\.[a-z][A-Za-z]*\b",
        "a class whose name holds a single digit, or that has no name of its own",
        keep=True,
        examples=(
            ("org.apache.log4j.Logger x", "org.apache.log4j.Logger x"),
            ("Oauth2TokenPostHandler", "Oauth2TokenPostHandler"),
            ("com.acme.PayV2 up", "com.acme.PayV2 up"),
            ("at a.Pool$Factory$1.run(Pool.java:9)", "at a.Pool$Factory$1.run(Pool.java:<*>)"),
        ),
    ),
}
"""Words that hold a digit and stay."""

VALUES: Mapping[str, Mask] = {
    "url": Mask(
        r"\b[a-z][a-z0-9+.-]{1,20}://(?:<\*>|[^\s\"'<>,;)\]\x1f])+",
        "a URL is one value",
        examples=(("from hdfs://a:9/b?c=1, done", "from <*>, done"),),
    ),
    "login": Mask(
        r"[^\s,;:=()\[\]\x1f]{1,64}(?: [^\s,;:=()\[\]\x1f]{1,32})?",
        "who logs in, where it is announced on both sides",
        before=r"\b(?:[Uu]ser|[Pp]assword for|publickey for) ",
        after=" from ",
        examples=(
            ("Invalid user kim lee from 10.0.0.7", "Invalid user <*> from <*>"),
            ("Failed password for root from 10.0.0.7 port 22", "Failed password for <*> from <*> port <*>"),
        ),
    ),
    "uuid": Mask(
        r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{8,12}\b",
        "uuid, also cut to 32 characters",
        examples=(("ref CA7AFFDD-ABCD-ABCD-ABCD-CA7AFFFFABCD", "ref <*>"),),
    ),
    "mac": Mask(
        r"\b(?:[0-9a-fA-F]{2}[:-]){5,7}[0-9a-fA-F]{2}\b",
        "hardware address",
        examples=(("lease 00:11:43:e3:ba:c3 gone", "lease <*> gone"),),
    ),
    "ipv6": Mask(
        r"\b[0-9a-fA-F]{3,4}:(?:[0-9a-fA-F]{1,4}:){0,6}(?::[0-9a-fA-F]{1,4}){1,6}\b|\b(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\b",
        "IPv6 address",
        examples=(("peer 2001:db8:ca7a::1 closed", "peer <*> closed"), ("fe80::a b", "<*> b")),
    ),
    "time": Mask(
        rf"\b\d{{4}}[-/.]\d\d[-/.]\d\d(?:[T _-]{_CLOCK}{_ZONE})?"
        + rf"|\b(?:{_DAY},? )?\d{{1,2}}[-/. ]{_MONTH}[-/. ]\d{{4}}(?:[: ]{_CLOCK}{_ZONE})?"
        + rf"|\b(?:{_DAY},? )?{_MONTH} {{1,2}}\d{{1,2}},? (?:\d{{4}},? )?{_CLOCK}{_ZONE}(?: \d{{4}}\b)?"
        + rf"|\b{_MONTH} {{1,2}}\d{{1,2}},? \d{{4}}\b|\b\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}} {_CLOCK}{_ZONE}"
        + rf"|\b{_CLOCK}{_ZONE}",
        "times and dates in a message",
        examples=(
            ("at 2024-05-02 08:00:01,250 +0200 x", "at <*> x"),
            ("at 2024-05-02T08:00:01.5Z", "at <*>"),
            ("[02/May/2024:08:00:03 +0000]", "[<*>]"),
            ("Date: Wed, 12 Sep 2018 09:53:28 GMT", "Date: <*>"),
            ("at Thu Jun  9 06:06:20 2005", "at <*>"),
            ("Jun 28, 2024 4:31:11 PM x", "<*> x"),
            ("since Jun 14, 2005", "since <*>"),
            ("at 08:00:01", "at <*>"),
        ),
    ),
    "host_port": Mask(
        r"/?\b(?:[A-Za-z0-9-]+\.){2,}[a-z0-9-]+:\d{2,5}\b",
        "host and port; one dot alone is that of a file and its line",
        examples=(
            ("to db.example.org:5432", "to <*>"),
            ("on /10.250.11.53:50010", "on <*>"),
            ("at Pay.java:81", "at Pay.java:<*>"),
        ),
    ),
    "path": Mask(
        r"(?:[A-Za-z]:|\\)\\[^\s\"'<>|,;)\x1f]+|[A-Za-z0-9_.@~-]*(?:/(?:<\*>|[A-Za-z0-9_.@$%+~=-])+){2,}/?",
        "a path is one value; a single step such as `/healthz` stays",
        examples=(
            ("open /var/lib/app/data failed", "open <*> failed"),
            (r"from 'C:\Windows\System32\config'", "from '<*>'"),
            ("GET /healthz", "GET /healthz"),
            ("of cart/17/item", "of <*>"),
        ),
    ),
    "amount": Mask(
        r"[-+<]?\b\d[\d.,]* (?:[KMGTPkmg]i?[Bb]|B|[Bb]ytes?|s|ms|us|ns|msecs?|millis(?:econds)?|secs?|seconds?|minutes?"
        r"|mins?|hours?|days?)\b",
        "an amount goes with its unit, which grows with it",
        examples=(
            ("free 5.2 KB, used 3 MB (0.5ms) 81%", "free <*>, used <*> (<*>) <*>"),
            ("lifetime <1 sec", "lifetime <*>"),
        ),
    ),
    "number": Mask(
        r"[-+]?\b\d{1,3}(?:,\d{3})+(?:\.\d+)?\b",
        "a number with commas between its thousands",
        examples=(("got 1,234.5 of them", "got <*> of them"),),
    ),
}
"""Whole values that hold blanks, separators or no digit."""

APART: Mapping[str, Mask] = {
    "host": Mask(
        rf"\b[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:{_TOP_LEVEL})(?:\.[a-z]{{2}})?",
        "a host by its name; names of packages go on behind such an ending",
        after=r"\.?(?:[\s,;:)\]}>\"'/|]|$)",
        examples=(
            ("rhost=mail.example.org  user=root", "rhost=<*>  user=root"),
            ("com.acme.Pay", "com.acme.Pay"),
            ("com.example.shop", "com.example.shop"),
        ),
    ),
    "hash": Mask(
        r"[0-9a-f]{5,16}\b",
        "identity of a Java object; its class stays",
        before=r"\b[A-Za-z_$][A-Za-z0-9_.$]*@",
        examples=(("org.acme.Pool@756fad98 full", "org.acme.Pool@<*> full"),),
    ),
}
"""Values with something next to them that stays: each goes over the text by itself, which is faster."""

WORDS: Mapping[str, Mask] = {
    "word": Mask(
        rf"{_HOLDS}(?:{_WORD}*{_LAST})?",
        "a word that holds a digit is a value, and so is one with eight hexadecimal digits in a row",
        examples=(
            ("blk_-123 task_0012_m eth0 i-0ab3", "<*> <*> <*> <*>"),
            ("id=deadbeef,x", "id=<*>,x"),
            ("from 84.17.9.200 at 2024-05-02 08:00:01", "from <*> at <*>"),
        ),
    ),
}
"""Words that are values, tried behind those that stay."""

JOINED: Mapping[str, Mask] = {
    "joined": Mask(
        r"<\*>(?:[:/.@_#-]{0,2}<\*>)+",
        "values joined by separators are one value",
        examples=(("<*>:<*> <*>/<*>/<*>", "<*> <*>"),),
    ),
    "list": Mask(
        r"<\*>(?:[ ,]{1,2}<\*>)+",
        "a list in brackets is one value, however many it holds",
        before=r"\[",
        after=r"\]",
        examples=(("nodes [4-7 9-12 15]", "nodes [<*>]"),),
    ),
}
"""What is left of neighbouring values."""
