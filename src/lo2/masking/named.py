"""Secrets by the name in front of them: passwords, tokens and keys in any notation and encoding, and headers."""

from collections.abc import Mapping

from lo2.masking.masks import Mask

TIMES = "%(?:25){0,3}"
"""Begins a character that is percent-encoded up to four times over."""
QUOTE = rf"(?:\\{{0,4}}[\"']|&quot;|&#34;|&#39;|&#x2[27];|{TIMES}2[27]|\\{{1,2}}u0?02[27]|\\{{1,2}}x2[27])"
_SIGN = r"[ \t]*(?:[=-]>|:=|=|:)[ \t]{0,3}"
_WIDE_COLON = "\uff1a"
IS = (
    rf"{QUOTE}?\]?[ \t]*(?:[=-]>|:=|=|:|{_WIDE_COLON}|{TIMES}3[DdAa]|\\{{1,2}}u003[DdAa]|&#58;|&#61;)"
    rf"[ \t]{{0,3}}(?:{TIMES}20)?\[?(?:[bu]?{QUOTE})?"
)
_KEY = (
    "(?:(?i:pass(?:word|wd|wort|phrase|code|key)s?(?:confirm|_?confirmation|_?hash|_?new|_?old)?|(?:store|key)pass"
    "|secret(?:[_-]?(?:access)?[_-]?key)?(?:[_-]?string)?"
    "|(?:access|refresh|auth|id|api|bearer|session|csrf|xsrf|security|private|user|bot|device|csrfmiddleware)"
    "[ _-]?token"
    "|(?:api|access|account|private|secret|encryption|master|license|auth|signing|pre-?shared|shared|app|application|consumer|client"
    "|subscription)[ _-]?key(?:[_-]?(?:data|id))?"
    "|sharedaccess(?:key|signature)|credentials?|code_?(?:challenge|verifier)|sess(?:ion)?[_-]?id|client_?assertion"
    "|saml_?(?:response|request)|kennwort|senha|contrasena|mot_?de_?passe)"
    "|contrase\u00f1a|\u5bc6\u7801|[\u041f\u043f]\u0430\u0440\u043e\u043b\u044c|\u30d1\u30b9\u30ef\u30fc\u30c9)"
)
_SHORT_KEY = (
    rf"(?:(?:\b|_|{TIMES}26|{TIMES}3[Ff]|\\u0026)(?i:pass|pwd|pw|pin|otp|token|sid|sig|auth|cvv\d?|cvc\d?)"
    "|[a-z](?:Pass|Pwd|Pin|Token))"
)
VALUE = "[^\\s\"'<>&,;|(){}%\\\\\x1f][^\\s\"'<>&,;|)}%\\\\\x1f]*"
PEM = r"-----BEGIN [A-Z0-9 ]{0,40}-----"
PEM_BODY = r"(?:[A-Za-z0-9+/= \t]|\\{1,4}[nr])*(?:-----END [A-Z ]{0,40}-----)?"
_NAMES = (
    *("pass", "pwd", "pw", "pin", "otp", "token", "sid", "sig", "auth", "cvv", "cvc", "secret", "key", "credential"),
    *("sess", "challenge", "verifier", "assertion", "saml", "kennwort", "senha", "contrase"),
    *("\u5bc6\u7801", "\u0430\u0440\u043e\u043b\u044c", "\u30d1\u30b9\u30ef"),
)
FREE = (
    "null|none|nil|undefined|true|false|yes|no|empty|missing|required|invalid|incorrect|wrong|expired|unknown|rejected|denied"
    "|mismatch|changed|failed|failure|failures|fail|valid|accepted|not|is|was|has|in|for|of|or|and|to|the|too|must|cannot|could|string|integer|bearer|basic"
    "|simple|digest|redacted|masked|hidden|ok|error|authentication|user|set|unset|on|off|enabled|disabled|auto|wrong_password|incorrect_token|unsupported_grant|nouser|aaaaaa|no_id"
    "|not_a_client_id|not_service_id|invalid_client_id"
)
"""Words behind the name of a secret that a program says of it."""


SAFE: Mapping[str, Mask] = {
    "word": Mask(
        rf"(?:{_KEY}|{_SHORT_KEY}){IS}(?i:{FREE})\.?(?:[\s\"'<>,;:)&\\\]}}\x1f]|$)",
        "what a program says of a secret is none",
        keep=True,
        triggers=_NAMES,
        examples=(
            ("password: incorrect, token=null", "password: incorrect, token=null"),
            ("password=no-way-jose", "password=<*>"),
        ),
    ),
}
"""Words behind the name of a secret that carry the signal and stay."""

