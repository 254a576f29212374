/* The verbs of the conversation: VERB(NAME, handler, states, argument, counts, synopsis).
 *
 * `states` says when the verb is in order, `argument` what must follow it; both are checked before
 * the handler runs. `counts` is TALK for what `limit commands` counts, STEP for what brings a
 * transaction or the session to its end (its handlers count what they refuse). HELP prints the
 * synopses. States: any, or after HELO/EHLO with no transaction (READY), after MAIL (MAIL), after an
 * accepted RCPT (RCPT), between BDAT chunks (CHUNK). */
VERB(EHLO, ehlo, STATES_ANY, ARGUMENT_REQUIRED, TALK, "EHLO hostname")
VERB(HELO, helo, STATES_ANY, ARGUMENT_REQUIRED, TALK, "HELO hostname")
VERB(MAIL, mail, STATE_READY, ARGUMENT_REQUIRED, STEP,
     "MAIL FROM:<reverse-path> [SIZE=n] [BODY=7BIT|8BITMIME] [SMTPUTF8]")
VERB(RCPT, rcpt, STATE_MAIL | STATE_RCPT, ARGUMENT_REQUIRED, STEP, "RCPT TO:<forward-path>")
VERB(DATA, data, STATE_MAIL | STATE_RCPT, ARGUMENT_NONE, STEP, "DATA")
VERB(BDAT, bdat, STATES_ANY, ARGUMENT_REQUIRED, STEP, "BDAT size [LAST]")
VERB(RSET, rset, STATES_ANY, ARGUMENT_NONE, TALK, "RSET")
VERB(NOOP, noop, STATES_ANY, ARGUMENT_OPTIONAL, TALK, "NOOP [string]")
VERB(VRFY, vrfy, STATES_ANY, ARGUMENT_REQUIRED, TALK, "VRFY string")
VERB(EXPN, expn, STATES_ANY, ARGUMENT_REQUIRED, TALK, "EXPN string")
VERB(HELP, help, STATES_ANY, ARGUMENT_OPTIONAL, TALK, "HELP [string]")
VERB(STARTTLS, starttls, STATE_NEW | STATE_READY, ARGUMENT_NONE, TALK, "STARTTLS")
VERB(AUTH, auth, STATES_ANY, ARGUMENT_OPTIONAL, TALK, "")
VERB(QUIT, quit, STATES_ANY, ARGUMENT_NONE, STEP, "QUIT")
