#!/usr/bin/env python3
"""`keepline simulate`: what it prints and writes, what it refuses, and that the same run is the same.

    simulate_test.py KEEPLINE
"""
import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KEEPLINE = Path(sys.argv[1]).resolve()
ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / 'examples/simulate'
HERE = Path(__file__).resolve().parent / 'simulate'
DEADLINE = 600  # seconds: with sanitizers, on a loaded machine


def simulate(*words, cwd=None):
    done = subprocess.run([KEEPLINE, 'simulate', *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=DEADLINE, check=False, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


def expect(condition, what):
    if not condition:
        sys.exit(f'expected {what}')


def test_bad_scenario():
    """Everything that is wrong is told in one run, with its line, before anything is played."""
    status, out, err = simulate('bad.yaml', cwd=HERE)
    expected = (HERE / 'bad.txt').read_text(encoding='utf-8')
    expect(status == 2 and not out, f'status 2 of a bad scenario and no output, not {status}')
    expect(err == expected, f'{HERE}/bad.txt, not\n{err}')


def test_one_mistake_one_error():
    """What is mistyped or has a wrong value is not told to be missing as well."""
    text = (EXAMPLES / 'primary-dies.yaml').read_text(encoding='utf-8').replace('phones/', f'{EXAMPLES}/phones/')
    for right, wrong in (('  lines: 1000000', '  lines: many'), ('  lines: 1000000', '  lnes: 3'), ('\nphones:', '\nphone:'),
                         ('  configurations:', '  configuration:')):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'mistaken.yaml'
            path.write_text(text.replace(right, wrong), encoding='utf-8')
            status, _, err = simulate(path)
        expect(status == 2 and err.count('error') == 1, f'one error of {wrong}, not {err}')
    err = simulate('--compare', EXAMPLES / 'primary-dies.yaml', 'nonesuch.cfg', 'other.cfg')[2]
    expect(err == 'nonesuch.cfg: error: the file cannot be read: No such file or directory\n', f'one error of a file, not {err}')


def test_no_scenario():
    """What is missing is told as by the other commands: one sentence, and where to read more."""
    status, out, err = simulate()
    expect(status == 2 and not out, f'status 2 without a scenario and no output, not {status}')
    expect(err.startswith('keepline simulate: which scenario?\nTry `keepline simulate --help\''), f'the question, not {err}')
    expect('Usage:' not in err, f'no list of usages, not {err}')


def test_wrong_usage():
    primary = EXAMPLES / 'primary-dies.yaml'
    for words in ((), ('--lines', '0', primary), ('--lines', 'x', primary), ('--seed', '-1', primary), (primary, primary),
                  ('--compare', primary, 'one'), ('--sweep', 'expires', primary), ('/nonesuch.yaml',),
                  ('--sweep', 'nonesuch=1', primary), ('--sweep', 'expires=soon', primary),
                  ('--compare', '--sweep', 'expires=1h', primary, 'a', 'b')):
        status, out, err = simulate(*words)
        expect(status == 2 and err.strip() and not out, f'status 2 of {words} and why, not {status}')


def test_too_many_lines():
    """What does not fit into memory is told before the run, with the figure."""
    status, out, err = simulate('--lines', 100000000, EXAMPLES / 'primary-dies.yaml')
    expect(status == 2 and not out and '100000000 lines need' in err and 'GiB' in err, f'the figure, not {err}')


def test_impossible_capacity():
    """A fleet that renews more often than its servers can serve is told so before it is played."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'narrow.yaml'
        text = (EXAMPLES / 'primary-dies.yaml').read_text(encoding='utf-8').replace('capacity: 4000', 'capacity: 1')
        text = text.replace('run: 24h', 'run: 1m').replace('at: 12h, for: 10m', 'at: 10s, for: 10s')
        path.write_text(text.replace('phones/', f'{EXAMPLES}/phones/'), encoding='utf-8')
        _, out, err = simulate('--lines', 20000, path)
    expect(out and '20000 lines renew 6 registrations in a second, and all servers together serve 3' in err,
           f'the figures, not {err}')


def test_probes_that_overload():
    """Phones that probe as if each were alone are told of before they are played, each warning once."""
    files = (EXAMPLES / 'phones/poly.cfg', EXAMPLES / 'phones/keepline.yaml', EXAMPLES / 'phones/keepline-million.yaml')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'crowd.yaml'
        text = (EXAMPLES / 'power-cut.yaml').read_text(encoding='utf-8').replace('capacity: 1500', 'capacity: 150')
        text = text[:text.index('faults:')].replace('run: 6h', 'run: 1s').replace('phones/', f'{EXAMPLES}/phones/')
        path.write_text(text, encoding='utf-8')
        _, _, err = simulate('--lines', 20000, '--compare', path, *files)
    warning = '2000 probes in a second reach "sbc1", which serves 150: tell the phones fleet_lines and fleet_capacity'
    expect(err.count('warning') == 1 and warning in err, f'one warning of the probes, not {err}')


def test_examples():
    """Each ready scenario runs, breaks no rule, and gives a page that needs nothing else."""
    names = sorted(path.stem for path in EXAMPLES.glob('*.yaml'))
    expect(names == ['503-storm', 'brown-out', 'dns-outage', 'failback', 'flapping-link', 'flapping-server', 'lossy-path',
                     'power-cut', 'primary-dies', 'rolling-maintenance'], f'the ready scenarios, not {names}')
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            page = Path(folder) / f'{name}.html'
            status, out, err = simulate('--lines', 200, '--judge', 20, '--report', page, EXAMPLES / f'{name}.yaml')
            expect(status == 0, f'status 0 of {name}, not {status}: {err}')
            expect('no rule broken' in out and 'in service at the end' in out, f'the results of {name}, not {out}')
            text = page.read_text(encoding='utf-8')
            expect(text.startswith('<!DOCTYPE html>') and text.rstrip().endswith('</html>'), 'a whole page')
            expect('<!-- put ' not in text and 'new Dygraph' in text, 'a page with data and library in it')
            expect(' src=' not in text and '<link' not in text, 'a page that loads nothing')


def test_json():
    """The figures agree with each other and with what the scenario says."""
    status, out, _ = simulate('--json', '--lines', 1000, EXAMPLES / 'primary-dies.yaml')
    result = json.loads(out)
    run = result['runs'][0]
    expect(status == 0 and run['complete'] and run['lines'] == 1000 and run['seconds'] == 86400, 'a whole run')
    expect(len(run['per_second']['in_service']) == 86400, 'a number for each second')
    expect([server['name'] for server in run['servers']] == ['sbc1', 'sbc2', 'sbc3'], 'the servers')
    for server in run['servers']:
        expect(sum(server['per_second']['registers']) == server['registers'], 'the seconds to sum up to the total')
    fault = run['faults'][0]
    expect(fault['at_s'] == 43200 and fault['until_s'] == 43800 and fault['in_service_before'] == 1000, 'the fault')
    expect(fault['in_service_least'] == 0 and fault['all_back_s'] == 0, 'all on the primary, and back when it is')
    # Those whose refresh fell into the ten minutes moved on; the steady load is N / (expires - overlap).
    # Each sends three REGISTERs there: one is challenged, one accepted, and it renews once before the hour of failback is over.
    moved = 3 * 1000 * 600 / 3540
    expect(0.85 * moved < run['servers'][1]['registers'] < 1.15 * moved, 'a sixth of the lines on the second server')
    day = 1000 * 24 * 3600 / 3540
    expect(abs(run['registrations'] - day) < 0.05 * day, f'about {day} registrations, not {run["registrations"]}')


def test_determinism():
    """The same scenario and seed give the same bytes; another seed does not."""
    words = ('--json', '--lines', 500, EXAMPLES / 'power-cut.yaml')
    first = simulate(*words)
    expect(simulate(*words) == first, 'the same bytes twice')
    expect(simulate('--seed', 2, *words)[1] != first[1], 'other results of another seed')


def test_csv():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'out.csv'
        simulate('--lines', 100, '--csv', path, '--sweep', 'expires=10m,1h', EXAMPLES / 'power-cut.yaml')
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding='utf-8'))))
    expect(len(rows) == 2 * 6 * 3600, f'a row for each second of each run, not {len(rows)}')
    expect(rows[-1]['run'] == 'expires=1h' and rows[-1]['in_service'] == '100', f'all in service, not {rows[-1]}')


def test_compare():
    """One world, several configurations side by side, each as if it were alone."""
    phones = [EXAMPLES / 'phones' / name for name in ('poly.cfg', 'yealink.cfg', 'keepline.yaml')]
    status, out, err = simulate('--json', '--lines', 300, '--compare', EXAMPLES / 'primary-dies.yaml', *phones)
    runs = json.loads(out)['runs']
    expect(status == 0 and [run['name'] for run in runs] == ['poly', 'yealink', 'keepline'], f'three runs: {err}')
    alone = json.loads(simulate('--json', '--lines', 300, EXAMPLES / 'primary-dies.yaml')[1])['runs'][0]
    expect(runs[0]['servers'] == alone['servers'], 'a run beside others to be as it is alone')
    expect(runs[2]['exchanges'] != runs[0]['exchanges'], 'configurations to make a difference')


def test_sweep():
    """Shorter registrations, more requests: in proportion."""
    out = simulate('--json', '--lines', 300, '--sweep', 'expires=10m,1h', EXAMPLES / 'power-cut.yaml')[1]
    few, many = (json.loads(out)['runs'][i]['registrations'] for i in (1, 0))
    expect(5 < many / few < 7, f'(3600 - 60) / (600 - 60) times the registrations, not {many / few}')


def test_interrupted():
    """Ctrl-C gives the results so far."""
    with tempfile.TemporaryDirectory() as folder:
        text = (EXAMPLES / 'primary-dies.yaml').read_text(encoding='utf-8')
        path = Path(folder) / 'long.yaml'
        path.write_text(text.replace('run: 24h', 'run: 24d').replace('phones/', f'{EXAMPLES}/phones/'), encoding='utf-8')
        run = subprocess.Popen([KEEPLINE, 'simulate', '--lines', '20000', path], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
        children = Path(f'/proc/{run.pid}/task/{run.pid}/children')
        deadline = time.monotonic() + DEADLINE
        while run.poll() is None and not children.read_text(encoding='ascii') and time.monotonic() < deadline:
            os.sched_yield()
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=DEADLINE)
    expect(run.returncode == 1 and 'ended early, at' in out, f'results so far and status 1, not {run.returncode}: {err}')


def main():
    for name, test in list(globals().items()):
        if name.startswith('test_'):
            test()


if __name__ == '__main__':
    main()
