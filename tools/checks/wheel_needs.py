#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wheel_needs.py WHEEL: what the programs and libraries in a wheel need of a system. Fails where that is
more than the wheel's name says, or where a library is neither inside nor on every such system. Prints the
sizes and what binds the wheel to its glibc. Needs pyelftools."""

import io
import re
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

# What the oldest systems of glibc 2.34 have (RHEL 9, Amazon Linux 2023): the libraries of GCC 11, zlib 1.2.11.
NEWEST = {"GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13), "GCC": (7, 0, 0), "ZLIB": (1, 2, 11)}
# What a wheel may expect of every Linux (PEP 600), as far as it is used.
SYSTEM = {"ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1",
          "libexpat.so.1", "libdl.so.2", "libpthread.so.0", "libresolv.so.2", "librt.so.1"}
# What lies beside the package, of the package openvino.
BESIDE = re.compile(r"(libopenvino\.so\.\d+|libtbb\.so\.12)")


def needs_of(file):
    """Names of the libraries that an ELF file needs, and of the versions of theirs: (library, version)."""
    libraries, versions = [], []
    for section in ELFFile(io.BytesIO(file)).iter_sections():
        if isinstance(section, DynamicSection):
            libraries += [tag.needed for tag in section.iter_tags("DT_NEEDED")]
        elif isinstance(section, GNUVerNeedSection):
            versions += [(library.name, version.name) for library, versions_of in section.iter_versions()
                         for version in versions_of]
    return libraries, versions


def main():
    wheel = Path(sys.argv[1])
    tag = re.search(r"-manylinux_(\d+)_(\d+)_x86_64\.whl$", wheel.name)
    if not tag:
        sys.exit(f"{wheel.name}: found no tag manylinux_MAJOR_MINOR_x86_64")
    newest = {"GLIBC": (int(tag[1]), int(tag[2]), 0), **NEWEST}
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        unpacked = sum(entry.file_size for entry in archive.infolist())
        files = {name: content for name in names
                 if (content := archive.read(name)).startswith(b"\x7fELF")}
    inside = {Path(name).name for name in files}
    wrong, binding = [], defaultdict(list)
    for name, content in files.items():
        libraries, versions = needs_of(content)
        wrong += [f"{name} needs {library}, which is neither inside nor on every system"
                  for library in libraries
                  if library not in inside | SYSTEM and not BESIDE.fullmatch(library)]
        for library, version in versions:
            if library not in SYSTEM:
                continue
            family, _, number = version.partition("_")
            if not re.fullmatch(r"[\d.]+", number) or family not in newest:
                wrong.append(f"{name} needs {version} of {library}, which is of no known family")
                continue
            found = tuple(map(int, (number + ".0.0").split(".")))[:3]
            if found > newest[family]:
                wrong.append(f"{name} needs {version}, later than its name says")
            elif family == "GLIBC" and found == newest[family]:
                binding[version].append(Path(name).name)
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, {unpacked / 1e6:.1f} MB unpacked, "
          f"{len(names)} files, {len(files)} of them programs and libraries")
    for version, those in binding.items():
        print(f"{version} is needed by {len(those)}: {' '.join(sorted(those))}")
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
