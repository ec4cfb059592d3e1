#!/usr/bin/env python3
"""Our own line at `keepline lab`, under each of its faults: the verdict finds no rule broken, and says which were kept.

KEEPLINE_PROFILE names another profile than poly, for the line and for the verdict alike.
"""
import os
import pty
import subprocess
import termios
from dataclasses import dataclass

from harness.expect import expect, expect_equal
from harness.lab import LabWorld, describe
from harness.phone import PROGRAM
from harness.run import live_test, run_tests
from harness.waiting import PATIENCE_S, wait_for

PROFILE = os.environ.get('KEEPLINE_PROFILE', 'poly')

# 20 s are granted, so that a refresh is due after 10 s (REG-1); the windows are short, the rules the same.
LAB = 'expires_max: 20s\ncalls: {ring_after: 100ms, answer_after: 200ms}\n'
POLICY = 'reregister_on: true, retry_gap: 600ms, tcp_fast_failover: true, tcp_fast_window: given, tcp_fast_failover_time: 1s'


@dataclass
class Case:
    """A fault, what is done under it, and the rules that have to be kept then; those of another profile may differ."""
    story: str
    orders: tuple
    kept: tuple
    transport: str = 'udp'
    first: bool = False    # the fault is there before the phone
    call: bool = True      # a call is tried under it
    seen: str = ''         # what the lab tells when the case is over
    count: int = 1


CALL_UP = '200 OK to INVITE'
RENEWED = '-> 200 OK to REGISTER'

CASES = {
    'up': Case('no fault at all', ('server1 up',), ('TRIG-8',), seen=CALL_UP),
    'silent': Case('nothing is answered', ('server1 silent',), ('TIME-2', 'TIME-8', 'FAIL-2'), seen=CALL_UP),
    'silent_in': Case('INVITEs are lost on their way in', ('server1 silent in of INVITE',), ('TIME-2',), seen=CALL_UP),
    'silent_out': Case('answers to INVITE are lost', ('server1 silent out of INVITE',), ('TIME-2',),
                       seen='server2    -> 200 OK to INVITE'),
    'closed': Case('the port is closed: ICMP', ('server1 closed',), ('TRIG-1',), seen=CALL_UP),
    'busy': Case('503', ('server1 answers 503 retry-after 30',), ('TRIG-2',), seen=CALL_UP),
    'refuses': Case('another status stays where it is', ('server1 answers 480 of INVITE',), ('TRIG-5',),
                    seen='480 Temporarily Unavailable to INVITE'),
    'slow': Case('answers come late', ('all slow 800ms',), ('TRIG-8',), seen=CALL_UP),
    'loss': Case('a third of all messages is lost', ('all loss 30%',), (), seen=CALL_UP),
    'challenges': Case('challenges for ever: the call fails, and no other server is asked',
                       ('all challenges of INVITE',), ('TRIG-8',), seen='401 Unauthorized to INVITE', count=2),
    'stale': Case('every nonce is stale', ('server1 stale',), ('TRIG-8',), first=True, call=False,
                  seen='401 Unauthorized to REGISTER', count=2),
    'forgets': Case('registrations are lost', ('all forgets',), (), seen='403 Forbidden to INVITE'),
    'restarts': Case('the server starts anew', ('server1 restarts',), (), seen=CALL_UP),
    'expires': Case('registrations are granted for 10 s, and renewed in time', ('all expires 10s',), ('REG-1',),
                    first=True, call=False, seen=RENEWED, count=2),
    'mute': Case('TCP is taken, and nothing said', ('server1 mute',), ('TIME-5',), transport='tcp', first=True,
                 call=False, seen='server2    -> 200 OK to REGISTER'),
    'resets': Case('TCP is reset', ('server1 resets',), ('TRIG-4',), transport='tcp', first=True, call=False,
                   seen='server2    -> 200 OK to REGISTER'),
    'refused': Case('TCP is refused', ('server1 closed',), ('TRIG-4',), transport='tcp', first=True, call=False,
                    seen='server2    -> 200 OK to REGISTER'),
    'wrong_name': Case('TLS with another name', ('server1 certificate wrong-name',), ('TRIG-4',), transport='tls',
                       first=True, call=False, seen='server2    -> 200 OK to REGISTER'),
    'expired': Case('TLS with yesterday\'s certificate', ('server1 certificate expired',), ('TRIG-4',),
                    transport='tls', first=True, call=False, seen='server2    -> 200 OK to REGISTER'),
    'stranger': Case('TLS with a certificate of nobody', ('server1 certificate stranger',), ('TRIG-4',),
                     transport='tls', first=True, call=False, seen='server2    -> 200 OK to REGISTER'),
    'dns_silent': Case('the DNS falls silent under a registered line', ('dns silent',), ('TRIG-8',), seen=CALL_UP),
    'dns_servfail': Case('SERVFAIL under a registered line', ('dns servfail',), ('TRIG-8',), seen=CALL_UP),
    'dns_nxdomain': Case('NXDOMAIN under a registered line', ('dns nxdomain',), ('TRIG-8',), seen=CALL_UP),
    'dns_ttl': Case('records live for 1 s', ('dns ttl 1s',), ('TRIG-8',), first=True, seen=CALL_UP),
    'dns_lists': Case('the records change their order', ('dns lists server2 server1 server3',), (), first=True,
                      seen='server2    -> 200 OK to INVITE'),
}


