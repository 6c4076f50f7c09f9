"""A prompt that awaits: a database and the models at hand."""

from __future__ import annotations

import asyncio
import code
import sys
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from inspect import iscoroutine
from types import CodeType
from typing import Any, cast

import data_bridge.postgres as pg

_HELP = "db is the database, pg the package; await works at the prompt."


def names_for(modules: Iterable[str]) -> dict[str, Any]:
    """What the prompt knows by name: the package, and the tables of these modules."""
    names: dict[str, Any] = {"pg": pg, "select": pg.select, "func": pg.func}
    for module in modules:
        found = vars(import_module(module))
        names |= {name: value for name, value in found.items() if hasattr(value, "__model__")}
    return names


def greeting(names: dict[str, Any]) -> str:
    """What the prompt begins with."""
    tables = ", ".join(sorted(name for name, value in names.items() if hasattr(value, "__model__")))
    return f"{_HELP}{f' Tables: {tables}' if tables else ''}"


def with_ipython(url: str | None, names: dict[str, Any]) -> bool:
    """Runs IPython's prompt; ``False`` where that is not installed."""
    try:
        embed, traits = (cast("Any", import_module(name)) for name in ("IPython.terminal.embed", "traitlets.config"))
    except ImportError:
        return False
    config = traits.Config()
    config.InteractiveShell.autoawait = True
    config.InteractiveShell.banner1 = greeting(names) + "\n"
    config.TerminalInteractiveShell.confirm_exit = False
    # The database belongs to the loop that the prompt's lines run in.
    shell = embed.InteractiveShellEmbed(config=config, user_ns=names)
    names["_connect"] = lambda: pg.connect(url)
    for line in ("db = await _connect()", "del _connect"):
        shell.run_cell(line, store_history=False).raise_error()
    try:
        shell.mainloop()
    finally:
        shell.run_cell("await db.close()", store_history=False)
    return True


def plain(url: str | None, names: dict[str, Any]) -> None:
    """Runs Python's own prompt in the main thread; each line that awaits runs the loop until it is done."""
    with asyncio.Runner() as runner:
        names["db"] = runner.run(_connected(url))
        try:
            _Console(names, runner).interact(banner=greeting(names), exitmsg="")
        finally:
            runner.run(names["db"].close())


async def _connected(url: str | None) -> pg.Database:
    return await pg.connect(url)


class _Console(code.InteractiveConsole):
    def __init__(self, names: dict[str, Any], runner: asyncio.Runner) -> None:
        super().__init__(names)
        self._runner = runner
        self.compile.compiler.flags |= PyCF_ALLOW_TOP_LEVEL_AWAIT
        with suppress(ImportError):
            import readline
            import rlcompleter

            readline.set_completer(rlcompleter.Completer(names).complete)
            readline.parse_and_bind("tab: complete")

    def runcode(self, code: CodeType) -> None:
        """Runs what was entered, and waits for it where it awaits."""
        try:
            result = eval(code, self.locals)  # noqa: S307 - a prompt runs what is entered
            if iscoroutine(result):
                self._runner.run(result)
        except SystemExit:
            raise
        except BaseException:
            self.showtraceback()


def run(url: str | None, modules: Iterable[str], *, only_plain: bool) -> None:
    """Opens the prompt."""
    sys.path.insert(0, "")
    names = names_for(modules)
    if only_plain or not with_ipython(url, names):
        plain(url, names)
