# SPDX-License-Identifier: Apache-2.0
"""The checker must see what it is there to see."""

from pathlib import Path

import check_house

CMAKE = ("add_room(base)\nadd_room(io DEPENDS base)\nadd_room(slide DEPENDS io)\n"
         "add_room(patch DEPENDS base slide LIBRARIES x)\n")
GOOD = "// SPDX-License-Identifier: Apache-2.0\n"


def faults(tmp_path: Path, room: str, text: str, cmake: str = CMAKE) -> list[str]:
    source = tmp_path / "src" / "lamella"
    (source / room).mkdir(parents=True)
    (source / "CMakeLists.txt").write_text(cmake)
    (source / room / "a.cpp").write_text(text)
    (source / room / "a_test.cpp").write_text(GOOD)
    return check_house.check(tmp_path)


def test_allows_what_the_arrows_allow(tmp_path):
    text = GOOD + '#include "lamella/slide/slide.h"\n#include "lamella/patch/x_internal.h"\n'
    assert faults(tmp_path, "patch", text) == []


def test_sees_a_forbidden_arrow(tmp_path):
    found = faults(tmp_path, "patch", GOOD + '#include "lamella/study/study.h"\n')
    assert len(found) == 1 and "may not include 'study'" in found[0]


def test_sees_a_private_header(tmp_path):
    found = faults(tmp_path, "patch", GOOD + '#include "lamella/slide/tiff_internal.h"\n')
    assert len(found) == 1 and "private" in found[0]


def test_sees_a_circle_of_arrows(tmp_path):
    found = faults(tmp_path, "base", GOOD, "add_room(base DEPENDS io)\nadd_room(io DEPENDS base)\n")
    assert any("'base' is in a circle of arrows" in fault for fault in found)


def test_sees_an_arrow_to_a_face_and_one_to_nothing(tmp_path):
    found = faults(tmp_path, "base", GOOD,
                   "add_room(cli)\nadd_room(base DEPENDS cli)\nadd_room(io DEPENDS gone)\n")
    assert any("'base' must not depend on 'cli': it is a face" in fault for fault in found)
    assert any("'io' depends on 'gone', which is no room" in fault for fault in found)


def test_a_room_stands_above_what_it_depends_on_and_the_page_shows_it(tmp_path):
    rooms = check_house.read_rooms(CMAKE + "add_room(cli DEPENDS patch)\n")
    shown = check_house.diagram(rooms)
    assert shown == " L4   cli   python\n L3   patch\n L2   slide\n L1   io\n L0   base\n"
    page = tmp_path / "ARCHITECTURE.md"
    page.write_text(f"## Rooms and arrows\n\n```\n{shown}```\n")
    assert check_house.check_diagram(page, rooms) == []
    page.write_text(page.read_text().replace("slide", "other"))
    assert "--diagram" in check_house.check_diagram(page, rooms)[0]


def test_sees_a_room_without_a_test(tmp_path):
    source = tmp_path / "src" / "lamella"
    (source / "io").mkdir(parents=True)
    (source / "CMakeLists.txt").write_text(CMAKE)
    assert check_house.check(tmp_path) == ["room 'io' has no test (*_test.cpp)"]


def test_sees_the_other_spelling_in_prose_only(tmp_path):
    text = GOOD + '// The center of "Tumor".\nint center = 1;  // of `centers`\nint b;  // a tumor\n'
    found = faults(tmp_path, "patch", text)
    assert [fault.split(":")[1] for fault in found] == ["2", "4"]
    page = tmp_path / "README.md"
    page.write_text("A `tumor`, see [it](tumor.md).\n\n```\ncenters\n```\n\nTwo centers.\n")
    assert [fault.split(":")[1] for fault in check_house.check_spelling(page)] == ["7"]


def test_sees_size_licence_and_printing(tmp_path):
    found = faults(tmp_path, "base", "std::cout << 1;\n" * 501)
    assert any("licence" in fault for fault in found)
    assert any("501 lines" in fault for fault in found)
    assert any("does not print" in fault for fault in found)


def test_the_python_package_may_not_use_the_command_line(tmp_path):
    bindings = tmp_path / "python" / "bindings"
    bindings.mkdir(parents=True)
    (bindings / "a.cpp").write_text(GOOD + '#include "lamella/io/a.h"\n#include "lamella/cli/b.h"\n')
    (bindings / "b.py").write_text("import this\n")
    found = faults(tmp_path, "patch", GOOD, CMAKE + "add_room(cli DEPENDS base)\n")
    assert len([fault for fault in found if "may not include 'cli'" in fault]) == 1
    assert not any("may not include 'io'" in fault for fault in found)
    assert any("b.py: the first line" in fault for fault in found)
