#!/usr/bin/env python3
"""What the profile keepline means for a call, for a process and for a fleet, beside poly: the same worlds under both, and
the goals.

    own_rows.py KEEPLINE                         fleets alone, a hundredth of their size, and so their servers
    own_rows.py KEEPLINE --whole PROCESS_BENCH   calls on real sockets, a process of a thousand lines, a million lines, and
                                                 a day of a thousand

The table is printed; status 1 if keepline misses a goal, or if poly no longer shows the storm that it is compared with.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

KEEPLINE = Path(sys.argv[1]).resolve()
WHOLE = '--whole' in sys.argv
TESTS = Path(__file__).resolve().parent.parent
EXAMPLES = TESTS.parent / 'examples/simulate'
HOUR = 3600
RUNS = 3  # of each call, of which the median counts
AT_A_TIME = 3  # most of the time they wait
ROUND_TRIP_MS = 20
SILENCE_MS = 500
# A call on real sockets: its test in tests/live/test_own.py, what it is, the goal for keepline in ms, and in words.
CALLS = [
    ('silent_just_now', 'the primary has just fallen silent', SILENCE_MS + 4 * ROUND_TRIP_MS, '0.5 s and 4 round trips'),
    ('silent_challenged', '... and the next server challenges the INVITE', SILENCE_MS + 5 * ROUND_TRIP_MS, '... and one more'),
    ('silent_tcp', '... over TCP', SILENCE_MS + 5 * ROUND_TRIP_MS, '... and one more'),
    ('silent_tls', '... over TLS 1.3', SILENCE_MS + 6 * ROUND_TRIP_MS, '... and two more'),
    ('silent_for_longer', 'it has been silent for longer than a probe interval', 2 * ROUND_TRIP_MS, 'no extra delay'),
    ('port_closed', 'ICMP: nobody listens there', 5 * ROUND_TRIP_MS, 'at once: 4 round trips'),
    ('closed_second_line', '... the next call, of another line', 2 * ROUND_TRIP_MS, 'no extra delay'),
    ('answers_503', 'it answers 503', 5 * ROUND_TRIP_MS, 'at once: 4 round trips'),
    ('answers_503_second_line', '... the next call, of another line', 4 * ROUND_TRIP_MS, 'not to the primary again'),
    ('dns_dead', 'DNS dead, the records expired', 2 * ROUND_TRIP_MS, 'no wait'),
]
WINDOW = 300 if WHOLE else 3000  # seconds over which probes are counted: chance weighs more where they are few


def play(scenario, phones, lines, folder):
    """Both runs of a scenario with so many lines; its servers' capacities and queues are scaled alike."""
    text = (EXAMPLES / f'{scenario}.yaml').read_text(encoding='utf-8')
    scale = lines / int(re.search(r'  lines: (\d+)', text)[1])
    text = re.sub(r'(capacity|queue): (\d+)', lambda found: f'{found[1]}: {max(1, round(int(found[2]) * scale))}', text)
    path = folder / f'{scenario}.yaml'
    path.write_text(text.replace('phones/', f'{EXAMPLES}/phones/'), encoding='utf-8')
    files = [EXAMPLES / 'phones' / name for name in phones]
    done = subprocess.run([KEEPLINE, 'simulate', '--json', '--lines', str(lines), '--compare', path, *files],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f'{scenario}: status {done.returncode}: {done.stderr}')
    return json.loads(done.stdout)['runs']


def busiest(seconds, window):
    """The highest mean of so many seconds on end."""
    most = total = sum(seconds[:window])
    for i in range(window, len(seconds)):
        total += seconds[i] - seconds[i - window]
        most = max(most, total)
    return most / window


class Table:
    def __init__(self):
        self.missed = []

    def head(self, text):
        print(f'{text:<74}{"poly":>11}{"keepline":>11}  {"goal":<40}met')

    def row(self, what, values, goal='', met=True):
        print(f'  {what:<72}{values[0]:>11}{values[1]:>11}  {goal:<40}{"" if not goal else "yes" if met else "NO"}', flush=True)
        if not met:
            self.missed.append(what)

    def cost(self, runs):
        """Packets, there and back, of each line in an hour, beside REGISTERs and calls."""
        self.row('probes: packets of a line and hour, all servers together',
                 [f'{2 * run["probes"] / run["lines"] / (run["seconds"] / HOUR):.1f}' for run in runs])


def call_ms(name):
    """Those of poly and of keepline."""
    done = subprocess.run([sys.executable, '-B', TESTS / 'live/test_own.py', name], capture_output=True, text=True, check=False,
                          env=os.environ | {'KEEPLINE': str(KEEPLINE), 'RUNS': str(RUNS)})
    found = re.search(r'^row: .*?poly +(\d+) ms  keepline +(\d+) ms', done.stdout, re.M)
    if done.returncode or not found:
        sys.exit(f'{name}: status {done.returncode}: {done.stdout}{done.stderr}')
    return [int(ms) for ms in found.groups()]


