"""What a test file calls: each of its tests runs in namespaces and a folder of its own.

    test_failover.py              all tests of the file, one after another
    test_failover.py NAME...      these
    test_failover.py --list       their names, but for those that another one runs

The environment's KEEPLINE names the program under test. Exit status: 0 all passed, 1 one failed, 2 wrong usage.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from . import names, namespace, phone
from .waiting import Failure
from .world import World

LOG_LINES_SHOWN = 60
HURRY = -10  # what is measured should not wait for a compiler that runs beside it

TESTS = {}  # by name, in the order of the file: the function, its kind of world, and the options of that
PARTS = set()  # those that another test runs


def live_test(world=World, is_part=False, **world_options):
    """Makes a test of a function that takes a WORLD, which is made with these options."""
    def decorate(function):
        TESTS[function.__name__] = function, world, world_options
        if is_part:
            PARTS.add(function.__name__)
        return function
    return decorate


def run_tests():
    """Runs the tests that the command line names."""
    chosen = sys.argv[1:] or [name for name in TESTS if name not in PARTS]
    if chosen == ['--list']:
        print('\n'.join(name for name in TESTS if name not in PARTS))
        sys.exit(0)
    unknown = [name for name in chosen if name not in TESTS]
    if unknown:
        print(f'{sys.argv[0]}: no test {" ".join(unknown)}; there is: {" ".join(TESTS)}', file=sys.stderr)
        sys.exit(2)
    if namespace.is_inside():
        sys.exit(run_here(*TESTS[chosen[0]]))
    namespace.check_available()
    if not phone.PROGRAM.exists():
        sys.exit(f'{phone.PROGRAM} does not exist: build it, or name it in KEEPLINE')
    inside = namespace.command_inside([sys.executable, '-B', sys.argv[0]])
    if len(chosen) == 1:
        os.execvp(inside[0], [*inside, *chosen])
    results = [subprocess.run([*inside, name], check=False).returncode for name in chosen]
    sys.exit(1 if any(results) else 0)


def end_on_signal(number, _):
    raise Failure(f'ended by signal {number}')


def run_here(test, make_world, world_options):
    """Runs one test in the namespaces of this process, the first of them; its exit status."""
    signal.signal(signal.SIGTERM, end_on_signal)
    with contextlib.suppress(PermissionError):
        os.nice(HURRY)
    folder = Path(tempfile.mkdtemp(prefix='keepline-live-'))
    print(f'{test.__name__}: {" ".join(test.__doc__.split())}', flush=True)
    world = None
    try:
        namespace.set_up(folder, names.ADDRESS)
        world = make_world(folder, **world_options)
        with world:
            test(world)
            world.expect_no_crash()
    except Exception as failure:
        print(f'FAILED {test.__name__}: {failure}')
        if not isinstance(failure, Failure):
            traceback.print_exc(file=sys.stdout)
        show_what_happened(world, folder)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f'passed {test.__name__}', flush=True)
    return 0


def show_what_happened(world, folder):
    """The packets, and the end of each program's output."""
    if world:
        print(f'\npackets:\n{world.log.timeline()}')
    for path in sorted(folder.rglob('*.log')):
        lines = path.read_text('utf-8', 'replace').splitlines()
        print(f'\n{path.name}, {len(lines)} lines:')
        print('\n'.join(lines[-LOG_LINES_SHOWN:]), flush=True)
