#!/usr/bin/env python3
"""A server of the line goes mad. What that costs is bounded, a call goes on, and the log says so in a few lines."""
import itertools
import os
import re

from harness.expect import expect, expect_equal
from harness.impostor import Impostor
from harness.phone import BIND
from harness.run import live_test, run_tests
from harness.talk import talking, wait_heard
from harness.waiting import wait_for
from harness.world import PHONE_ADDRESS

CALLS, BATCH = 10000, 40
RING_S = 5
RINGING_MAX = 256  # all lines together; what else comes gets 486, or 503
TRANSACTIONS_S = 45  # refusals that nobody acknowledges are kept for 32 s
GROWTH_KIB = 64 << 10
LOG_LINES = 8
INVITE = ('INVITE sip:alice@{phone} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKflood{number};rport\r\n'
          'From: <sip:mad@{own}>;tag={number}\r\nTo: <sip:alice@example.test>\r\nCall-ID: flood{number}.\r\n'
          'CSeq: 1 INVITE\r\nContact: <sip:mad@{own}>\r\nContent-Type: application/sdp\r\n\r\n'
          'v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n')
NOTIFY = ('NOTIFY sip:alice@{phone} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKnotify{number};rport\r\n'
          'From: {far};tag=mad\r\nTo: {near}\r\nCall-ID: {call_id}\r\nCSeq: {number} NOTIFY\r\nContact: <sip:mad@{own}>\r\n'
          'Event: message-summary\r\nSubscription-State: active;expires=600\r\n\r\n')
MWI = 'lines:\n  - line: 1\n    subscriptions: [{event: message-summary}]\n'


def size_of(phone):
    """What the phone's process has: KiB of memory, and descriptors."""
    pid = phone.process.process.pid
    with open(f'/proc/{pid}/status', encoding='ascii') as status:
        memory = next(int(line.split()[1]) for line in status if line.startswith('VmRSS:'))
    return memory, len(os.listdir(f'/proc/{pid}/fd'))


def read_until(server, question, seen):
    """Reads the phone's answers up to that to a question, and hands each other one to SEEN."""
    answer = b''
    while question.encode() not in answer:
        answer = server.socket.recv(1 << 16)
        seen(answer)


def flood(server):
    """All calls, in batches, each of which is read before the next one is sent: how many calls got which status."""
    calls = {}

    def seen(answer):
        if re.search(rb'CSeq: \d+ INVITE', answer):
            number = answer.partition(b'Call-ID: flood')[2].partition(b'.')[0]
            calls.setdefault(int(answer.split()[1]), set()).add(number)
    for first in range(1, CALLS + 1, BATCH):
        for number in range(first, first + BATCH):
            server.send(INVITE.format(phone=BIND, own=server.own, number=number).encode())
        read_until(server, server.ask(), seen)
    return {status: len(numbers) for status, numbers in calls.items()}


@live_test()
def calls_without_end(world):
    """CALL-1 (part), CALL-2 (part): 10,000 calls come and stay open, while one is up. 256 of them ring, all others are
    refused; memory and descriptors stay in bounds; the call is heard all the time, and the far end can end it. Once
    nobody answered those that ring, calls are taken again."""
    native = world.folder / 'calls.yaml'
    native.write_text(f'lines:\n  - line: 1\n    calls: {{incoming: ring, max: 1000, ring_time: {RING_S}s}}\n')
    phone, call, recording = talking(world, options=[native])
    called = world.phones[0]
    server = Impostor(world.sbc1.address)
    lines_before, (memory_before, descriptors_before) = len(phone.log().splitlines()), size_of(phone)
    begun_ms = world.log.now_ms()
    statuses = flood(server)
    rounds = 1 + int((world.log.now_ms() - begun_ms) / 1000 / RING_S)  # what rang is over after that time, and leaves room
    memory, descriptors = size_of(phone)
    print(f'  {statuses}; {memory_before} to {memory} KiB, {descriptors_before} to {descriptors} descriptors')
    rang = statuses.pop(180)
    expect(RINGING_MAX / 2 <= rang <= rounds * RINGING_MAX, 'so many ring as may')
    expect(set(statuses) <= {486, 503, 480}, 'the others are refused')
    expect(sum(statuses.values()) >= CALLS - rang, 'each of them')
    expect(memory - memory_before < GROWTH_KIB, 'memory is bounded')
    expect(descriptors - descriptors_before <= 8 * RINGING_MAX, 'descriptors are bounded')
    told = [line for line in phone.log().splitlines()[lines_before:] if 'without room' in line]
    expect(len(told) <= LOG_LINES, 'the log has a sum of it now and then')
    expect(phone.counter('overflow') > 0, 'the status counts it')
    wait_heard(recording, recording.stat().st_size)

    run_ms = world.log.now_ms()
    called_call = called.status()['lines'][0]['calls'][0]['call']
    expect_equal('exit status of hangup at the far end', called.command('hangup', called_call), 0)
    expect_equal('exit status of the call', call.wait(), 0)
    world.log.wait_one('200 to the BYE', method='BYE', status=200, source=PHONE_ADDRESS, since_ms=run_ms)
    wait_for(lambda: phone.counter('calls') == 0, 'nobody answered those that rang', 2 * RING_S + 10)
    numbers = itertools.count(CALLS + 1)

    def rings_again():
        server.send(INVITE.format(phone=BIND, own=server.own, number=next(numbers)).encode())
        return world.log.find(method='INVITE', status=180, source=PHONE_ADDRESS, since_ms=over_ms)
    over_ms = world.log.now_ms()
    wait_for(rings_again, 'a new call rings', TRANSACTIONS_S, 1.0)


@live_test(presence=True)
def notifies_without_end(world):
    """SUBS-2 (part): thousands of NOTIFYs in the dialog of a subscription: few are answered, the others are counted, and the
    subscription goes on."""
    native = world.folder / 'mwi.yaml'
    native.write_text(MWI)
    phone = world.registered_phone(options=[native])
    phone.wait_subscription('message-summary', lambda row: row['state'] == 'active')
    real = world.log.wait_one('a NOTIFY', method='NOTIFY', source=world.sbc1.address)
    server = Impostor(world.sbc1.address)
    answered = []

    def seen(answer):
        if re.search(rb'CSeq: \d+ NOTIFY', answer):
            answered.append(int(answer.split()[1]))
    for first in range(1000, 6000, BATCH):
        for number in range(first, first + BATCH):
            server.send(NOTIFY.format(phone=BIND, own=server.own, number=number, call_id=real.call_id,
                                      far=real.header('From').partition(';tag')[0], near=real.header('To')).encode())
        read_until(server, server.ask(), seen)
    print(f'  answered: {len(answered)}; flooded: {phone.counter("flooded")}')
    expect(len(answered) < 500, 'few are answered')
    expect_equal('all others are counted', phone.counter('flooded'), 5000 - len(answered))
    expect_equal('its state', phone.subscriptions()['message-summary']['state'], 'active')


if __name__ == '__main__':
    run_tests()
