"""Secrets by the place where they stand: in addresses, commands and headers."""

from collections.abc import Mapping

from lo2.masking.masks import Mask
from lo2.masking.named import QUOTE, TIMES

SAID: Mapping[str, Mask] = {
    "said": Mask(
        r"\b(?i:basic|bearer|token) (?i:realm|invalid|incorrect|expired|missing|unknown|authentication|auth)",
        "so is what it says of a header",
        keep=True,
        triggers=("basic", "bearer", "token"),
        examples=(("Bearer incorrect_token", "Bearer incorrect_token"), ("token expired", "token expired")),
    ),
}
"""What a program says of them, and stays."""

PLACED: Mapping[str, Mask] = {
    "scheme": Mask(
        r"[A-Za-z0-9._~+/-]{11,}[A-Za-z0-9_~+/-]={0,2}",
        "credentials behind their scheme",
        before=r"\b(?i:basic|bearer|apikey) (?:%20)?",
        examples=(("sent bearer abcdefghijklmnop", "sent bearer <*>"),),
        triggers=("basic", "bearer", "apikey"),
    ),
    "session": Mask(
        r"[A-Za-z_-]{0,24}\d[A-Za-z0-9_-]{6,}",
        "name of a session in a sentence",
        before=r"\b(?i:session)(?: (?i:id))?:? ",
        examples=(("session abc123defg expired", "session <*> expired"),),
        triggers=("session",),
    ),
    "userinfo": Mask(
        "[^\\s/\"'<>\x1f]+",
        "password in a URL",
        before="://[^\\s/@:\"'<>\x1f]*:",
        after="@",
        examples=(
            ("postgres://app:s3cret@db/x", "postgres://app:<*>@db/x"),
            ("redis://:p@w@h", "redis://:<*>@h"),
        ),
        triggers=("://",),
    ),
    "userinfo_encoded": Mask(
        r"[!#-%(-;=?-~]+",
        "the same where the URL stands in another text, encoded",
        before=rf"(?:{TIMES}3[Aa]|:)(?:{TIMES}2[Ff]|\\{{1,2}}/|\\{{1,2}}u002[Ff]){{2}}[A-Za-z0-9._-]*"
        rf"(?:{TIMES}3[Aa]|:|\\{{1,2}}u003[Aa])",
        after=rf"(?:{TIMES}40|@|\\{{1,2}}u0040)",
        examples=(
            ("a=redis%3A%2F%2Fu%3Ahunter%40h%2F0", "a=redis%3A%2F%2Fu%3A<*>%40h%2F0"),
            (r"redis:\/\/u:hunter@h\/0", r"redis:\/\/u:<*>@h\/0"),
        ),
        triggers=("%2F", "%252F", "%25252F", "\\/", "\\u002F"),
    ),
    "url_token": Mask(
        r"[A-Za-z0-9_.~-]{12,}",
        "token in place of a user in a URL",
        before="://",
        after="@",
        examples=(("https://abcdefghijklmnop@git.example/x", "https://<*>@git.example/x"),),
        triggers=("://",),
    ),
    "oracle": Mask(
        "[^\\s@\"'<>/\x1f]+",
        "password in an address of Oracle",
        before="(?:jdbc:oracle:[a-z]{1,8}:|\\b(?i:sqlplus|expdp|impdp) (?:-[A-Za-z]+ )*)[^\\s@\"'<>/:\x1f]+/",
        after="@",
        examples=(
            ("jdbc:oracle:thin:scott/tiger@h:1", "jdbc:oracle:thin:scott/<*>@h:1"),
            ("sqlplus -s scott/tiger@h", "sqlplus -s scott/<*>@h"),
        ),
        triggers=("jdbc:oracle", "sqlplus", "expdp", "impdp"),
    ),
    "short_flag": Mask(
        "[^\\s<\x1f]+",
        "password behind -p",
        before=r"\b(?:mysql[a-z]{0,8}|mariadb[a-z-]{0,8}|sshpass|ldap[a-z]{1,8}|redis-cli"
        r"|(?:docker|podman|helm) login)\b"
        r"(?: [^\s<|;&]+){0,6}? -(?:p|w|a) ?",
        examples=(("mysql -uroot -phunter", "mysql -uroot -p<*>"), ("sshpass -p hunter ssh", "sshpass -p <*> ssh")),
        triggers=("mysql", "mariadb", "sshpass", "ldap", "redis-cli", " login"),
    ),
    "user_flag": Mask(
        "[^\\s\"'<\x1f]+",
        "password behind -u",
        before=r"\bcurl [ -:=?-{}~]*?(?:-u ?|--(?:proxy-)?user[ =])[\"']?[!#-&(-/0-9=?-~]+:"
        r"|\b(?:smb|rpc)client [ -:=?-{}~]*?(?:-U ?|--user[ =])[\"']?[!#$&(-:=?-~]+%",
        examples=(
            ("curl -s -u bob:hunter https://x", "curl -s -u bob:<*> https://x"),
            ("smbclient //h/s -U bob%hunter", "smbclient //h/s -U bob%<*>"),
        ),
        triggers=("curl ", "smbclient ", "rpcclient "),
    ),
    "command": Mask(
        "[^\\s\"'<>;\x1f]{3,}",
        "passwords in commands of servers and in the language of databases",
        before=r"(?i:\bidentified (?:with ['a-z0-9_]+ )?(?:by|as) (?:password )?"
        r"|(?:\bencrypted |\bwith |= ?)password ?\(?|\bconvertto-securestring )"
        r"[\"']|\bAUTH(?:ENTICATE)? (?:PLAIN|LOGIN|XOAUTH\d) |\b(?:requirepass|masterauth) |\bPASSWORD [\"']"
        r"|\"AUTH\" (?:\"[^\"<\x1f]*\" )?\""
        r"|\bmachine [!-;=?-~]+ login [!-;=?-~]+ password |\bSSWS |\.atlasv1\.",
        examples=(
            ("CREATE USER x IDENTIFIED BY 'hunter'", "CREATE USER x IDENTIFIED BY '<*>'"),
            ("SET PASSWORD FOR x = PASSWORD('hunter')", "SET PASSWORD FOR x = PASSWORD('<*>')"),
            ("config set requirepass hunter", "config set requirepass <*>"),
            ("AUTH PLAIN AGEAYg==", "AUTH PLAIN <*>"),
            ("ALTER ROLE app LOGIN PASSWORD 'hunter'", "ALTER ROLE app LOGIN PASSWORD '<*>'"),
            ('[0 lua] "AUTH" "bob" "hunter"', '[0 lua] "AUTH" "bob" "<*>"'),
        ),
        triggers=(
            "identified",
            "password",
            "securestring",
            "AUTH",
            "requirepass",
            "masterauth",
            "machine ",
            "SSWS",
            ".atlasv1.",
        ),
    ),
    "signature": Mask(
        r"[A-Za-z0-9+/_~.-]{16,}={0,2}",
        "signature of an address or of a token",
        before=rf"(?i:signature){QUOTE}?[ ]?[:=][ ]?{QUOTE}?",
        examples=(("X-Amz-Signature=0123456789abcdef01&x", "X-Amz-Signature=<*>&x"),),
        triggers=("signature",),
    ),
    "header_key": Mask(
        r"[A-Za-z0-9+/_.-]{12,}={0,2}",
        "key of a service in a header",
        before=r"[A-Za-z]-(?i:key)[\"']?(?:: ?|=)[\"']?",
        examples=(("Fastly-Key: abcdefghijklm x", "Fastly-Key: <*> x"),),
        triggers=("-key",),
    ),
    "granted": Mask(
        r"[A-Za-z0-9._/+~-]{16,}={0,2}",
        "a code that is changed for a token",
        before=r"[?&]code=",
        examples=(("/cb?code=abcdefghijklmnopq&x", "/cb?code=<*>&x"),),
        triggers=("code=",),
    ),
}
"""By their place."""
