# SPDX-License-Identifier: Apache-2.0
# Sourced. make_environment FOLDER REQUIREMENTS [venv options]: a Python environment with the pinned
# packages of a file. A second call finds it and does nothing.

make_environment() {
  local folder=$1 requirements=$2 stamp=$1/.lamella-requirements wanted
  shift 2
  wanted=$(sha256sum "$requirements" | cut -d' ' -f1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then return; fi
  printf '\033[1m==>\033[0m Python environment: %s with the packages of %s\n' "$folder" \
    "$requirements"
  [ -x "$folder/bin/python" ] || /usr/bin/python3 -m venv "$@" "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    -r "$requirements"
  echo "$wanted" > "$stamp"
}
