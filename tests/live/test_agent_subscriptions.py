#!/usr/bin/env python3
"""Subscriptions of endpoints whose NOTIFY overtakes the answer to their SUBSCRIBE."""
from harness.agent_world import OUTSIDE, AgentWorld
from harness.expect import expect_equal
from harness.run import live_test, run_tests
from harness.talker import Leg

ACTIVE = 'Subscription-State: active;expires=600'


def asked(world):
    """An endpoint's SUBSCRIBE at the server: the endpoint's leg, the request, and the server's leg."""
    near = world.leg(world.pbx, 'box')
    near.request('SUBSCRIBE', [near.contact(), 'Event: dialog', 'Expires: 600'])
    subscribe = world.server.expect('SUBSCRIBE')
    return near, subscribe, world.leg_of(subscribe, 'far')


def notify(leg, state=ACTIVE):
    leg.request('NOTIFY', [leg.contact(), 'Event: dialog', state])


@live_test(AgentWorld)
def a_notify_comes_first(world):
    """AGENT-4, RFC 6665 4.1.2.4: it passes, and makes the dialog that the 200 then confirms."""
    near, subscribe, far = asked(world)
    notify(far)
    near.remote = world.pbx.expect_and_answer('NOTIFY').header('From')
    world.server.expect('200 NOTIFY')
    world.server.answer(subscribe, '200 OK', [far.contact(), 'Expires: 600'], 'far')
    near.learn(world.pbx.expect('200 SUBSCRIBE'))
    notify(far)
    world.pbx.expect_and_answer('NOTIFY')
    world.server.expect('200 NOTIFY')
    expect_equal('subscriptions', world.inside()['subscription_count'], 1)
    near.request('SUBSCRIBE', [near.contact(), 'Event: dialog', 'Expires: 0'])
    world.server.expect_and_answer('SUBSCRIBE', headers=['Expires: 0', far.contact()])
    world.pbx.expect('200 SUBSCRIBE')
    notify(far, 'Subscription-State: terminated')
    world.pbx.expect_and_answer('NOTIFY')
    world.server.expect('200 NOTIFY')


@live_test(AgentWorld)
def only_from_the_server(world):
    """AGENT-10, RFC 6665 4.4.1 (part): not from somewhere else, not for another subscription, not from a fork that the 200 is
    not of; and none is left after a refusal."""
    _, subscribe, far = asked(world)
    stranger = Leg(world.second, OUTSIDE, far.local, far.remote, far.call_id, target=far.target)
    notify(stranger)
    world.second.expect('481 NOTIFY')
    other = Leg(world.server, OUTSIDE, far.local, '<sip:alice@example.test>;tag=guessed', far.call_id, target=far.target)
    notify(other)
    world.server.expect('481 NOTIFY')
    fork = world.leg_of(subscribe, 'fork')
    notify(fork)
    world.pbx.expect_and_answer('NOTIFY')
    world.server.expect('200 NOTIFY')
    world.server.answer(subscribe, '403 No', tag='far')
    world.pbx.expect('403 SUBSCRIBE')
    notify(fork)
    world.server.expect('481 NOTIFY')
    world.expect_quiet()


if __name__ == '__main__':
    run_tests()
