#!/usr/bin/env python3
"""tidy.py ROOT [CHECK...]: runs the named checks (all, when none is named) on a checkout."""

import sys

import banned_calls
import include_rule
import shape
import text
from source_tree import Tree

CHECKS = {
    "include_rule": include_rule.check,
    "shape": shape.check,
    "banned_calls": banned_calls.check,
    "text": text.check,
}


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    tree = Tree(arguments[0])
    if not tree.cpp_files():
        sys.exit(f"tidy: no C++ files below {tree.root}")
    faults = []
    for name in arguments[1:] or CHECKS:
        faults += CHECKS[name](tree)
    for fault in faults:
        print(fault)
    print(f"tidy: {len(faults)} faults in {len(tree.files)} files")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
