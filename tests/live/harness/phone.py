"""The program under test, by its command line only: `keepline run`, `status`, `call`."""
import datetime
import json
import os
import signal
import subprocess
from pathlib import Path
from xml.sax.saxutils import quoteattr

from . import names, registrar
from .packets import NS_PER_S
from .waiting import PATIENCE_S, Failure, Process, wait_for

PROGRAM = Path(os.environ.get('KEEPLINE', Path(__file__).resolve().parents[3] / 'build' / 'keepline')).resolve()
STATUS_POLL_S = 0.05
BIND = '127.0.0.1:5070'

ACCOUNT = {
    'reg.1.address': 'alice',
    'reg.1.auth.userId': 'alice',
    'reg.1.auth.password': registrar.PASSWORD,
    'reg.1.server.1.address': names.DOMAIN,
    'reg.1.server.1.transport': 'UDPOnly',
}


def to_xml(parameters):
    """A Polycom configuration file: each parameter an attribute with its full name."""
    rows = '\n'.join(f'    {name}={quoteattr(str(value))}' for name, value in parameters.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<PHONE_CONFIG>\n  <ALL\n{rows} />\n</PHONE_CONFIG>\n'


def run_program(*words, within_s=PATIENCE_S):
    """Runs the program to its end: exit status, and all that it wrote."""
    command = [str(PROGRAM), *map(str, words)]
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, timeout=within_s, check=False)
    except subprocess.TimeoutExpired as late:
        raise Failure(f'expected an end within {within_s:g} s: {" ".join(command)}, wrote: {late.output}') from late
    return run.returncode, run.stdout


class Call:
    """`keepline call`, which runs as long as the call does."""

    def __init__(self, process):
        self.process = process

    def hang_up(self):
        self.process.signal(signal.SIGINT)

    def wait(self, within_s=PATIENCE_S):
        """The exit status, once the call is over."""
        return self.process.wait(within_s)

    def output(self):
        return self.process.output()


class Phone:
    """One running instance. PARAMETERS come on top of ACCOUNT; None takes one away. OPTIONS go to `keepline run`."""

    def __init__(self, folder, parameters=None, name='phone', options=(), bind=BIND):
        self.folder, self.name = folder, name
        self.control = folder / f'{name}.control'
        self.file = folder / f'{name}.cfg'
        self.configure(parameters)
        self.process = Process(name, [PROGRAM, 'run', '--bind', bind, '--control', self.control, *options,
                                      self.file], folder)
        self.calls = []

    def configure(self, parameters):
        merged = {**ACCOUNT, **(parameters or {})}
        self.file.write_text(to_xml({key: value for key, value in merged.items() if value is not None}))

    def start(self):
        self.process.start()

    def reload(self, parameters=None, says='lines go on'):
        """Has it read its file again, with PARAMETERS as at the start, until its log SAYS so once more."""
        before = self.log().count(says)
        self.configure(parameters)
        self.process.signal(signal.SIGHUP)
        wait_for(lambda: self.log().count(says) > before, f'{self.name} says "{says}"')

    def log(self):
        return self.process.output()

    def told_ns(self, says):
        """When the first line of the log that SAYS so was written, as time.time_ns() counts."""
        line = next(line for line in self.log().splitlines() if says in line)
        written = datetime.datetime.strptime(' '.join(line.split()[:2]), '%Y-%m-%d %H:%M:%S.%f')
        return int(written.timestamp() * NS_PER_S)

    def status(self):
        """What `keepline status --json` says; None while the instance is not there to ask."""
        run = subprocess.run([str(PROGRAM), 'status', '--json', '--control', str(self.control)],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return json.loads(run.stdout) if run.returncode == 0 else None

    def entry(self, line=1, entry=1):
        """One server entry of one line, out of the status; an empty dictionary if it is not there."""
        lines = (self.status() or {}).get('lines', [])
        entries = next((row['entries'] for row in lines if row['line'] == line), [])
        return next((row for row in entries if row['entry'] == entry), {})

    def subscriptions(self, line=1):
        """Those of a line, by what they are for."""
        lines = (self.status() or {}).get('lines', [])
        return {row['package']: row for other in lines if other['line'] == line for row in other['subscriptions']}

    def wait_subscription(self, package, condition, within_s=PATIENCE_S):
        """The subscription to PACKAGE, once CONDITION(it) is true."""
        def reached():
            row = self.subscriptions().get(package)
            return row if row and condition(row) else None
        return wait_for(reached, f'{self.name} has {package} as expected', within_s, STATUS_POLL_S)

    def counter(self, name):
        return self.status()['counters'][name]

    def wait_state(self, state, route=None, within_s=PATIENCE_S):
        """The entry's status, once it has that state, on that route (a Registrar) if one is given."""
        def reached():
            if not self.process.running:
                raise Failure(f'{self.name} ended with status {self.process.process.returncode}')
            entry = self.entry()
            on_route = route is None or f'{route.address}:' in str(entry.get('route'))
            return entry if entry.get('state') == state and on_route else None
        where = f' at {route.name}' if route else ''
        return wait_for(reached, f'{self.name} is {state}{where}', within_s, STATUS_POLL_S)

    def call(self, target=f'sip:bob@{names.DOMAIN}', options=()):
        command = [PROGRAM, 'call', '--control', self.control, *options, target]
        process = Process(f'{self.name}-call-{len(self.calls) + 1}', command, self.folder)
        process.start()
        self.calls.append(Call(process))
        return self.calls[-1]

    def command(self, *words):
        """The exit status of one of the commands that drive it."""
        status, output = run_program(words[0], '--control', self.control, *words[1:])
        print(f'  {self.name}: {" ".join(map(str, words))}: {output.strip()}')
        return status

    def ask_to_leave(self):
        self.process.signal(signal.SIGTERM)

    def leave(self, within_s=PATIENCE_S):
        """Asks it to unregister and leave; its exit status."""
        self.ask_to_leave()
        return self.process.wait(within_s)

    def stop(self):
        for call in self.calls:
            call.process.kill()
        self.process.kill()
