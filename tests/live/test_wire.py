#!/usr/bin/env python3
"""The wire keeps what it promises: late, lossy, twice, in disorder, cut, each direction on its own; ICMP passes."""
import selectors
import socket
import statistics
import struct

from harness.expect import expect, expect_between, expect_equal
from harness.far import FAR
from harness.run import live_test, run_tests
from harness.waiting import PATIENCE_S, wait_for
from harness.wire import WireWorld

PORT = 9000
BURST = 100  # fits any queue between two sockets
ECHO_REQUEST, ECHO_REPLY = 8, 0
LOADED_MS = 10  # while others compute, the wire itself waits for a processor


class Receiver:
    """The numbers of the packets that came to the far end, as they came."""

    def __init__(self, world):
        self.world = world
        self.socket = world.far.bind(FAR[4], PORT)
        self.numbers = []
        world.selector.register(self.socket, selectors.EVENT_READ, self)

    def receive(self):
        self.numbers.append(struct.unpack('!I', self.socket.recv(64))[0])

    def send(self, count):
        """Sends numbered packets to it and waits for those that the wire lets through. The numbers that came."""
        del self.numbers[:]
        before = self.world.wire.counts()['out']
        for first in range(0, count, BURST):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
                for number in range(first, min(first + BURST, count)):
                    near.sendto(struct.pack('!I', number), (FAR[4], PORT))

            def through(sent=min(first + BURST, count)):
                counts = self.world.wire.counts()['out']
                left = counts['left'] - before['left']
                gone = counts['lost'] + counts['cut'] - before['lost'] - before['cut']
                twice = counts['duplicated'] - before['duplicated']
                return left == sent - gone + twice and len(self.numbers) == left
            wait_for(through, f'packets up to {first + BURST}')
        return list(self.numbers)


def round_trips_ms(world, count):
    """The far kernel's answers to pings: how long each took, by the near kernel's time stamps."""
    started_ms = world.near_log.now_ms()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as ping:
        for number in range(1, count + 1):
            body = struct.pack('!BBHHH', ECHO_REQUEST, 0, 0, 0, number)
            total = sum(struct.unpack('!4H', body))
            ping.sendto(struct.pack('!BBHHH', ECHO_REQUEST, 0, ~(total + (total >> 16)) & 0xffff, 0, number), (FAR[4], 0))
            replies = world.near_log.wait('echo replies', number, source=FAR[4], since_ms=started_ms,
                                          where=lambda packet: packet.icmp == f'type {ECHO_REPLY} code 0')
    requests = world.near_log.find(target=FAR[4], since_ms=started_ms,
                                   where=lambda packet: packet.icmp == f'type {ECHO_REQUEST} code 0')
    return [reply.at_ms - request.at_ms for request, reply in zip(requests, replies)]


@live_test(WireWorld)
def delay(world):
    """The wire: 10 ms there and 10 ms back make 20 ms, with 5 ms of jitter up to 25 ms; none makes next to nothing."""
    bare = statistics.median(round_trips_ms(world, 20))
    expect_between('median round trip of the bare wire', bare, 0, 10)
    world.wire.set('both', delay=10)
    trips = round_trips_ms(world, 40)
    expect_between('shortest round trip', min(trips), 20, 40)
    expect_between('median round trip', statistics.median(trips), 20, 20 + bare + LOADED_MS)
    world.wire.set('back', jitter=5)
    trips = round_trips_ms(world, 60)
    expect_between('median round trip with jitter', statistics.median(trips), 20, 25 + bare + LOADED_MS)
    expect(statistics.quantiles(trips, n=10)[-1] - statistics.quantiles(trips, n=10)[0] > 2, 'they differ')


@live_test(WireWorld)
def loss(world):
    """The wire: 30 % of 4,000 packets are lost, and none on the way back."""
    receiver = Receiver(world)
    world.wire.set('out', loss=30)
    lost = 4000 - len(receiver.send(4000))
    expect(1084 <= lost <= 1316, f'{lost} are lost, 1200 and four standard deviations to either side')
    expect_equal('lost on the way back', world.wire.counts()['back']['lost'], 0)


@live_test(WireWorld)
def duplication_and_disorder(world):
    """The wire: some packets come twice, some before others, as many as it says; all come."""
    receiver = Receiver(world)
    world.wire.set('out', duplicate=10)
    came = receiver.send(1000)
    expect(sorted(set(came)) == list(range(1000)) and came == sorted(came), 'all come, in their order')
    expect_equal('copies', len(came) - 1000, world.wire.counts()['out']['duplicated'])
    expect(60 <= len(came) - 1000 <= 140, 'that is about 10 %')
    world.wire.set('out', duplicate=0, delay=20, reorder=10)
    came = receiver.send(1000)
    early = sum(later < number for number, later in zip(came, came[1:]))
    expect(sorted(came) == list(range(1000)), 'all come once')
    expect(0 < early <= world.wire.counts()['out']['overtook'], f'{early} times an early one comes before a late one')


@live_test(WireWorld)
def cut(world):
    """The wire: cut on the way there nothing comes; cut on the way back everything does, and no answer."""
    receiver = Receiver(world)
    world.wire.set('out', cut=1)
    expect_equal('of 10', len(receiver.send(10)), 0)
    world.wire.set('out', cut=0)
    world.wire.set('back', cut=1)
    expect_equal('of 10', len(receiver.send(10)), 10)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
        near.connect((FAR[4], PORT + 1))
        near.settimeout(PATIENCE_S)
        near.send(b'to nobody')
        wait_for(lambda: world.wire.counts()['back']['cut'] == 1, 'the ICMP message is cut off')
        world.wire.set('back', cut=0)
        near.send(b'to nobody')
        try:
            near.recv(64)
            refused = False
        except ConnectionRefusedError:
            refused = True
    expect(refused, 'ICMP passes: nobody listens there')


if __name__ == '__main__':
    run_tests()
