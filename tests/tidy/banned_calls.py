"""Calls that have no place: in the library, in tests, anywhere."""

import re

from source_tree import LIBRARY_FOLDERS, code_only, line_of

# (where, pattern, why). `where` is "library", "tests" or "all".
_BANS = [(place, re.compile(pattern), why) for place, pattern, why in [
    ("library", r"\bstd::(cout|cerr|clog)\b|(?<!\w)(printf|fprintf|puts|fputs|putchar|perror)\s*\(",
     "the library does not print; it logs through Options::log"),
    ("library", r"#\s*include\s*<iostream>", "the library does not print"),
    ("library", r"(?<![\w.>])(?:std::|::)?(exit|_exit|quick_exit|abort|terminate)\s*\(",
     "the library does not end its host; return a Status, or VARVE_CHECK an invariant"),
    ("library", r"(?<![\w.>:])(?:std::|::)?(signal|sigaction)\s*\(",
     "the library installs no signal handlers"),
    ("library", r"(?<!\w)throw\b", "no exceptions; return a Status"),
    ("library", r"(?<![\w.>])assert\s*\(", "VARVE_CHECK or VARVE_DCHECK"),
    ("tests", r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>:])sleep\s*\(",
     "tests do not sleep: inject the clock, or wait for the event"),
    ("tests", r"\bDISABLED_", "a disabled test is a defect"),
    ("all", r"\bstd::(basic_)?regex\b|#\s*include\s*<regex>", "RE2, which is never exponential"),
    ("all", r"(?<![\w.>])(?:std::)?s?rand\s*\(", "a seeded std::mt19937"),
    ("all", r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof)\s*\(",
     "unbounded or blind to errors"),
    ("all", r"\busing\s+namespace\s+std\s*;", "names are spelled out"),
    ("all", r"\bstd::endl\b", "'\\n'"),
    ("all", r"\bNULL\b", "nullptr"),
]]
# The one place that ends the process, by design.
_EXEMPT = {"base/check.cc"}


def _applies(where, name):
    folder = name.split("/")[0]
    return where == "all" or where == folder or (where == "library" and folder in LIBRARY_FOLDERS)


def check_text(name, text):
    if name in _EXEMPT:
        return []
    code = code_only(text)
    faults = []
    for where, pattern, why in _BANS:
        if _applies(where, name):
            faults += [f"{name}:{line_of(code, match.start())}: {match.group(0).strip()}: {why}"
                       for match in pattern.finditer(code)]
    return faults


def check(tree):
    return [fault for name in tree.cpp_files() for fault in check_text(name, tree.read(name))]
