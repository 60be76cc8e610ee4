"""The shell: one file per command, imported only when chosen; a body opens, calls one function, prints.

To add a command: a module here with a function for typer, and its line in ``main.COMMANDS``.
"""

from lo2.cli.interrupt import quiet_interrupt

quiet_interrupt()
