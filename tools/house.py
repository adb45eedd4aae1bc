"""house.py: what the checks share: which files there are, and how a check says
what is wrong and how to mend it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("MIDGE_BUILD", ROOT / "build-test" / "gcc"))
CLANG_BUILD = Path(os.environ.get("MIDGE_CLANG_BUILD",
                                  ROOT / "build-test" / "clang"))
NEVER = (".git", "node_modules", "__pycache__", "build")  # how names begin


def walk(folder):
    for path in folder.iterdir():
        if path.is_dir() and not path.name.startswith(NEVER):
            yield from walk(path)
        elif path.is_file():
            yield path.relative_to(ROOT)


def files(*endings):
    """Paths relative to ROOT of the files git knows or would add, those with
    one of the endings only. Without git: all but build folders."""
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "-c", "safe.directory=*", "ls-files", "-co",
         "--exclude-standard", "-z"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=False)
    if listing.returncode == 0:
        names = [Path(name) for name in listing.stdout.split("\0") if name]
    else:
        names = list(walk(ROOT))
    return sorted(name for name in names if (ROOT / name).is_file()
                  and (not endings or name.name.endswith(endings)))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def finish(wrong, mend, ok=""):
    """Ends the check: with the list of what is wrong and how to mend it, or
    with a line that says what was looked at."""
    if wrong:
        print("\n".join(wrong))
        print(f"{len(wrong)} wrong. To mend: {mend}")
        sys.exit(1)
    if ok:
        print(ok)
    sys.exit(0)


def cannot(why):
    """The check could not be made, which is no success."""
    print(f"cannot check: {why}")
    sys.exit(1)
