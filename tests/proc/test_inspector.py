#!/usr/bin/env python3
"""Inspectors as real processes: what becomes of a message of which one dies, of all others meanwhile, and
of the inspectors when their workers go. Usage: test_inspector.py GATEPOST [CASE…]"""
import json
import os
import signal
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
from kit import Gatepost, NOBODY, ROOT, alive, check, main, opened, process_status, until  # noqa: E402

KILLER = 'this text ends an inspector'
ENDLESS = 'this text never ends'
POLICY = """policy {
    at message {
        defer 451 4.7.1 "cannot look into the message" when unknown(attachment.count)
        reject 550 5.7.1 "%{attachment.count} attached" when attachment.count > 0
    }
}"""
ATTACHED = ('Content-Type: multipart/mixed; boundary=b\r\nMIME-Version: 1.0\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n'
            'Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBA==\r\n--b--')


class Inspected(Gatepost):
    """Times are those of a limit that is reached soon."""

    def __init__(self, binary, policy=POLICY, **statements):
        os.environ['GATEPOST_TEST_INSPECTOR_DIES_OF'] = KILLER
        os.environ['GATEPOST_TEST_INSPECTOR_HANGS_AT'] = ENDLESS
        super().__init__(binary, **{'policy': policy.removeprefix('policy '), 'limit': ['inspect_time 1s'],
                                    **statements})


def send(session, body, code):
    for line, wanted in (('MAIL FROM:<a@client.test>', 250), ('RCPT TO:<box@example.org>', 250), ('DATA', 354)):
        session.expect(line, wanted)
    return session.expect(body + '\r\n.', code)


def begun(g):
    s = g.session()
    s.expect('EHLO client.test', 250)
    return s


def counted(g):
    """As `gatepost status` has it."""
    done = subprocess.run([g.binary, 'status', '--json', '-c', g.file], stdout=subprocess.PIPE, check=True)
    counts = json.loads(done.stdout)['counters']
    return {name: counts[name] for name in ('inspected', 'inspector_deaths', 'not_inspected')}


