# SPDX-License-Identifier: Apache-2.0
# Sourced by the steps of tools/heavy: make_environment NAME [venv options] makes .venv-NAME with
# the pinned packages of tools/heavy/NAME-requirements.txt. A second call finds it and does nothing.

make_environment() {
  local name=$1 requirements=tools/heavy/$1-requirements.txt
  local stamp=.venv-$name/.lamella-requirements wanted
  shift
  wanted=$(sha256sum "$requirements" | cut -d' ' -f1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then return; fi
  [ -x ".venv-$name/bin/python" ] || /usr/bin/python3 -m venv "$@" ".venv-$name"
  ".venv-$name/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    -r "$requirements"
  echo "$wanted" > "$stamp"
}
