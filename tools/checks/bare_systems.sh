#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bare_systems.sh [RELEASE...]: the wheel of build/wheels on systems that have nothing but python3: Debian
# releases (default: bullseye bookworm trixie) in folders of their own, made from Debian's archive by
# mmdebstrap as root. It is installed there without a network and takes a slide to a heat-map, by the
# program and from Python; where it does not fit, what the user is told is checked and printed.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "$(id -u)" -ne 0 ] || ! command -v mmdebstrap > /dev/null; then
  echo "bare_systems: needs root, and mmdebstrap (apt-get install mmdebstrap)" >&2
  exit 1
fi
wheel=$(echo "$PWD"/build/wheels/*.whl)
say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

# inside ROOT COMMAND...: in the system, where /proc is what this process alone sees of it.
inside() {
  local root=$1
  shift
  unshare --mount --net -- sh -c 'mount --bind /proc "$0/proc" && mount --bind /dev "$0/dev" &&
    mount --rbind /sys "$0/sys" && exec chroot "$0" env -i HOME=/root PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$@"' "$root" "$@"
}

# Wheels for the Python of a system, fetched by one of this machine.
fetch() {
  local folder=$1 version=$2 minor platforms=()
  for minor in $(seq 17 34); do platforms+=(--platform "manylinux_2_${minor}_x86_64"); done
  .venv/bin/python -m pip download --quiet --disable-pip-version-check --dest "$folder" \
    --only-binary=:all: --implementation cp --python-version "$version" --abi "cp$version" --abi abi3 \
    --abi none "${platforms[@]}" --platform manylinux2014_x86_64 "$wheel" pip
}

# The whole way, from Python and by the program.
cat > build/bare_system.sh <<'END'
set -eu
cd "$(mktemp -d)"
python3 -m venv --without-pip venv
venv/bin/python "$(echo /wheels/pip-*.whl)/pip" install --quiet --no-index --find-links /wheels lamella
PATH=$PWD/venv/bin:$PATH
lamella --version
lamella phantom --quiet --out cohort --slides 1 --size-px 2048,1536 --seed 5
lamella plan --quiet --slide cohort/phantom_01.tif --size-px 96 --mpp 0.5 --annotations cohort/phantom_01.xml \
  --classes normal tumor --groups Tumor:tumor --rest-of-tissue normal --out plan.h5
lamella encode --quiet --slide cohort/phantom_01.tif --plan plan.h5 --out features.h5
lamella train --quiet --features features.h5 --l2 1 --out model
python - <<'PYTHON'
import lamella
slide = "cohort/phantom_01.tif"
plan = lamella.plan(slide, size_px=96, mpp=0.5)
scores = lamella.score(lamella.encode(slide, plan), "model")
lamella.map(slide, scores, out="map")
print(f"import lamella {lamella.__version__}: {len(scores.values)} patches scored")
PYTHON
test -s map.png
END

[ $# -gt 0 ] || set -- bullseye bookworm trixie
for release in "$@"; do
  root=$PWD/build/roots/$release
  if [ ! -e "$root/.made" ]; then
    say "$release: the system"
    rm -rf "$root"
    mkdir -p build/roots
    packages=python3
    [ "$release" != bullseye ] || packages=python3-pip  # to be asked about the wheel
    mmdebstrap --quiet --variant=apt --include="$packages" "$release" "$root"
    touch "$root/.made"
  fi
  rm -rf "$root/wheels" "$root/lamella"
  mkdir "$root/wheels"
  version=$(inside "$root" python3 -c 'import sys; print("%d%d" % sys.version_info[:2])')
  glibc=$(inside "$root" python3 -c 'import platform; print(platform.libc_ver()[1])')
  if [ "$(printf '%s\n2.34\n' "$glibc" | sort -V | head -1)" = 2.34 ]; then
    fetch "$root/wheels" "$version"
    cp build/bare_system.sh "$root/wheels/"
    start=$(date +%s)
    inside "$root" sh /wheels/bare_system.sh
    say "$release (glibc $glibc, Python $version): works, $(($(date +%s) - start)) s"
    continue
  fi
  fetch "$root/wheels" 311
  for file in "$wheel" "$root"/wheels/openvino-*.whl; do .venv/bin/python -m zipfile -e "$file" "$root/lamella"; done
  chmod +x "$root/lamella/lamella/bin/lamella"
  say "$release (glibc $glibc, Python $version): what a user is told there"
  expect() {  # WORDS COMMAND...: it fails, saying so
    local words=$1 said
    shift
    if said=$(inside "$root" "$@" 2>&1); then echo "$release took the wheel: $*" >&2; exit 1; fi
    grep -m1 -e "$words" <<< "$said" || { echo "expected '$words', found: $said" >&2; exit 1; }
  }
  expect 'not a supported wheel' python3 -m pip install --no-index --no-deps "/wheels/$(basename "$wheel")"
  expect 'lamella: found ' sh -c 'cd /lamella && exec python3 -c "import lamella"'
  expect "GLIBC_2.34. not found" /lamella/lamella/bin/lamella --version
done
