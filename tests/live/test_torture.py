#!/usr/bin/env python3
"""Messages as RFC 4475 and RFC 5118 have them, from a server of the line, one after another: each is answered with the
status that is right for it, or not at all, and harms nothing."""
import re
from pathlib import Path

from harness.expect import expect, expect_equal
from harness.impostor import Impostor
from harness.registrar import PASSWORD
from harness.run import live_test, run_tests
from harness.waiting import Failure
from harness.world import PHONE_ADDRESS

PEERS = Path(__file__).resolve().parent / 'peers'
FOLDER = Path(__file__).resolve().parent.parent / 'data' / 'rfc4475'
CALLED = 'alice', 'user', 'vivekg', 'UserB'  # whom the messages are for: each has a line
NOTHING = ()
TAKEN = 180, 200
UNKNOWN = 404,
NOT_FOR_PHONES = 405,
BROKEN = 400,
ACCEPTED_OR_BROKEN = 180, 200, 400, 405  # the RFC leaves it to the receiver
RFC4475 = {
    # 3.1.1: valid, if unusual
    'wsinv': (481,), 'intmeth': (501,), 'esc01': UNKNOWN, 'escnull': NOT_FOR_PHONES, 'esc02': (501,), 'lwsdisp': TAKEN,
    'longreq': TAKEN, 'dblreq': NOT_FOR_PHONES, 'semiuri': UNKNOWN, 'transports': TAKEN, 'mpart01': UNKNOWN,
    'unreason': NOTHING, 'noreason': NOTHING,
    # 3.1.2: broken
    'badinv01': BROKEN, 'clerr': BROKEN, 'ncl': BROKEN, 'scalar02': BROKEN, 'scalarlg': NOTHING, 'quotbal': BROKEN,
    'ltgtruri': BROKEN, 'lwsruri': BROKEN, 'lwsstart': BROKEN, 'trws': BROKEN, 'escruri': BROKEN,
    'baddate': ACCEPTED_OR_BROKEN, 'regbadct': ACCEPTED_OR_BROKEN, 'badaspec': BROKEN, 'baddn': BROKEN, 'badvers': (505,),
    'mismatch01': BROKEN, 'mismatch02': BROKEN, 'bigcode': NOTHING,
    # 3.2, 3.3, 3.4
    'badbranch': TAKEN, 'insuf': BROKEN, 'unkscm': (416,), 'novelsc': (416,), 'unksm2': NOT_FOR_PHONES, 'bext01': (420,),
    'invut': (415,), 'regaut01': NOT_FOR_PHONES, 'multi01': BROKEN, 'mcl01': BROKEN, 'bcast': NOTHING,
    'zeromf': TAKEN, 'cparam01': NOT_FOR_PHONES, 'cparam02': NOT_FOR_PHONES, 'regescrt': NOT_FOR_PHONES,
    'sdp01': (406, 488), 'inv2543': TAKEN}


def answers(world, server, message):
    """Sends it: the phone's answers, repeats apart, wherever they went, before that to a question that came after it."""
    since_ms = world.log.now_ms()
    server.send(message)
    question = server.ask()
    after = world.log.wait_one('the answer to OPTIONS', status=200, since_ms=since_ms,
                               where=lambda packet: packet.call_id == question)
    found = [packet for packet in world.log.seen(source=PHONE_ADDRESS, since_ms=since_ms)
             if packet.status and packet.at_ms < after.at_ms and is_answer(packet, message)]
    return list({packet.payload: packet for packet in found}.values())


def is_answer(packet, message):
    """Does it answer the message?  There may be repeats of others."""
    return all(word.encode() in message for word in packet.header('CSeq').split()) \
        and packet.call_id.encode() in message and packet.branch.encode() in message


def expect_all(world, messages):
    """Each of (name, bytes, statuses that are right) gets one answer with such a status; with none that are right, none.
    Some have one branch, so that a phone would take them for one request: they go to several phones."""
    rounds = [[]]
    for row in messages:
        if any(transaction_of(row[1]) == transaction_of(other[1]) for other in rounds[-1]):
            rounds.append([])
        rounds[-1].append(row)
    for rows in rounds:
        phone = phone_for_all(world)
        expect_right(world, rows)
        expect_sound(world, phone)


def transaction_of(message):
    """What RFC 3261 17.2.3 tells transactions apart by, more or less."""
    via = re.search(rb'^v(?:ia)?\s*:\s*(.*)', message, re.I | re.M)
    return message.split()[0], via and via[1]


def expect_right(world, messages):
    """The same, of one phone."""
    server = Impostor(world.sbc1.address)
    wrong = []
    for name, message, right in messages:
        found = answers(world, server, message)
        statuses = [packet.status for packet in found]
        print(f'  {name}: {" ".join(packet.first_line[8:] for packet in found) or "nothing"}')
        if not (len(statuses) == 1 and statuses[0] in right if right else not statuses):
            wrong.append(f'{name}: expected {right or "nothing"}, got {statuses}')
        for packet in found:
            if packet.status == 420:
                expect(packet.header('Unsupported'), f'{name}: the 420 names what is not supported')
            if packet.status in (405, 501):
                expect(packet.header('Allow'), f'{name}: the {packet.status} names what is allowed')
            if packet.status == 415:
                expect(packet.header('Accept'), f'{name}: the 415 names what is accepted')
    if wrong:
        raise Failure('\n'.join(wrong))


def phone_for_all(world):
    """A phone with lines for whom the messages are meant; each call rings."""
    parameters = {}
    for number, user in enumerate(CALLED, 1):
        parameters |= {f'reg.{number}.address': user, f'reg.{number}.auth.userId': user,
                       f'reg.{number}.auth.password': PASSWORD, f'reg.{number}.server.1.address': 'example.test',
                       f'reg.{number}.server.1.transport': 'UDPOnly'}
    native = world.folder / 'calls.yaml'
    native.write_text('lines:\n' + ''.join(f'  - line: {number}\n    calls: {{incoming: ring, max: 24}}\n'
                                           for number in range(1, len(CALLED) + 1)))
    phone = world.registered_phone(parameters, [native])
    return phone


def expect_sound(world, phone):
    """A call is placed and ended, and the phone leaves in order."""
    since_ms = world.log.now_ms()
    call = phone.call()
    world.wait_call_up(world.sbc1, since_ms)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    expect_equal('exit status of the phone', phone.leave(), 0)


def own_messages():
    """The messages of peers/torture.txt: (name, bytes, statuses). "=== NAME STATUS..." stands above each; line ends become
    CRLF, and what stands for other bytes is written as in Python."""
    for part in (PEERS / 'torture.txt').read_text('ascii').split('=== ')[1:]:
        title, _, message = part.partition('\n')
        name, *statuses = title.split()
        message = re.sub('\n+$', '\n', message) if '\n\n' in message.rstrip('\n') else message.rstrip('\n') + '\n\n'
        message = message.replace('\n', '\r\n').encode('ascii').decode('unicode_escape').encode('latin-1')
        yield name, message, tuple(map(int, statuses))


@live_test()
def own(world):
    """RFC 4475's kinds of messages and RFC 5118's IPv6 cases, in messages of our own."""
    expect_all(world, own_messages())


@live_test()
def rfc4475(world):
    """The RFC's own 49 messages."""
    files = {path.stem: path.read_bytes() for path in FOLDER.rglob('*.dat')}
    expect_equal('messages in the folder', sorted(files), sorted(RFC4475))
    expect_all(world, [(name, files[name], right) for name, right in RFC4475.items()])


if __name__ == '__main__':
    run_tests()
