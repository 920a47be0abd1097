"""The text of every file: columns, tabs, line ends, open ends, strays."""

import os
import re

COLUMNS_MAX = 100
FILE_BYTES_MAX = 512 * 1024
_CODE = (".cc", ".h", ".py", ".sh", ".cmake", "CMakeLists.txt")
# Bytes, not text: seeds of fuzzers and goldens of formats.
_BINARY_PREFIXES = ("tests/fuzz/corpus/", "tests/golden/")
_STRAYS = re.compile(r"(\.(o|a|so|orig|rej|swp|bak|log|tmp)|~|/core|/a\.out)$")
_CONFLICT = re.compile(r"^(<<<<<<<|>>>>>>>)( |$)", re.MULTILINE)
_TODO = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))")
# Directories of somebody's machine.
_PLACES = re.compile(r"(?<![\w.$}{/-])/(home|work|Users|root)/\w")


def is_binary(name):
    return name.startswith(_BINARY_PREFIXES)


def check_text(name, text):
    faults = []

    def fault(line, what):
        faults.append(f"{name}:{line}: {what}")

    if text == "":
        faults.append(f"{name}: empty")
        return faults
    if not text.endswith("\n"):
        faults.append(f"{name}: no newline at the end")
    for number, line in enumerate(text.split("\n"), 1):
        if "\r" in line:
            fault(number, "a carriage return")
        if "\t" in line:
            fault(number, "a tab")
        if line.rstrip("\r") != line.rstrip():
            fault(number, "blanks at the end of the line")
        if name.endswith(_CODE) and len(line) > COLUMNS_MAX and "http" not in line:
            fault(number, f"{len(line)} columns, {COLUMNS_MAX} are allowed")
        if not name.startswith("tests/tidy/") and _TODO.search(line):
            fault(number, "an open end without an issue; write TODO(#number)")
        if _PLACES.search(line):
            fault(number, "a path of one machine")
    if _CONFLICT.search(text):
        faults.append(f"{name}: a merge conflict's markers")
    return faults


def check_file(tree, name):
    path = tree.root / name
    faults = []
    if _STRAYS.search(name):
        faults.append(f"{name}: does not belong into the repository")
    if path.stat().st_size > FILE_BYTES_MAX:
        faults.append(f"{name}: {path.stat().st_size} bytes, {FILE_BYTES_MAX} are allowed")
    if is_binary(name):
        return faults
    data = tree.read_bytes(name)
    if b"\0" in data:
        return faults + [f"{name}: binary"]
    if os.access(path, os.X_OK) != data.startswith(b"#!"):
        faults.append(f"{name}: a script has both a #! line and the executable bit, others neither")
    try:
        return faults + check_text(name, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return faults + [f"{name}: not UTF-8 at byte {error.start}"]


def check(tree):
    return [fault for name in tree.files for fault in check_file(tree, name)]
