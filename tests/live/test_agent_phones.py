#!/usr/bin/env python3
"""Softphones as Debian has them, behind a line: baresip registers with Keepline and knows nothing of servers."""
import wave

from harness.agent_world import PASSWORD
from harness.agents import Baresip
from harness.audio import HEARD, RATE, loudness
from harness.expect import expect
from harness.run import live_test, run_tests
from harness.waiting import wait_for

INSIDE = '127.0.0.2:5070'
NATIVE = f'''inside:
  listen: {INSIDE}
  endpoints:
    - {{user: desk, password: {PASSWORD}}}
    - {{user: soft, password: {PASSWORD}}}
'''
ACCOUNT = '<sip:{user}@example.test>;outbound="sip:{server}";regint={seconds}'


def phone_inside(world):
    native = world.folder / 'inside.yaml'
    native.write_text(NATIVE)
    native.chmod(0o600)
    return world.registered_phone(options=[native])


def softphone(world, agent, name, address, hz):
    """One that is registered inside."""
    account = ACCOUNT.format(user='alice', server=INSIDE, seconds=600)
    phone = Baresip(address, world.folder, hz, name=name, account=f'{account};auth_user={name};auth_pass={PASSWORD}')
    world.callees.append(phone)
    phone.start()

    def registered():
        return any(row['user'] == name and row['contacts'] for row in agent.status()['inside']['endpoints'])
    wait_for(registered, f'{name} is registered inside')
    return phone


def wait_recording(phone):
    """Until it has recorded for two seconds; the file is whole once the call is over."""
    wait_for(lambda: phone.recording().stat().st_size > 2 * RATE * 2, f'{phone.name} hears something')


def expect_heard(phone, hz):
    def is_whole():
        with wave.open(str(phone.recording())) as file:
            return file.getnframes() > RATE
    wait_for(is_whole, f"{phone.name}'s recording is whole")
    expect(loudness(phone.recording(), hz) > HEARD, f'{phone.name} heard {hz} Hz')


def wait_calls(agent, count):
    wait_for(lambda: agent.status()['inside']['call_count'] == count, f'{count} calls are up')


@live_test()
def baresip_is_called(world):
    """AGENT-1, AGENT-2: it registers by digest, is called through the first server, and each hears the other; the far
    end hangs up."""
    agent = phone_inside(world)
    desk = softphone(world, agent, 'desk', '127.0.5.1', 440)
    carol = Baresip('127.0.5.9', world.folder, 600, name='carol',
                    account=ACCOUNT.format(user='carol', server=world.sbc1.route, seconds=0))
    world.callees.append(carol)
    carol.start()
    carol.call('sip:alice@example.test')
    wait_calls(agent, 1)
    wait_recording(carol)
    wait_recording(desk)
    carol.hang_up()
    wait_calls(agent, 0)
    wait_for(lambda: agent.status()['inside']['dialogs'] == 0, 'no dialog is left')
    expect_heard(carol, 440)
    expect_heard(desk, 600)


@live_test()
def baresip_calls_while_the_first_server_is_silent(world):
    """AGENT-5: it dials through the agent while the first server is silent; its call is up on the second one, and
    hung up there."""
    agent = phone_inside(world)
    desk = softphone(world, agent, 'desk', '127.0.5.1', 440)
    world.sbc1.freeze()
    desk.call('sip:bob@example.test')
    wait_calls(agent, 1)
    expect('127.0.1.2' in agent.status()['inside']['calls'][0]['route'], 'on the second server')
    desk.hang_up()
    wait_calls(agent, 0)
    wait_for(lambda: agent.status()['inside']['dialogs'] == 0, 'no dialog is left')


if __name__ == '__main__':
    run_tests()
