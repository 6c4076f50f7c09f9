"""The verb `docs`: the site in site/ and the Rust documentation, without warnings, and links that lead somewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from common import ROOT, run, say

# [text](target), without images' leading "!" mattering; code spans hold no links.
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def main() -> int:
    broken = [line for file in markdown_files() for line in broken_links(file)]
    for line in broken:
        say(line)
    # mkdocs.yml makes every warning an error.
    site = run([sys.executable, "-m", "mkdocs", "build", "--quiet"], env={"NO_MKDOCS_2_WARNING": "1"})
    rust = run(["cargo", "doc", "--locked", "--workspace", "--no-deps"], env={"RUSTDOCFLAGS": "-D warnings"})
    if site == 0:
        say(
            f"the site is {ROOT / 'site' / 'index.html'}; `{sys.executable} -m http.server -d site` shows it with its search"
        )
    return 1 if broken or site != 0 or rust != 0 else 0


def markdown_files() -> list[Path]:
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def broken_links(file: Path) -> list[str]:
    text = re.sub(r"```.*?```|`[^`]*`", "", file.read_text(), flags=re.DOTALL)
    targets = (target.partition("#")[0] for target in LINK.findall(text) if "://" not in target)
    return [
        f"{file.relative_to(ROOT)}: no {target}" for target in targets if target and not (file.parent / target).exists()
    ]


if __name__ == "__main__":
    sys.exit(main())
