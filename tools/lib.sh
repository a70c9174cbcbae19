# tools/lib.sh - what the scripts beside it share; sourced, never run.
#
# Sets: root (and goes there), venv, py (the interpreter in it), PATH (its programs first).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
venv=${VENV:-$root/.venv}
py=$venv/bin/python
export PATH="$venv/bin:$PATH"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

say() { printf '==> %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Programs that are always rebuilt from the same words: a build folder is configured once
# and again when the words change.      meson_dir DIR ARGUMENT...
meson_dir() {
    local dir=$1 want
    shift
    if [ -n "${CI:-}" ]; then set -- "$@" -Dwerror=true; fi
    want="$("$py" -V) ${CC:-cc} $*"
    if [ "$(cat "$dir/.words" 2>/dev/null)" != "$want" ] || [ ! -f "$dir/build.ninja" ]; then
        rm -rf "$dir"
        mkdir -p "$dir"
        meson setup "$dir" "$@" >"$dir.log" 2>&1 || { cat "$dir.log" >&2; return 1; }
        printf '%s\n' "$want" >"$dir/.words"
    fi
    # Two of the cores of whoever else works here are enough.
    ninja -C "$dir" -j 2 --quiet || { echo "the build in $dir failed" >&2; return 1; }
}

# The same for the package: built in DIR and installed, without its metadata, in DIR/site.
#       meson_site DIR ARGUMENT...
meson_site() {
    local dir=$1
    shift
    meson_dir "$dir" -Dpython.install_env=prefix \
        -Dpython.platlibdir="$root/$dir/site" -Dpython.purelibdir="$root/$dir/site" "$@"
    meson install -C "$dir" --quiet --no-rebuild
}
