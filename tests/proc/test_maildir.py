#!/usr/bin/env python3
"""Maildirs that a confined worker cannot use: nobody is refused for good, the client hears it at RCPT,
and the log tells what to do. Usage: test_maildir.py GATEPOST [NAME…]"""
import os
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
from kit import Gatepost, check, main, until  # noqa: E402


def landlock():
    """Does the kernel bound files?"""
    try:
        with open('/sys/kernel/security/lsm', encoding='ascii') as f:
            return 'landlock' in f.read()
    except OSError:
        return True


def rcpt(g, box):
    s = g.session()
    for line in ('EHLO client.test', 'MAIL FROM:<a@client.test>'):
        s.expect(line, 250)
    reply = s.say(f'RCPT TO:<{box}@example.org>')
    s.close()
    return reply


def trouble(g):
    return re.findall(r'warning: (maildir:.*: mail is put off: .*)', g.log())


def link_elsewhere(binary):
    """A mailbox that is a link out of the route's folder; one that stays within is none the worse."""
    elsewhere = tempfile.mkdtemp(prefix='gatepost-elsewhere-')
    os.chmod(elsewhere, 0o777)
    with Gatepost(binary, workers=1) as g:
        os.symlink(elsewhere, f'{g.folder}/mail/away')
        os.symlink('box', f'{g.folder}/mail/alias')
        g.start()
        g.session().deliver('alias')
        check(len(g.messages()) == 1, 'a link within the folder')
        if landlock():
            for _ in range(3):
                check(re.match(r'451 4\.3\.0 the mailbox cannot be looked at', rcpt(g, 'away')), rcpt(g, 'away'))
            until(lambda: trouble(g), 'word of it')
            check(trouble(g) == [f'maildir:{g.folder}/mail/%{{rcpt.local_part}}: mail is put off: '
                                 f'{g.folder}/mail/away: Permission denied '
                                 '(a link that leads out of the route\'s folder)'], g.log())
            check(os.listdir(elsewhere) == [], os.listdir(elsewhere))
    shutil.rmtree(elsewhere)


def root_made_later(binary):
    """While the first folder is not there nothing is known of any mailbox; made later, it needs a reload."""
    with Gatepost(binary, workers=1) as g:
        mail = f'{g.folder}/mail'
        os.rename(mail, f'{mail}.away')
        g.start()
        check(f'{mail}/ cannot be reached: until a reload, nothing there will be seen' in g.log() or not landlock(),
              g.log())
        check(rcpt(g, 'box')[:9] == '451 4.3.0', rcpt(g, 'box'))
        until(lambda: trouble(g), 'word of it')
        check(trouble(g)[0].endswith(f'{mail}/: No such file or directory'), g.log())
        os.rename(f'{mail}.away', mail)
        if landlock():
            check(rcpt(g, 'box')[:9] == '451 4.3.0', rcpt(g, 'box'))
        g.reload()
        os.rename(mail, f'{mail}.old')
        g.make_maildir('box')
        if landlock():
            check(rcpt(g, 'box')[:9] == '451 4.3.0', rcpt(g, 'box'))
            until(lambda: len(trouble(g)) == 2, 'word of the new folder')
            check(trouble(g)[1].endswith(f'{mail}/: Permission denied (made after the last reload)'), g.log())
        g.reload()
        g.session().deliver()
        check(len(g.messages()) == 1, 'delivered')


def not_ours(binary):
    """A mailbox in which the workers' user cannot write is found out at the message; a first folder that
    it cannot list keeps nobody from being known or unknown."""
    if os.geteuid() != 0:
        return
    with Gatepost(binary, workers=1) as g:
        os.mkdir(f'{g.folder}/mail/foreign', 0o755)
        os.chown(f'{g.folder}/mail', 0, 0)
        os.chmod(f'{g.folder}/mail', 0o711)
        g.start()
        s = g.session()
        for line, code in (('EHLO client.test', 250), ('MAIL FROM:<a@client.test>', 250),
                           ('RCPT TO:<foreign@example.org>', 250), ('DATA', 354),
                           ('Subject: x\r\n\r\nx\r\n.', 451)):
            s.expect(line, code)
        s.close()
        g.session().deliver()
        check(rcpt(g, 'nobody')[:9] == '550 5.1.1', rcpt(g, 'nobody'))
        until(lambda: trouble(g), 'word of it')
        check('/mail/foreign/tmp/' in trouble(g)[0] and trouble(g)[0].endswith('Permission denied'), g.log())


if __name__ == '__main__':
    sys.exit(main([link_elsewhere, root_made_later, not_ours]))
