#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A file as a C array, for what is compiled in: embed.py FILE NAME OUT.c gives NAME and NAME_size.
Only building needs it."""
import pathlib
import sys

source, name, out = sys.argv[1:]
data = pathlib.Path(source).read_bytes()
rows = [','.join(map(str, data[i:i + 24])) for i in range(0, len(data), 24)]
pathlib.Path(out).write_text(
    '#include <stddef.h>\n'
    f'extern const char {name}[];\nextern const size_t {name}_size;\n'
    f'const char {name}[] = {{\n' + ',\n'.join(rows) + '};\n'
    f'const size_t {name}_size = sizeof {name};\n')
