# SPDX-License-Identifier: Apache-2.0
"""count_tests.py FOLDER [REPORT.xml...]: adds up JUnit reports (of ctest and pytest if none are
named), with those of parts of a step (REPORT.PART.xml); exits 1 if anything failed or a report is
missing."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count(path: Path) -> tuple[int, int, int]:
    """Passed, failed, skipped of one report."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main() -> int:
    folder = Path(sys.argv[1])
    totals = [0, 0, 0]
    for name in sys.argv[2:] or ("ctest.xml", "pytest.xml"):
        path = folder / name
        if not path.exists():
            print(f"{path} is missing: its tests did not run")
            totals[1] += 1
            continue
        for part in (path, *sorted(folder.glob(f"{path.stem}.*.xml"))):
            totals = [a + b for a, b in zip(totals, count(part))]
    house = folder / "house-failed"
    if house.exists():
        house.unlink()
        totals[1] += 1
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
