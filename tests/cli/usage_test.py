#!/usr/bin/env python3
"""The command line as a whole: help, version, and the exit status of wrong usage (2)."""
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = sys.argv[1]
COMMANDS = ('run', 'status', 'call', 'answer', 'reject', 'hangup', 'hold', 'resume', 'events', 'subscribe', 'explain', 'check', 'simulate',
            'lab', 'demo')


def run(*words):
    done = subprocess.run([PROGRAM, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def expect(condition, what):
    if not condition:
        sys.exit(f'expected {what}')


def test_help():
    for word in ('help', '--help'):
        status, out, _ = run(word)
        expect(status == 0 and all(f'  {name} ' in out for name in COMMANDS), f'{word} to name every command')
    for name in COMMANDS:
        status, out, _ = run(name, '--help')
        expect(status == 0 and f'keepline {name}' in out, f'{name} --help to say how it is used')


def test_version():
    status, out, _ = run('--version')
    expect(status == 0 and out.startswith('keepline ') and out.count('\n') == 1, 'one line with the version')


def test_wrong_usage():
    wrong = [(), ('nonesuch',), ('run',), ('run', '--nonesuch', 'x'), ('run', '--bind', 'nowhere', 'x'),
             ('run', '--bind', '127.0.0.1:99999', 'x'), ('run', '--resolver', 'name.test', 'x'), ('call',),
             ('call', 'a', 'b'), ('call', '--line', '0', 'a'), ('call', '--line', '1x', 'a'), ('call', '--for', '-1', 'a'),
             ('status', 'x'), ('events', 'x'), ('events', '--line', '0'), ('answer', 'x'), ('hold', '1', '2'),
             ('reject', '--status', '700'), ('hangup', '0'), ('subscribe',), ('subscribe', 'a', 'b', 'c'),
             ('subscribe', '--expires', '0', 'a'), ('check',), ('explain',)]
    for words in wrong:
        status, out, err = run(*words)
        expect(status == 2, f'status 2 of {words}, not {status}')
        expect(err.strip() and not out, f'{words} to say why on standard error alone')


def test_no_instance():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'nobody'
        for words in (('status',), ('call', 'bob'), ('events',), ('subscribe', 'dialog', 'bob'), ('hangup', '1'),
                      ('answer',), ('reject', '--status', '603')):
            status, _, err = run(words[0], '--control', path, *words[1:])
            expect(status == 2 and str(path) in err and err.count('\n') == 1, f'{words} to name the socket in one line')


def test_unreadable_file():
    status, out, err = run('run', '/nonesuch/phone.cfg')
    expect(status == 2 and '/nonesuch/phone.cfg' in err and not out, 'the file that cannot be read to be named')


if __name__ == '__main__':
    for test in (test_help, test_version, test_wrong_usage, test_no_instance, test_unreadable_file):
        test()
        print('passed', test.__name__)
