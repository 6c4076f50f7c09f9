"""``python -m data_bridge.postgres``: look into a database, or work with it line by line."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; without what it is made with, say how to get that."""
    try:
        from .cli.app import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("typer", "rich"):
            raise
        print(f'{error.name} is not installed; get it with: pip install "data-bridge[cli]"', file=sys.stderr)
        return 2
    app(prog_name="python -m data_bridge.postgres")
    return 0


if __name__ == "__main__":
    sys.exit(main())
