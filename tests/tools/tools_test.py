#!/usr/bin/env python3
"""Proves that the tools see what they should.

tools/tidy, tools/conformance and tools/parameters: each test plants one breach in a small tree. scripts/test: each test gives it a
small project to build and run.
"""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# Split so that this file itself holds no breach.
MARK = 'FIX' + 'ME'
SLEEP = 'usl' + 'eep'


class Tree(unittest.TestCase):
    """A clean tree of a few files, in a folder of its own."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name)
        shutil.copy(ROOT / '.clang-format', self.root)
        self.write('include/keepline/keepline.h', '#include <stdint.h>\n')
        self.write('engine/walk.h', '#include "keepline/keepline.h"\n')
        self.write('engine/walk.c', '#include "engine/walk.h"\n\n#include <string.h>\n')
        self.write('sip/message.h', 'int sip_parse(void);\n')
        self.write('phone/phone.c', '#include "keepline/keepline.h"\n#include "sip/message.h"\n')
        self.write('docs/requirements.md', '| TIME-1 | sends |\n| TIME-2 | gaps |\n| TIME-3 | last route |\n')
        self.write('docs/vendors.md', '- **T1** (Guide): three sends.\n')

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_tool(self, name, *arguments):
        run = subprocess.run([ROOT / 'tools' / name, '--root', self.root, *arguments],
                             stdout=subprocess.PIPE, text=True, check=False)
        return run.returncode, run.stdout

    def expect_breach(self, where, what, *arguments):
        status, output = self.run_tool('tidy', *arguments)
        breaches = output.splitlines()[:-1]
        self.assertEqual(status, 1)
        self.assertEqual(len(breaches), 1, output)
        self.assertIn(where, breaches[0])
        self.assertIn(what, breaches[0])


class Tidy(Tree):
    def test_a_clean_tree_is_clean(self):
        status, output = self.run_tool('tidy')
        self.assertEqual((status, output), (0, 'tidy: 8 files, 0 breaches\n'))

    def test_include_points_up(self):
        self.write('sip/digest.c', '\n#include "phone/phone.h"\n')
        self.write('phone/phone.h', '')
        self.expect_breach('sip/digest.c:2:', 'sip/ includes "phone/phone.h", expected only sip')

    def test_engine_is_known_by_its_public_header(self):
        self.write('phone/call.c', '#include "engine/walk.h"\n')
        self.expect_breach('phone/call.c:1:', 'includes "engine/walk.h"')

    def test_include_of_nothing(self):
        self.write('sip/digest.c', '#include "digest.h"\n')
        self.expect_breach('sip/digest.c:1:', '"digest.h" does not exist')

    def test_engine_includes_the_clock(self):
        self.write('engine/engine.c', '#include <time.h>\n')
        self.expect_breach('engine/engine.c:1:', 'the engine includes <time.h>')

    def test_library_in_the_wrong_folder(self):
        self.write('sip/digest.c', '#include <event2/event.h>\n')
        self.expect_breach('sip/digest.c:1:', 'sip/ includes <event2/event.h>, expected only in net')

    def test_unknown_library(self):
        self.write('cli/main.c', '#include <curl/curl.h>\n')
        self.expect_breach('cli/main.c:1:', 'cli/ includes <curl/curl.h>')

    def test_function_of_71_lines(self):
        self.write('sip/digest.c', 'int sip_hash(int a)\n{\n' + '\ta++;\n' * 70 + '\treturn a;\n}\n')
        self.expect_breach('sip/digest.c:2:', '71 lines in sip_hash(), expected 70')

    def test_file_of_601_lines(self):
        self.write('sip/digest.c', 'int a;\n' * 601)
        self.expect_breach('sip/digest.c:601:', '601 lines, expected 600')

    def test_long_test_file_is_fine(self):
        self.write('tests/sip/digest_test.c', 'int a;\n' * 601)
        self.write('tests/sip/meson.build', "executable('digest_test')\n")
        self.assertEqual(self.run_tool('tidy')[0], 0)

    def test_unfinished_work(self):
        self.write('docs/usage.md', f'one\ntwo {MARK}\n')
        self.expect_breach('docs/usage.md:2:', f'"{MARK}", expected finished work')

    def test_path_of_one_machine(self):
        self.write('docs/usage.md', 'see /ho' + 'me/me/notes\n')
        self.expect_breach('docs/usage.md:1:', 'expected a path that exists on every machine')

    def test_sleep(self):
        self.write('tests/sip/meson.build', "executable('digest_test')\n")
        self.write('tests/sip/digest_test.c', f'void a(void)\n{{\n\t{SLEEP}(10);\n}}\n')
        self.expect_breach('tests/sip/digest_test.c:3:', 'sleeps')

    def test_unit_test_without_a_build(self):
        self.write('tests/sip/digest_test.c', 'int a;\n')
        self.write('tests/sip/meson.build', "executable('message_test')\n")
        self.expect_breach('tests/sip/digest_test.c:1:', 'is in no build')

    @unittest.skipUnless(shutil.which('clang-format'), 'clang-format is not installed')
    def test_format(self):
        self.write('sip/digest.c', 'int a;\nint   b;\n')
        self.expect_breach('sip/digest.c:2:', 'is formatted otherwise')

    def test_symbols_of_the_engine(self):
        source, library = self.root / 'clock.c', self.root / 'libengine.a'
        source.write_text('#include <string.h>\n#include <time.h>\n'
                          'long kl_now(char *to)\n{\n\tmemset(to, 0, 9);\n\treturn time(0);\n}\n')
        subprocess.run(['cc', '-c', source, '-o', self.root / 'clock.o'], check=True)
        subprocess.run(['ar', 'rc', library, self.root / 'clock.o'], check=True)
        self.expect_breach('clock.o', 'needs time()', '--engine', library)


class Conformance(Tree):
    def setUp(self):
        super().setUp()
        self.write('tests/scenarios/T01-three-sends.txt', '# Three sends, then the next route. TIME-1 TIME-2 (part)\n')
        self.run_tool('conformance')

    def page(self):
        return (self.root / 'docs/conformance.md').read_text()

    def test_states(self):
        self.assertIn('3 rows: 1 yes, 1 part, 1 not yet.', self.page())
        self.assertIn('| TIME-1 | yes | `tests/scenarios/T01-three-sends.txt` |', self.page())
        self.assertIn('| TIME-2 | part | `tests/scenarios/T01-three-sends.txt` |', self.page())
        self.assertIn('| TIME-3 | not yet |  |', self.page())
        self.assertIn('| T1 | `tests/scenarios/T01-three-sends.txt` |', self.page())

    def test_what_was_written_is_clean(self):
        self.assertEqual(self.run_tool('conformance', '--check'), (0, ''))

    def test_whole_proof_beats_part(self):
        self.write('tests/sip/digest_test.c', '/* TIME-2 */\n')
        self.run_tool('conformance')
        self.assertIn('| TIME-2 | yes | `tests/scenarios/T01-three-sends.txt`<br>`tests/sip/digest_test.c` |', self.page())

    def test_part_on_the_next_line(self):
        self.write('tests/sip/digest_test.c', '/* The gaps of TIME-3\n * (part) */\n')
        self.run_tool('conformance')
        self.assertIn('| TIME-3 | part |', self.page())

    def test_stale_page(self):
        self.write('tests/sip/digest_test.c', '/* TIME-3 */\n')
        status, output = self.run_tool('conformance', '--check')
        self.assertEqual(status, 1)
        self.assertIn('docs/conformance.md:1: differs', output)

    def test_unknown_id(self):
        self.write('tests/sip/digest_test.c', '/* one */\n/* TIME-99 */\n')
        status, output = self.run_tool('conformance', '--check')
        self.assertEqual(status, 1)
        self.assertIn('tests/sip/digest_test.c:2: TIME-99, expected an ID', output)


class Parameters(Tree):
    SOURCES = ('config/parameters.def', 'config/parameter.c', 'config/parameter.h', 'include/keepline/policy.def',
               'include/keepline/types.h')

    def setUp(self):
        super().setUp()
        for name in self.SOURCES:
            self.write(name, (ROOT / name).read_text())
        self.run_tool('parameters')

    def page(self):
        return (self.root / 'docs/parameters.md').read_text()

    def test_rows(self):
        self.assertIn('| `voIpProt.SIP.tcpFastFailover.timeout` | 2000 to 5000 ms | 5000 | `tcp_fast_failover_ms` | that '
                      'wait, if retryTimeOut is 0 (Poly Solution Guide', self.page())
        self.assertIn('`voIpProt.server.y.failOver.failBack.mode` | newRequests, DNSTTL, registration, duration | duration '
                      '(poly), newRequests (poly-2012), registration (spectralink-84); newRequests (poly), newRequests '
                      '(poly-2012), registration (spectralink-84) | `failback_mode`, `failback_mode_shared` |', self.page())
        self.assertIn('| `account.x.advanced.timer_t1` | 0.5 to 10 s | 0.5 | `t1_ms` |', self.page())
        self.assertIn('`account.x.reregister_enable` | 0, 1 | 0 | `reregister_on` |', self.page())

    def test_every_row_is_there(self):
        rows = sum(self.root.joinpath(self.SOURCES[0]).read_text().count(f'\nCONFIG_{use}(')
                   for use in ('POLICY', 'SETTING', 'INERT'))
        self.assertEqual(self.page().count('\n| `'), rows)

    def test_what_was_written_is_current(self):
        self.assertEqual(self.run_tool('parameters', '--check'), (0, ''))

    def test_stale_page(self):
        name = self.SOURCES[0]
        self.write(name, (self.root / name).read_text().replace('MS, 2000, 5000', 'MS, 2000, 6000'))
        status, output = self.run_tool('parameters', '--check')
        self.assertEqual(status, 1)
        self.assertIn('docs/parameters.md:1: differs', output)


class TestRunner(unittest.TestCase):
    """scripts/test in a project of its own: two builds, and one live run in the first."""

    LIVE = "test('call', find_program('true'), suite: 'live')\n"
    GOOD = "test('good', find_program('true'), suite: 'engine')\n"

    def run_project(self, body, arguments=(), **environment):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, 'scripts').mkdir()
            shutil.copy(ROOT / 'scripts/test', Path(folder, 'scripts'))
            shutil.copy(ROOT / 'meson_options.txt', folder)
            Path(folder, 'meson.build').write_text("project('small', 'c')\n" + body)
            clean = {name: value for name, value in os.environ.items() if name != 'CI'}
            run = subprocess.run([Path(folder, 'scripts/test'), *arguments], env=clean | environment, text=True, check=False,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            return run.returncode, run.stdout.splitlines()[-1]

    def test_all_pass(self):
        self.assertEqual(self.run_project(self.GOOD + self.LIVE), (0, '3 passed, 0 failed'))

    def test_one_fails(self):
        bad = "test('bad', find_program('false'), suite: 'engine')\n"
        self.assertEqual(self.run_project(self.GOOD + self.LIVE + bad), (1, '3 passed, 2 failed'))

    def test_a_skipped_test_fails_in_ci(self):
        skip = "test('skip', find_program('sh'), args: ['-c', 'exit 77'], suite: 'live')\n"
        self.assertEqual(self.run_project(self.GOOD + self.LIVE + skip), (0, '3 passed, 0 failed'))
        self.assertEqual(self.run_project(self.GOOD + self.LIVE + skip, CI='true'), (1, '3 passed, 1 failed'))

    def test_no_test_ran(self):
        self.assertEqual(self.run_project(self.GOOD), (1, '2 passed, 1 failed'))

    def test_one_build(self):
        self.assertEqual(self.run_project(self.GOOD, arguments=['build-gcc-asan']), (0, '1 passed, 0 failed'))

    def test_build_fails(self):
        self.assertEqual(self.run_project("error('no')\n"), (1, '0 passed, 2 failed'))


if __name__ == '__main__':
    unittest.main()
