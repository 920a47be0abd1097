"""How long files and functions may be, what headers begin with, what things may be called."""

import re

from source_tree import code_only, line_of

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
# "file: function" that are longer, with the reason. This list only ever shrinks.
LONG_FUNCTIONS = {}

_NAMELESS = re.compile(r"(^|_)(util|utils|helper|helpers|manager|common|misc)(_|\.|$)")
_BLOCK = re.compile(r"[{};]")
_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum)\b[^()=]*$"
                    r"|\bextern\s*\"[^\"]*\"\s*$|\b(class|struct)\s+\w+\([^)]*\)\s*[\w:<>, ]*$")
_BOOL_PARAMETER = re.compile(r"[(,]\s*(?:const\s+)?bool\s+\w+\s*(?=[,)=])")
_NAME = re.compile(r"([\w:~]+|operator\S+)\s*\(")


def functions(text):
    """(name, first line, last line) of every function body in namespaces and classes."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  code_only(text), flags=re.MULTILINE)
    found = []
    scopes = []  # for each open brace: "scope", or the function or initializer it opens
    begin = 0
    for match in _BLOCK.finditer(code):
        before = code[begin:match.start()]
        if match.group(0) == "{":
            in_function = any(kind != "scope" for kind, _, _ in scopes)
            if not in_function and _SCOPE.search(before.strip()):
                scopes.append(("scope", "", 0))
            elif not in_function and "(" in before and not before.rstrip().endswith("="):
                name = _NAME.search(before)
                scopes.append(("function", name.group(1) if name else "?",
                               line_of(code, match.start())))
            else:
                scopes.append(("block", "", 0))
        elif match.group(0) == "}" and scopes:
            kind, name, line = scopes.pop()
            if kind == "function":
                found.append((name, line, line_of(code, match.start())))
        if match.group(0) != ";" or before.count("(") == before.count(")"):
            begin = match.end()
    return found


def check_text(name, text):
    faults = []
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        faults.append(f"{name}: {lines} lines, {FILE_LINES_MAX} are allowed")
    for function, first, last in functions(text):
        if last - first + 1 > FUNCTION_LINES_MAX and f"{name}: {function}" not in LONG_FUNCTIONS:
            faults.append(f"{name}:{first}: {function} has {last - first + 1} lines, "
                          f"{FUNCTION_LINES_MAX} are allowed")
    if name.endswith(".h") and not re.search(r"^#pragma once$", text, re.MULTILINE):
        faults.append(f"{name}: a header without #pragma once")
    if name.endswith(".h"):
        for match in _BOOL_PARAMETER.finditer(code_only(text)):
            faults.append(f"{name}:{line_of(text, match.start())}: a bool parameter says nothing "
                          "where it is called; make it an enum")
    base = name.rsplit("/", 1)[-1]
    if _NAMELESS.search(base):
        faults.append(f"{name}: a file needs a subject; this name has none")
    if base != base.lower():
        faults.append(f"{name}: file names are lower case")
    for match in re.finditer(r"\b(?:class|struct)\s+\w*(Manager|Helper|Util)s?\b", code_only(text)):
        faults.append(f"{name}:{line_of(text, match.start())}: {match.group(0)}: name what it does")
    return faults


def check(tree):
    faults = []
    long_now = set()
    for name in tree.cpp_files():
        text = tree.read(name)
        faults += check_text(name, text)
        long_now |= {f"{name}: {function}" for function, first, last in functions(text)
                     if last - first + 1 > FUNCTION_LINES_MAX}
    faults += [f"{entry}: is short enough now; take it off LONG_FUNCTIONS in tests/tidy/shape.py"
               for entry in sorted(set(LONG_FUNCTIONS) - long_now)]
    return faults
