"""Kinds of secrets and of what names a person: hidden at load, in every log, and looked for again in what is shared.

Each row has a name and examples. Rows are linear for every engine: what may repeat without end either begins where
nothing before it could have begun, or is bounded. ``<`` ends every value, so that a masked text stays as it is.
"""

from collections.abc import Mapping

from lo2.masks import Mask
from lo2.tokens import TOKENS

_QUOTE = r"(?:\\{0,4}[\"']|&quot;|&#34;|&#39;|%(?:25)?2[27]|\\u00?22)"
_IS = (
    rf"{_QUOTE}?[ \t]{{0,3}}(?:=>|:=|=|:|%(?:25)?3[DdAa]|\\{{1,2}}u003[DdAa])"
    rf"[ \t]{{0,3}}(?:%(?:25)?20)?(?:[bu]?{_QUOTE})?"
)
_KEY = (
    "(?i:pass(?:word|wd|wort|phrase|code)(?:confirm|_?confirmation|_?hash|_?new|_?old)?"
    "|secret(?:[_-]?(?:access)?[_-]?key)?(?:[_-]?string)?"
    "|(?:access|refresh|auth|id|api|bearer|session|csrf|xsrf|security|private|user|bot|device)[_-]?token"
    "|(?:api|access|account|private|secret|encryption|master|license|auth|signing|shared)[_-]?key"
    "|sharedaccess(?:key|signature)|credentials?|code_?(?:challenge|verifier)|sess(?:ion)?[_-]?id)"
)
_SHORT_KEY = r"(?:(?:\b|_)(?i:pass|pwd|pw|pin|otp|token|sid|sig|auth)|[a-z](?:Pass|Pwd|Pin|Token))"
_VALUE = "[^\\s\"'<>&,;|(){}%\\\\\x1f][^\\s\"'<>&,;|)}%\\\\\x1f]*"
_LOCAL = "[A-Za-z0-9._%+\u0080-\U0010ffff-]"
_HOST = "[A-Za-z0-9\u0080-\U0010ffff-]"
FREE = (
    "null|none|nil|undefined|true|false|yes|no|empty|missing|required|invalid|incorrect|wrong|expired|unknown|rejected|denied"
    "|mismatch|changed|failed|failure|failures|fail|valid|accepted|not|is|was|has|in|for|of|or|and|to|the|too|must|cannot|could|string|integer|bearer|basic"
    "|simple|digest|redacted|masked|hidden|ok|error|authentication|user|set|unset|on|off|enabled|disabled|auto|wrong_password|incorrect_token|unsupported_grant|nouser|aaaaaa|no_id"
    "|not_a_client_id|not_service_id|invalid_client_id"
)
"""Words behind the name of a secret that a program says of it."""

SAFE: Mapping[str, Mask] = {
    "word": Mask(
        rf"(?:{_KEY}|{_SHORT_KEY}){_IS}(?i:{FREE})\b",
        "what a program says of a secret is none",
        keep=True,
        examples=(("password: incorrect, token=null", "password: incorrect, token=null"),),
    ),
    "scheme": Mask(
        r"\b(?i:basic|bearer|token) (?i:realm|invalid|incorrect|expired|missing|unknown|authentication|auth)",
        "so is what it says of a header",
        keep=True,
        examples=(("Bearer incorrect_token", "Bearer incorrect_token"), ("token expired", "token expired")),
    ),
}
"""Words behind the name of a secret that carry the signal and stay."""

