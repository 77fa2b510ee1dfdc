# SPDX-License-Identifier: Apache-2.0
"""House rules that a machine can check.

- an #include of lamella/<room>/ only from that room or from one that lists it in DEPENDS;
- the arrows of DEPENDS make no circle, and none points to a face;
- ARCHITECTURE.md's diagram is the one that follows from DEPENDS (--diagram prints it);
- every room has a test;
- nobody includes another room's *_internal.h;
- the room testing is for tests, fuzzers and what tests share (*testing*), whatever their room;
- at most 500 lines a file; a licence line first; no std::cout/printf in the core;
- "centre" and "tumour" in prose: the other spelling is for names in code and foreign formats.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FACES = {"cli", "python"}
OF_TESTS = re.compile(r"(_test|_fuzz)\.cpp$|testing")
SOURCES = ["src/*.cpp", "src/*.h", "python/*.cpp", "python/*.h"]
PRINTS = re.compile(r"\bstd::cout\b|\bstd::cerr\b|[^:\w]printf\(|\bputs\(")
COMMENT = re.compile(r"^\s*//+\s(.*)|\s//\s(.*)")
QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^']*'")
OTHER_SPELLING = re.compile(r"\b(?:centers?|centered|tumors?)\b", re.IGNORECASE)
INCLUDE = re.compile(r'^\s*#\s*include\s+"lamella/(\w+)/([^"]+)"')


def read_rooms(text: str) -> dict[str, set[str]]:
    """Room -> the rooms of its DEPENDS."""
    rooms = {}
    for body in re.findall(r"add_room\(([^)]*)\)", text):
        words = body.split()
        depends, taking = set(), False
        for word in words[1:]:
            if word in ("DEPENDS", "LIBRARIES"):
                taking = word == "DEPENDS"
            elif taking:
                depends.add(word)
        rooms[words[0]] = depends
    return rooms


def check_arrows(rooms: dict[str, set[str]]) -> list[str]:
    faults = [f"room '{room}' depends on '{other}', which is no room" for room, depends
              in rooms.items() for other in sorted(depends - set(rooms))]
    faults += [f"room '{room}' must not depend on '{other}': it is a face" for room, depends
               in rooms.items() for other in sorted(depends & FACES)]
    # What is left when all rooms are taken away that depend on nothing that is left.
    left = {room: depends & set(rooms) for room, depends in rooms.items()}
    while free := {room for room, depends in left.items() if not depends & set(left)}:
        left = {room: depends for room, depends in left.items() if room not in free}
    return faults + [f"room '{room}' is in a circle of arrows, or above one: "
                     f"{', '.join(sorted(depends & set(left)))}" for room, depends in left.items()]


def levels(rooms: dict[str, set[str]]) -> list[list[str]]:
    """Rooms by level, lowest first; a room stands just above the highest that it depends on."""
    level: dict[str, int] = {}
    while len(level) < len(rooms):
        for room, depends in rooms.items():
            if depends <= set(level):
                level[room] = max((level[other] + 1 for other in depends), default=0)
    return [[room for room in rooms if level[room] == i] for i in range(max(level.values()) + 1)]


def diagram(rooms: dict[str, set[str]]) -> str:
    rows = levels(rooms)
    top = max((i for i, row in enumerate(rows) if set(row) & FACES), default=None)
    if top is not None:
        rows[top] = sorted(set(rows[top]) | FACES)
    return "".join(f" L{i:<4}{'   '.join(rows[i])}\n" for i in reversed(range(len(rows))))


def check_diagram(page: Path, rooms: dict[str, set[str]]) -> list[str]:
    text = page.read_text(encoding="utf-8")
    found = re.search(r"## Rooms and arrows\n\n```\n(.*?)```", text, re.DOTALL)
    if found and found.group(1) == diagram(rooms):
        return []
    return [f"{page}: the diagram under 'Rooms and arrows' is not that of DEPENDS; put there what "
            f"tools/{Path(__file__).name} --diagram prints"]


def check_tests(source: Path, rooms: dict[str, set[str]]) -> list[str]:
    return [f"room '{room}' has no test (*_test.cpp)" for room in rooms
            if (source / room).is_dir() and not any((source / room).rglob("*_test.cpp"))]


def check_spelling(path: Path) -> list[str]:
    """Words in prose: what is in backticks, quotes, links or code is somebody's name."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        text = re.sub(r"```.*?```", lambda code: "\n" * code.group().count("\n"), text,
                      flags=re.DOTALL)
        text = re.sub(r"\]\([^)]*\)|<[^>]*>", "", text)
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        if path.suffix != ".md":
            comment = COMMENT.search(line)
            line = (comment.group(1) or comment.group(2)) if comment else ""
        found = OTHER_SPELLING.search(QUOTED.sub("", line))
        if found:
            faults.append(f"{path}:{number}: found '{found.group()}' in prose, expected 'centre', "
                          "'tumour' (or backticks around a name)")
    return faults