def calls(table, _):
    """A call beyond a wire with a round trip of 20 ms."""
    table.head('a call, from its first request to the answer, on real sockets, ms')
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        rows = pool.map(call_ms, [row[0] for row in CALLS])
        for (_, what, most_ms, goal), figures in zip(CALLS, rows):
            table.row(what, figures, f'at most {most_ms:.0f}: {goal}', figures[1] <= most_ms)


def process(table, _):
    """A thousand lines of one process."""
    done = subprocess.run([sys.argv[-1]], capture_output=True, text=True, check=True)
    (seconds, most, packets) = zip(*(line.split()[1:] for line in done.stdout.splitlines()))
    table.head("1,000 lines of one process, after the primary's death")
    table.row('all have moved, s', seconds, 'at most 22: two probe intervals', float(seconds[1]) <= 22)
    table.row('... in the busiest second', most, 'at most 200, and one', int(most[1]) <= 201)
    table.row('probes: packets of a line and hour, all servers together', packets)


def failback(table, folder):
    """All lines return to a primary that bears a five hundredth of them in a second."""
    lines = 1000000 if WHOLE else 10000
    runs = play('failback', ('poly.cfg', 'keepline-million.yaml'), lines, folder)
    own = [run['servers'][0] for run in runs]
    capacity, began = own[0]['capacity'], 5 * HOUR
    table.head(f'{lines:,} lines return to a primary that bears {capacity:,} requests a second')
    peaks = [max(a + b + c for a, b, c in zip(*(list(s['per_second'][of][began:]) for of in ('registers', 'calls', 'others'))))
             for s in own]
    lost = [s['dropped'] + s['refused'] for s in own]
    table.row('the most requests in a second, as a part of that', [f'{peak / capacity:.2f}' for peak in peaks],
              'at most 1.05, but poly storms', peaks[0] > 2 * capacity >= 1.9 * peaks[1])
    table.row('dropped, or answered 503', [f'{n:,}' for n in lost], 'keepline none, poly many', lost[0] > 0 == lost[1])
    best, longest = 2 * lines / capacity, runs[1]['returns_s']['max']
    all_back = runs[1]['returns_s']['count'] == lines
    table.row('from its first answered probe until a line is back, the longest, s', ['-', f'{longest:.0f}'],
              f'1.5 x {best:.0f} s', longest <= 1.5 * best and all_back)
    part = [busiest(s['per_second']['others'], WINDOW) / capacity for s in own]
    table.row(f'probes in the busiest {WINDOW // 60} minutes, as a part of what it bears', [f'{p:.3f}' for p in part], 'below 0.1',
              part[1] < 0.1)
    table.row('moves of a line: there and back', [f'{run["moves"] / lines:.2f}' for run in runs], '2', runs[1]['moves'] == 2 * lines)
    table.cost(runs)


def flapping(table, folder):
    lines = 10000 if WHOLE else 300
    runs = play('flapping-server', ('poly.cfg', 'keepline.yaml'), lines, folder)
    table.head(f'{lines:,} lines, whose primary is up for 10 s and dead for 10 s, for ten minutes')
    moves = [run['moves_of_a_line'] for run in runs]
    table.row('moves of a line, the most of one', [f'{m["max"]:.0f}' for m in moves], 'at most 2', moves[1]['max'] <= 2)
    lost = [run['calls']['lost'] for run in runs]
    during = ('its server or phone died during the call', 'it rang, and its server died')
    setup = [sum(n for why, n in of.items() if why not in during) for of in lost]
    table.row('calls lost at set-up', [f'{n:,}' for n in setup], 'none', not setup[1])
    table.row('calls lost that rang or were up, as the server died', [f'{sum(of[why] for why in during):,}' for of in lost])
    table.row('the longest time until a call rings, s', [f'{run["calls"]["setup_s"]["max"]:.2f}' for run in runs],
              '0.5 and 4 round trips of 0.02', runs[1]['calls']['setup_s']['max'] <= 0.5 + 4 * 0.02)
    table.row('without service, the mean of all lines, s', [f'{run["without_service_s"]["mean"]:.1f}' for run in runs])
    table.cost(runs)


def lossy(table, folder):
    lines = 1000 if WHOLE else 50
    runs = play('lossy-path', ('poly.cfg', 'keepline.yaml'), lines, folder)
    hours = lines * 24
    table.head(f'{lines:,} lines, a day of 5 % loss each way and 200 ms of jitter, all servers well')
    table.row('moves of a line in ten thousand hours', [f'{run["moves"] * 10000 / hours:.2f}' for run in runs], 'below 1',
              runs[1]['moves'] * 10000 < max(hours, 10000))
    table.cost(runs)


def main():
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        for rows in ((calls, process) if WHOLE else ()) + (failback, flapping, lossy):
            rows(table, Path(folder))
    sys.exit(f'missed: {"; ".join(table.missed)}' if table.missed else 0)


if __name__ == '__main__':
    main()
