#!/usr/bin/env python3
"""Softphones as Debian has them, behind a line: set up by the lines of examples/agent/, calls with a tone each way that is
recognised on the other side, transfers, messages, and subscriptions that come back."""
import re
import urllib.parse

from harness.agents import Baresip, Linphone
from harness.audio import heard
from harness.behind import (HEARING_S, INSIDE, NATIVE, bob, expect_over, outsider, phone_by_example, phone_inside, softphone,
                            wait_audio, wait_calls)
from harness.expect import expect, expect_equal
from harness.names import DOMAIN, srv_records
from harness.published import BLF, MWI, REGISTER_FIRST, lamp, messages
from harness.run import live_test, run_tests
from harness.talker import NUMBERS, Leg, Talker
from harness.waiting import wait_for
from harness.world import SERVERS

NEAR, FAR, THIRD = '127.0.5.1', '127.0.5.2', '127.0.5.3'
NEAR_HZ, FAR_HZ, THIRD_HZ = 440, 600, 700
EXAMPLE = srv_records(SERVERS, owner='_sip._udp.sip')  # of the example's sip.example.com


def wait_heard(phone, hz):
    wait_for(lambda: heard(phone.recording(), hz), f'{phone.name} has heard {hz} Hz', HEARING_S)


def hold(world, holder, other, direction):
    """HOLDER's wish comes to the other and is granted, and after resume() both are heard."""
    address = other.address
    since_ms = world.log.now_ms()
    holder.hold()
    asked = world.log.wait_one('the hold', method='INVITE', target=address, since_ms=since_ms, within_s=10,
                               where=lambda packet: b'a=sendonly' in packet.payload or b'a=inactive' in packet.payload)
    world.log.wait_one('its grant', method='INVITE', status=200, source=address, since_ms=asked.at_ms)
    world.log.wait_one('its ACK', method='ACK', target=address, since_ms=asked.at_ms)
    since_ms = world.log.now_ms()
    holder.resume()
    world.log.wait_one('the resume', method='ACK', target=address, since_ms=since_ms, within_s=10)
    wait_audio(world, holder, other, since_ms=since_ms)
    expect(True, f'{holder.name} held and took back a call that came {direction}')


def talk(world, kind):
    """Calls in both directions; each side holds the other, and each hangs up once."""
    agent = phone_by_example(world)
    near = softphone(world, agent, kind, 'soft', NEAR, NEAR_HZ)
    far = outsider(world, Baresip, 'ben', FAR, FAR_HZ)
    for caller, target, other, direction in (near, 'ben', far, 'from it'), (far, 'alice', near, 'to it'):
        since_ms = world.log.now_ms()
        caller.call(f'sip:{target}@{DOMAIN}')
        wait_calls(agent, 1)
        wait_audio(world, near, far, since_ms=since_ms)
        hold(world, near, far, direction)
        hold(world, far, near, direction)
        other.hang_up()
        expect_over(agent)
        wait_heard(near, FAR_HZ)
        wait_heard(far, NEAR_HZ)


@live_test(records=EXAMPLE)
def baresip(world):
    """AGENT-1, AGENT-2, AGENT-3, AGENT-4 (part): baresip, by examples/agent/ (keepline.yaml, baresip.accounts)."""
    talk(world, Baresip)


@live_test(records=EXAMPLE)
def linphone(world):
    """AGENT-1, AGENT-2, AGENT-3, AGENT-4 (part): linphone, by examples/agent/ (keepline.yaml, linphonerc)."""
    talk(world, Linphone)


@live_test(challenge_invite=True)
def baresip_transfers(world):
    """AGENT-3, AGENT-4: a blind transfer by the endpoint, and one of the endpoint. The server asks for credentials, so
    that the endpoint counts otherwise than the far end: what it is told of its REFER has its own number."""
    agent = phone_inside(world)
    near = softphone(world, agent, Baresip, 'soft', NEAR, NEAR_HZ)
    far = bob(world, FAR_HZ)
    third = outsider(world, Baresip, 'carol', THIRD, THIRD_HZ)
    near.call(f'sip:bob@{DOMAIN}')
    wait_calls(agent, 1)
    near.transfer(f'sip:carol@{DOMAIN}')
    wait_calls(agent, 0)
    refer = world.log.wait_one('the REFER', method='REFER', source=NEAR)
    went = world.log.wait_one('the REFER outside', method='REFER', target=world.sbc1.address)
    expect(went.cseq > refer.cseq, 'it counts otherwise')
    told = world.log.wait_one('what it is told', method='NOTIFY', target=NEAR)
    expect_equal('the REFER that is meant', told.header('Event'), f'refer;id={refer.cseq}')
    wait_audio(world, third)
    far.hang_up()
    wait_heard(third, FAR_HZ)

    far.call(f'sip:alice@{DOMAIN}')
    wait_calls(agent, 1)
    since_ms = world.log.now_ms()
    far.transfer(f'sip:carol@{DOMAIN}')
    world.log.wait_one('the end of the first call', method='BYE', target=NEAR, since_ms=since_ms)
    wait_audio(world, near, third, since_ms=since_ms)
    near.hang_up()
    expect_over(agent)
    wait_heard(third, NEAR_HZ)


