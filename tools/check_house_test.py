# SPDX-License-Identifier: Apache-2.0
"""The checker must see what it is there to see."""

from pathlib import Path

import check_house

CMAKE = "add_room(base)\nadd_room(io DEPENDS base)\nadd_room(patch DEPENDS base slide LIBRARIES x)\n"
GOOD = "// SPDX-License-Identifier: Apache-2.0\n"


def faults(tmp_path: Path, room: str, text: str, cmake: str = CMAKE) -> list[str]:
    source = tmp_path / "src" / "lamella"
    (source / room).mkdir(parents=True)
    (source / "CMakeLists.txt").write_text(cmake)
    (source / room / "a.cpp").write_text(text)
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


def test_sees_an_arrow_that_points_up(tmp_path):
    found = faults(tmp_path, "base", GOOD, "add_room(base DEPENDS io)\nadd_room(io DEPENDS base)\n")
    assert any("'base' must not depend on 'io'" in fault for fault in found)


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
