#!/usr/bin/env python3
"""Plants faults in copies of the engine, one by one, and shows that the swarm's checks catch each.

    planted.py --compiler CC --engine LIBRARY --work FOLDER --seeds N LIBRARY...

A fault is a patch in planted/: a row of this test is a file there. The files that it changes are compiled from a
patched copy and linked, before the engine's library, with the LIBRARYs that make up the swarm. Prints TAP, and for
each fault the rule that it broke and the first seed that showed it. The unpatched engine must pass the seeds from 1 on.
A fault that few lives feel says "From seed N" above its patch: the random lives are N and the next ones then.
"""
import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = ['-std=gnu11', '-O1', '-D_GNU_SOURCE', f'-I{ROOT}', f'-I{ROOT}/include']


def call(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)
    return done.returncode, done.stdout + done.stderr


def build(patch, options):
    """Returns the swarm around the patched engine, or why there is none."""
    copy = options.work / (patch.stem if patch else 'sound')
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / 'engine', copy / 'engine')
    objects = []
    if patch:
        failed, text = call('patch', '-p1', '--fuzz=0', '-i', patch, cwd=copy)
        if failed:
            return None, f'{patch.name} does not apply any more:\n{text}'
        for name in re.findall(r'^\+\+\+ b/(\S+)', patch.read_text('utf-8'), re.M):
            objects.append(copy / Path(name).with_suffix('.o'))
            failed, text = call(options.compiler, *FLAGS, '-c', copy / name, '-o', objects[-1])
            if failed:
                return None, text
    failed, text = call(options.compiler, '-o', copy / 'swarm', *objects, *options.libraries, options.engine)
    return (None, text) if failed else (copy / 'swarm', '')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--compiler', required=True)
    parser.add_argument('--engine', required=True)
    parser.add_argument('--work', required=True, type=Path)
    parser.add_argument('--seeds', required=True)
    parser.add_argument('libraries', nargs='+')
    options = parser.parse_args()
    patches = sorted((ROOT / 'tests/swarm/planted').glob('*.patch'))
    print(f'1..{len(patches) + 1}')
    for number, patch in enumerate([None, *patches], 1):
        swarm, text = build(patch, options)
        if swarm:
            first = re.match(r'From seed (\d+)', patch.read_text('utf-8')) if patch else None
            _, text = call(swarm, '--seed', first.group(1) if first else 1, '--count', options.seeds, '--first')
        caught = re.search(r'^seed \d+: (broken|not well|a copy).*', text, re.M)
        good = swarm and (caught if patch else text.startswith('0 of'))
        print(f'{"ok" if good else "not ok"} {number} - {patch.stem if patch else "no fault"}', flush=True)
        print(''.join(f'# {line}\n' for line in (caught.group() if good and patch else text).splitlines()), end='')


if __name__ == '__main__':
    sys.exit(main())
