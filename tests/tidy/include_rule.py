"""Who may include whom: an arrow through the folders, narrower at its upper end."""

import re

ARROW = ("tools", "server", "query", "engine", "compaction", "index", "storage", "base")
_LOWER = ("compaction", "index", "storage", "base")
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def _may_include(folder, target):
    """None when `folder` may include our header `target`, else the rule that forbids it."""
    head = target.split("/")[0]
    if folder in ("tests", "bench"):
        return None
    if head == "varve":
        if folder in _LOWER and target != "varve/status.h":
            return "of the public headers, only varve/status.h is for the folders below engine"
        return None
    if folder == "include":
        return "public headers include public headers and the standard library only"
    if head == folder:
        return None
    if folder in ("server", "tools"):
        if head == "base" or (folder == "tools" and target.startswith("storage/format/")):
            return None
        return f"{folder} sees only include/varve and base"
    if head not in ARROW or ARROW.index(head) < ARROW.index(folder):
        return "the arrow is " + " -> ".join(ARROW)
    if folder == "query" and head == "engine" and target != "engine/reader.h":
        return "query sees of engine only engine/reader.h"
    return None


def check_text(name, text, is_project_header):
    """Faults of one file. `is_project_header(target)`: there is such a header from the root."""
    folder = name.split("/")[0]
    faults = []
    for match in _INCLUDE.finditer(text):
        quote, target = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        if target.startswith("rocksdb/"):
            if not name.startswith(("storage/kv/", "tests/unit/storage/")):
                faults.append(f"{name}:{line}: <{target}>: RocksDB is for storage/kv alone")
        elif quote == '"':
            if not is_project_header(target):
                faults.append(f"{name}:{line}: \"{target}\" is no header's path from the root")
            elif rule := _may_include(folder, target):
                faults.append(f"{name}:{line}: \"{target}\": {rule}")
        elif is_project_header(target):
            faults.append(f"{name}:{line}: <{target}>: our own headers are included in quotes")
    return faults


def check(tree):
    def is_project_header(target):
        return ((tree.root / target).is_file() and "/" in target) or (
            target.startswith("varve/") and (tree.root / "include" / target).is_file())
    faults = []
    for name in tree.cpp_files():
        faults += check_text(name, tree.read(name), is_project_header)
    return faults
