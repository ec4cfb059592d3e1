"""Waits with a deadline, and processes whose output is kept in a file."""
import ipaddress
import os
import signal
import subprocess
import threading
import time

POLL_S = 0.01
PATIENCE_S = 20.0  # for what comes at once: the machine may be loaded, and who waits in vain fails anyway


class Failure(AssertionError):
    """What a test expected did not happen. The text says what was expected and what was seen."""


def wait_for(condition, what, within_s=PATIENCE_S, every_s=POLL_S):
    """Returns the first true value of condition(), which is asked until then; a Failure if that takes too long."""
    pause = threading.Event()
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f'expected within {within_s:g} s: {what}')
        pause.wait(every_s)


def udp_is_bound(address, port):
    """Whether a socket of this namespace is bound to the address and UDP port."""
    parsed = ipaddress.ip_address(address)
    words = [parsed.packed[at:at + 4][::-1].hex().upper() for at in range(0, len(parsed.packed), 4)]
    wanted = f'{"".join(words)}:{port:04X}'
    with open('/proc/net/udp' if parsed.version == 4 else '/proc/net/udp6', encoding='ascii') as table:
        return any(line.split()[1] == wanted for line in table.readlines()[1:])


class Process:
    """A program in a process group of its own, with all of its output in one file."""

    def __init__(self, name, command, folder):
        self.name, self.command = name, [str(word) for word in command]
        self.log_path = folder / f'{name}.log'
        self.process = None

    def start(self):
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(self.command, cwd=self.log_path.parent, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def output(self):
        return self.log_path.read_text('utf-8', 'replace') if self.log_path.exists() else ''

    def signal(self, number):
        """Sends a signal to the program and all of its children."""
        os.killpg(self.process.pid, number)

    def wait(self, within_s=PATIENCE_S):
        """The exit status, once the program has ended; negative for a signal."""
        wait_for(lambda: not self.running, f'{self.name} ends', within_s)
        return self.process.returncode

    def kill(self):
        """Ends the program and its children at once, as a power cut would."""
        if self.running:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def wait_for_output(self, text, within_s=PATIENCE_S):
        wait_for(lambda: text in self.output() or not self.running, f'{self.name} writes "{text}"', within_s)
        if text not in self.output():
            raise Failure(f'{self.name} ended with status {self.process.returncode} before it wrote "{text}"')
