#!/usr/bin/env python3
"""clang_warnings.py COMPILE_COMMANDS: clang's front end over every source of a build, warnings as
errors, with the thread-safety analysis that gcc lacks. System headers are not ours to fix."""

import concurrent.futures
import json
import os
import shlex
import subprocess
import sys

FLAGS = ["-fsyntax-only", "-Werror", "-Wthread-safety", "-Wno-unknown-warning-option"]
# What takes an argument, and what only gcc or the output needs.
DROPPED_PAIRS = {"-o", "-MF", "-MT", "-MQ"}
DROPPED = {"-c", "-MD", "-MMD"}


def clang_command(entry):
    words = entry.get("arguments") or shlex.split(entry["command"])
    # Before the first option stand the compiler and what launches it.
    options = iter(words[next(i for i, word in enumerate(words) if word.startswith("-")):])
    command = ["clang++"]
    for word in options:
        if word in DROPPED_PAIRS:
            next(options)
        elif word not in DROPPED:
            command.append(word)
    return command + FLAGS


def check(entry):
    result = subprocess.run(clang_command(entry), cwd=entry["directory"], capture_output=True,
                            text=True, check=False)
    return result.returncode, result.stderr


def main(path):
    with open(path, encoding="utf-8") as file:
        entries = [entry for entry in json.load(file) if entry["file"].endswith(".cc")]
    if not entries:
        sys.exit(f"clang_warnings: {path} names no sources")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for code, text in pool.map(check, entries):
            if code != 0:
                failed += 1
                print(text, end="")
    print(f"clang_warnings: {failed} of {len(entries)} sources have warnings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
