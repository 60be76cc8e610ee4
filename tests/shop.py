"""Nights of a small shop, the logs that tests of whole commands train on and find faults in."""

import random
from datetime import date, timedelta
from pathlib import Path

BROKEN = (
    "ERROR shop.Pay - order {} refused by the bank",
    "java.net.SocketTimeoutException: connect timed out",
    "\tat shop.Bank.call(Bank.java:81)",
)


def night(root: Path, number: int, *, broken: bool = False, services: tuple[str, ...] = ("shop", "pay")) -> None:
    """One run of a shop: carts by people whose names vary, payments, and on a bad night a bank that does not answer."""
    rng, day = random.Random(number), date(2024, 5, 1) + timedelta(number)
    folder = root / f"night-{number:02d}"
    folder.mkdir(parents=True)
    lines: dict[str, list[str]] = {"shop": [], "pay": []}
    for i in range(rng.randint(25, 35)):
        stamp = f"{day} 08:00:{i:02d},120"
        who = rng.choice(["anna", "bert", "carl", "dora", "emil"])
        lines["shop"].append(f"{stamp} INFO shop.Cart - cart {rng.randint(1, 999)} opened by {who}")
        lines["pay"].append(f"{stamp} INFO shop.Pay - order {rng.randint(1000, 9999)} paid by card")
        if broken and i in (10, 20):
            head, *rest = BROKEN
            lines["shop"].append(f"{stamp} WARN shop.Cart - checkout gave up waiting for the bank")
            lines["pay"] += [f"{stamp} {head.format(rng.randint(1000, 9999))} password=Hunter2xyz", *rest]
    for name in services:
        (folder / f"{name}.log").write_text("\n".join(lines[name]) + "\n")
