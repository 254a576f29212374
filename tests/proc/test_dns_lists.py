#!/usr/bin/env python3
"""DNS lists in real processes, asked of a name server of our own: what is answered, logged, shown and kept.
Usage: test_dns_lists.py GATEPOST [NAME…]"""
import json
import os
import sqlite3
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../bench'))
from kit import PATIENCE, Gatepost, Session, check, main, until  # noqa: E402
from slow_dns import SlowDns  # noqa: E402

POLICY = """{
    at connect {
        doubt 1 "listed: %{dnsbl.reason(list.bench)}" when dnsbl("list.bench=127.0.0.[2..4]")
        doubt 9 "never"                               when dnsbl("dead.bench")
        doubt 9 "never"                               when dnsbl("list.bench=127.0.0.2")
    }
    at rcpt {
        reject "%{client.name}, %{why}" when doubt > 0 and unknown(dnsbl("dead.bench"))
    }
}"""
SOURCE = '127.77.0.9'


def refused(g):
    """What a client is told at RCPT."""
    s = Session(g.port, SOURCE)
    s.expect('EHLO client.test', 250)
    s.expect('MAIL FROM:<a@client.test>', 250)
    reply = s.say('RCPT TO:<box@example.org>')
    s.expect('QUIT', 221)
    s.close()
    return reply


def status(g, *flags):
    return subprocess.run([g.binary, 'status', '-c', g.file, *flags], stdout=subprocess.PIPE, text=True,
                          check=False).stdout


def health(g):
    db = sqlite3.connect(f'file:{g.folder}/var/journal.db?mode=ro', uri=True, timeout=PATIENCE)
    try:
        return db.execute("SELECT name, state, detail FROM health WHERE name LIKE 'dns list %'").fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        db.close()


def a_list_that_is_well_and_one_that_is_not(binary):
    dns = SlowDns(0)
    with Gatepost(binary, workers=1, policy=POLICY, resolver=f'127.0.0.1:{dns.port}') as g:
        g.start()
        for _ in range(3):
            reply = refused(g)
            check(reply.startswith('550 5.7.1 host-127-77-0-9.client.bench, listed: listed, as everybody is ['), reply)
        told = [line for line in g.log().splitlines() if 'DNS list' in line]
        check(len(told) == 1 and 'DNS list dead.bench is not well' in told[0] and
              'it does not list 127.0.0.2' in told[0], f'{told}')
        until(lambda: len(json.loads(status(g, '--json'))['dns_lists']) == 2, 'both lists are shown')
        lists = {one['zone']: one for one in json.loads(status(g, '--json'))['dns_lists']}
        well, dead = lists['list.bench'], lists['dead.bench']
        check(well['state'] == 'well' and well['of'] == 'addresses' and 'why' not in well, f'{well}')
        check(dead['state'] == 'unwell' and dead['why'] == 'does not list 127.0.0.2' and
              dead['since'].endswith('Z'), f'{dead}')
        check(' dead.bench, of addresses: unwell since ' in status(g) and
              ' it does not list 127.0.0.2\n' in status(g), status(g))
        until(lambda: ('dns list dead.bench', 'unwell', 'does not list 127.0.0.2') in health(g),
              'the journal has it')
        check(('dns list list.bench', 'well', None) in health(g) or
              ('dns list list.bench', 'well', '') in health(g), f'{health(g)}')
        decision = g.decisions()[-1]
        fact = decision['facts']['dnsbl(dead.bench)']
        check(fact['unknown'] == 'temporary failure' and fact['source'] == 'dns', f'{fact}')


sys.exit(main([a_list_that_is_well_and_one_that_is_not]))
