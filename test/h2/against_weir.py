#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Starts a Weir and a simulator and sets h2spec.py or h2abuse.py on it: `against_weir.py h2spec [OPTION...]`.

GETs go to a path that Weir answers with an error of its own, POSTs to an operation that waits for its whole body.
"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'flow'))

from weirflow import SANITIZED, Story, model_path


def main():
    which, *options = sys.argv[1:]
    with Story() as s:
        weir = s.weir(workers=1)
        argv = ['/usr/bin/python3', str(HERE / f'{which}.py'), '127.0.0.1', str(weir.port),
                '--path', '/nowhere', '--post-path', model_path('converse'), *options]
        if which == 'h2spec':
            argv += ['--exceptions', str(HERE / 'exceptions.txt')]
        elif not SANITIZED:
            argv += ['--pid', str(weir.pid)]
        status = subprocess.run(argv, check=False).returncode
    return status


if __name__ == '__main__':
    sys.exit(main())
