#!/usr/bin/env python3
"""Installs the build into a folder and uses what is there, as its users would: the library with pkg-config alone, in C and
C++, with gcc and clang; man pages, the completion, the unit for systemd.

    install_test.py MESON BUILD
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LATE_S = 300
STRICT = '-Wall -Wextra -Wconversion -Wshadow -Wswitch-enum -Wpedantic -Werror'
COMPILERS = (('gcc', 'g++'), ('clang', 'clang++'))


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=LATE_S, check=False, **options)
    if done.returncode:
        sys.exit(f'{command} ended with {done.returncode}:\n{done.stdout}')
    return done.stdout


def shown(page, command):
    """What PAGE shows as the output of COMMAND."""
    text = (ROOT / page).read_text('utf-8')
    return re.search(rf'^```\w*\n\$ {re.escape(command)}\n(.*?)^```', text, re.M | re.S)[1]


class Installed(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.environment = os.environ | {'PKG_CONFIG_LIBDIR': str(self.one('keepline.pc').parent),
                                         'PKG_CONFIG_SYSROOT_DIR': str(TREE)}

    def one(self, name):
        found = sorted(TREE.rglob(name))
        self.assertEqual(len(found), 1, f'{name} to be installed once: {found}')
        return found[0]

    def test_the_library_shows_its_api_alone(self):
        names = re.findall(r' [A-Z] (\w+)$', run('nm', '--extern-only', '--defined-only', self.one('libkeepline.a')), re.M)
        self.assertIn('kl_feed', names)
        self.assertEqual([name for name in names if not name.startswith('kl_')], [])

    def test_every_function_of_the_headers_is_in_the_library(self):
        symbols = run('nm', '--extern-only', '--defined-only', self.one('libkeepline.a'))
        headers = ''.join(self.one(name).read_text('utf-8') for name in ('keepline.h', 'types.h'))
        declared = set(re.findall(r'^[a-z][\w \t*]*?\b(kl_\w+)\((?!\))', headers, re.M))
        self.assertGreater(len(declared), 30)
        self.assertEqual({name for name in declared if not re.search(rf'\b{name}$', symbols, re.M)}, set())

    def test_the_examples_build_and_tell_what_the_page_shows(self):
        for c, cxx in COMPILERS:
            folder = self.scratch / c
            shutil.copytree(self.one('embed'), folder)
            run('make', '-C', folder, f'CC={c}', f'CXX={cxx}', f'CFLAGS=-std=gnu11 {STRICT}',
                f'CXXFLAGS=-std=c++11 {STRICT}', env=self.environment)
            for program in ('host', 'sizes'):
                self.assertEqual(run(folder / program), shown('docs/embedding.md', f'./{program}'), f'{program} by {c}')

    def test_a_shared_object_can_hold_it(self):
        flags = run('pkg-config', '--cflags', '--libs', 'keepline', env=self.environment).split()
        run('gcc', '-shared', '-fPIC', self.one('host.c'), '-o', self.scratch / 'host.so', *flags)

    def test_each_command_has_a_man_page(self):
        program = self.one('bin') / 'keepline'
        commands = re.findall(r'^  (\w+) ', run(program, '--help'), re.M)
        self.assertIn('run', commands)
        for page in ('keepline', *(f'keepline-{command}' for command in commands)):
            text = self.one(f'{page}.1').read_text('utf-8')
            self.assertTrue(text.startswith(f'.TH {page.upper()} 1 '), page)
            self.assertEqual(re.findall(r'^\.SH (.*)', text, re.M)[:3], ['NAME', 'SYNOPSIS', 'DESCRIPTION'], page)
            self.assertIn('.SH EXIT STATUS', text, page)

    def completed(self, *words):
        script = ('source "$1"; shift; COMP_WORDS=(keepline "$@"); COMP_CWORD=$#; compopt() { :; }; _keepline; '
                  'echo "${COMPREPLY[*]}"')
        return run('bash', '-c', script, 'bash', self.one('completions') / 'keepline', *words).split()

    def test_the_completion_knows_commands_and_options(self):
        self.assertEqual(self.completed('exp'), ['explain'])
        self.assertEqual(self.completed('call', '--pl'), ['--play='])
        self.assertIn('--help', self.completed('status', '-'))
        self.assertEqual(self.completed('run', ''), [])  # files, by bash

    def test_the_unit_starts_what_is_installed(self):
        unit = self.one('keepline.service')
        command = re.search(r'^ExecStart=(\S+) run ', unit.read_text('utf-8'), re.M)[1]
        self.assertEqual(TREE / command[1:], self.one('bin') / 'keepline')
        self.assertEqual(unit.parent.parts[-3:], ('lib', 'systemd', 'system'))

    @unittest.skipUnless(shutil.which('systemd-analyze'), 'no systemd here')
    def test_systemd_takes_the_unit(self):
        """Every option is known, and what is left open is less than 2 of 10."""
        unit = self.scratch / 'keepline.service'
        unit.write_text(re.sub(r'^ExecStart=', f'ExecStart={TREE}', self.one('keepline.service').read_text('utf-8'), flags=re.M))
        self.assertNotIn('keepline.service', run('systemd-analyze', 'verify', '--man=no', unit))
        run('systemd-analyze', 'security', '--offline=true', '--threshold=20', '--no-pager', unit)


if __name__ == '__main__':
    MESON, BUILD = sys.argv[1:]
    with tempfile.TemporaryDirectory() as tree:
        TREE = Path(tree)
        run(MESON, 'install', '-C', BUILD, '--no-rebuild', '--destdir', TREE)
        unittest.main(argv=sys.argv[:1])
