# SPDX-License-Identifier: Apache-2.0
"""House rules that a machine can check.

- an #include of lamella/<room>/ only from that room or from one that lists it in DEPENDS;
- a room depends on rooms of lower levels only, as in ARCHITECTURE.md's diagram;
- nobody includes another room's *_internal.h;
- the room testing is for tests, fuzzers and what tests share (*testing*), whatever their room;
- at most 500 lines a file; a licence line first; no std::cout/printf in the core.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEVELS = [
    {"base", "io"},
    {"slide", "annotation", "imagefile", "feature", "tracking"},
    {"testing"},
    {"tissue", "classifier", "evaluation", "phantom"},
    {"patch"},
    {"encoder", "heatmap"},
    {"storage"},
    {"model"},
    {"verbs"},
    {"study"},
    {"cli"},
]
FACES = {"cli", "python"}
OF_TESTS = re.compile(r"(_test|_fuzz)\.cpp$|testing")
SOURCES = ["src/*.cpp", "src/*.h", "python/*.cpp", "python/*.h"]
PRINTS = re.compile(r"\bstd::cout\b|\bstd::cerr\b|[^:\w]printf\(|\bputs\(")
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


def check_levels(rooms: dict[str, set[str]]) -> list[str]:
    level = {room: i for i, names in enumerate(LEVELS) for room in names}
    faults = [f"room '{room}' stands on no level of {Path(__file__).name}" for room in rooms
              if room not in level]
    for room, depends in rooms.items():
        for other in depends:
            if room == "io" and other == "base":
                continue
            if level.get(other, 99) >= level.get(room, 0):
                faults.append(f"room '{room}' must not depend on '{other}': it is not below it")
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
    faults = check_levels(rooms)
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
    faults = check(ROOT) + check_format()
    for fault in faults:
        print(fault)
    print(f"house rules: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
