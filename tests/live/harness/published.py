"""What the servers of a test tell those who subscribed: messages that wait, a lamp."""

REGISTER_FIRST = {'reg.1.server.1.failOver.reRegisterOn': 1}
MWI = 'message-summary', 'application/simple-message-summary'
BLF = 'dialog', 'application/dialog-info+xml'


def messages(waiting):
    return f'Messages-Waiting: yes\r\nMessage-Account: sip:alice@example.test\r\nVoice-Message: {waiting}/8 (0/0)\r\n'


def lamp(state):
    return (f'<?xml version="1.0"?>\r\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" '
            f'entity="sip:bob@example.test"><dialog id="one" call-id="c" local-tag="l" remote-tag="r" direction="initiator">'
            f'<state>{state}</state></dialog></dialog-info>\r\n')


def is_on(registrar):
    return lambda row: row['state'] == 'active' and f'{registrar.address}:' in row['route']
