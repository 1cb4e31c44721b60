#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The benchmark's own parts work: a handful of calls of each kind, straight and through Weir. Nothing
# is timed here.
set -eu
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$("$root/tools/bench/run" --quick --case smoke --row weir --build "${WEIR_BUILD:-$root/build}")
printf '%s\n' "$out"
[[ $out == *"smoke: direct 100 calls, weir 120 calls"* ]]
