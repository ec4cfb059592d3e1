"""Parts of a test that mostly wait, run side by side, each in a process and a network of its own."""
import concurrent.futures
import json
import os
import subprocess
import sys

from . import namespace
from .far import Log
from .run import live_test
from .waiting import Failure

PART_MAX_S = 110
MARK = 'figures: '  # the line of its output in which a part tells its figures


def part(make_world, name, **world_options):
    """Makes a part of a function of the world that returns figures for JSON."""
    def decorate(function):
        def measure(world):
            print(MARK + json.dumps(function(world)))
        measure.__name__, measure.__doc__ = name, function.__doc__
        live_test(make_world, is_part=True, **world_options)(measure)
        return function
    return decorate


class Abreast:
    """The world of the test that runs the parts; it needs no network."""

    def __init__(self, _):
        self.log = Log()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def expect_no_crash(self):
        """Each part has looked at its own."""

    @staticmethod
    def run_one(name):
        run = subprocess.run(namespace.command_inside([sys.executable, '-B', sys.argv[0], name]), stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False, env=os.environ, timeout=PART_MAX_S)
        figures = [line.removeprefix(MARK) for line in run.stdout.splitlines() if line.startswith(MARK)]
        if run.returncode or len(figures) != 1:
            raise Failure(f'{name}:\n{run.stdout}')
        return json.loads(figures[0])

    def run(self, names):
        """The figures of the parts, by name."""
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(self.run_one, names)))
