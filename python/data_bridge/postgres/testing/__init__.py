"""For the tests of programs that use this package: a pytest plugin, a database that forgets, and rows out of nothing.

The plugin (installed with the package; nothing to switch on) gives a test these fixtures::

    async def test_a_post_has_an_author(pg_db, pg_make):
        post = await pg_make(Post, title="Hello")          # its author is made as well
        assert (await post.author.fetch(db=pg_db)) is not None

Everything that a test does through ``pg_db`` is rolled back when it ends. :class:`Sandbox` is that database and
:func:`make` that factory, for other test runners.
"""

from __future__ import annotations

from ._factory import Maker, SyncMaker, build, make
from ._sandbox import Sandbox, SyncSandbox
from ._template import Template

__all__ = ["Maker", "Sandbox", "SyncMaker", "SyncSandbox", "Template", "build", "make"]
