#!/bin/sh
# Runs the plot command line on Node 24, from any folder and through any symbolic link to this file.
set -eu

file=$0
while [ -L "$file" ]; do
  target=$(readlink "$file")
  case $target in
    /*) file=$target ;;
    *) file=$(dirname "$file")/$target ;;
  esac
done
root=$(cd "$(dirname "$file")" && pwd -P)

is_new_enough() {
  major=$("$1" --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p')
  [ "${major:-0}" -ge 24 ]
}

for node in "$root/node_modules/.bin/node" node; do
  if is_new_enough "$node"; then
    # exec: signals and the exit code are the command's own.
    exec "$node" "$root/cli/main.ts" "$@"
  fi
done

echo "plot needs Node 24 or later; found: $(node --version 2>/dev/null || echo none). Run \`npm run setup\` in $root." >&2
exit 1