KINDS: Mapping[str, Mask] = {
    "private_key": Mask(
        r"(?:[A-Za-z0-9+/= \t]|\\[nr])*(?:-----END [A-Z ]{0,40}-----)?",
        "PEM, from its first line on",
        before=r"-----BEGIN [A-Z0-9 ]{0,40}-----",
        examples=((r"-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n", "-----BEGIN RSA PRIVATE KEY-----<*>"),),
    ),
    "key_line": Mask(
        r"[A-Za-z0-9+][A-Za-z0-9+/]{43,}={0,2}",
        "a long word of base64: the body of PEM, an encoded payload",
        before=r"(?:^|[\s\"'=:,(])",
        examples=(("\n" + "Ab1+" * 16, "\n<*>"), ("x " + "Ab1+" * 16, "x <*>")),
    ),
    "ssh_key": Mask(
        r"[A-Za-z0-9+/]{20,}={0,2}",
        "public key of a person",
        before=r"\b(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-[a-z0-9]{1,20}) ",
        examples=(("ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB", "ssh-rsa <*>"),),
    ),
    "jwt": Mask(
        r"\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}",
        "JSON web token, whole or cut",
        examples=(("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln end", "got <*> end"),),
    ),
    "authorization": Mask(
        rf"{_VALUE}(?:\"[^\"<\x1f\n]*\")?(?:[ ,]{{1,2}}[a-z]{{1,20}}=(?:\"[^\"<\x1f\n]*\"|[^\"\s,<]*))*",
        "Authorization headers of every scheme, in any case",
        before=rf"(?i:authorization){_IS}"
        r"(?:(?i:basic|bearer|digest|token|apikey|negotiate|ntlm|oauth|aws4-hmac-sha256)(?:[ ]|%20))?",
        examples=(
            ("authorization: bearer abcdefgh", "authorization: bearer <*>"),
            ("Authorization: Basic YjpD end", "Authorization: Basic <*> end"),
            ('Authorization: Digest username="bob", response="1f"', "Authorization: Digest <*>"),
        ),
    ),
    "scheme": Mask(
        r"[A-Za-z0-9._~+/-]{11,}[A-Za-z0-9_~+/-]={0,2}",
        "credentials behind their scheme",
        before=r"\b(?i:basic|bearer|apikey) (?:%20)?",
        examples=(("sent bearer abcdefghijklmnop", "sent bearer <*>"),),
    ),
    "cookie": Mask(
        r"[^\s;,\"'=<>]+=[^\s;,\"'<>]*(?:; ?[^\s;,\"'=<>]+=[^\s;,\"'<>]*)*",
        "cookies",
        before=rf"(?i:cookie){_IS}",
        examples=(("Cookie: JSESSIONID=ab; theme=dark", "Cookie: <*>"),),
    ),
    "session": Mask(
        r"[A-Za-z_-]{0,24}\d[A-Za-z0-9_-]{6,}",
        "name of a session in a sentence",
        before=r"\b(?i:session)(?: (?i:id))?:? ",
        examples=(("session abc123defg expired", "session <*> expired"),),
    ),
    "userinfo": Mask(
        "[^\\s@/\"'<>\x1f]+",
        "password in a URL",
        before="://[^\\s/@:\"'<>\x1f]*:",
        after="@",
        examples=(("postgres://app:s3cret@db/x", "postgres://app:<*>@db/x"), ("redis://:pw@h", "redis://:<*>@h")),
    ),
    "url_token": Mask(
        r"[A-Za-z0-9_.~-]{12,}",
        "token in place of a user in a URL",
        before="://",
        after="@",
        examples=(("https://abcdefghijklmnop@git.example/x", "https://<*>@git.example/x"),),
    ),
    "oracle": Mask(
        "[^\\s@\"'<>/\x1f]+",
        "password in a JDBC URL of Oracle",
        before="jdbc:oracle:[a-z]{1,8}:[^\\s@\"'<>/:\x1f]+/",
        after="@",
        examples=(("jdbc:oracle:thin:scott/tiger@h:1", "jdbc:oracle:thin:scott/<*>@h:1"),),
    ),
    "named": Mask(
        _VALUE,
        "passwords, tokens and keys by the name in front, in any notation and encoding",
        before=rf"{_KEY}{_IS}",
        examples=(
            ("DB_PASSWORD=hunter PATH=/bin", "DB_PASSWORD=<*> PATH=/bin"),
            ('{"db_password":"hunter","authToken":"x"}', '{"db_password":"<*>","authToken":"<*>"}'),
            (r"{\"password\":\"hunter\"}", r"{\"password\":\"<*>\"}"),
            ('{"password":12345678943}', '{"password":<*>}'),
            ("a?password=hunter&x", "a?password=<*>&x"),
            ("password%253Dhunter", "password%253D<*>"),
            (r"password\u003dhunter", r"password\u003d<*>"),
            ("Passwort: geheim", "Passwort: <*>"),
            ("{u'id': 1, u'password': u'hunter'}", "{u'id': 1, u'password': u'<*>'}"),
            ("X-Api-Key: abc", "X-Api-Key: <*>"),
            ("AccountKey=abc==;x", "AccountKey=<*>;x"),
            ('<db password="hunter"/>', '<db password="<*>"/>'),
        ),
    ),
    "shortly_named": Mask(
        _VALUE,
        "the same by the short names, which must be words of their own",
        before=rf"{_SHORT_KEY}{_IS}",
        examples=(
            ("pwd=hunter pin: abcd", "pwd=<*> pin: <*>"),
            ("'adminPass': u'hunter'", "'adminPass': u'<*>'"),
            ("bypass: always", "bypass: always"),
        ),
    ),
    "person": Mask(
        "[^\"'\\\\&%<\x1f]+",
        "names and e-mail addresses of people in JSON, and who logs in",
        before=rf"{_QUOTE}(?i:e?mail|(?:first|last|full|user)_?name){_QUOTE}[ ]?:[ ]?{_QUOTE}"
        r"|(?i:user ?name) (?:'|&#39;)",
        examples=(('{"full_name":"Erika"}', '{"full_name":"<*>"}'), ("user name 'erika' and", "user name '<*>' and")),
    ),
    "element": Mask(
        "[^<\x1f\n]+",
        "the same as an XML element",
        before=rf"(?:{_KEY}|(?i:pass|pwd|pin|token))[A-Za-z0-9_-]{{0,20}}>",
        examples=(("<password>hunter</password>", "<password><*></password>"),),
    ),
    "flag": Mask(
        _VALUE,
        "the same as a flag of a command",
        before=rf"(?:^|[\s\"'=])--?(?:[A-Za-z0-9]{{1,20}}[-_]){{0,3}}(?:{_KEY}|(?i:pass|pwd|pin|token|auth))(?:[-_][a-z]{{1,12}})?"
        rf"(?:=| {{1,3}}){_QUOTE}?",
        examples=(("run --db-password hunter -x", "run --db-password <*> -x"), ("--token=abc", "--token=<*>")),
    ),
    "short_flag": Mask(
        "[^\\s<\x1f]+",
        "password behind -p",
        before=r"\b(?:mysql[a-z]{0,8}|mariadb[a-z-]{0,8}|sshpass|ldap[a-z]{1,8}|redis-cli)\b(?: [^\s<|;&]+){0,6}?"
        r" -(?:p|w|a) ?",
        examples=(("mysql -uroot -phunter", "mysql -uroot -p<*>"), ("sshpass -p hunter ssh", "sshpass -p <*> ssh")),
    ),
    "sentence": Mask(
        "[^\\s\"'<>,;:\x1f]{3,}",
        "a password in a sentence",
        before=r"\b(?i:with|using|temporary|new|initial|default) (?i:the )?"
        r"(?i:password|passwd|passphrase|secret|api key|token|pin)"
        r"(?: is| of)?[:=]? [\"']?",
        examples=(("logged in with password hunter", "logged in with password <*>"),),
    ),
    "password_hash": Mask(
        r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{8,}|\$(?:[156y]|apr1)\$[./A-Za-z0-9=,]{1,40}\$[./A-Za-z0-9$]{8,}"
        r"|\$(?:argon2(?:id|[id])|scrypt|pbkdf2[a-z0-9-]{0,12})\$[./A-Za-z0-9$=,+-]{8,}"
        r"|\b(?:pbkdf2_sha256|bcrypt_sha256|scrypt|argon2)\$[./A-Za-z0-9$=,+-]{8,}"
        r"|\{(?i:s?sha(?:256|512)?|s?md5|crypt|pbkdf2)\}[./A-Za-z0-9$=,+-]{4,}",
        "hashes of passwords",
        examples=(
            ("hash $2b$12$abcdefghij x", "hash <*> x"),
            ("{SSHA}abcd+efg=", "<*>"),
            ("Factory$1$1.run(X)", "Factory$1$1.run(X)"),
        ),
    ),
    **TOKENS,
    "card": Mask(
        r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6(?:011|5\d\d))(?:[ -]?\d{4}){3}\b|3[47]\d\d[ -]?\d{6}[ -]?\d{5}\b",
        "card numbers, with blanks or dashes or none",
        before=r"(?:^|[^\w.,-])".replace(r"\w", "0-9A-Za-z_"),
        examples=(("paid 4929-1234-5678-9012 ok", "paid <*> ok"), ("0.4111111111111111", "0.4111111111111111")),
    ),
    "iban": Mask(
        r"\b[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
        "bank accounts, with blanks or none",
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
    "email": Mask(
        rf"{_LOCAL}+(?:@|%(?:25)?40|\\u0040){_HOST}+(?:\.{_HOST}+)+",
        "e-mail addresses, in any script and encoding",
        before=f"(?:^|[^{_LOCAL[1:]})",
        examples=(("mail j\u00fcrgen.x@m\u00fcller.example failed", "mail <*> failed"), ("?m=a%40b.example", "?m=<*>")),
    ),
    "principal": Mask(
        r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)?@[A-Z][A-Z0-9-]+(?:\.[A-Z0-9-]+)*\b",
        "Kerberos principals",
        before="(?:^|[^A-Za-z0-9._/-])",
        examples=(("principal bob/admin@CORP.EXAMPLE x", "principal <*> x"),),
    ),
    "home": Mask(
        "[^\\s/\\\\\"'<>:;,\x1f]+",
        "user name in a home path",
        before=r"(?:/home/|/Users/|(?i:c:(?:\\{1,2}|/)users(?:\\{1,2}|/)))",
        examples=(("open /home/erika/x", "open /home/<*>/x"), (r"C:\Users\erika\x", r"C:\Users\<*>\x")),
    ),
    "guid": Mask(
        r"\b[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{8,12}\b",
        "identifiers in capitals",
        examples=(("ref CA7A0072-0000-4000-8000-0000CA7A0072", "ref <*>"),),
    ),
    "mac": Mask(
        r"\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b|\b[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}\b",
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
"""Secrets by kind."""
