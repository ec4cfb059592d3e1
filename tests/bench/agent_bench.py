#!/usr/bin/env python3
"""Calls through the agent, and through Kamailio as a record-routing outbound proxy.

    agent_bench.py KEEPLINE

One after the other, in one run, the same SIPp on both sides, over UDP on loopback: INVITE, 180, 200, ACK, BYE, 200, at the
same steady rate. No call may fail. Each has one process that does the work: of two workers of Kamailio, one relays the 200
before the other has relayed the 180, and SIPp gives up. Then, at a fifth of what a processor bears of the agent's calls, how
long a message stays; and what the agent's memory grows by for each call that stays, and for each line.

Who may do so runs all of it at real-time priority (harness/priority.py).
"""
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'live'))

from harness.priority import take_real_time  # noqa: E402: found by the line above
from harness.waiting import udp_is_bound, wait_for  # noqa: E402

CALLS_S = 15
RATES = 1000, 500, 250, 125  # calls a second: the first one at which neither of both loses a call
DELAY_S = 8
HELD, HELD_RATE = 10000, 500
HOLD_MS = 90000  # longer than it takes to begin all calls, and 64*T1, for which all that is no dialog stays
SETTLE_S = 100
LINES, IDLE_S, IDLE_MOST = 5000, 10, 0.1  # seconds of CPU in the IDLE_S
SERVER, AGENT, INSIDE, PROXY, PBX = '127.0.31.1', '127.0.31.2:5060', '127.0.31.3:5070', '127.0.31.4:5060', '127.0.31.5'
HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / 'live' / 'peers'
KEEPLINE_FILE = '''local: {agent}
lines:
{lines}inside:
  listen: {inside}
  endpoints: [{{user: pbx, address: {pbx}}}]
'''
LINE = '''  - user: {user}
    domain: example.test
    password_env: HOME
    servers: [{{name: {server}, port: 5060, transport: udp, registers: {registers}}}]
'''
KAMAILIO_FILE = f'''
debug=0
children=1
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
maxbuffer={4 << 20}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
request_route {{
	if (has_totag()) {{
		loose_route();
		t_relay();
		exit;
	}}
	record_route();
	$du = "sip:{SERVER}:5060";
	t_relay();
}}
'''


def processes(leader):
    """A process, and all of its children."""
    children = Path(f'/proc/{leader}/task/{leader}/children').read_text().split()
    return [leader, *(pid for child in children for pid in processes(int(child)))]


def cpu_s(leader):
    ticks = 0
    for pid in processes(leader):
        fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf('SC_CLK_TCK')


