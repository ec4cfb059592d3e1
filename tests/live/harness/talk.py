"""Calls whose audio is listened to."""
from .audio import hears
from .phone import Phone
from .waiting import wait_for

CALLED_HZ = 440


def talking(world, parameters=None, options=()):
    """A call to a phone that plays a tone, which is heard: the phone, the call, the recording."""
    world.callees[0].stop()
    native = world.folder / 'called.yaml'
    native.write_text(f'lines:\n  - line: 1\n    calls: {{incoming: answer, tone: {CALLED_HZ}}}\n')
    called = Phone(world.folder, {'reg.1.address': 'bob', 'reg.1.auth.userId': 'bob'}, 'called', [native],
                   bind=world.callees[0].route)
    world.phones.append(called)
    called.start()
    called.wait_state('registered', world.sbc1)
    phone = world.registered_phone(parameters, options)
    recording = world.folder / 'heard.wav'
    call = phone.call(options=['--record', recording])
    wait_heard(recording)
    return phone, call, recording


def wait_heard(recording, since_bytes=0):
    """Until the tone is there, in what was recorded a second and more after the first SINCE_BYTES."""
    wait_for(lambda: recording.exists() and recording.stat().st_size > since_bytes + 32000 and hears(recording, CALLED_HZ),
             'the tone is heard', 40)