def killers_among_good(binary):
    """One message a hundred times, and twenty that are each another one, among a thousand good ones."""
    faults = []

    def client(g, number):
        try:
            s = begun(g)
            for i in range(125):
                send(s, f'Subject: {number}.{i}\r\n\r\ngood', 250)
                if i % 10 == 0:
                    send(s, f'Subject: x\r\n\r\n{KILLER}', 451)
                if i % 50 == 0:
                    send(s, f'Subject: {number}.{i}\r\n\r\n{KILLER}', 451)
            s.expect('QUIT', 221)
        except Exception as e:  # pylint: disable=broad-except
            faults.append(repr(e))

    with Inspected(binary).start() as g:
        workers = g.workers()
        clients = [threading.Thread(target=client, args=(g, i)) for i in range(8)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        check(not faults, faults)
        check(len(g.messages()) == 1000, f'{len(g.messages())} messages are there')
        check(g.workers() == workers, 'a worker was replaced')
        until(lambda: len(g.inspectors()) == 2, 'inspectors are replaced')
        check('was killed by signal 9' in g.log() and 'it is replaced' in g.log(), g.log())
        until(lambda: len(g.decisions()) == 1000 + 8 * 16, 'all decisions')
        deferred = [d for d in g.decisions() if d['verdict'] == 'deferred']
        check(len(deferred) == 8 * 16, f'{len(deferred)} deferred')
        check(all(d['facts']['attachment.count'].get('unknown') == 'temporary failure' for d in deferred),
              deferred[0]['facts'])


def not_again(binary):
    """It is known to all workers, and so the next inspector is not killed by it."""
    with Inspected(binary, inspectors=1).start() as g:
        first = until(g.inspectors, 'an inspector')[0]
        send(begun(g), f'Subject: x\r\n\r\n{KILLER}', 451)
        until(lambda: g.inspectors() not in ([], [first]), 'another one')
        second = g.inspectors()
        for _ in range(10):
            send(begun(g), f'Subject: x\r\n\r\n{KILLER}', 451)
        send(begun(g), ATTACHED, 550)
        check(g.inspectors() == second, 'it was killed again')
        until(lambda: counted(g) == {'inspected': 1, 'inspector_deaths': 1, 'not_inspected': 10}, 'all are counted')


def endless(binary):
    """Its alarm ends it; others' messages go to others meanwhile."""
    with Inspected(binary).start() as g:
        before = until(lambda: len(g.inspectors()) == 2 and g.inspectors(), 'two inspectors')
        slow = begun(g)
        for line, wanted in (('MAIL FROM:<a@client.test>', 250), ('RCPT TO:<box@example.org>', 250), ('DATA', 354)):
            slow.expect(line, wanted)
        slow.file.write(f'Subject: x\r\n\r\n{ENDLESS}\r\n.\r\n'.encode())
        slow.file.flush()
        other = begun(g)
        for i in range(20):
            send(other, f'Subject: {i}\r\n\r\ngood', 250)
        reply = slow.reply()
        check(reply.startswith('451 4.7.1'), reply)
        send(slow, 'Subject: and on\r\n\r\ngood', 250)
        until(lambda: len(set(g.inspectors()) - set(before)) == 1, 'one is replaced')


def confined(binary):
    with Inspected(binary).start() as g:
        send(begun(g), ATTACHED, 550)
        for pid in until(lambda: len(g.inspectors()) == 2 and g.inspectors(), 'two inspectors'):
            until(lambda pid=pid: process_status(pid)['Seccomp'] == '2', 'it confines itself')
            status = process_status(pid)
            check(status['NoNewPrivs'] == '1', status)
            check(int(status['CapEff'], 16) == 0 and int(status['CapBnd'], 16) == 0 or not ROOT, status)
            check(not ROOT or status['Uid'].split()[0] == str(NOBODY.pw_uid), status['Uid'])
            wanted = ['/dev/null', '/dev/null', f'{g.folder}/stderr', 'socket']
            until(lambda pid=pid: sorted(fd.partition(':')[0] for fd in opened(pid)) == wanted, 'it has nothing else')


def none_without_need(binary):
    """No rule asks: none is started. Or none is wanted: what they would tell is not available."""
    with Inspected(binary, policy='policy { at message { pass } }').start() as g:
        g.session().deliver()
        check(g.inspectors() == [], 'there are inspectors')
    with Inspected(binary, inspectors='off').start() as g:
        send(begun(g), ATTACHED, 451)
        check(g.inspectors() == [], 'there are inspectors')
        facts = until(g.decisions, 'a decision')[-1]['facts']
        check(facts['attachment.count'].get('unknown') == 'not available', facts)


def with_their_workers(binary):
    """Those of a configuration end with its last worker, also when Gatepost ends, or is killed."""
    with Inspected(binary).start() as g:
        first = until(lambda: len(g.inspectors()) == 2 and g.inspectors(), 'two inspectors')
        old = begun(g)
        g.reload()
        until(lambda: len(g.inspectors()) == 4, 'those of both configurations')
        send(old, ATTACHED, 550)
        old.expect('QUIT', 221)
        until(lambda: len(g.inspectors()) == 2, 'the first ones end')
        check(not set(first) & set(g.inspectors()), 'they are not the first ones')
        second = g.inspectors()
        g.signal(signal.SIGTERM)
        g.wait()
        check(not any(alive(pid) for pid in second), 'an inspector is left')
    with Inspected(binary).start() as g:
        pids = until(lambda: len(g.inspectors()) == 2 and g.inspectors(), 'two inspectors')
        g.signal(signal.SIGKILL)
        g.popen.wait()
        until(lambda: not any(alive(pid) for pid in pids), 'inspectors end without a master')


if __name__ == '__main__':
    sys.exit(main([endless, killers_among_good, not_again, confined, none_without_need, with_their_workers]))