NAMED: Mapping[str, Mask] = {
    "authorization": Mask(
        rf"{VALUE}(?:\"[^\"<\x1f\n]*\")?(?:[ ,]{{1,2}}[a-z]{{1,20}}=(?:\"[^\"<\x1f\n]*\"|[^\"\s,<]*))*",
        "Authorization headers of every scheme, in any case",
        before=rf"(?i:authorization){IS}"
        r"(?:(?i:basic|bearer|digest|token|apikey|negotiate|ntlm|oauth|aws4-hmac-sha256)(?:[ ]|%20))?",
        examples=(
            ("authorization: bearer abcdefgh", "authorization: bearer <*>"),
            ("Authorization: Basic YjpD end", "Authorization: Basic <*> end"),
            ('Authorization: Digest username="bob", response="1f"', "Authorization: Digest <*>"),
        ),
        triggers=("authorization",),
    ),
    "cookie": Mask(
        r"[^\s;,\"'=<>]+=[^\s;,\"'<>]*(?:; ?[^\s;,\"'=<>]+=[^\s;,\"'<>]*)*",
        "cookies",
        before=rf"(?i:cookie){IS}",
        examples=(("Cookie: JSESSIONID=ab; theme=dark", "Cookie: <*>"),),
        triggers=("cookie",),
    ),
    "inserted": Mask(
        "[^<\x1f\n]+",
        "rows that SQL writes to a table with such a column",
        before=r"(?i:insert|replace) (?i:into) [^()<\x1f\n]*\([^()<\x1f\n]*"
        rf"(?:{_KEY}|\b(?i:pass|pwd|pin|otp|token)\b)[^()<\x1f\n]*\) ?(?i:values?) ?\(",
        after=r"\)",
        examples=(
            ("INSERT INTO u (name, password) VALUES ('bob', 'hunter')", "INSERT INTO u (name, password) VALUES (<*>)"),
            ("insert into t (id) values (7)", "insert into t (id) values (7)"),
        ),
        triggers=_NAMES,
    ),
    "named_quoted": Mask(
        r"(?:[^\"\\<\x1f\n]|\\[^\n]|<[^*\n])+",
        "passwords, tokens and keys by the name in front, between quotes",
        before=rf"(?:{_KEY}|{_SHORT_KEY}){QUOTE}?\]?{_SIGN}(?:string\(\d+\) )?[bu]?\"",
        examples=(
            ('{"password":"hunter, two & \\"more\\"", "n":1}', '{"password":"<*>", "n":1}'),
            (r'"private_key": "-----BEGIN PRIVATE KEY-----\nMIIabc\n"', '"private_key": "<*>"'),
        ),
        triggers=_NAMES,
    ),
    "named_single_quoted": Mask(
        r"(?:[^'\\<\x1f\n]|\\[^\n]|<[^*\n])+",
        "the same between single quotes",
        before=rf"(?:{_KEY}|{_SHORT_KEY}){QUOTE}?\]?{_SIGN}[bu]?'",
        examples=(("{'password': 'hunter two'}", "{'password': '<*>'}"),),
        triggers=_NAMES,
    ),
    "named_inside_quotes": Mask(
        r"(?:[^\"\\<\x1f\n]|<[^*\n\\]|\\{1,8}[nrt/])+",
        "the same between quotes that are quoted themselves",
        before=rf"(?:{_KEY}|{_SHORT_KEY})(?:\\{{1,4}}\")?{_SIGN}\\{{1,4}}\"",
        examples=((r"{\"password\":\"hunter two\"}", r"{\"password\":\"<*>\"}"),),
        triggers=_NAMES,
    ),
    "listed": Mask(
        "[^\\]<\x1f\n]+",
        "several of them",
        before=rf"{_KEY}{QUOTE}?{_SIGN}\[",
        examples=(('"passwords":["hunter","two"],', '"passwords":[<*>],'),),
        triggers=_NAMES,
    ),
    "session_cookie": Mask(
        r"[^\s;,\"'&<>\x1f]{8,}",
        "cookies by the names that frameworks give them",
        before=r"(?:[a-z]_session|\.AspNetCore\.[A-Za-z.]{1,30}|\.ASPX[A-Z]{4,12}|connect\.sid)=",
        examples=(("laravel_session=abcdefghi; x", "laravel_session=<*>; x"),),
        triggers=("_session", ".aspnet", ".aspx", "connect.sid"),
    ),
    "braced": Mask(
        '[^{}"<\x1f\n]+',
        "password of ODBC",
        before=r"(?i:pwd|password)=\{",
        after=r"\}",
        examples=(("UID=sa;PWD={hunter;2};", "UID=sa;PWD={<*>};"),),
        triggers=("pwd=", "password="),
    ),
    "keyword": Mask(
        r"(?:[^\"\\<\x1f\n]|\\[^\n])+",
        "the same where a colon makes the name",
        before=rf":[A-Za-z0-9_-]*(?:{_KEY}|\b(?i:pass|pwd|pin|token)) \"",
        examples=(('{:user "bob" :password "hunter"}', '{:user "bob" :password "<*>"}'),),
        triggers=_NAMES,
    ),
    "connection": Mask(
        "[^;=\"'<&\x1f\n]+",
        "password with blanks among settings",
        before=rf"(?:{_KEY}|{_SHORT_KEY})=",
        after=r";(?: ?[A-Za-z][A-Za-z ]*=|\Z)",
        examples=(
            ("Id=sa;Passphrase=hunter two;Encrypt=yes", "Id=sa;Passphrase=<*>;Encrypt=yes"),
            ("UID=sa;PWD=hunter two;", "UID=sa;PWD=<*>;"),
        ),
        triggers=_NAMES,
    ),
    "community": Mask(
        VALUE,
        "password of SNMP",
        before=r"(?i:snmp(?:v[123]c?)?[ _:-]{0,2}(?:(?:ro|rw|read|write)[ _-])?community(?:[ _-]?(?:string|name))?)"
        rf"{IS}",
        examples=(("SNMPv2c community=hunter get", "SNMPv2c community=<*> get"),),
        triggers=("community",),
    ),
    "tupled": Mask(
        "[^\"'<\x1f\n]+",
        "the same as a pair of Python",
        before=rf"\([bu]?[\"'][A-Za-z0-9_-]*(?:{_KEY}|\b(?i:pass|pwd|pin|token))[\"'], ?[bu]?[\"']",
        after="[\"']\\)",
        examples=(("[('id', 'bob'), ('password', 'hunter')]", "[('id', 'bob'), ('password', '<*>')]"),),
        triggers=_NAMES,
    ),
    "paired": Mask(
        VALUE,
        "the same where name and value are two fields",
        before=rf"{_KEY}{QUOTE}?,?[ \t]{{0,3}}{QUOTE}?(?i:value){QUOTE}?[ \t]?[:=][ \t]?{QUOTE}?",
        examples=(
            ('{"name":"DB_PASSWORD","value":"hunter"}', '{"name":"DB_PASSWORD","value":"<*>"}'),
            ('<add key="DbPassword" value="hunter"/>', '<add key="DbPassword" value="<*>"/>'),
        ),
        triggers=_NAMES,
    ),
    "named": Mask(
        rf"(?:{PEM}{PEM_BODY}|{VALUE})",
        "passwords, tokens and keys by the name in front, in any notation and encoding",
        before=rf"{_KEY}{IS}",
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
            ("KEY: API key: abc, [password] => x", "KEY: API key: <*>, [password] => <*>"),
            ("password%25253Dhunter", "password%25253D<*>"),
            ("&#x22;password&#x22;:&#x22;hunter", "&#x22;password&#x22;:&#x22;<*>"),
            ("private_key=-----BEGIN KEY-----\\nab\\n", "private_key=<*>"),
        ),
        triggers=_NAMES,
    ),
    "shortly_named": Mask(
        VALUE,
        "the same by the short names, which must be words of their own",
        before=rf"{_SHORT_KEY}{IS}",
        examples=(
            ("pwd=hunter pin: abcd", "pwd=<*> pin: <*>"),
            ("'adminPass': u'hunter'", "'adminPass': u'<*>'"),
            ("bypass: always", "bypass: always"),
        ),
        triggers=_NAMES,
    ),
    "element": Mask(
        "[^<&\x1f\n]+",
        "the same as an XML element",
        before=rf"(?:<|&lt;)[A-Za-z0-9_.:-]*(?:{_KEY}|(?i:pass|pwd|pin|token))[A-Za-z0-9_-]*"
        r"(?: [^<>\n]*)?(?:>|&gt;)(?:<!\[CDATA\[)?",
        examples=(
            ("<password>hunter</password>", "<password><*></password>"),
            ('<w:Password Type="x">hunter</w:Password>', '<w:Password Type="x"><*></w:Password>'),
        ),
        triggers=_NAMES,
    ),
    "flag": Mask(
        VALUE,
        "the same as a flag of a command",
        before=rf"(?:^|[\s\"'=])--?(?:[A-Za-z0-9]{{1,20}}[-_]){{0,3}}(?:{_KEY}|(?i:pass|pwd|pin|token|auth))(?:[-_][a-z]{{1,12}})?"
        rf"(?:=| {{1,3}}|{QUOTE}, ?){QUOTE}?",
        examples=(
            ("run --db-password hunter -x", "run --db-password <*> -x"),
            ("--token=abc", "--token=<*>"),
            ('["-u", "bob", "--password", "hunter"]', '["-u", "bob", "--password", "<*>"]'),
        ),
        triggers=_NAMES,
    ),
}
"""By their names, in front of the rows that know their shapes."""
