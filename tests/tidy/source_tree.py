"""The checkout as the tidy checks see it: its files, and C++ text without comments and literals."""

import functools
import pathlib
import re
import subprocess

LIBRARY_FOLDERS = ("base", "storage", "index", "compaction", "engine", "query", "include")
CODE_FOLDERS = LIBRARY_FOLDERS + ("server", "tools", "bench", "tests")


class Tree:
    """A checkout's own files: those that git tracks or would add."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    @functools.cached_property
    def files(self):
        listed = subprocess.run(
            ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"],
            capture_output=True, text=True, check=False)
        if listed.returncode == 0:
            names = sorted(name for name in listed.stdout.split("\0") if name)
        else:  # an unpacked archive
            names = sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*")
                           if path.is_file())
            names = [name for name in names if not name.startswith(("build/", "."))]
        return [name for name in names if (self.root / name).is_file()]

    def cpp_files(self):
        return [name for name in self.files
                if name.endswith((".h", ".cc")) and name.split("/")[0] in CODE_FOLDERS]

    def read(self, name):
        return (self.root / name).read_text(encoding="utf-8")

    def read_bytes(self, name):
        return (self.root / name).read_bytes()


_TOKEN = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<delimiter>[^()\s\\]{0,16})\(.*?\)(?P=delimiter)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def code_only(text):
    """C++ text with comments and literals blanked out; lines and columns stay where they are."""
    def blank(match):
        token = match.group(0)
        kept = "\n".join(" " * len(line) for line in token.split("\n"))
        return kept if token.startswith("/") else '"' + kept[1:-1] + '"'
    return _TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