def memory(pid):
    return int(Path(f'/proc/{pid}/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def sipp(folder, scenario, address, *options):
    return subprocess.Popen(['sipp', '-sf', scenario, '-i', address, '-p', '5060', '-nostdin', '-buff_size',
                             str(4 << 20), *map(str, options)], cwd=folder, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


class Middle:
    """What stands between callers and SERVER; SCENARIO is what the server does."""

    def __init__(self, folder, command, listens, scenario=PEERS / 'callee.xml'):
        self.folder, self.listens, self.scenario, self.command = folder, listens, scenario, command

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.server = sipp(self.folder, self.scenario, SERVER)
        for host, port in (self.listens.split(':'), (SERVER, 5060)):
            wait_for(lambda: udp_is_bound(host, int(port)), f'{host} listens', within_s=20)
        return self

    def __exit__(self, *_):
        stop(self.process)
        stop(self.server)

    def call(self, count, rate, hold_ms=0):
        return sipp(self.folder, PEERS / 'caller_behind.xml', PBX, '-m', count, '-r', rate, '-l', max(count, rate),
                    '-d', hold_ms, self.listens)

    def cpu_s(self):
        return cpu_s(self.process.pid)

    def memory(self):
        return memory(self.process.pid)


def measure_calls(name, middle, rate):
    """Calls for a second of CPU; None: some failed."""
    count = CALLS_S * rate
    with middle:
        before = middle.cpu_s()
        status = middle.call(count, rate).wait()
        used = middle.cpu_s() - before
    if status:
        print(f'{name}: of {rate} calls a second some failed', flush=True)
        return None
    print(f'{name}: {count} calls, {rate} a second, {used / count * 1e6:.0f} us of CPU each, '
          f'{count / used:.0f} in a second of CPU', flush=True)
    return count / used


def compare(theirs, ours):
    """At the same rate. Returns the calls that the agent has for a second of CPU."""
    for rate in RATES:
        proxied = measure_calls('Kamailio', theirs, rate)
        relayed = proxied and measure_calls('agent', ours, rate)
        if relayed:
            print(f'agent: {relayed / proxied:.2f} times Kamailio', flush=True)
            return relayed
    sys.exit('this machine is too busy')


def read_capture(path):
    """The packets of a pcap file of loopback with its times in microseconds."""
    data = path.read_bytes()
    at = 24
    while at + 16 <= len(data):
        seconds, micros, length, _ = struct.unpack_from('<IIII', data, at)
        yield seconds * 10**6 + micros, data[at + 16:at + 16 + length]
        at += 16 + length


def read_message(frame):
    """Who it is for, and what it is: the same before and behind the middle."""
    target = '.'.join(map(str, frame[14 + 16:14 + 20]))
    head = frame[14 + 28:].split(b'\r\n\r\n')[0].split(b'\r\n')
    headers = dict(line.split(b': ', 1) for line in head[1:] if b': ' in line)
    what = head[0].split(b' ')[1] if head[0].startswith(b'SIP/2.0') else b''
    return target, (headers.get(b'Call-ID'), headers.get(b'CSeq'), what)


def delays_us(capture, addresses):
    """How long each message stayed at these addresses."""
    came, delays = {}, []
    for at, frame in read_capture(capture):
        target, key = read_message(frame)
        if target in addresses:
            came.setdefault(key, at)
        elif key in came:
            delays.append(at - came.pop(key))
    return sorted(delays)


def measure_delay(name, middle, rate, addresses):
    """The kernel's own times, from where a message is received to where it is sent on."""
    capture = middle.folder / 'delay.pcap'
    with middle:
        sniffer = subprocess.Popen(['dumpcap', '-q', '-P', '-i', 'lo', '-B', '64', '-f', 'udp and net 127.0.31.0/24', '-w',
                                    capture], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: capture.exists() and capture.stat().st_size, 'it captures', within_s=20)
        before = middle.cpu_s()
        status = middle.call(DELAY_S * rate, rate).wait()
        load = (middle.cpu_s() - before) / DELAY_S
        stop(sniffer)
    delays = delays_us(capture, addresses)
    capture.unlink()
    if status or len(delays) < DELAY_S * rate * 5:
        print(f'{name}: of {rate} calls a second some failed, or were not captured', flush=True)
        return
    print(f'{name}: {rate} calls a second, {load:.0%} of a processor; a message stays {delays[len(delays) // 2]} us (p50), '
          f'{delays[len(delays) * 99 // 100]} us (p99)', flush=True)


def status_of(keepline, folder):
    run = subprocess.run([keepline, 'status', '--json', '--control', folder / 'control'], stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)


def measure_memory(keepline, middle):
    """What a call takes once nothing but its dialog is left; what its transactions took stays the process's."""
    with middle:
        before = middle.memory()
        caller = middle.call(HELD, HELD_RATE, HOLD_MS)

        def settled():
            inside = status_of(keepline, middle.folder)['inside']
            return inside['call_count'] == HELD and inside['requests'] == 0
        wait_for(settled, f'{HELD} calls are up, and nothing else', SETTLE_S, every_s=1)
        print(f'agent: {HELD} calls that are up: {(middle.memory() - before) / HELD:.0f} bytes each', flush=True)
        caller.kill()
        caller.wait()


def write_file(folder, users, registers):
    path = folder / f'{len(users)}.yaml'
    lines = ''.join(LINE.format(user=user, server=SERVER, registers=str(registers).lower()) for user in users)
    path.write_text(KEEPLINE_FILE.format(agent=AGENT, inside=INSIDE, pbx=PBX, lines=lines))
    return path


def measure_lines(folder, agent):
    """What a line takes that is registered, and what thousands of them cost while nothing happens."""
    grown = []
    for count in (1, LINES):
        path = write_file(folder, [f'line{i}' for i in range(count)], True)
        with Middle(folder, [*agent, path], INSIDE, HERE / 'registrar.xml') as middle:
            idle = [middle.cpu_s()]

            def is_idle():
                idle.append(middle.cpu_s())
                return len(idle) > IDLE_S and idle[-1] - idle[-IDLE_S - 1] < IDLE_MOST
            wait_for(is_idle, 'nothing happens any more', SETTLE_S, every_s=1)
            grown.append(middle.memory())
            states = [line['state'] for line in status_of(agent[0], folder)['lines']]
            if states != ['registered'] * count:
                sys.exit(f'{states.count("registered")} of {count} lines are registered')
    print(f'agent: {LINES} registered lines: {(grown[1] - grown[0]) / LINES:.0f} bytes each; idle for {IDLE_S} s, they took '
          f'{(idle[-1] - idle[-IDLE_S - 1]) / IDLE_S:.1%} of a processor')


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    keepline = Path(sys.argv[1]).resolve()
    take_real_time()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / 'proxy.cfg').write_text(KAMAILIO_FILE)
        agent = [keepline, 'run', '--control', folder / 'control']
        ours = Middle(folder, [*agent, write_file(folder, ['alice'], False)], INSIDE)
        theirs = Middle(folder, ['kamailio', '-DD', '-E', '-m', '512', '-M', '64', '-f', folder / 'proxy.cfg', '-l',
                                 f'udp:{PROXY}', '-Y', folder, '-w', folder], PROXY)
        rate = round(compare(theirs, ours) / 5)
        measure_delay('Kamailio', theirs, rate, {PROXY.split(':')[0]})
        measure_delay('agent', ours, rate, {AGENT.split(':')[0], INSIDE.split(':')[0]})
        measure_memory(keepline, ours)
        measure_lines(folder, agent)


if __name__ == '__main__':
    main()
