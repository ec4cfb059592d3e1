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


def issue(folder, name, shown, days=2):
    """A certificate for the names SHOWN, as openssl writes subjectAltName, with its key: one file. It runs out in DAYS,
    which may be negative."""
    authority = certificate_file(folder)
    path, request, part = (folder / f'{name}.{kind}' for kind in ('pem', 'csr', 'crt'))
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', f'/CN={name}',
            '-addext', f'subjectAltName={shown}', '-addext', 'basicConstraints=critical,CA:FALSE',
            '-keyout', path, '-out', request)
    openssl('x509', '-req', '-in', request, '-CA', authority, '-CAkey', folder / 'authority.key', '-days', days,
            '-copy_extensions', 'copy', '-out', part)
    path.write_text(path.read_text('ascii') + part.read_text('ascii'), 'ascii')
    return path
