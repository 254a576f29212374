/* VRFY and EXPN (RFC 5321 4.1.1.6, 4.1.1.7, 7.3): who is known is said at RCPT only, to a client
 * that has said who it is and is counted when it guesses. */
#include "smtp/session.h"

void cmd_vrfy(struct session *s, struct slice argument)
{
    (void)argument;
    reply(s, REPLY_VRFY);
}

void cmd_expn(struct session *s, struct slice argument)
{
    (void)argument;
    reply_error(s, REPLY_NOT_OFFERED);
}
