"""Headers that many programs write, tried where no program's own row fits; the last two fit any line with a time."""

from collections.abc import Mapping

from lo2.levels import WORD
from lo2.loading.formats.header import CLOSE, DOTTED, OWN_LEVEL, SQUARE, TAG, Header

GENERAL: Mapping[str, Header] = {
    "level name": Header(
        rf"[ \t]*(?:- )?[\[(]?{WORD}[\])]?:?[ \t]+(?:\[\d+\] |\d+ )?(?P<logger>[A-Za-z_$][\w.$/:-]{{0,80}}?) ?:(?= |$) ?",
        (("2024-03-05T09:07:03.120Z ERROR pay: refused", "ERROR", "pay", "refused"),),
        least=0.9,
    ),
    "level dotted": Header(
        rf"[ \t]*[\[(]?{WORD}[\])]?[ \t]+(?:\[\d+\] |\d+ )?{DOTTED}[ \t]+",
        (("2024-03-05 09:07:03 INFO shop.pay opened", "INFO", "shop.pay", "opened"),),
        least=0.9,
    ),
    "dotted level": Header(
        rf"[ \t]+(?:\[\d+\] |\d+ )?{DOTTED}[ \t]+[\[(]?{WORD}[\])]?:?[ \t]+(?:- )?",
        (("2024-03-05 09:07:03 shop.pay INFO opened", "INFO", "shop.pay", "opened"),),
        least=0.9,
    ),
    "syslog": Header(
        rf" (?P<host>[\w.:-]+) {TAG} ?{OWN_LEVEL}",
        (
            ("Mar  5 09:07:03 web-3 shop[4711]: ERROR refused", "ERROR", "shop", "refused"),
            ("Mar  5 09:07:03 web-3 shop: [warn] slow", "WARN", "shop", "slow"),
            ("Mar  5 09:07:03 web-3 shop: Note that it is slow", "", "shop", "Note that it is slow"),
            ("Mar  5 09:07:03 web-3 login(pam_unix)[4711]: failure", "", "login(pam_unix)", "failure"),
            ("2024-03-05T09:07:03+0000 web-3 systemd[1]: Started shop", "", "systemd", "Started shop"),
        ),
        stamps=("syslog", "iso"),
    ),
    "program dash": Header(
        r"\] (?P<logger>[\w.-]+(?: \*\d+)?) - ",
        (("[03.05 09:07:03] shop.exe - proxy open", "", "shop.exe", "proxy open"),),
        stamps=("month dot day",),
    ),
    "tag": Header(
        rf"[ \t]+{TAG} ?{OWN_LEVEL}",
        (("Mar  5 09:07:03 sshd[4711]: closed", "", "sshd", "closed"),),
        stamps=("syslog",),
    ),
    "thread slash level": Header(
        rf"\]?[ \t]*\[(?P<thread>[^\]\n/]+)/{WORD}\](?:[ \t]+\[(?P<logger>[^\]\n]*?)/?\])?:?[ \t]+",
        (
            ("[09:07:03] [Server thread/WARN]: slow", "WARN", "", "slow"),
            ("[05Mar2024 09:07:03.120] [main/INFO] [shop.Pay/]: opened", "INFO", "shop.Pay", "opened"),
        ),
        least=0.9,
    ),
    "name pid level": Header(
        rf"[ \t]+(?P<logger>[A-Za-z_][\w./-]*) *\[ *\d+\]: {WORD}:?[ \t]+",
        (("2024-03-05 09:07:03,120 fail2ban.actions        [4711]: NOTICE  [sshd] ban", "NOTICE", "fail2ban.actions", "[sshd] ban"),),
        least=0.9,
    ),
    "name line level": Header(
        rf"[ \t]+\[(?P<logger>[\w.-]+) *:\d+ *\]\[{WORD} *\](?:\[\d+\])?[ \t]*",
        (("2024-03-05 09:07:03,120 [salt.minion      :1234][ERROR   ][4711] refused", "ERROR", "salt.minion", "refused"),),
        least=0.9,
    ),
    "brackets level": Header(
        rf"\]?[ \t]*(?:\[[^\]\n]*\][ \t]*){{2,4}}\[{WORD}[ \t]*\](?:[ \t]*\[(?P<logger>[A-Za-z_$][\w.$:-]*)\])?[ \t]*(?:[:-][ \t]+)?",
        (("2024-03-05 09:07:03.120 [req-1] [http-7] [ERROR] [c.e.Pay] - refused", "ERROR", "c.e.Pay", "refused"),),
        least=0.9,
    ),
    "thread level text": Header(
        rf"\]?[ \t]*{SQUARE}[ \t]+[\[(]?{WORD}[\])]?:?[ \t]+(?:- )?",
        (("2024-03-05 09:07:03.120 [main] ERROR refused", "ERROR", "", "refused"),),
        least=0.9,
    ),
    "level": Header(
        rf"{CLOSE}(?:[-|:,;][ \t]*)?(?:\[\d+\][ \t]*|\d+[ \t]+)?(?:[\[(<|\"]|level=)?[ \t]*(?:##\[)?{WORD}[ \t]*[\])>|\"]?[:,;]?(?:[ \t]+[-|:](?=[ \t]))?[ \t]*",
        (
            ("2024-03-05 09:07:03 +00:00 [WRN] slow", "WARN", "", "slow"),
            ("1709629623.120 INFO cart opened", "INFO", "", "cart opened"),
            ("[05-Mar-2024 09:07:03] NOTICE: ready", "NOTICE", "", "ready"),
            ("09:07:03.120 [error] refused", "ERROR", "", "refused"),
            ("9:07AM INF cart opened", "INFO", "", "cart opened"),
            ("2024-03-05 09:07:03 level=error refused", "ERROR", "", "refused"),
            ('"2024-03-05 09:07:03","ERROR","refused"', "ERROR", "", '"refused"'),
        ),
        least=0.3,
    ),
    "time": Header(
        rf"{CLOSE}(?:[-|:,]+[ \t]+|[,;|]\"?(?=[^\d\s]))?(?:\[\d+\][ \t]*)?",
        (("2024/03/05 09:07:03 listening", "", "", "listening"), ("[2024-03-05T09:07:03.120Z] listening", "", "", "listening"),
            ("2024-03-05T09:07:03.120Z,listening", "", "", "listening"), ('"4","ERROR","2024-03-05 09:07:03","refused"', "ERROR", "", 'refused"')),
        least=0.0,
    ),
}  # fmt: skip
