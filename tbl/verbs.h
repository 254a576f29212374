/* The verbs of the conversation: VERB(NAME, handler, states, argument, counts, group, synopsis).
 *
 * `states` says when the verb is in order, `argument` what must follow it; both are checked before
 * the handler runs. `counts` is TALK for what `limit commands` counts, STEP for what brings a
 * transaction or the session to its end (its handlers count what they refuse). `group` is LAST for
 * a command whose reply a client must wait for (RFC 2920 3.1, RFC 4954 4), MORE for one that others
 * may follow at once; behind QUIT nothing is judged any more. HELP prints the synopses. States: any, or after HELO/EHLO with no transaction
 * (READY), after MAIL (MAIL), after an accepted RCPT (RCPT), between BDAT chunks (CHUNK), or greeted
 * with 554 (REFUSED). */
VERB(EHLO, ehlo, STATES_ANY, ARGUMENT_REQUIRED, TALK, LAST, "EHLO hostname")
VERB(HELO, helo, STATES_ANY, ARGUMENT_REQUIRED, TALK, LAST, "HELO hostname")
VERB(MAIL, mail, STATE_READY, ARGUMENT_REQUIRED, STEP, MORE,
     "MAIL FROM:<reverse-path> [SIZE=n] [BODY=7BIT|8BITMIME] [SMTPUTF8]")
VERB(RCPT, rcpt, STATE_MAIL | STATE_RCPT, ARGUMENT_REQUIRED, STEP, MORE, "RCPT TO:<forward-path>")
VERB(DATA, data, STATE_MAIL | STATE_RCPT, ARGUMENT_NONE, STEP, LAST, "DATA")
VERB(BDAT, bdat, STATES_ANY, ARGUMENT_OPTIONAL, STEP, MORE, "BDAT size [LAST]")
VERB(RSET, rset, STATES_ANY, ARGUMENT_NONE, TALK, MORE, "RSET")
VERB(NOOP, noop, STATES_ANY, ARGUMENT_OPTIONAL, TALK, LAST, "NOOP [string]")
VERB(VRFY, vrfy, STATES_ANY, ARGUMENT_REQUIRED, TALK, LAST, "VRFY string")
VERB(EXPN, expn, STATES_ANY, ARGUMENT_REQUIRED, TALK, LAST, "EXPN string")
VERB(HELP, help, STATES_ANY, ARGUMENT_OPTIONAL, TALK, MORE, "HELP [string]")
VERB(STARTTLS, starttls, STATE_NEW | STATE_READY, ARGUMENT_NONE, TALK, LAST, "STARTTLS")
VERB(AUTH, auth, STATES_ANY, ARGUMENT_OPTIONAL, TALK, LAST, "")
VERB(QUIT, quit, STATES_ANY | STATE_REFUSED, ARGUMENT_NONE, STEP, MORE, "QUIT")
