"""Whether asv finds what it is there for: ``python -m benchmarks.selfcheck``.

In a clone of its own, ``asv continuous`` compares a commit with one that changes a comment, and
with one that makes every call take a fifth longer. Exits with 1 unless only that is found slower.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLAN = Path("numbapool") / "plan.py"
BENCHMARK = "ratios.Ratios.track_over_copy"
FACTOR = "1.1"
NOTHING = "\n# A comment: no slower.\n"
FIFTH = """

def _slowed(run):
    import time

    def slow(*args, **kwargs):
        start = time.perf_counter()
        result = run(*args, **kwargs)
        end = time.perf_counter() * 1.2 - start * 0.2
        while time.perf_counter() < end:
            pass
        return result

    return slow


run = _slowed(run)
"""


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, text=True, capture_output=True)


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=selfcheck", "-c", "user.email=selfcheck@localhost")
    command(folder, "git", *who, *words).check_returncode()


def compared(folder: Path, planted: str, benchmark: str) -> tuple[bool, str]:
    """Whether asv finds that the commit with this code at the end of `plan.py` is slower."""
    plan = folder / PLAN
    plan.write_text(plan.read_text(encoding="utf-8") + planted, encoding="utf-8")
    git(folder, "commit", "-qam", "planted")
    asv = (sys.executable, "-m", "asv")
    words = ("continuous", "-f", FACTOR, "-b", benchmark, "HEAD~1", "HEAD")
    done = command(folder, *asv, *words)
    git(folder, "reset", "-q", "--hard", "HEAD~1")
    told = done.stdout + done.stderr
    if "BENCHMARKS NOT SIGNIFICANTLY CHANGED" in told:
        return False, told
    if "PERFORMANCE DECREASED" in told or "SOME BENCHMARKS HAVE CHANGED" in told:
        return "PERFORMANCE DECREASED" in told, told
    raise SystemExit(f"asv failed:\n{told}")


def main() -> int:
    """0 if the planted slow-down is found, and only that."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selfcheck", description=__doc__)
    parser.add_argument("--layer", default="past the caches", help="layers whose name has this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "numbapool"
        git(ROOT, "clone", "-q", str(ROOT), str(folder))
        config = json.loads((folder / "asv.conf.json").read_text(encoding="utf-8"))
        for peer in ("onnx", "onnxruntime", "openvino"):  # are not asked
            del config["matrix"]["req"][peer]
        config["branches"] = ["HEAD"]
        (folder / "asv.conf.json").write_text(json.dumps(config), encoding="utf-8")
        git(folder, "commit", "-qam", "selfcheck")
        command(folder, sys.executable, "-m", "asv", "machine", "--yes").check_returncode()
        benchmark = f"{BENCHMARK}.*{options.layer}"
        silent, told_nothing = compared(folder, NOTHING, benchmark)
        found, told = compared(folder, FIFTH, benchmark)
    print(f"a comment:       {'slower, which it is not' if silent else 'not slower'}")
    print(f"a fifth planted: {'found' if found else 'not found'}")
    if silent or not found:
        print(told_nothing, told, sep="\n")
    return int(silent or not found)


if __name__ == "__main__":
    raise SystemExit(main())