def check_file(path: Path, source: Path, rooms: dict[str, set[str]]) -> list[str]:
    inside = source in path.parents
    room = path.relative_to(source).parts[0] if inside else "python"
    lines = path.read_text(encoding="utf-8").splitlines()
    faults = []
    if not lines or "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
        faults.append(f"{path}: the first line must be the SPDX licence line")
    if len(lines) > 500:
        faults.append(f"{path}: {len(lines)} lines, at most 500")
    for number, line in enumerate(lines, 1):
        where = f"{path}:{number}"
        found = INCLUDE.match(line)
        if found:
            other = found.group(1)
            for_tests = other == "testing" and OF_TESTS.search(path.name)
            if other != room and other not in rooms.get(room, set()) and not for_tests:
                faults.append(f"{where}: room '{room}' may not include '{other}'")
            if other != room and found.group(2).endswith("_internal.h"):
                faults.append(f"{where}: {found.group(2)} is private to room '{other}'")
        if room not in FACES and not path.name.endswith("_test.cpp") and PRINTS.search(line):
            faults.append(f"{where}: the core does not print")
    return faults


def check_format() -> list[str]:
    files = subprocess.run(["git", "ls-files", *SOURCES], cwd=ROOT,
                           capture_output=True, text=True, check=True).stdout.split()
    if not files:
        return []
    try:
        run = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], cwd=ROOT,
                             capture_output=True, text=True, check=False)
    except FileNotFoundError:
        print("clang-format is not installed: layout not checked")
        return []
    return sorted({line.split(":")[0] + ": not formatted (make format)"
                   for line in run.stderr.splitlines() if "error:" in line})


def check(root: Path) -> list[str]:
    source = root / "src" / "lamella"
    rooms = read_rooms((source / "CMakeLists.txt").read_text(encoding="utf-8"))
    faults = check_arrows(rooms)
    page = root / "ARCHITECTURE.md"
    if page.exists() and not faults:
        faults += check_diagram(page, rooms)
    faults += check_tests(source, rooms)
    for prose in sorted([*root.glob("*.md"), *root.glob("docs/*.md"), *source.rglob("*.h"),
                         *source.rglob("*.cpp")]):
        faults += check_spelling(prose)
    for path in sorted([*source.rglob("*.h"), *source.rglob("*.cpp")]):
        faults += check_file(path, source, rooms)
    # The Python package is a face outside src: every room but the other faces.
    python = root / "python"
    faces = {**rooms, "python": set(rooms) - FACES}
    for path in sorted([*python.rglob("*.h"), *python.rglob("*.cpp")]):
        faults += check_file(path, source, faces)
    for path in sorted(python.rglob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        if not lines or "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
            faults.append(f"{path}: the first line must be the SPDX licence line")
        if len(lines) > 500:
            faults.append(f"{path}: {len(lines)} lines, at most 500")
    return faults


def main() -> int:
    if "--diagram" in sys.argv[1:]:
        print(diagram(read_rooms((ROOT / "src/lamella/CMakeLists.txt").read_text())), end="")
        return 0
    faults = check(ROOT) + check_format()
    for fault in faults:
        print(fault)
    print(f"house rules: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
