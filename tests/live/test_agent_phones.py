#!/usr/bin/env python3
"""Softphones as Debian has them, behind a line: baresip registers with Keepline and knows nothing of servers."""
import wave

from harness.agent_world import PASSWORD
from harness.audio import RATE, loudness
from harness.baresip import Baresip
from harness.expect import expect, expect_equal
from harness.run import live_test, run_tests
from harness.waiting import wait_for

INSIDE = '127.0.0.2:5070'
NATIVE = f'''inside:
  listen: {INSIDE}
  endpoints:
    - {{user: desk, password: {PASSWORD}}}
    - {{user: soft, password: {PASSWORD}}}
'''


def phone_inside(world, parameters=None):
    native = world.folder / 'inside.yaml'
    native.write_text(NATIVE)
    native.chmod(0o600)
    return world.registered_phone(parameters, [native])


def softphone(world, name, address, **options):
    phone = Baresip(world.folder, name, address, INSIDE, seconds=600,
                    more=f'auth_user={name};auth_pass={PASSWORD};answermode=auto', **options)
    world.callees.append(phone)
    phone.start()
    phone.wait_for('200 OK')
    return phone


def caller(world, registrar, tone=600):
    """Somebody outside, who calls through one server."""
    phone = Baresip(world.folder, f'carol-{registrar.name}', '127.0.5.9', registrar.route, user='carol', tone=tone)
    world.callees.append(phone)
    phone.start()
    return phone


def wait_recording(phone):
    """Until it has recorded for two seconds; the file is whole once the call is over."""
    wait_for(lambda: phone.heard() and phone.heard()[-1].stat().st_size > 2 * RATE * 2, f'{phone.name} hears something',
             within_s=15)


def expect_heard(phone, hz):
    wait_for(lambda: is_whole(phone.heard()[-1]), f"{phone.name}'s recording is whole")
    expect(loudness(phone.heard()[-1], hz) > 0.8, f'{phone.name} heard {hz} Hz')


def is_whole(path):
    with wave.open(str(path)) as file:
        return file.getnframes() > RATE


@live_test()
def baresip_is_called(world):
    """AGENT-1, AGENT-2: it registers by digest, is called through the first server, and each hears the other; the far
    end hangs up."""
    agent = phone_inside(world)
    desk = softphone(world, 'desk', '127.0.5.1')
    carol = caller(world, world.sbc1)
    carol.command('dial', 'sip:alice@example.test')
    wait_recording(carol)
    wait_recording(desk)
    expect_equal('calls inside', agent.status()['inside']['call_count'], 1)
    carol.command('hangup')
    wait_for(lambda: agent.status()['inside']['dialogs'] == 0, 'nothing is left')
    expect_heard(carol, 440)
    expect_heard(desk, 600)


@live_test()
def baresip_calls_while_the_first_server_is_silent(world):
    """AGENT-5: it dials through the agent while the first server is silent, and hears whom it called; held and taken back
    in the call, which goes on (AGENT-4); then it hangs up."""
    agent = phone_inside(world)
    desk = softphone(world, 'desk', '127.0.5.1')
    soft = softphone(world, 'soft', '127.0.5.2', tone=700)
    world.sbc1.freeze()
    desk.command('dial', 'sip:robot@example.test')
    wait_for(lambda: agent.status()['inside']['call_count'] == 1, 'its call is up', within_s=15)
    expect('127.0.1.2' in agent.status()['inside']['calls'][0]['route'], 'on the second server')
    desk.command('hold')
    desk.command('resume')
    desk.command('hangup')
    wait_for(lambda: agent.status()['inside']['dialogs'] == 0, 'nothing is left', within_s=40)
    expect(soft.process.running and desk.process.running, 'both run on')


if __name__ == '__main__':
    run_tests()
