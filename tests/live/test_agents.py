#!/usr/bin/env python3
"""Real calls with user agents that others wrote, through Kamailio, with a tone in each direction that is recognised on the
other side: baresip and linphone."""
import re

from harness.agents import Baresip, Linphone
from harness.audio import heard, hears
from harness.expect import expect, expect_equal
from harness.run import live_test, run_tests
from harness.waiting import wait_for
from harness.world import PHONE_ADDRESS

OUR_HZ, ANSWERING_HZ, THEIR_HZ = 600, 440, 700
HEARING_S = 40  # an agent may take its time to open its audio


def wait_heard(recording, since_bytes=0):
    wait_for(lambda: recording.exists() and recording.stat().st_size > since_bytes + 24000 and hears(recording, THEIR_HZ),
             "the agent's tone is heard", HEARING_S)


def calls_it(world, phone, agent):
    """Our call to it: each holds the other and takes it back, and it hangs up."""
    recording = world.folder / 'heard.wav'
    call = phone.call(options=['--record', recording, '--tone', OUR_HZ])
    wait_for(lambda: 'the call is up' in call.output(), 'the call is up')
    wait_heard(recording)
    agent.hold()
    wait_for(lambda: 'the far end holds the call' in call.output(), 'it holds us')
    agent.resume()
    wait_for(lambda: 'the far end is back' in call.output(), 'it takes us back')
    wait_heard(recording, recording.stat().st_size)
    for command, says in (('hold', 'the call is on hold'), ('resume', 'the call goes on')):
        expect_equal(f'exit status of {command}', phone.command(command), 0)
        wait_for(lambda text=says: text in call.output(), f'we are told: {says}')
    wait_heard(recording, recording.stat().st_size)
    agent.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    wait_for(lambda: heard(agent.recording(), OUR_HZ), 'it has heard our tone', HEARING_S)


def is_called_by_it(world, phone, agent):
    """Its call to us, which it ends."""
    since_ms = world.log.now_ms()
    agent.call(f'sip:alice@{world.sbc1.address}')
    answer = world.log.wait_one('our 200', method='INVITE', status=200, source=PHONE_ADDRESS, since_ms=since_ms)
    ours = f'{PHONE_ADDRESS}:{int(re.search(rb"m=audio (.*?) ", answer.payload)[1])}'
    for what, end in (('of it', {'target': ours}), ('of ours', {'source': ours})):
        world.log.wait(f'audio {what}', 100, HEARING_S, since_ms=since_ms, **end)
    agent.hang_up()
    wait_for(lambda: phone.counter('calls') == 0, 'the call is over')
    wait_for(lambda: heard(agent.recording(), ANSWERING_HZ), 'it has heard our tone', HEARING_S)


def talk(world, kind, more=''):
    native = world.folder / 'calls.yaml'
    native.write_text(f'lines:\n  - line: 1\n    calls: {{incoming: answer, tone: {ANSWERING_HZ}{more}}}\n')
    phone = world.registered_phone(options=[native])
    world.callees[0].stop()
    agent = kind(world.callees[0].address, world.folder, THEIR_HZ)
    try:
        agent.start()
        calls_it(world, phone, agent)
        is_called_by_it(world, phone, agent)
    finally:
        agent.stop()
    expect(phone.entry().get('state') == 'registered', 'the phone is still registered')


@live_test()
def baresip(world):
    """CALL-1 (part), CALL-2 (part): calls in both directions, with audio in both, and holds by both. Its audio comes from
    an address that its descriptions don't name, as from behind a NAT."""
    talk(world, Baresip, ', symmetric_rtp: true')


@live_test()
def linphone(world):
    """CALL-1 (part), CALL-2 (part): the same with linphone."""
    talk(world, Linphone)


if __name__ == '__main__':
    run_tests()
