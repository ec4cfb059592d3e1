#!/usr/bin/env python3
"""`keepline check` of files made to hurt: each is refused with one message, soon and in little memory.

    hostile_files_test.py KEEPLINE
"""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

KEEPLINE = None
SECONDS = 10     # a sanitizer's build has its share
MEMORY_KB = 300000  # likewise; without one it is a tenth
FULL = 4 << 20   # the longest file that is read
DEPTH = 20000

LAUGHS = '<!DOCTYPE lolz [<!ENTITY a0 "ha">' + ''.join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)) + ']><a reg.1.address="&a9;"/>'
BOMB = 'a: &a0 [x]\n' + ''.join(f'b{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 10)}]\n' for n in range(1, 10))


def fill(head, part):
    """HEAD and PART over and over, just short of what is read."""
    return head + part * ((FULL - len(head)) // len(part))


class HostileFiles(unittest.TestCase):
    def check(self, text, size=None):
        """The exit status and the lines printed, for a file of TEXT, stretched to SIZE."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / 'phone').write_text(text)
            if size:
                os.truncate(Path(folder) / 'phone', size)
            with tempfile.TemporaryFile('w+') as out:
                process = subprocess.Popen(['timeout', str(SECONDS), KEEPLINE, 'check', 'phone'], cwd=folder, stdout=out)
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                out.seek(0)
                lines = out.read().splitlines()
        self.assertLess(usage.ru_maxrss, MEMORY_KB)
        return process.returncode, lines

    def assert_refused(self, words, text, size=None):
        status, lines = self.check(text, size)
        self.assertEqual((status, lines[1:]), (2, ['1 error, 0 warnings']))
        self.assertRegex(lines[0], words)

    def test_too_large(self):
        """100 MB of each kind of file: no more is read than it takes to know."""
        for head in ('<a reg.1.address="bob">', '#!version:1.0.0.1\n', 'lines:\n', ''):
            with self.subTest(head=head):
                self.assert_refused('phone: error: the file cannot be read: larger than 4 MiB', head, 100 << 20)

    def test_entities(self):
        """Nothing is expanded, and no other file is read, for an XML file."""
        for text in (LAUGHS, '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a reg.1.address="bob"/>',
                     '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a reg.1.address="&x;"/>'):
            with self.subTest(text=text[:40]):
                self.assert_refused(r'phone:1: error: a document type declaration \(DTD\) is not allowed', text)

    def test_aliases(self):
        """Nothing is built of YAML aliases."""
        self.assert_refused(r'phone:1:4: error: .*an anchor \(&name\) is not allowed', BOMB)

    def test_nesting(self):
        for text in ('<a>' * DEPTH, 'lines: ' + '[' * DEPTH, 'lines: ' + '{a: ' * DEPTH,
                     '---\n' + '- ' * DEPTH, 'lines: ' + '[' * DEPTH + ']' * DEPTH):
            with self.subTest(text=text[:12]):
                self.assert_refused('phone:[0-9:]+ error: .*nested too deeply', text)

    def test_full_of_the_same(self):
        """As many names or values as a file can hold: what is wrong is told, up to a limit."""
        for text in (fill('#!version:1.0.0.1\n', 'account.1.label = x\naccount.1.label = y\n'),
                     fill('#!version:1.0.0.1\n', 'a.b = c\n'), fill('#!version:1.0.0.1\n', 'include:config "phone"\n'), fill('<a>', '<b reg.1.label="x"/>') + '</a>',
                     fill('<a ', 'a.b="c" '), fill('lines:\n', '- {}\n'), fill('lines: [', 'a,'),
                     fill('', 'policy: {t1: 5}\n'), fill('"', 'a')):
            with self.subTest(text=text[:40]):
                status, lines = self.check(text)
                self.assertIn(status, (1, 2))
                self.assertLess(len(lines), 300)
                self.assertTrue(any(line.startswith('phone:') for line in lines), lines)


if __name__ == '__main__':
    KEEPLINE = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
