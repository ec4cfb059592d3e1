#!/usr/bin/env python3
"""Bad files, bad values, bad passwords, bad datagrams: one clear line, or a visible state with its cause."""
import socket

from harness.expect import EARLY_MS, LATE_MS, expect, expect_between, expect_count, expect_equal
from harness.names import DOMAIN
from harness.phone import ACCOUNT, BIND, run_program, to_xml
from harness.run import live_test, run_tests
from harness.waiting import wait_for

WRONG_PASSWORD = 'not-the-password'
STRANGER, STRANGER_PORT = '127.0.3.2', 5060
DATAGRAM_MAX = 65507
SHORT_BACKOFF = {'reg.1.server.1.registerRetry.baseTimeOut': 10}  # 5 to 10 s after the first failure


def expect_refused(what, words, says):
    """The program ends with status 2, and with one line that says each of SAYS."""
    status, output = run_program(*words)
    lines = output.strip().split('\n')
    print(f'  {what}: {output.strip()}')
    expect_equal(f'{what}: exit status', status, 2)
    expect_equal(f'{what}: number of lines', len(lines), 1)
    for text in says:
        expect(text in lines[0], f'{what}: the line says "{text}"')


@live_test()
def unusable_files(world):
    """CONF-1 (part): a file that can't be used ends the program with status 2, and with one line that names it."""
    good = to_xml(ACCOUNT)
    missing, garbage, empty, cut, nobody = (world.folder / f'{name}.cfg'
                                            for name in ('missing', 'garbage', 'empty', 'cut', 'nobody'))
    garbage.write_bytes(bytes(range(256)) * 16)
    empty.write_bytes(b'')
    cut.write_text(good[:len(good) // 2])
    nobody.write_text(to_xml({'voIpProt.server.1.address': DOMAIN}))

    expect_refused('missing', ['run', missing], [str(missing)])
    expect_refused('a folder', ['run', world.folder], [str(world.folder)])
    expect_refused('not XML', ['run', garbage], [f'{garbage}:1:'])
    expect_refused('empty', ['run', empty], [str(empty)])
    expect_refused('truncated', ['run', cut], [f'{cut}:'])
    expect_refused('without a line', ['run', nobody], ['reg.'])


@live_test()
def wrong_usage(world):
    """Wrong usage ends with status 2, and says what is wrong."""
    good = world.folder / 'good.cfg'
    good.write_text(to_xml(ACCOUNT))
    expect_refused('unknown profile', ['run', '--profile', 'nonesuch', good], ['nonesuch'])
    for words in (['run'], ['nonesuch'], ['run', '--nonesuch', good], ['call']):
        status, output = run_program(*words)
        expect_equal(f'{" ".join(map(str, words))}: exit status', status, 2)
        expect(output.strip(), 'it says why')
    control = world.folder / 'nobody-there'
    status, output = run_program('status', '--control', control)
    expect(status != 0 and str(control) in output, f'status without an instance names the socket: {output.strip()}')


@live_test()
def value_out_of_range(world):
    """PROF-4 (part): a value out of range is named with file, line, parameter and range; the line runs without it."""
    phone = world.phone({'reg.1.server.1.retryMaxCount': 70000, 'reg.1.server.1.failOver.failBack.timeout': 45})
    phone.wait_state('registered', world.sbc1)
    for name, says in (('retryMaxCount', '65535'), ('failBack.timeout', '60')):
        lines = [line for line in phone.log().splitlines() if name in line and 'warning' in line]
        expect_equal(f'number of lines about {name}', len(lines), 1)
        expect(f'{phone.file}:' in lines[0] and says in lines[0], f'the line names the file and {says}: {lines[0]}')


@live_test()
def unresolved_name(world):
    """BACK-7, SEE-1 (part): nothing resolves: the line backs off, and its status says why."""
    phone = world.phone({'reg.1.server.1.address': f'nowhere.{DOMAIN}'})
    entry = phone.wait_state('backing off')
    expect('resolve' in entry['why'], f'the status says that the name does not resolve: {entry["why"]}')
    expect_equal('REGISTERs', world.sent('REGISTER'), [])
    expect_equal('exit status of the phone', phone.leave(), 0)


@live_test()
def silent_names(world):
    """BACK-6 (part), SEE-2 (part): no DNS server answers, and the log says so. Once one does, the line registers by
    itself."""
    world.names.freeze()
    phone = world.phone(SHORT_BACKOFF)
    phone.wait_state('backing off', within_s=40)
    expect('no DNS server answered' in phone.log(), 'the log says "no DNS server answered"')
    expect_equal('REGISTERs', world.sent('REGISTER'), [])
    world.names.thaw()
    phone.wait_state('registered', world.sbc1, within_s=30)


@live_test()
def wrong_password(world):
    """TRIG-6 (part), BACK-1 (part), BACK-4 (part), REG-4 (part), SEE-1 (part): wrong credentials are offered once; then
    the line backs off, says why, and goes on with the server that it has not tried. No password is written anywhere."""
    phone = world.phone({'reg.1.auth.password': WRONG_PASSWORD, **SHORT_BACKOFF})
    entry = phone.wait_state('backing off')
    expect('credentials' in entry['why'], f'the status says that the credentials were refused: {entry["why"]}')
    _, proven = expect_count('REGISTERs to sbc1', world.requests('REGISTER', world.sbc1), 2)
    expect_equal('REGISTERs to sbc2', world.sent('REGISTER', world.sbc2), [])
    status = run_program('status', '--control', phone.control)[1]
    expect(WRONG_PASSWORD not in phone.log() + str(phone.status()) + status, 'the password stands in no output')
    expect(not world.log.find(where=lambda packet: WRONG_PASSWORD.encode() in packet.payload), 'nor in any packet')
    refused = world.log.wait_one('the refusal', method='REGISTER', status=401, where=lambda packet: packet.branch == proven.branch)
    again = world.wait_sent('REGISTER', world.sbc2, since_ms=refused.at_ms)[0]
    expect_between('next attempt, after the refusal', again.at_ms - refused.at_ms, 5000 - EARLY_MS, 10000 + LATE_MS)
    expect(again.call_id != refused.call_id, 'its Call-ID is new')


@live_test()
def port_in_use(world):
    """The phone's port is taken: it ends with status 2, and with one line that names the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(('127.0.0.1', 0))
        port = holder.getsockname()[1]
        good = world.folder / 'good.cfg'
        good.write_text(to_xml(ACCOUNT))
        words = ['run', '--control', world.folder / 'control', '--bind', f'127.0.0.1:{port}', good]
        expect_refused('port in use', words, [f'127.0.0.1:{port}'])


def send_from_stranger(datagrams):
    """Sends to the phone's SIP port, from an address and port that it has nothing to do with."""
    address, _, port = BIND.partition(':')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((STRANGER, STRANGER_PORT))
        for datagram in datagrams:
            stranger.sendto(datagram, (address, int(port)))


@live_test()
def hostile_datagrams(world):
    """RFC 3261 7.3, 18.3: garbage, truncated and oversized datagrams to the SIP port are dropped and counted, and harm
    nothing; answers to nothing that was asked are counted, too. A keep-alive is neither."""
    phone = world.registered_phone()
    answer = world.wait_answered('REGISTER', 200, world.sbc1).payload
    garbage = [
        b'', b'\0', b'SIP/2.0', b'SIP/2.0 200 OK\r\n\r\n', bytes(range(256)) * 4, b'\xff' * DATAGRAM_MAX,
        answer[:len(answer) // 2],
        b'INVITE sip:alice@example.test SIP/2.0\r\n' + b'Via: SIP/2.0/UDP x\r\n' * 3000 + b'\r\n',
        b'BYE sip:alice@example.test SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n',
        b'OPTIONS sip:a@b SIP/2.0\r\nCSeq: 4294967296 OPTIONS\r\nVia: ;;;\r\nFrom: <\r\nTo: "\r\nCall-ID:\r\n\r\n',
        answer.replace(b'200 OK', b'999999 OK'),
    ]
    stray = [answer.replace(b'branch=z9hG4bK', b'branch=z9hG4bKx')]
    send_from_stranger(garbage + stray + [b'\r\n\r\n'])
    wait_for(lambda: phone.counter('received') == len(world.log.find(target=BIND)), 'all datagrams have been read')
    expect_equal('dropped', phone.counter('dropped'), len(garbage))
    expect_equal('stray', phone.counter('stray'), len(stray))

    call = phone.call()
    world.wait_call_up(world.sbc1)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    phone.wait_state('registered', world.sbc1)
    expect_equal('exit status of the phone', phone.leave(), 0)


@live_test()
def call_from_stranger(world):
    """CALL-2 (part): a call from an address that is in no route set of the line is refused with 403, and counted."""
    phone = world.registered_phone()
    uri = world.sbc1.contacts()[0]
    stranger = f'{STRANGER}:{STRANGER_PORT}'
    invite = (f'INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {stranger};branch=z9hG4bKstranger\r\n'
              f'From: <sip:mallory@{STRANGER}>;tag=1\r\nTo: <{uri}>\r\nCall-ID: 1@{STRANGER}\r\n'
              f'CSeq: 1 INVITE\r\nContact: <sip:mallory@{stranger}>\r\nMax-Forwards: 70\r\n'
              'Content-Length: 0\r\n\r\n')
    send_from_stranger([invite.encode()])
    world.log.wait_one('403 to the INVITE', method='INVITE', status=403, target=STRANGER)
    expect_equal('refused', phone.counter('refused'), 1)
    phone.wait_state('registered', world.sbc1)


if __name__ == '__main__':
    run_tests()