def transfer(world, makers):
    """The first one calls the second and the third, and joins them: A, B and C of RFC 3891. Each is made by one of
    MAKERS, behind the agent or not."""
    agent = phone_inside(world)
    names = [make is softphone and 'alice' or name for make, name in zip(makers, ('anna', 'ben', 'carol'))]
    phones = []
    for make, name, address, hz in zip(makers, names, (NEAR, FAR, THIRD), (NEAR_HZ, FAR_HZ, THIRD_HZ)):
        phones.append(softphone(world, agent, Linphone, 'soft', address, hz) if make is softphone
                      else make(world, Linphone, name, address, hz))
    by, whom, to = phones
    by.call(f'sip:{names[1]}@{DOMAIN}')
    wait_audio(world, by, whom)
    by.hold()
    since_ms = world.log.now_ms()
    by.call(f'sip:{names[2]}@{DOMAIN}')
    wait_audio(world, by, to, since_ms=since_ms)
    since_ms = world.log.now_ms()
    by.transfer(1, 2)
    refer = world.log.wait_one('the REFER', method='REFER', target=FAR, since_ms=since_ms)
    asked = world.log.wait_one('the INVITE that replaces', method='INVITE', target=THIRD, since_ms=since_ms, within_s=10)
    named = re.search(r'Replaces=([^>&]*)', refer.header('Refer-To'))
    ids = sorted(urllib.parse.unquote(named[1]).lower().split(';'))
    expect_equal('the dialog that it replaces', sorted(asked.header('Replaces').lower().split(';')), ids)
    replaced = world.log.find(method='INVITE', status=200, source=THIRD, until_ms=since_ms)[-1]
    expect(replaced.call_id.lower() in ids and f'to-tag={replaced.header("To").partition("tag=")[2]}'.lower() in ids,
           'which is the one that the third phone has')
    wait_audio(world, whom, to, since_ms=asked.at_ms)
    whom.hang_up()
    expect_over(agent)
    wait_heard(to, FAR_HZ)


@live_test()
def linphone_transfers(world):
    """AGENT-3, AGENT-4: an attended transfer by the endpoint."""
    transfer(world, (softphone, outsider, outsider))


@live_test()
def linphone_is_transferred(world):
    """AGENT-3, AGENT-4: an attended transfer of the endpoint, whose INVITE with Replaces goes out."""
    transfer(world, (outsider, softphone, outsider))


@live_test()
def linphone_is_transferred_to(world):
    """AGENT-3, AGENT-4: an attended transfer to the endpoint: the INVITE with Replaces comes to the holder of the call."""
    transfer(world, (outsider, outsider, softphone))


@live_test()
def messages_pass(world):
    """AGENT-3, AGENT-5 (part): a MESSAGE from baresip, one from linphone, and one to both."""
    agent = phone_inside(world)
    desk = softphone(world, agent, Baresip, 'desk', NEAR, NEAR_HZ, modules=['contact'],
                     contact=f'"Ben" <sip:ben@{DOMAIN}>\n')
    soft = softphone(world, agent, Linphone, 'soft', THIRD, THIRD_HZ)
    ben = outsider(world, Linphone, 'ben', FAR, FAR_HZ)
    for sender, user, readers in (desk, 'ben', [ben]), (soft, 'ben', [ben]), (ben, 'alice', [desk, soft]):
        text = f'Battery low, says {sender.name}'
        sender.message(f'sip:{user}@{DOMAIN}', text)
        for reader in readers:
            came = world.log.wait_one(f'what {sender.name} says', method='MESSAGE', target=reader.address, within_s=10,
                                      where=lambda packet, text=text: text.encode() in packet.payload)
            for what, end in (f'{reader.name} has read it', {'source': reader.address}), \
                    (f'{sender.name} is told so', {'target': sender.address}):
                world.log.wait_one(what, method='MESSAGE', status=200, since_ms=came.at_ms,
                                   where=lambda packet, came=came: packet.call_id == came.call_id, **end)
    expect_over(agent)


