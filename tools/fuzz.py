"""The verb `fuzz`: each target of fuzz/ for a stated time, from its corpus.

python3 tools/fuzz.py [seconds per target] [target ...]
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence

from common import CACHE, ROOT, give_up, run, say

TARGETS = ("backend_frames", "session_ops", "row_decode")


def missing() -> str | None:
    """The sentence for what keeps fuzzing from running here; None when all is there."""
    if not (ROOT / "fuzz" / "Cargo.toml").exists():
        return "fuzz/ is not part of this tree"
    if not shutil.which("cargo-fuzz"):
        return "install cargo-fuzz with `cargo install cargo-fuzz`"
    nightly = ["cargo", "+nightly", "--version"]
    if subprocess.run(nightly, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return "install the nightly toolchain with `rustup toolchain install nightly`"
    return None


def fuzz(seconds: int, targets: Sequence[str] = TARGETS) -> int:
    """Run the targets one after another; the first failure is the result, and its input stays in fuzz/artifacts."""
    for target in targets:
        say(f"fuzzing {target} for {seconds} s")
        # A frame that asks for memory it never fills must not get it: 1 GB is the limit.
        limits = [f"-max_total_time={seconds}", "-rss_limit_mb=1024", "-timeout=10", "-print_final_stats=1"]
        limits.append("-dict=fuzz/backend.dict")
        # What is found goes to the first folder, so that a run leaves the corpus under version control as it is.
        found, corpus = CACHE / "fuzz" / target, ROOT / "fuzz" / "corpus" / target
        found.mkdir(parents=True, exist_ok=True)
        seeds = [corpus] if corpus.is_dir() else []
        code = run(["cargo", "+nightly", "fuzz", "run", target, found, *seeds, "--", *limits])
        if code != 0:
            return code
    return 0


def main() -> int:
    why = missing()
    if why is not None:
        give_up(why)
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    return fuzz(seconds, sys.argv[2:] or TARGETS)


if __name__ == "__main__":
    sys.exit(main())
