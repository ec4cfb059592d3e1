"""Softphones as Debian has them, behind a line: they register with Keepline and know nothing of servers."""
import os
from pathlib import Path

from .agent_world import DOMAIN, PASSWORD
from .agents import Baresip, Linphone
from .expect import expect_equal
from .phone import Phone
from .registrar import PASSWORD as LINE_PASSWORD
from .waiting import wait_for

INSIDE, INSIDE_TLS = '127.0.0.2:5070', '127.0.0.2:5071'
ENDPOINTS = 'desk', 'soft'
NATIVE = f'''inside:
  listen: {INSIDE}
  journal: {{journal}}
  endpoints:
''' + ''.join(f'    - {{{{user: {user}, password: {PASSWORD}}}}}\n' for user in ENDPOINTS)
AUDIO_PACKETS, RTP_MIN = 75, 50  # of 20 ms, and in bytes with some codec
HEARING_S = 20                   # a phone may take its time to open its audio
EXAMPLES = Path(__file__).resolve().parents[3] / 'examples' / 'agent'
OUTSIDE = '<sip:{user}@{domain}>;outbound="sip:{server}";auth_pass={password};regint=600'
THROUGH = '[proxy_0]\nreg_proxy=<sip:{server}>\nreg_route=<sip:{server};lr>\nreg_identity=sip:{user}@{domain}\nreg_expires=600\n' \
    'reg_sendregister=1\n[auth_info_0]\nusername={user}\npasswd={password}\nrealm={domain}\n'


def phone_inside(world, parameters=None, native=NATIVE):
    """Ours, registered at the first server, with an inside."""
    file = world.folder / 'inside.yaml'
    file.write_text(native.format(journal=world.folder / 'journal'))
    file.chmod(0o600)
    return world.registered_phone(parameters, [file])


def example(name, user='soft'):
    """The lines of an example file that are no comments, with the names and addresses of the tests."""
    text = ''.join(line for line in (EXAMPLES / name).read_text('utf-8').splitlines(True) if not line.startswith('#'))
    for old, new in (('example.com', DOMAIN), ('127.0.0.1:5070', INSIDE), ('SECRET', PASSWORD), ('soft', user)):
        text = text.replace(old, new)
    return text


def phone_by_example(world):
    """Ours, by examples/agent/keepline.yaml alone, registered at the first server."""
    os.environ |= {'ALICE_PASSWORD': LINE_PASSWORD, 'SOFT_PASSWORD': PASSWORD, 'DESK_PASSWORD': PASSWORD}
    file = world.folder / 'example.yaml'
    file.write_text(example('keepline.yaml').replace('/var/lib/keepline/', f'{world.folder}/'))
    phone = Phone(world.folder, options=[file])
    phone.process.command.remove(str(phone.file))
    world.phones.append(phone)
    phone.start()
    phone.wait_state('registered', world.sbc1)
    return phone


def over_stream(account, transport):
    """The same account over TCP or TLS to Keepline."""
    place = INSIDE_TLS if transport == 'tls' else INSIDE
    account = account.replace('transport=udp', f'transport={transport}').replace(INSIDE, place)
    return account.replace(f'sip:{place}"', f'sip:{place};transport={transport}"')


def start(world, phone):
    world.callees.append(phone)
    phone.start()
    return phone


def softphone(world, agent, kind, name, address, hz, *, transport='udp', **options):
    """One that is registered inside, by the example for its kind."""
    account = example('baresip.accounts', name).strip() if kind is Baresip else example('linphonerc', name)
    if transport != 'udp':
        account = over_stream(account, transport)
    phone = start(world, kind(address, world.folder, hz, name=name, account=account, **options))

    def registered():
        return any(row['user'] == name and row['contacts'] for row in agent.status()['inside']['endpoints'])
    wait_for(registered, f'{name} is registered inside', within_s=20)
    return phone


def outsider(world, kind, name, address, hz, **options):
    """One that is registered at the first server by itself."""
    account = (OUTSIDE if kind is Baresip else THROUGH).format(user=name, domain=DOMAIN, server=world.sbc1.route,
                                                               password=LINE_PASSWORD)
    phone = start(world, kind(address, world.folder, hz, name=name, account=account, **options))
    wait_for(lambda: any(address in contact for contact in world.sbc1.contacts()), f'{name} is registered', within_s=20)
    return phone


def alone(world, kind, name, address, hz, transport):
    """One that finds the servers of the domain by itself, and is registered at the first."""
    text = f'<sip:{name}@{DOMAIN};transport={transport}>;auth_pass={LINE_PASSWORD};regint=600' if kind is Baresip \
        else THROUGH.format(server=f'{DOMAIN};transport={transport}', user=name, domain=DOMAIN, password=LINE_PASSWORD)
    phone = start(world, kind(address, world.folder, hz, name=name, account=text))
    wait_for(lambda: any(name in contact for contact in world.sbc1.contacts()), f'{name} is registered', within_s=20)
    return phone


def bob(world, hz):
    """Whom the first server calls for bob, in the place of SIPp."""
    world.callees[0].stop()
    account = OUTSIDE.format(user='bob', domain=DOMAIN, server=world.sbc1.route, password=LINE_PASSWORD)
    return start(world, Baresip(world.callees[0].address, world.folder, hz, name='bob', account=account))


def wait_audio(world, *phones, since_ms=0):
    """Until each of them was sent so much audio."""
    for phone in phones:
        world.log.wait(f'audio to {phone.name}', AUDIO_PACKETS, HEARING_S, since_ms=since_ms, where=lambda packet, phone=phone:
                       len(packet.payload) > RTP_MIN and int(packet.target.rpartition(':')[2] or 0) in phone.audio)


def wait_calls(agent, count, within_s=10):
    wait_for(lambda: agent.status()['inside']['call_count'] == count, f'{count} calls are up', within_s)


def expect_over(agent):
    """No call is left, nor anything of one."""
    wait_calls(agent, 0)
    wait_for(lambda: agent.status()['inside']['dialogs'] == 0, 'no dialog is left')
    expect_equal('calls that the engine counts', agent.counter('calls'), 0)
