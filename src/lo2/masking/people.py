"""What names a person or a machine: accounts, numbers, addresses, home folders."""

from collections.abc import Mapping

from lo2.masking.masks import Mask
from lo2.masking.named import QUOTE, TIMES

_LOCAL = "[A-Za-z0-9._%+\u0080-\U0010ffff-]"
_HOST = "[A-Za-z0-9\u0080-\U0010ffff-]"

PEOPLE: Mapping[str, Mask] = {
    "person": Mask(
        "[^\"'\\\\&%<\x1f]+",
        "names and e-mail addresses of people in JSON, and who logs in",
        before=rf"{QUOTE}(?i:e?mail|(?:first|last|full|user)_?name){QUOTE}[ ]?:[ ]?{QUOTE}"
        r"|(?i:user ?name) (?:'|&#39;)",
        examples=(('{"full_name":"Erika"}', '{"full_name":"<*>"}'), ("user name 'erika' and", "user name '<*>' and")),
        triggers=("mail", "name"),
    ),
    "home": Mask(
        "[^\\s/\\\\\"'<>:;,\x1f]+",
        "user name in a home path",
        before=r"(?:/home/|/Users/|\\/(?:home|Users)\\/|(?i:[a-z]:(?:\\{1,4}|/)users(?:\\{1,4}|/)))",
        examples=(("open /home/erika/x", "open /home/<*>/x"), (r"C:\Users\erika\x", r"C:\Users\<*>\x")),
        triggers=("home", "users"),
    ),
    "home_encoded": Mask(
        "[^\\s/\\\\\"'<>:;,%&\x1f]+",
        "the same, encoded",
        before=rf"{TIMES}2[Ff](?:home|Users){TIMES}2[Ff]",
        examples=(("f=%2Fhome%2Ferika%2Fx", "f=%2Fhome%2F<*>%2Fx"),),
        triggers=("home", "users"),
    ),
}
"""By the words in front."""

NUMBERS: Mapping[str, Mask] = {
    "card": Mask(
        r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6(?:011|5\d\d))(?:[ -]?\d{4}){3}\b|3[47]\d\d[ -]?\d{6}[ -]?\d{5}\b",
        "card numbers, with blanks or dashes or none",
        before=r"(?:^|[^\w.,-])".replace(r"\w", "0-9A-Za-z_"),
        examples=(("paid 4929-1234-5678-9012 ok", "paid <*> ok"), ("0.4111111111111111", "0.4111111111111111")),
    ),
    "iban": Mask(
        r"\b[A-Z]{2}\d\d(?:[ -]?[A-Z0-9]{4}){3,7}(?:[ -]?[A-Z0-9]{1,3})?\b",
        "bank accounts, with blanks or dashes or none",
        examples=(("pay DE89 3704 0044 0532 0130 00 now", "pay <*> now"),),
    ),
    "ssn": Mask(
        r"\d{3}-\d\d-\d{4}\b",
        "US social security numbers",
        before=r"(?:^|[^\w.-])".replace(r"\w", "0-9A-Za-z_"),
        examples=(("ssn 078-05-1120 x", "ssn <*> x"),),
    ),
    "phone": Mask(
        r"\+[1-9]\d{0,2}(?:[ ./-]?\(?\d{1,4}\)?){2,6}\b",
        "telephone numbers with their country",
        before=r"(?:^|[\s\"'=:(>,])",
        examples=(("sms to +49-170-5552306 sent", "sms to <*> sent"),),
    ),
    "guid": Mask(
        r"\b[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{8,12}\b",
        "identifiers in capitals",
        examples=(("ref CA7A0072-0000-4000-8000-0000CA7A0072", "ref <*>"),),
    ),
    "mac": Mask(
        r"\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b|\b[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}\b"
        r"|\b[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\b",
        "hardware addresses",
        examples=(("lease aa:bb:cc:dd:ee:0f gone", "lease <*> gone"),),
    ),
    "ipv6": Mask(
        r"\b[0-9A-Fa-f]{3,4}:(?:[0-9A-Fa-f]{1,4}:){0,6}(?::[0-9A-Fa-f]{1,4}){1,6}\b|\b(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}\b",
        "IPv6 addresses",
        examples=(("peer 2001:db8:ca7a::1 closed", "peer <*> closed"),),
    ),
    "ipv4": Mask(
        r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b",
        "IPv4 addresses",
        examples=(("from 84.17.9.200 on", "from <*> on"),),
    ),
}
"""Made of digits."""

ALONE: Mapping[str, Mask] = {
    "principal": Mask(
        r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)?@[A-Z][A-Z0-9-]+(?:\.[A-Z0-9-]+)*\b",
        "Kerberos principals",
        before="(?:^|[^A-Za-z0-9._/-])",
        examples=(("principal bob/admin@CORP.EXAMPLE x", "principal <*> x"),),
    ),
    "email": Mask(
        rf"{_LOCAL}+(?:@|{TIMES}40|\\u0040|&#64;|&#x40;){_HOST}+(?:\.{_HOST}+)+",
        "e-mail addresses, in any script and encoding",
        before=f"(?:^|[^{_LOCAL[1:]})",
        examples=(("mail j\u00fcrgen.x@m\u00fcller.example failed", "mail <*> failed"), ("?m=a%40b.example", "?m=<*>")),
    ),
}
"""Rows of counted characters that may start anywhere, which would slow an alternation down: each goes alone."""
