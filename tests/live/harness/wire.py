"""The wire (tests/live/wire) as the cable to a second network namespace: late, lossy, twice, in disorder, cut."""
import json
import subprocess

from .far import Far, FarWorld, ip
from .packets import PacketLog
from .phone import PROGRAM
from .waiting import Failure

WIRE = PROGRAM.parent / 'tests' / 'live' / 'wire' / 'wire'
NOBODY = '192.0.2.254'  # beyond the wire, and nobody's address


class Wire(Far):
    """A far side whose cable is the wire. Its devices need no ARP; what is sent to an address that nobody has is gone."""

    def __init__(self, seed=1):
        self.seed = seed
        super().__init__()

    def lay_cable(self):
        self.cable = subprocess.Popen([WIRE, 'near', 'far', self.path, str(self.seed)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        if self.cable.stdout.readline() != 'ready\n':
            raise Failure(f'the wire ended with status {self.cable.wait()}')
        # No packets but those of the tests.
        ip('link', 'set', 'near', 'addrgenmode', 'none')
        self.ip('link', 'set', 'far', 'addrgenmode', 'none')

    def command(self, text):
        self.cable.stdin.write(f'{text}\n')
        self.cable.stdin.flush()
        answer = self.cable.stdout.readline()
        if not answer or answer.startswith('error'):
            raise Failure(f'the wire answers "{text}" with "{answer.strip()}"')
        return answer

    def set(self, direction, **terms):
        """From now on, in the direction "out", "back" or "both": delay and jitter in ms; loss, duplicate and reorder in
        percent; cut 0 or 1. What is not named stays."""
        self.command(' '.join([direction, *(f'{name} {value}' for name, value in terms.items())]))

    def counts(self):
        """What became of packets so far, by direction."""
        return json.loads(self.command('counts'))

    def stop(self):
        self.cable.stdin.close()
        self.cable.wait()
        super().stop()


class WireWorld(FarWorld):
    """The wire, what is seen at its near end (`near_log`), and whatever servers a test puts behind it."""

    def __init__(self, folder, seed=1):
        super().__init__(folder, lambda: Wire(seed))
        self.near_log = PacketLog('near', NOBODY)

    @property
    def wire(self):
        return self.far

    def __enter__(self):
        self.near_log.start()
        return super().__enter__()

    def __exit__(self, *reason):
        self.near_log.stop()
        super().__exit__(*reason)
