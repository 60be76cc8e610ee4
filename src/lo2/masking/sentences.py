"""Secrets in sentences and in what protocols say: plain words too, unless they are what a program says of a secret."""

from collections.abc import Mapping

from lo2.masking.masks import Mask

_STATES = (
    "a able about above absent acknowledged again algorithm alike all also always an and anonymous another any are "
    "arg argument as at attempt auth authentication authenticator authorization back bad be been before behind below "
    "beyond blank both bound broken bucket busy but by cache can cannot case challenged check checks chosen clear "
    "close code combination combo command common complete complex comply confidential config configuration "
    "confirmation constant contain contains content continue cookie correct corrupt could credential credentials "
    "current damaged database date dead default did didn't differ different differs digest distinct does doesn't done "
    "down due dynamic easy eight either empty encoder encryption endpoint enough entry equal error even every exact "
    "exceeds exchange exists expiration expiry external factor fail fails false field fields file files fine first "
    "flagged flow flows for forged forgotten form format found four free fresh from full generation generator given "
    "gone good grant grants gssapi had handler hard has hash hashes have header held her here hidden high hint his "
    "history identical idle if in inaccurate inactive incomplete inconsistent incorrect insecure instead insufficient "
    "intact internal interval into introspection invalid is issuer it its just kept known last late least left length "
    "less level lifetime like list local lockout logged login logins long longer lookup lost low lower made managed "
    "manager mandatory many match matches maximum may merged method might minimum module more most must my name near "
    "needs neither never new newer next nil no nobody nonce none nor normal not now ntlm null number numeric "
    "oauthbearer obsolete of off ok okay old older on once one open option optional or other our overdue pair "
    "parameter part past permanent plain plaintext plugin policies policy present previous private prompt property "
    "provider public purged random rather read ready real recent refresh remote renewal request requirement "
    "requirements response right rotation rule rules safe same scope secret secure seen sensitive sent server service "
    "session shall shorter should shown similar simple since size small so some soon source stale static still stolen "
    "storage store strength strong stronger such sufficient sure sync tagged taken temporary ten text than that the "
    "their then there these this three through time to today too true two type unchanged under unfit unique unsafe "
    "unset until unusual update updates upon upper usage user username valid validation validator value values "
    "verification verifier version very via was were what when where whether which while will with within without "
    "won't would written wrong yes yet your"
)
_STATE = (
    rf"{'|'.join(_STATES.split())}|[a-z]{{2,}}(?:[a-fh-z]ed|ing|ly|able|ible)"
    "|(?:cram|digest)-md[0-9]|xoauth[0-9]|scram-sha-[0-9]+(?:-plus)?"
)
STATED = rf"(?i:{_STATE}|set|reset|changed)"
"""What a program says of a secret behind its name: words that are kept, a password that is such a word with them."""
_STAYS = (
    rf"(?:(?i:{_STATE})(?:[\s.,;:)!?'\"\x1f]|$)"
    r"|(?i:set|reset|changed)(?:[.,;:)!?'\"\x1f]| (?:[^t\s\x1f]|t[^o\s\x1f])|$))"  # but for what it was set to
)

_WORD = "(?i:password|passwd|passphrase|passcode)"
_NAME = r"[\"']?[A-Za-z0-9._@-]+[\"']?"
_WHOSE = rf"(?: (?i:for|of)(?: {_NAME}){{1,3}}:?)?"
_TOLD = (
    rf"\b{_WORD}{_WHOSE}"
    r"(?i: is now| now equals| equals| is| was| has been (?:re)?set to| (?:was |is )?(?:re)?set to"
    r"| (?:was |is )?changed to)"
    r":? [\"']?"
)
_GIVEN = (
    r"\b(?i:with|using|temporary|new|initial|default|supplied|entered|typed|submitted|trying|tried) (?i:the )?"
    r"(?i:password|passwd|passphrase|secret|api key|token|pin)"
    r"(?: is| of)?[:=]? [\"']?"
)
_CHANGED = rf"\b(?i:(?:re)?set|changed?|changing|setting) (?i:the )?{_WORD} (?i:for|of)(?: {_NAME}){{1,3}} to [\"']?"
_WITH_NAME = rf"\b(?i:user|username|login|account)(?:[:=]? {_NAME},? (?i:and|with)|[:=] ?{_NAME},?) {_WORD}[:=]? [\"']?"
_DEFAULT = r"\b(?i:credentials)(?: [A-Za-z0-9._@-]+:|: [A-Za-z0-9._@-]+ / )|\b(?i:default credentials) [A-Za-z0-9._-]+/"
_TAGGED = r"\d LOGIN [^\s<\x1f]+ "
_ALONE = "(?:^|[\"'\x1f])(?:AUTH (?:default )?|PASS |LOGIN [^\\s<\x1f]+ )"
_PROMPTED = r"(?:(?:[<>] |\bC: |\\{1,4}n)(?:PASS|AUTH(?: PLAIN| LOGIN| default)?)|\bAUTH default) "
_TRIGGERS = tuple(
    f"{word}{end}"
    for word in ("password", "passwd", "passphrase", "passcode", "secret", "api key", "token", "pin", "otp")
    for end in " :="
)
_COMMANDS = ("LOGIN ", "AUTH ", "PASS ")

