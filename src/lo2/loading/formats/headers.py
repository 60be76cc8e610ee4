"""Headers of log lines: one table of what programs print around the time, each row with its examples.

A row says where the stamp stands (``place``) and, as one regular expression, what is left of the header when the stamp
is taken out; ``\\x1e`` marks the place where it was. Groups: ``level``, ``logger``, ``thread``; what the expression does
not match is the message, or the group ``text``. Which rows a file has is found out from its first lines
(``lo2.loading.formats.recognition``), but what is header is said by the row alone. Adding a format is adding a row: each example
(line, level, logger, message) is its test.
"""

from collections.abc import Mapping

from lo2.levels import LETTER, WORD
from lo2.loading.formats.general import GENERAL
from lo2.loading.formats.header import DOTTED, LABEL, SQUARE, TAG, Header

HEADERS: Mapping[str, Header] = {
    "lo2": Header(
        rf" \[(?P<thread>[^\]\n]*)\]  (?:[\w-]{{22}} | ){WORD} +(?P<logger>\S+) \S+ - ",
        (("16:29:40.148 [hz.thread-8]   DEBUG c.n.UserMapStore load - Load:1", "DEBUG", "c.n.UserMapStore", "Load:1"),),
        stamps=("clock",),
    ),
    "spring boot": Header(
        rf"[ \t]+{WORD} +(?:\[[^\]\n]*\] )?\d+ --- (?:\[[^\]\n]*\] ?){{1,3}}(?P<logger>\S+) *: ?",
        (
            ("2024-03-05T09:07:03.120+01:00  INFO 4711 --- [shop] [nio-1] c.e.Cart      : priced", "INFO", "c.e.Cart", "priced"),
            ("2024-03-05 09:07:03.120 ERROR 4711 --- [nio-1] c.e.Pay                 : failed", "ERROR", "c.e.Pay", "failed"),
            ("2024-03-05 09:07:03.120  WARN [shop,65e6f,71ab] 7 --- [nio-1] c.e.Pay : slow", "WARN", "c.e.Pay", "slow"),
        ),
    ),
    "jboss": Header(
        rf"[ \t]+{WORD} +\[(?P<logger>[^\]\n]*)\] \((?P<thread>[^)\n]*)\) ",
        (("09:07:03,120 ERROR [org.acme.pay] (service thread 1-2) refused", "ERROR", "org.acme.pay", "refused"),),
    ),
    "level thread logger": Header(
        rf"[ \t]*(?:- )?[\[(]?{WORD}[\])]?[ \t]+{SQUARE}[ \t]+(?:\w{{1,20}}[ \t]+)?(?P<logger>[A-Za-z_$][\w.$/:-]*)(?:\[\d+\])?(?: *[:|]| -)(?: |$)",
        (
            ("2024-03-05 09:07:03,120 INFO [main] org.acme.Boot: ready", "INFO", "org.acme.Boot", "ready"),
            ("2024-03-05 09:07:03,120 ERROR [pool-1] org.acme.Pay - failed", "ERROR", "org.acme.Pay", "failed"),
        ),
    ),
    "level thread": Header(
        rf"[ \t]*(?:\[[^\]\n]*\] )?- {WORD}[ \t]+{SQUARE} - ",
        (
            ("2024-03-05 09:07:03,120 - INFO  [main:Peer@10] - Reading", "INFO", "", "Reading"),
            ("2024-03-05 09:07:03,120 [myid:1] - INFO  [main:Peer@1] - Reading", "INFO", "", "Reading"),
        ),
    ),
    "thread level logger": Header(
        rf"\]?[ \t]*{SQUARE}[ \t]+[\[(]?{WORD}[\])]?[ \t]+(?P<logger>[A-Za-z_$][\w.$/:-]*)(?: +\[[^\]\n]*\])?(?: *[:|]| -)(?: |$)",
        (
            ("09:07:03.120 [main] INFO  c.e.App - up", "INFO", "c.e.App", "up"),
            ("2024-03-05 09:07:03,120 [5] WARN  Shop.Pay - slow", "WARN", "Shop.Pay", "slow"),
            ("2024-03-05 09:07:03,120 [5] WARN  Shop.Pay [(null)] - slow", "WARN", "Shop.Pay", "slow"),
        ),
    ),
    "catalina": Header(
        rf"[ \t]+{WORD}[ \t]+{SQUARE}[ \t]+{DOTTED}[ \t]+",
        (("05-Mar-2024 09:07:03.120 SEVERE [main] org.apache.Catalina.start stop", "ERROR", "org.apache.Catalina.start", "stop"),),
    ),
    "hdfs": Header(
        rf"[ \t]+\d+ {WORD} (?P<logger>[A-Za-z_$][\w.$/:-]*): ",
        (("240305 090703 48 INFO dfs.Store$Part: up", "INFO", "dfs.Store$Part", "up"),),
    ),
    "oslo": Header(
        rf"[ \t]+\d+ {WORD} (?P<logger>[\w.]+) \[(?P<thread>[^\]\n]*)\] ",
        (("2024-03-05 09:07:03.120 4711 DEBUG shop.wsgi.server [req-1 - - -] accepted", "DEBUG", "shop.wsgi.server", "accepted"),),
    ),
    "name level": Header(
        rf"[ \t]+- (?P<logger>[\w.:/-]+) - (?:\[?\d+\]? - )?{WORD}(?: - |: )",
        (("2024-03-05 09:07:03,120 - shop.pay - ERROR - refused", "ERROR", "shop.pay", "refused"),),
    ),
    "level name dash": Header(
        rf"[ \t]*(?:- )?[\[(]?{WORD}[\])]?[ \t]*(?: - |[ \t])[ \t]*{DOTTED}(?: *:\d+| +\[[^\]\n]*\])?(?: *[:|]| -)(?: |$)",
        (
            ("2024-03-05 09:07:03,120 INFO  org.acme.Task                 [] - up", "INFO", "org.acme.Task", "up"),
            ("2024-03-05 09:07:03,120 INFO a.B - cart opened", "INFO", "a.B", "cart opened"),
            ("24/03/05 09:07:03 INFO executor.Backend: Registered", "INFO", "executor.Backend", "Registered"),
            ("2024-03-05T09:07:03.120Z  INFO shop::pay: opened", "INFO", "shop::pay", "opened"),
        ),
    ),
    "gunicorn": Header(
        rf"\] \[(?P<thread>\d+)\] \[{WORD}\] ",
        (("[2024-03-05 09:07:03 +0000] [4711] [CRITICAL] WORKER TIMEOUT", "CRITICAL", "", "WORKER TIMEOUT"),),
    ),
    "envoy": Header(
        rf"\]\[\d+\]\[{WORD}\]\[(?P<logger>[^\]\n]*)\] (?:\[[^\]\n]*\] )?",
        (("[2024-03-05 09:07:03.120][14][info][main] [source/server.cc:404] starting", "INFO", "main", "starting"),),
    ),
    "elasticsearch": Header(
        rf"\]\[{WORD} *\]\[(?P<logger>[^\]\n]*)\] ?(?:\[[^\]\n]*\] ?)?",
        (
            ("[2024-03-05T09:07:03,120][INFO ][o.e.n.Node               ] [node-1] started", "INFO", "o.e.n.Node", "started"),
            ("[2024-03-05T09:07:03.120+0000][info][gc] GC(0) pause", "INFO", "gc", "GC(0) pause"),
        ),
    ),
    "celery": Header(
        rf": {WORD}/(?P<thread>[^\]\n]*)\] (?:(?P<logger>[\w.]+)(?:\[[\w-]+\])?: )?",
        (("[2024-03-05 09:07:03,120: INFO/MainProcess] celery@web ready.", "INFO", "", "celery@web ready."),),
    ),
    "airflow": Header(
        rf"\] \{{(?P<logger>[\w./-]+):\d+\}} {WORD} - ",
        (("[2024-03-05T09:07:03.120+0000] {taskinstance.py:1234} INFO - done", "INFO", "taskinstance.py", "done"),),
    ),
    "ruby": Header(
        rf"(?:[A-Z], )?\[\x1e+ #\d+\] +{WORD} -- (?P<logger>[^:\n]*): ",
        (("I, [2024-03-05T09:07:03.120000 #1234]  INFO -- shop: opened", "INFO", "shop", "opened"),),
        place="bracket",
    ),
    "monolog": Header(
        rf"\] (?P<logger>[\w-]+)\.{WORD}: ",
        (("[2024-03-05T09:07:03.120000+00:00] app.ERROR: refused {\"order\":1} []", "ERROR", "app", 'refused {"order":1} []'),),
    ),
    "mysql": Header(
        r"[ \t]+\d+ \[(?P<level>System|Note|Warning|ERROR|Error)\] (?P<text>(?:\[MY-\d+\] )?(?:\[\w+\] )?.*)",
        (("2024-03-05T09:07:03.120000Z 8 [Warning] [MY-010055] [Server] slow", "WARN", "", "[MY-010055] [Server] slow"),),
        signs={"System": "INFO"},
    ),
    "postgres": Header(
        r"[ \t]+(?:\[[\d-]+\](?:: \[[\d-]+\])?:?)(?: (?:user=\S*|\S+@\S+|\[\w+\]))* (?P<level>DEBUG|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC|DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION)\d?:  ",
        (
            ("2024-03-05 09:07:03.120 UTC [4711] LOG:  checkpoint starting: time", "INFO", "", "checkpoint starting: time"),
            ("2024-03-05 09:07:03.120 UTC [4711] kim@shop ERROR:  duplicate key", "ERROR", "", "duplicate key"),
        ),
        tags=("DETAIL", "HINT", "STATEMENT", "CONTEXT", "QUERY", "LOCATION"),
    ),
    "postgres csv": Header(
        r',(?:(?:"(?:[^"]|"")*"|[^,"]*),){10}(?P<level>[A-Z]+)\d?,',
        (
            (
                '2024-03-05 09:07:03.120 UTC,"kim","shop",47,"10.0.0.1:5",65e6,1,"SELECT",2024-03-05 09:00:00 UTC,3/1,0,ERROR,23505,"no"',
                "ERROR", "", '23505,"no"',
            ),
        ),
    ),
    "unified": Header(
        r" +0x[0-9a-f]+ +(?P<level>Default|Info|Debug|Error|Fault) +0x[0-9a-f]+ +\d+ +\d+ +(?P<logger>[^:\n]{1,60}): ",
        (("2024-03-05 09:07:03.120123+0000 0x1a2b     Default     0x0     123    0    kernel: (AppleX) up", "NOTICE", "kernel", "(AppleX) up"),),
        signs={"Default": "NOTICE", "Fault": "CRITICAL"},
    ),
    "weblogic": Header(
        rf"> <{WORD}> <(?P<logger>[^>\n]*)> ",
        (("####<Mar 5, 2024 9:07:03 AM UTC> <Error> <Deployer> <host> <refused>", "ERROR", "Deployer", "<host> <refused>"),),
    ),
    "java util logging": Header(
        rf" (?P<logger>[A-Za-z_$][\w.$]*) [\w.$<>]+ {WORD}: ",
        (("Mar 05, 2024 9:07:03 AM org.acme.Pay charge SEVERE: refused", "ERROR", "org.acme.Pay", "refused"),),
        stamps=("month day year",),
    ),
    "websphere": Header(
        r"\][ \t]+[0-9a-f]{8} (?P<logger>\S+)[ \t]+(?P<level>[ACDEFIORW])[ \t]+",
        (("[3/5/24 9:07:03:120 UTC] 0000004a WebContainer  E SRVE0242I: refused", "ERROR", "WebContainer", "SRVE0242I: refused"),),
        signs={"A": "NOTICE", "C": "INFO", "O": "INFO", "R": "ERROR"},
    ),
    "gluster": Header(
        rf"\][ \t]+{LETTER} (?:\[MSGID: \d+\] )?\[(?P<logger>[\w.-]+):\d+:[^\]\n]*\] ",
        (("[2024-03-05 09:07:03.120000] E [MSGID: 106] [glusterd.c:18:init] 0-brick: gone", "ERROR", "glusterd.c", "0-brick: gone"),),
    ),
    "category level": Header(
        rf" (?P<logger>[a-z][\w-]*): {WORD}: ",
        (("05-Mar-2024 09:07:03.120 queries: info: client up", "INFO", "queries", "client up"),),
    ),
    "redis": Header(
        r"\d+:[A-Z] \x1e+ (?P<level>[.*#-]) ",
        (("4711:M 05 Mar 2024 09:07:03.120 # Warning: overcommit", "WARN", "", "Warning: overcommit"),),
        place="word 1", signs={".": "DEBUG", "-": "DEBUG", "*": "NOTICE", "#": "WARN"},
    ),
    "rabbitmq": Header(
        rf"[ \t]+\[{WORD}\] <[\d.]+> ",
        (("2024-03-05 09:07:03.120456+00:00 [error] <0.471.0> closing", "ERROR", "", "closing"),),
    ),
    "kafka": Header(
        rf"\] {WORD} (?P<text>.*?) \((?P<logger>[\w.$]+)\)$",
        (("[2024-03-05 09:07:03,120] INFO [Log] flushed (kafka.server.Log)", "INFO", "kafka.server.Log", "[Log] flushed"),),
    ),
    "gin": Header(
        r"\[(?P<logger>GIN)\] \x1e+ (?=\| \d{3} \|)",
        (('[GIN] 2024/03/05 - 09:07:03 | 500 |  12ms | 10.0.0.9 | POST "/"', "", "GIN", '| 500 |  12ms | 10.0.0.9 | POST "/"'),),
        place="word 1", stamps=("iso slashes",),
    ),
    "nginx error": Header(
        rf"[ \t]+\[{WORD}\] \d+#\d+: (?:\*\d+ )?",
        (("2024/03/05 09:07:03 [error] 31#7: *47 connect() failed", "ERROR", "", "connect() failed"),),
    ),
    "apache error": Header(
        rf"\] \[(?:(?P<logger>[\w-]+):)?{WORD}\] (?:\[pid \d+(?::tid \d+)?\] )?",
        (
            ("[Tue Mar 05 09:07:03 2024] [notice] worker is ready", "NOTICE", "", "worker is ready"),
            ("[Tue Mar 05 09:07:03.120000 2024] [core:error] [pid 12:tid 34] AH00124: limit", "ERROR", "core", "AH00124: limit"),
        ),
    ),
    "zap": Header(
        rf"\t{WORD}\t(?:(?P<logger>[\w.-]+)\t)?(?:[\w./-]+\.\w+:\d+\t)?",
        (
            ("2024-03-05T09:07:03.120Z\tERROR\tpay/pay.go:41\trefused\t{\"order\": 1}", "ERROR", "", 'refused\t{"order": 1}'),
            ("2024-03-05\t09:07:03\tERROR\tpay\trefused\t12", "ERROR", "pay", "refused\t12"),
        ),
    ),
    "lambda": Header(
        rf"\t(?P<thread>[\w-]+)\t{WORD}\t",
        (("2024-03-05T09:07:03.120Z\t7a1b-22\tERROR\trefused", "ERROR", "", "refused"),),
    ),
    "pipes": Header(
        rf" ?\| ?{WORD} *\| ?(?:(?P<thread>\d+|[\w.-]*\d[\w.-]*) ?\| ?)?(?P<logger>[\w.$:/<>-]+)(?: - | ?\| ?)",
        (
            ("2024-03-05 09:07:03.120 | INFO     | shop.pay:charge:41 - opened", "INFO", "shop.pay:charge:41", "opened"),
            ("2024-03-05 09:07:03.1200|ERROR|Shop.Pay|refused", "ERROR", "Shop.Pay", "refused"),
        ),
    ),
    "pipes with level second": Header(
        rf" ?\| ?(?P<logger>[\w.$:/<>-]+) *\| ?{WORD} *\| ?",
        (("2024-03-05T09:07:03.120Z | shop.pay | ERROR | refused", "ERROR", "shop.pay", "refused"),),
    ),
    "pipes without level": Header(
        r"\|(?P<logger>[A-Za-z_][\w.-]*)\|(?P<thread>\d+)\|",
        (("20240305-9:07:03:606|Step_UI|4711|onChanged 35", "", "Step_UI", "onChanged 35"),),
    ),
    "logcat": Header(
        rf" +\d+ +\d+ {LETTER} (?P<logger>[^:\n]{{0,80}}?) *: ",
        (("03-05 09:07:03.120  4711  4712 D PayActivity: opened", "DEBUG", "PayActivity", "opened"),),
        stamps=("logcat", "iso"),
    ),
    "logcat time": Header(
        rf" +{LETTER}/(?P<logger>[^(:\n]{{1,60}}?) *(?:\( *\d+\))?: ",
        (("03-05 09:07:03.120 E/PayActivity( 4711): refused", "ERROR", "PayActivity", "refused"),),
        stamps=("logcat", "iso"),
    ),
    "mongodb": Header(
        rf" {LETTER} +(?P<logger>[A-Z-]+) +\[(?P<thread>[^\]\n]*)\] ",
        (("2024-03-05T09:07:03.120+0000 I NETWORK  [conn1] end connection", "INFO", "NETWORK", "end connection"),),
    ),
    "windows": Header(
        rf", {WORD} +(?P<logger>\w+) +",
        (("2024-03-05 09:07:03, Info                  SVC    Loaded stack", "INFO", "SVC", "Loaded stack"),),
    ),
    "hclog": Header(
        rf" \[{WORD}\] +(?P<logger>[a-z][\w.-]*): ",
        (("2024-03-05T09:07:03.120Z [INFO]  agent: started", "INFO", "agent", "started"),),
    ),
    "env_logger": Header(
        rf" {WORD} +(?P<logger>[\w:.-]+)\] ",
        (("[2024-03-05T09:07:03Z INFO  shop::pay] opened", "INFO", "shop::pay", "opened"),),
    ),
    "label level": Header(
        rf"[ \t]+\[(?P<logger>[\w .:/-]+)\] {WORD}: ",
        (("2024-03-05T09:07:03.120Z [shop] error: refused", "ERROR", "shop", "refused"),),
    ),
    "glog": Header(
        r"(?P<level>[IWEFDCV])\x1e+ +\d+ (?P<logger>[\w./-]+):\d+\] ",
        (("E0305 09:07:03.120000  4711 pay.cc:41] refused", "ERROR", "pay.cc", "refused"),),
        place="letter", stamps=("glog",),
    ),
    "syslog 5424": Header(
        r"(?:<(?P<priority>\d{1,3})>)?\d \x1e+ \S+ (?P<logger>\S+) \S+ \S+ (?:- )?",
        (("<11>1 2024-03-05T09:07:03.120Z web-3 shop 4711 ID47 - refused", "ERROR", "shop", "refused"),),
        place="word 1",
    ),
    "syslog priority": Header(
        rf"<(?P<priority>\d{{1,3}})>\x1e+ (?:[\w.:-]+ )?{TAG} ?",
        (("<131>Mar  5 09:07:03 web-3 shop[4711]: refused", "ERROR", "shop", "refused"),),
        place="priority",
    ),
    "access": Header(
        r"(?P<before>(?:[^\[\x1e\n]{1,200})?)\[\x1e+\] ",
        (
            ('10.0.0.9 - kim [05/Mar/2024:09:07:03 +0000] "GET / HTTP/1.1" 500 12', "", "", '10.0.0.9 - kim "GET / HTTP/1.1" 500 12'),
        ),
        place="bracket", stamps=("clf",), keeps=True,
    ),
    "audit": Header(
        r"(?P<before>type=\S+ )msg=audit\(\x1e+:\d+\): ?",
        (("type=SYSCALL msg=audit(1709629623.120:4711): arch=1", "", "", "type=SYSCALL arch=1"),),
        place="key audit(", stamps=("epoch",), keeps=True,
    ),
    "supercomputer": Header(
        r"\S+ \x1e+ \d{4}\.\d\d\.\d\d \S+ \d{4}-\d\d-\d\d-[\d.]+ \S+ (?P<logger>\w+ \w+) (?P<level>[A-Z]+) ",
        (("- 1709629623 2024.03.05 R07-A1 2024-03-05-09.07.03.120000 R07-A1 RAS KERNEL INFO parity", "INFO", "RAS KERNEL", "parity"),),
        place="word 1", stamps=("epoch",),
    ),
    "supercomputer syslog": Header(
        rf"\S+ \x1e+ \d{{4}}\.\d\d\.\d\d \S+ \w{{3}} +\d+ [\d:]+ \S+ {TAG} ?",
        (("- 1709629623 2024.03.05 n7 Mar 5 09:07:03 n7/n7 crond(pam_unix)[4711]: opened", "", "crond(pam_unix)", "opened"),),
        place="word 1", stamps=("epoch",),
    ),
    "label": Header(
        LABEL % 0,
        (("Start-Date: 2024-03-05  09:07:03", "", "", "Start-Date:"),),
        place="word 1", keeps=True,
    ),
    "label of two words": Header(
        LABEL % 1,
        (("Log started: 2024-03-05  09:07:03", "", "", "Log started:"),),
        place="word 2", keeps=True,
    ),
    **GENERAL,
}  # fmt: skip
"""Chosen from in this order: the first that fits enough of a file's lines (``least``). The last two fit any line with a time."""