class Lights:
    """A desk phone's, at an address of its own, by the letter of RFC 6665: a busy lamp and one for messages."""
    ADDRESS = '127.0.5.8:5060'
    INSIDE = f'    - {{{{user: lights, address: "{ADDRESS}"}}}}\n'
    ACCEPT = {'dialog': ('bob', BLF[1]), 'message-summary': ('alice', MWI[1])}

    def __init__(self):
        self.talker = Talker(self.ADDRESS)
        self.dialogs = {}

    def subscribe(self, event):
        user, accept = self.ACCEPT[event]
        leg = Leg(self.talker, INSIDE, f'<sip:alice@{DOMAIN}>;tag=light{next(NUMBERS)}', f'<sip:{user}@{DOMAIN}>',
                  f'light{next(NUMBERS)}', target=f'sip:{user}@{DOMAIN}')
        leg.request('SUBSCRIBE', [leg.contact(), f'Event: {event}', f'Accept: {accept}', 'Expires: 600'])
        came = self.talker.expect_kinds('200 SUBSCRIBE', 'NOTIFY')
        self.talker.answer(came['NOTIFY'], '200 OK')
        self.dialogs[leg.call_id] = event

    def is_told(self):
        """The next NOTIFY: what it is about, its state, its body."""
        told = self.talker.expect_and_answer('NOTIFY', within_s=20)
        return self.dialogs[told.call_id], told.header('Subscription-State').partition(';expires')[0], told.body.decode()

    def follow(self, server, waiting, state):
        """SERVER learns of new messages and of a call, and the phone of them."""
        expect_equal('PUBLISH of a call', server.publish(*BLF, lamp(state), user='bob'), 200)
        event, _, body = self.is_told()
        expect(event == 'dialog' and f'<state>{state}</state>' in body, f'the busy lamp shows: {state}')
        expect_equal('PUBLISH of messages', server.publish(*MWI, messages(waiting)), 200)
        event, _, body = self.is_told()
        expect(event == 'message-summary' and f'Voice-Message: {waiting}/8' in body, f'the other one: {waiting} messages')


@live_test(presence=True)
def subscriptions_come_back(world):
    """AGENT-7, SUBS-1 (part): a desk phone's lights, and whom baresip watches. The server falls silent, a call moves the
    line; each subscriber is told that it is over, subscribes again by itself, and is told by the second server."""
    agent = phone_inside(world, REGISTER_FIRST, NATIVE + Lights.INSIDE)
    soft = softphone(world, agent, Baresip, 'soft', NEAR, NEAR_HZ, modules=['contact', 'presence'],
                     contact=f'"Ben" <sip:ben@{DOMAIN}>;presence=p2p\n')
    world.log.wait_one('its first NOTIFY', method='NOTIFY', target=NEAR, within_s=10)
    lights = Lights()
    for event in lights.ACCEPT:
        lights.subscribe(event)
    lights.follow(world.sbc1, 2, 'early')
    expect_equal('subscriptions', agent.status()['inside']['subscription_count'], 3)
    world.sbc1.freeze()
    moved_ms = world.log.now_ms()
    soft.call(f'sip:bob@{DOMAIN}')
    over = {lights.is_told() for _ in lights.ACCEPT}
    expect_equal('what is told', over, {(event, 'terminated;reason=deactivated', '') for event in lights.ACCEPT})
    for event in lights.ACCEPT:
        lights.subscribe(event)
    lights.follow(world.sbc2, 7, 'confirmed')
    again = world.log.wait_one('baresip asks again', method='SUBSCRIBE', source=NEAR, since_ms=moved_ms, within_s=15)
    told = world.log.wait_one('and is told', method='NOTIFY', target=NEAR, since_ms=again.at_ms, within_s=10,
                              where=lambda packet: 'active' in packet.header('Subscription-State'))
    world.log.wait_one('by the second server', method='NOTIFY', source=world.sbc2.address,
                       where=lambda packet: packet.call_id == told.call_id)
    expect_equal('subscriptions', agent.status()['inside']['subscription_count'], 3)
    wait_calls(agent, 1)
    soft.hang_up()
    wait_calls(agent, 0)
    lights.talker.close()


if __name__ == '__main__':
    run_tests()
