#!/usr/bin/env python3
"""What README.md and the pages of docs/ show in ```console blocks is what the program does.

    console_test.py KEEPLINE                          compare
    KEEPLINE_REWRITE=1 console_test.py KEEPLINE       write the output into the pages

A block has commands ("$ ...") and what each prints. "..." alone on a line stands for any lines. `cat FILE` of a file that is
not there yet makes it: so does a reader. The blocks of a page share a folder, in which examples/ is the project's.
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
BLOCK = re.compile(r'(?<=^```console\n)(.*?)(?=^```$)', re.M | re.S)
LATE_S = 60


class Folder:
    """Where the commands of one page run."""

    def __init__(self, path, program):
        self.path = path
        (path / 'examples').symlink_to(ROOT / 'examples')
        (path / 'bin').mkdir()
        (path / 'bin' / 'keepline').symlink_to(program)
        self.environment = os.environ | {'PATH': f'{path / "bin"}:{os.environ["PATH"]}'}

    def output(self, command, shown):
        made = re.fullmatch(r'cat (\w[\w.]*)', command)
        if made and not (self.path / made[1]).exists():
            (self.path / made[1]).write_text(shown, 'utf-8')
        done = subprocess.run(['sh', '-c', command], cwd=self.path, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LATE_S, check=False)
        return done.stdout


def steps(block):
    """(command, what it prints) of a block."""
    for part in re.split(r'^\$ ', block, flags=re.M)[1:]:
        command, _, shown = part.partition('\n')
        yield command, shown


def pattern(shown):
    """A line of "..." is any number of lines."""
    return ''.join(r'(?:.*\n)*?' if line == '...\n' else re.escape(line) for line in shown.splitlines(keepends=True))


def play(page, program, visit):
    """Runs the commands of PAGE; VISIT(command, shown, printed) gives what the page shall show."""
    def rewrite(found):
        played = [(command, shown, folder.output(command, shown)) for command, shown in steps(found[0])]
        return ''.join(f'$ {command}\n{visit(command, shown, printed)}' for command, shown, printed in played)

    with tempfile.TemporaryDirectory() as path:
        folder = Folder(Path(path), program)
        return BLOCK.sub(rewrite, page.read_text('utf-8'))


class Pages(unittest.TestCase):
    def test_pages(self):
        count = 0

        def compare(command, shown, printed):
            nonlocal count
            count += 1
            if not re.fullmatch(pattern(shown), printed):
                self.assertEqual(printed, shown, f'{page.name}: {command}')
            return shown

        for page in PAGES:
            with self.subTest(page=page.name):
                play(page, PROGRAM, compare)
        self.assertGreater(count, 10, 'commands in console blocks')

    def test_links(self):
        """Links lead to files of the tree, and to headings that are there."""
        wrong = []
        for page in [*PAGES, ROOT / 'ARCHITECTURE.md', ROOT / 'CONTRIBUTING.md']:
            for link in re.findall(r'\]\((?!\w+:)([^)]+)\)', page.read_text('utf-8')):
                path, _, anchor = link.partition('#')
                target = page.parent / path if path else page
                if not target.exists() or (anchor and anchor not in anchors(target)):
                    wrong.append(f'{page.relative_to(ROOT)}: {link}')
        self.assertEqual(wrong, [])

    def test_the_comparison(self):
        self.assertTrue(re.fullmatch(pattern('a\n...\nd\n'), 'a\nb\nc\nd\n'))
        self.assertTrue(re.fullmatch(pattern('a\n...\n'), 'a\n'))
        self.assertFalse(re.fullmatch(pattern('a\n...\nd\n'), 'a\nb\n'))
        self.assertFalse(re.fullmatch(pattern('a.b\n'), 'axb\n'))
        self.assertEqual(list(steps('$ one\nx\ny\n$ two\n')), [('one', 'x\ny\n'), ('two', '')])


def anchors(page):
    """What a link to a heading of PAGE may say behind its #."""
    headings = re.findall(r'^#+ (.*)', page.read_text('utf-8'), re.M)
    return {re.sub(r'[^\w -]', '', heading).lower().replace(' ', '-') for heading in headings}


def keep(_, shown, printed):
    return shown if re.fullmatch(pattern(shown), printed) else printed


if __name__ == '__main__':
    PROGRAM = Path(sys.argv.pop(1)).resolve()
    if os.environ.get('KEEPLINE_REWRITE'):
        for each in PAGES:
            each.write_text(play(each, PROGRAM, keep), 'utf-8')
    else:
        unittest.main()