SPOKEN: Mapping[str, Mask] = {
    "spoken": Mask(
        rf"(?:{_TOLD}|{_GIVEN}|{_WITH_NAME}|{_DEFAULT}|{_TAGGED}){_STAYS}",
        "what a program says of a password, a token or a login",
        keep=True,
        triggers=(*_TRIGGERS, "credentials", "LOGIN "),
        examples=(
            ("new password is required", "new password is required"),
            ("authenticated with password successfully", "authenticated with password successfully"),
        ),
    ),
    "mechanism": Mask(
        rf"(?:{_ALONE}|{_PROMPTED}){STATED}(?:[\"'\x1f]|$)",
        "how a program logs in, or how that went",
        keep=True,
        triggers=_COMMANDS,
        examples=(("C: AUTH LOGIN", "C: AUTH LOGIN"),),
    ),
}
"""What stays, before the rows that would hide it."""

SENTENCES: Mapping[str, Mask] = {
    "sentence": Mask(
        "[^\\s\"'<>,;:\x1f]{3,}",
        "a password in a sentence",
        before=_GIVEN,
        examples=(("logged in with password hunter", "logged in with password <*>"),),
        triggers=_TRIGGERS,
    ),
    "spelt_out": Mask(
        "[^\\s\"'<>,;:\x1f]{4,}",
        "a password of which a sentence says that it is one",
        before=rf"(?:{_TOLD}|{_CHANGED}|{_WITH_NAME}|{_DEFAULT})",
        examples=(
            ("the password for bob is swordfish.", "the password for bob is <*>"),
            ("the password is expired", "the password is expired"),
            ("set password of user bob to swordfish", "set password of user bob to <*>"),
            ("user bob and password swordfish", "user bob and password <*>"),
        ),
        triggers=(*_TRIGGERS, "credentials"),
    ),
    "told": Mask(
        r"(?:[!#-&*+./?@-~-]{2,}\d[!#-&(-+.-:=?-~-]*|[!#-&*+./?@-~-]?\d[!#-&(-+.-:=?-~-]{3,})",
        "a word with a digit of which a sentence says what it is",
        before=r"\b(?i:password|passwd|passphrase|passcode|secret|api key|token|pin|otp)"
        rf"{_WHOSE}"
        r"(?i: is| was| has been set to| set to| (?:was )?changed to| provided)?:? ",
        examples=(
            ("password for bob is hunt3r ok", "password for bob is <*> ok"),
            ("Incorrect API key provided: hunt3r", "Incorrect API key provided: <*>"),
            ("Incorrect API key provided: p4ssword", "Incorrect API key provided: <*>"),
            ("password is wrong", "password is wrong"),
        ),
        triggers=_TRIGGERS,
    ),
    "login": Mask(
        "[^\\s<\x1f]{3,}",
        "who logs in by IMAP, and the password behind",
        before=_TAGGED,
        examples=(
            ("a001 LOGIN bob hunter", "a001 LOGIN bob <*>"),
            ("try 2 LOGIN bob failed", "try 2 LOGIN bob failed"),
        ),
        triggers=("LOGIN ",),
    ),
    "prompted": Mask(
        "[^\\s\"'<>;\x1f\\\\]{3,}",
        "the same behind the prompt of a session",
        before=_PROMPTED,
        examples=(
            ("C: PASS hunter", "C: PASS <*>"),
            ("redis> AUTH default hunter", "redis> AUTH default <*>"),
            (r"USER bob\r\nPASS hunter\r\n", r"USER bob\r\nPASS <*>\r\n"),
        ),
        triggers=_COMMANDS,
    ),
    "alone": Mask(
        "[^\\s\"'<\x1f]{3,}",
        "a message that is a command with a password",
        before=_ALONE,
        after="(?:[\"']|\\Z)",
        examples=(("AUTH hunter", "AUTH <*>"), ("AUTH failed", "AUTH failed"), ("AUTH a b c", "AUTH a b c")),
        triggers=_COMMANDS,
    ),
    "one_time": Mask(
        r"\d{4,8}\b",
        "a code to be typed once",
        before=r"(?i:verification|confirmation|security|one-time|mfa|login) (?i:code)(?: is)?:? ",
        examples=(("mfa code is 482913", "mfa code is <*>"),),
        triggers=(" code",),
    ),
}
"""By what a sentence or a protocol says."""
