"""Tokens that tell by their own shape who issued them: rows of the kinds of secrets, by the kind of issuer."""

from collections.abc import Mapping

from lo2.masks import Mask

TOKENS: Mapping[str, Mask] = {
    "aws": Mask(
        r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{16}\b",
        "Amazon key id",
        examples=(("using AKIAQ7ZX3ABCDEFGHI01 x", "using <*> x"),),
    ),
    "google": Mask(
        r"\b(?:AIza[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_.-]{10,}|GOCSPX-[A-Za-z0-9_-]{10,}|1//0[A-Za-z0-9_-]{20,})",
        "Google key, token and client secret",
        examples=(("key AIzaSyabcdefghijklmnopqrstuvwx", "key <*>"),),
    ),
    "azure": Mask(
        r"[A-Za-z0-9_~.-]{24,64}",
        "Azure client secret",
        before=r"\b[A-Za-z0-9_~.]{3}8Q~",
        examples=(("x ab18Q~abcdefghijklmnopqrstuvwxyz", "x ab18Q~<*>"),),
    ),
    "code_host": Mask(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{12,}|gl(?:pat|ptt|dt|rt|cbt|soat|agent|ft|imt|ffct|oas)-[A-Za-z0-9_-]{16,}"
        r"|ATBB[A-Za-z0-9]{16,}|ATATT3[A-Za-z0-9_=-]{16,}|lin_api_[A-Za-z0-9]{16,})",
        "GitHub, GitLab, Bitbucket, Atlassian, Linear",
        examples=(("token ghp_abcdefgh03abcdefghijklm x", "token <*> x"),),
    ),
    "chat": Mask(
        r"\bxox[abceoprs](?:\.[a-z]{3})?-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}|\b[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}"
        r"|\b\d{8,10}:AA[A-Za-z0-9_-]{30,}",
        "Slack, Discord, Telegram",
        examples=(("bot xoxb-1234-ABCDEF-abcdefg x", "bot <*> x"),),
    ),
    "webhook": Mask(
        r"[A-Za-z0-9_/@.-]{8,}",
        "address of a chat's web hook",
        before=r"(?:/services/T[A-Z0-9]{1,16}/|/api/webhooks/\d{1,24}/|/webhookb2/)",
        examples=(
            ("https://hooks.slack.example/services/T0/B0/xabcdef", "https://hooks.slack.example/services/T0/<*>"),
        ),
    ),
    "payment": Mask(
        r"\b(?:[srp]k_(?:live|test)_[A-Za-z0-9]{6,}|whsec_[A-Za-z0-9+/=]{8,}|sq0[a-z]{3}-[A-Za-z0-9_-]{16,}|EAAA[A-Za-z0-9_-]{40,}"
        r"|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{16,}|access_token\$production\$[a-z0-9$]{16,}|live_[A-Za-z0-9]{30,})",
        "Stripe, Square, Shopify, Braintree",
        examples=(("sk_live_abcdef123 x", "<*> x"),),
    ),
    "model_provider": Mask(
        r"\b(?:sk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{16,}|gsk_[A-Za-z0-9]{16,}|r8_[A-Za-z0-9]{16,}"
        r"|xai-[A-Za-z0-9]{16,}|pplx-[A-Za-z0-9]{16,})",
        "OpenAI, Anthropic, Hugging Face and others",
        examples=(("key sk-ant-api03-abcdefghijkl x", "key <*> x"),),
    ),
    "package_index": Mask(
        r"\b(?:npm_[A-Za-z0-9]{16,}|pypi-[A-Za-z0-9_-]{16,}|rubygems_[a-f0-9]{16,}|cio[A-Za-z0-9]{32}\b|oy2[a-z0-9]{43}\b|dckr_pat_[A-Za-z0-9_-]{16,})",
        "npm, PyPI, RubyGems, crates, NuGet, Docker",
        examples=(("npm_abcdefghijklmnop123 x", "<*> x"),),
    ),
    "service": Mask(
        r"\b(?:SG\.[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]*)?|(?:SK|AC)[0-9a-f]{32}\b|key-[0-9a-f]{32}\b|hv[sbr]\.[A-Za-z0-9_-]{16,}|dapi[0-9a-f]{32}"
        r"|do[opr]_v1_[0-9a-f]{16,}|gl(?:sa|c)_[A-Za-z0-9_+/=]{16,}|NRAK-[A-Z0-9]{16,}|dp\.[a-z]{2}\.[A-Za-z0-9]{16,}|AGE-SECRET-KEY-[A-Z0-9]{16,}"
        r"|sbp_[0-9a-f]{16,}|PMAK-[A-Za-z0-9-]{16,}|AccountKey=[A-Za-z0-9+/=]{16,})",
        "SendGrid, Twilio, Mailgun, Vault, Databricks, DigitalOcean, Grafana, New Relic, Doppler, age",
        examples=(("hvs.abcdefghijklmnopq x", "<*> x"),),
    ),
}
"""Secrets by issuer."""
