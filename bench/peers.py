"""peers.py: what is compared with, got ready: packages of npm, each with its
version, in a folder of its own, and programs over libraries of Debian."""
import shutil
import subprocess

import harness

CXX_FLAGS = ["-O3", "-march=native"]


def npm(folder, packages, scripts=True):
    """FOLDER with PACKAGES, a list of NAME@VERSION, installed in it."""
    stamp, wanted = folder / "installed", " ".join(packages)
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    harness.say(f"fetching {wanted} to compare with")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"private": true}\n')
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error",
         *([] if scripts else ["--ignore-scripts"]), *packages], cwd=folder,
        text=True, check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if "rror" in line]
        raise harness.Failed("could not be installed: "
                             + " ".join(lines[-1:])[:120])
    stamp.write_text(wanted)
    return folder


def debian_version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package],
                          text=True, capture_output=True, check=False)
    return done.stdout or "unknown"


def compile_one(compiler, sources, needs, out, words):
    """Unless OUT is newer than SOURCES and what else it NEEDS. With
    -march=native: what is compared with is made as fast as it can be."""
    newest = max(path.stat().st_mtime for path in (*sources, *needs))
    if not (out.exists() and out.stat().st_mtime > newest):
        harness.output([compiler, *CXX_FLAGS, *sources, "-o", out, *words])
