"""Ctrl-C: the first interrupt ends the work in order, those that follow at once are swallowed, later ones leave."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

EXIT_CODE = 130
_PATIENCE_SEC = 2.0


class Interrupt:
    """Handler of SIGINT that remembers whether it was called: an interrupted import may raise anything."""

    def __init__(self) -> None:
        self.first: float | None = None
        self._previous = sys.unraisablehook

    def install_interrupt(self) -> None:
        """Take over SIGINT, unless it is ignored (``nohup``) or this is no main thread."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):
            signal.signal(signal.SIGINT, self)
            sys.unraisablehook = self._interrupt_again

    def _interrupt_again(self, lost: "sys.UnraisableHookArgs") -> None:
        """Press once more where the interrupt fell into a callback of the interpreter, which swallows it."""
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            self._previous(lost)
        elif self.first is not None:
            self.first = None
            threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()

    def end_interrupts(self) -> None:
        """From here on Ctrl-C changes nothing: all is done and said, and the exit code is the work's."""
        if signal.getsignal(signal.SIGINT) is self:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise for the first signal."""
        now = time.monotonic()
        if self.first is None:
            self.first = now
            raise KeyboardInterrupt
        if now - self.first > _PATIENCE_SEC:
            leave_at_once()


def leave_at_once() -> None:
    """End the program at once, without waiting for workers: they end with it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    os._exit(EXIT_CODE)


def quiet_interrupt() -> None:
    """Exit with 130 and no traceback where Ctrl-C comes before ``main`` does: while this very program is imported."""
    if Path(sys.argv[0] if sys.argv else "").name not in ("lo2", "lo2.exe", "-m", "__main__.py"):
        return
    previous = sys.excepthook

    def interrupt_hook(kind: type[BaseException], error: BaseException, trace: object) -> None:
        if issubclass(kind, KeyboardInterrupt):
            leave_at_once()
        previous(kind, error, trace)  # type: ignore[arg-type]

    sys.excepthook = interrupt_hook
