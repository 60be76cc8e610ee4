"""Tokens that tell by their own shape who issued them: rows of the kinds of secrets, by the kind of issuer."""

from collections.abc import Mapping

from lo2.masking.masks import Mask
from lo2.masking.named import PEM, PEM_BODY

TOKENS: Mapping[str, Mask] = {
    "private_key": Mask(
        PEM_BODY,
        "PEM, from its first line on",
        before=PEM,
        examples=((r"-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n", "-----BEGIN RSA PRIVATE KEY-----<*>"),),
        triggers=("-----BEGIN",),
    ),
    "ssh_key": Mask(
        r"[A-Za-z0-9+/]{20,}={0,2}",
        "public key of a person",
        before=r"\b(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-[a-z0-9]{1,20}) ",
        examples=(("ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB", "ssh-rsa <*>"),),
        triggers=("ssh-", "ecdsa-"),
    ),
    "jwt": Mask(
        r"\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}",
        "JSON web token, whole or cut",
        examples=(("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln end", "got <*> end"),),
        triggers=("eyJ",),
    ),
    "password_hash": Mask(
        r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{8,}|\$(?:[1567y]|apr1)\$[./A-Za-z0-9=,]{1,40}\$[./A-Za-z0-9$]{8,}"
        r"|\$(?:argon2(?:id|[id])|scrypt|pbkdf2[a-z0-9-]{0,12})\$[./A-Za-z0-9$=,+-]{8,}"
        r"|\b(?:pbkdf2_sha256|bcrypt_sha256|scrypt|argon2)\$(?:<\*>\$)?[./A-Za-z0-9$=,+-]{8,}"
        r"|\b(?:pbkdf2:sha\d{1,3}|scrypt)(?::(?:\d+|<\*>)){1,3}\$[./A-Za-z0-9$=,+-]{4,}"
        r"|\{(?i:s?sha(?:256|512)?|s?md5|crypt|pbkdf2)\}[./A-Za-z0-9$=,+-]{4,}",
        "hashes of passwords",
        examples=(
            ("hash $2b$12$abcdefghij x", "hash <*> x"),
            ("{SSHA}abcd+efg=", "<*>"),
            ("Factory$1$1.run(X)", "Factory$1$1.run(X)"),
        ),
        triggers=tuple("$2 $1$ $5$ $6$ $7$ $y$ $apr1 argon2 bcrypt pbkdf2 scrypt {ss {sha {sm {md5 {crypt".split()),
    ),
    "aws": Mask(
        r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{16}\b",
        "Amazon key id",
        examples=(("using AKIAQ7ZX3ABCDEFGHI01 x", "using <*> x"),),
        triggers=("A3T", "AKIA", "ASIA", "AROA", "AIDA", "AGPA", "ANPA", "ANVA", "ABIA", "ACCA"),
    ),
    "google": Mask(
        r"\b(?:AIza[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_.-]{10,}|GOCSPX-[A-Za-z0-9_-]{10,}|1//0[A-Za-z0-9_-]{20,})",
        "Google key, token and client secret",
        examples=(("key AIzaSyabcdefghijklmnopqrstuvwx", "key <*>"),),
        triggers=("AIza", "ya29.", "GOCSPX", "1//0"),
    ),
    "azure": Mask(
        r"[A-Za-z0-9_~.-]{24,64}",
        "Azure client secret",
        before=r"\b[A-Za-z0-9_~.]{3}8Q~",
        examples=(("x ab18Q~abcdefghijklmnopqrstuvwxyz", "x ab18Q~<*>"),),
        triggers=("8Q~",),
    ),
    "code_host": Mask(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{12,}|gl(?:pat|ptt|dt|rt|cbt|soat|agent|ft|imt|ffct|oas)-[A-Za-z0-9_-]{16,}"
        r"|ATBB[A-Za-z0-9]{16,}|AT[AC]TT3[A-Za-z0-9_=-]{16,}|GR1348941[A-Za-z0-9_-]{16,}|lin_api_[A-Za-z0-9]{16,})",
        "GitHub, GitLab, Bitbucket, Atlassian, Linear",
        examples=(("token ghp_abcdefgh03abcdefghijklm x", "token <*> x"),),
        triggers=tuple(
            (
                "ghp_ gho_ ghu_ ghs_ ghr_ github_pat glpat glptt gldt glrt glcbt glsoat glagent glft glimt "
                "glffct gloas ATBB ATATT3 ATCTT3 GR1348941 lin_api"
            ).split()
        ),
    ),
    "chat": Mask(
        r"\bxox[abceoprs](?:\.[a-z]{3})?-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}|(?:\b|bot)\d{8,10}:AA[A-Za-z0-9_-]{30,}|\bEAACEdEose0cBA[A-Za-z0-9]{8,}",
        "Slack, Telegram, Facebook",
        examples=(("bot xoxb-1234-ABCDEF-abcdefg x", "bot <*> x"),),
        triggers=("xox", "xapp", ":AA", "EAACEdEose0cBA"),
    ),
    "webhook": Mask(
        r"[A-Za-z0-9_/@.%-]{8,}",
        "address of a chat's web hook",
        before=r"(?:/(?:services|workflows|triggers)/T[A-Z0-9]{1,16}/|/api/webhooks/(?:\d{1,24}|<\*>)/|/webhookb2/"
        r"|%(?:25){0,3}2[Ff](?:services%(?:25){0,3}2[Ff]T[A-Z0-9]{1,16}|webhooks%(?:25){0,3}2[Ff]\d{1,24})%(?:25){0,3}2[Ff])",
        examples=(
            ("https://hooks.slack.example/services/T0/B0/xabcdef", "https://hooks.slack.example/services/T0/<*>"),
        ),
        triggers=("/services/", "/workflows/", "/triggers/", "/webhooks/", "webhookb2", "2Fservices", "2Fwebhooks"),
    ),
    "payment": Mask(
        r"\b(?:[srp]k_(?:live|test)_[A-Za-z0-9]{6,}|whsec_[A-Za-z0-9+/=]{8,}|sq0[a-z]{3}-[A-Za-z0-9_-]{16,}|EAAA[A-Za-z0-9_-]{40,}"
        r"|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{16,}|access_token\$production\$[a-z0-9$]{16,}|live_[A-Za-z0-9]{30,})",
        "Stripe, Square, Shopify, Braintree",
        examples=(("sk_live_abcdef123 x", "<*> x"),),
        triggers=tuple("k_live k_test whsec_ sq0 EAAA shpat shpca shppa shpss $production$ live_".split()),
    ),
    "model_provider": Mask(
        r"\b(?:sk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{16,}|gsk_[A-Za-z0-9]{16,}|r8_[A-Za-z0-9]{16,}"
        r"|xai-[A-Za-z0-9]{16,}|pplx-[A-Za-z0-9]{16,})",
        "OpenAI, Anthropic, Hugging Face and others",
        examples=(("key sk-ant-api03-abcdefghijkl x", "key <*> x"),),
        triggers=("sk-", "hf_", "gsk_", "r8_", "xai-", "pplx-"),
    ),
    "package_index": Mask(
        r"\b(?:npm_[A-Za-z0-9]{16,}|pypi-[A-Za-z0-9_-]{16,}|rubygems_[a-f0-9]{16,}|cio[A-Za-z0-9]{32}\b|oy2[a-z0-9]{43}\b|dckr_pat_[A-Za-z0-9_-]{16,})",
        "npm, PyPI, RubyGems, crates, NuGet, Docker",
        examples=(("npm_abcdefghijklmnop123 x", "<*> x"),),
        triggers=("npm_", "pypi-", "rubygems_", "cio", "oy2", "dckr_pat_"),
    ),
    "service": Mask(
        r"\b(?:SG\.[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]*)?|key-[0-9a-f]{32}\b|hv[sbr]\.[A-Za-z0-9_-]{16,}|dapi[0-9a-f]{32}"
        r"|do[opr]_v1_[0-9a-f]{16,}|gl(?:sa|c)_[A-Za-z0-9_+/=]{16,}|NRAK-[A-Z0-9]{16,}|dp\.[a-z]{2}\.[A-Za-z0-9]{16,}|AGE-SECRET-KEY-[A-Z0-9]{16,}"
        r"|sbp_[0-9a-f]{16,}|PMAK-[A-Za-z0-9-]{16,}|sntry[su]_[A-Za-z0-9+/=_-]{16,}|pscale_[a-z]{2,6}_[A-Za-z0-9_.-]{16,}"
        r"|sb_secret_[A-Za-z0-9_-]{16,}|secret_[A-Za-z0-9]{40,}|ntn_[A-Za-z0-9]{30,}"
        r"|figd_[A-Za-z0-9_-]{20,}|sl\.[A-Za-z0-9_-]{60,}|HRKU-[A-Za-z0-9_-]{20,}|pul-[0-9a-f]{40}|tskey-[a-z]{1,12}-[A-Za-z0-9-]{10,}"
        r"|ops_eyJ[A-Za-z0-9_-]{10,}|AccountKey=[A-Za-z0-9+/=]{16,})",
        "SendGrid, Mailgun, Vault, Databricks, DigitalOcean, Grafana, New Relic, Doppler, age, Sentry, PlanetScale,"
        " Supabase, Notion, Figma, Dropbox, Heroku, Pulumi, Tailscale, 1Password",
        examples=(("hvs.abcdefghijklmnopq x", "<*> x"),),
        triggers=tuple(
            (
                "SG. key- hvs. hvb. hvr. dapi _v1_ glsa_ glc_ NRAK- dp. AGE-SECRET sbp_ PMAK- sntry pscale_ "
                "sb_secret secret_ ntn_ figd_ sl. HRKU- pul- tskey- ops_eyJ AccountKey="
            ).split()
        ),
    ),
}
"""Secrets by issuer."""

LONG: Mapping[str, Mask] = {
    "key_line": Mask(
        r"[A-Za-z0-9+][A-Za-z0-9+/]{43,}={0,2}",
        "a long word of base64: the body of PEM, an encoded payload",
        before=r"(?:^|[\s\"'=:,(])",
        examples=(("\n" + "Ab1+" * 16, "\n<*>"), ("x " + "Ab1+" * 16, "x <*>")),
    ),
    "long_token": Mask(
        r"\b[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}|\b(?:SK|AC)[0-9a-f]{32}\b(?::[0-9a-f]{32}\b)?"
        r"|\bpat[A-Za-z0-9]{14}\.[0-9a-f]{40,}|\*[0-9A-F]{40}\b",
        "Discord, Twilio, Airtable, password hashes of MySQL",
        examples=(("AC" + "0a" * 16 + " x", "<*> x"), ("*" + "0A" * 20, "<*>")),
    ),
}
"""Words whose length alone tells: no text stands in them that could be looked for first."""
