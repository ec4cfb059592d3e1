#!/usr/bin/env python3
"""Configurations in every shape that vendors' files come in, and what `explain --json` says that they set.

    shapes_test.py KEEPLINE
    shapes_test.py KEEPLINE --rewrite    write shapes/dumps.txt anew: read every line of the difference
"""
import json
import subprocess
import sys
import unittest
from pathlib import Path

KEEPLINE = None
SHAPES = Path(__file__).parent / 'shapes'
CASES = ('root-attributes.cfg', 'nested.cfg', 'all.cfg', 'web.cfg', 'registration.cfg', 'sip-3.1.cfg phone-3.1.cfg',
         '--profile spectralink-84 all.cfg', '--mac 0004f2aabbcc master', '--mac 0004f2aabbcc --model VVX master',
         'yealink/phone.boot', 'yealink/v70.cfg', 'versity.cfg', 'native.yaml', 'native.yaml all.cfg')


def explain(case):
    return subprocess.run([KEEPLINE, 'explain', '--resolver', 'none', '--json', *case.split()], timeout=60, cwd=SHAPES,
                          capture_output=True, text=True, check=False)


def dump(case):
    """A line for each value that a file sets, with its place; what profiles say stands in policy.def."""
    run = explain(case)
    out = f'== {case}\n{run.stderr}'
    for line in json.loads(run.stdout)['lines'] if run.returncode == 0 else []:
        out += f'line {line["line"]}: {line["aor"]}, {line["profile"]}\n'
        out += ''.join(f'  {value["name"]} = {value["value"]} ({value["from"]})\n' for value in line['parameters']
                       if value['from'] != 'default' and not value['from'].startswith('profile '))
        out += ''.join(f'  ! {warning}\n' for warning in line['warnings'])
    return out + '\n'


class Shapes(unittest.TestCase):
    def test_dumps(self):
        """CONF-1, CONF-2, CONF-3, CONF-5 (part), PROF-1: what each file sets, and where it stands."""
        self.maxDiff = None
        self.assertEqual(''.join(map(dump, CASES)), (SHAPES / 'dumps.txt').read_text('utf-8'))

    def test_refused(self):
        """The lines that guides print are no file; the message says how to make one of them."""
        run = explain('guide.txt')
        self.assertEqual(run.returncode, 2)
        self.assertIn('guide.txt:1', run.stderr)
        self.assertIn('<polycomConfig', run.stderr)


if __name__ == '__main__':
    KEEPLINE = str(Path(sys.argv.pop(1)).resolve())
    if sys.argv[1:] == ['--rewrite']:
        (SHAPES / 'dumps.txt').write_text(''.join(map(dump, CASES)), 'utf-8')
    else:
        unittest.main()
