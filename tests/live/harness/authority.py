"""Certificates, by openssl: one authority for each test, in its folder."""
import subprocess

from .waiting import Failure


def openssl(*words):
    run = subprocess.run(['openssl', *map(str, words)], capture_output=True, text=True, check=False)
    if run.returncode:
        raise Failure(f'openssl {words[0]}: {run.stderr.strip()}')


def certificate_file(folder):
    """The authority's own certificate, made when it is first asked for."""
    path = folder / 'authority.pem'
    if not path.exists():
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 2,
                '-subj', '/CN=Authority of a test', '-keyout', folder / 'authority.key', '-out', path)
    return path


def issue(folder, name, shown):
    """A certificate for the names SHOWN, as openssl writes subjectAltName, with its key: one file."""
    path, part = folder / f'{name}.pem', folder / f'{name}.crt'
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 2,
            '-subj', f'/CN={name}', '-addext', f'subjectAltName={shown}', '-addext', 'basicConstraints=critical,CA:FALSE',
            '-CA', certificate_file(folder), '-CAkey', folder / 'authority.key', '-keyout', path, '-out', part)
    path.write_text(path.read_text('ascii') + part.read_text('ascii'), 'ascii')
    return path