def play(world, case):
    if case.first:
        for order in case.orders:
            world.order(order)
    phone = world.phone()
    if case.call:
        wait_for(lambda: RENEWED in world.lab.output(), 'the phone is registered')
        phone.wait_state('registered')
    if not case.first:
        for order in case.orders:
            world.order(order)
    if case.call:
        call = phone.call()
    world.wait_seen(case.seen, case.count)
    if case.call:
        call.hang_up()
        call.wait()


def expect_verdict(world, kept):
    """No rule was broken, and all of KEPT were kept."""
    status, rules = world.verdict()
    expect_equal('breaches', describe(rules), '')
    expect_equal('exit status', status, 0)
    for rule in kept:
        expect(rules[rule]['kept'] > 0, f'{rule} was seen kept')
    expect((world.folder / 'report.html').read_text('utf-8').count('</svg>') == 1, 'the report has a ladder')


def make_test(name, case):
    def test(world):
        play(world, case)
        expect_verdict(world, case.kept if PROFILE == 'poly' else ())
    test.__name__, test.__doc__ = name, case.story
    live_test(LabWorld, file=LAB, profile=PROFILE, transport=case.transport, policy=POLICY)(test)


@live_test(LabWorld)
def proxied(world):
    """A call for a user who is registered reaches his phone, and both hear of its end."""
    alice = world.phone()
    bob = world.phone(world.line.replace('user: alice', 'user: bob\n    calls: {incoming: answer}'), '127.0.0.1:5071')
    for phone in (alice, bob):
        phone.wait_state('registered')
    call = alice.call()
    world.wait_seen('<- 200 OK to INVITE (bob)')
    world.wait_seen('<- ACK (alice)')
    call.hang_up()
    world.wait_seen('<- 200 OK to BYE')
    expect_equal('exit status of the call', call.wait(), 0)


SECOND_LAB = """dns: {address: "127.0.3.53:5353"}
servers: [{address: 127.0.3.1}, {address: 127.0.3.2}]
"""


@live_test(LabWorld)
def terminal(world):
    """Single keys choose a server and break it; the terminal is put back; `ctl stop` gets its answer."""
    lab_file = world.folder / 'second.yaml'
    lab_file.write_text(SECOND_LAB)
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    log = (world.folder / 'terminal.log').open('wb')
    lab = subprocess.Popen([PROGRAM, 'lab', lab_file, '--control', world.folder / 'second'], stdin=theirs, stdout=log,
                           stderr=log)
    told = (world.folder / 'terminal.log').read_text
    wait_for(lambda: 'keys, for server1' in told(), 'the keys are told')
    expect(not termios.tcgetattr(theirs)[3] & (termios.ICANON | termios.ECHO), 'single keys, without an echo')
    os.write(ours, b'2s')
    wait_for(lambda: '** silent' in told(), 'server2 is silent')
    expect('server2    ** silent' in told(), 'it was server2')
    os.write(ours, b'q')
    expect_equal('exit status', lab.wait(PATIENCE_S), 0)
    expect_equal('the terminal', termios.tcgetattr(theirs), before)
    expect_equal('what stop says', world.order('stop'), '')
    world.lab.wait()


for each, its_case in CASES.items():
    make_test(each, its_case)

if __name__ == '__main__':
    run_tests()
