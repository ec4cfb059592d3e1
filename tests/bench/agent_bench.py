#!/usr/bin/env python3
"""Calls through the agent, and through Kamailio as a record-routing outbound proxy: how many for a second of CPU.

    agent_bench.py KEEPLINE

One after the other, in one run, the same SIPp on both sides, over UDP on loopback: INVITE, 180, 200, ACK, BYE, 200. Then
calls that stay: what the agent's memory grows by for each.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'live'))

from harness.waiting import udp_is_bound, wait_for  # noqa: E402: found by the line above

CALLS, RATE, HELD = 10000, 300, 5000
HOLD_MS = 60000  # longer than 64*T1, for which all that is no dialog stays
SETTLE_S = 90
SERVER, AGENT, INSIDE, PROXY, PBX = '127.0.31.1', '127.0.31.2:5060', '127.0.31.3:5070', '127.0.31.4:5060', '127.0.31.5'
PEERS = Path(__file__).resolve().parent.parent / 'live' / 'peers'
KEEPLINE_FILE = f'''local: {AGENT}
lines:
  - user: alice
    domain: example.test
    password_env: HOME
    servers: [{{name: {SERVER}, port: 5060, transport: udp, registers: false}}]
inside:
  listen: {INSIDE}
  endpoints: [{{user: pbx, address: {PBX}}}]
'''
KAMAILIO_FILE = f'''
debug=0
children=2
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
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
    return subprocess.Popen(['sipp', '-sf', PEERS / f'{scenario}.xml', '-i', address, '-p', '5060', '-nostdin', '-buff_size',
                             str(4 << 20), *map(str, options)], cwd=folder, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def start(folder, command, listens):
    """COMMAND, once it listens, and SIPp, which answers every call."""
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    callee = sipp(folder, 'callee', SERVER)
    for host, port in (listens.split(':'), (SERVER, 5060)):
        wait_for(lambda: udp_is_bound(host, int(port)), f'{host} listens', within_s=10)
    return process, callee


def measure(folder, name, command, target):
    """Calls for a second of CPU through what COMMAND starts."""
    process, callee = start(folder, command, target)
    before = cpu_s(process.pid)
    status = sipp(folder, 'caller_behind', PBX, '-m', CALLS, '-r', RATE, '-l', 2 * RATE, target).wait()
    used = cpu_s(process.pid) - before
    stop(callee)
    stop(process)
    print(f'{name}: {CALLS} calls, exit status {status}, {used:.2f} s of CPU, {CALLS / used:.0f} calls in a second of CPU')
    return CALLS / used


def inside(keepline, folder):
    run = subprocess.run([keepline, 'status', '--json', '--control', folder / 'control'], stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)['inside']


def measure_memory(folder, command):
    """What a call takes once nothing but its dialog is left."""
    process, callee = start(folder, command, INSIDE)
    before = memory(process.pid)
    caller = sipp(folder, 'caller_behind', PBX, '-m', HELD, '-r', RATE, '-l', HELD, '-d', HOLD_MS, INSIDE)

    def settled():
        status = inside(command[0], folder)
        return status['call_count'] == HELD and status['requests'] == 0
    wait_for(settled, f'{HELD} calls are up, and nothing else', SETTLE_S, every_s=1)
    print(f'agent: {HELD} calls that are up: {(memory(process.pid) - before) / HELD:.0f} bytes each')
    caller.kill()
    caller.wait()
    stop(callee)
    stop(process)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    keepline = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / 'agent.yaml').write_text(KEEPLINE_FILE)
        (folder / 'proxy.cfg').write_text(KAMAILIO_FILE)
        agent = [keepline, 'run', '--control', folder / 'control', folder / 'agent.yaml']
        proxy = ['kamailio', '-DD', '-E', '-f', folder / 'proxy.cfg', '-l', f'udp:{PROXY}', '-Y', folder, '-w', folder]
        theirs = measure(folder, 'Kamailio', proxy, PROXY)
        ours = measure(folder, 'agent', agent, INSIDE)
        print(f'agent: {ours / theirs:.2f} times Kamailio')
        measure_memory(folder, agent)


if __name__ == '__main__':
    main()
