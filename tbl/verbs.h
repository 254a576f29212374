/* The verbs of the conversation: VERB(NAME, handler, states, argument, synopsis).
 *
 * `states` says when the verb is in order, `argument` what must follow it; both are checked before
 * the handler runs. HELP prints the synopses. States: any, or after HELO/EHLO with no transaction
 * (READY), after MAIL (MAIL), after an accepted RCPT (RCPT), between BDAT chunks (CHUNK). */
VERB(EHLO, ehlo, STATES_ANY, ARGUMENT_REQUIRED, "EHLO hostname")
VERB(HELO, helo, STATES_ANY, ARGUMENT_REQUIRED, "HELO hostname")
VERB(MAIL, mail, STATE_READY, ARGUMENT_REQUIRED,
     "MAIL FROM:<reverse-path> [SIZE=n] [BODY=7BIT|8BITMIME] [SMTPUTF8]")
VERB(RCPT, rcpt, STATE_MAIL | STATE_RCPT, ARGUMENT_REQUIRED, "RCPT TO:<forward-path>")
VERB(DATA, data, STATE_MAIL | STATE_RCPT, ARGUMENT_NONE, "DATA")
VERB(BDAT, bdat, STATES_ANY, ARGUMENT_REQUIRED, "BDAT size [LAST]")
VERB(RSET, rset, STATES_ANY, ARGUMENT_NONE, "RSET")
VERB(NOOP, noop, STATES_ANY, ARGUMENT_OPTIONAL, "NOOP [string]")
VERB(VRFY, vrfy, STATES_ANY, ARGUMENT_REQUIRED, "VRFY string")
VERB(EXPN, expn, STATES_ANY, ARGUMENT_REQUIRED, "EXPN string")
VERB(HELP, help, STATES_ANY, ARGUMENT_OPTIONAL, "HELP [string]")
VERB(STARTTLS, starttls, STATE_NEW | STATE_READY, ARGUMENT_NONE, "STARTTLS")
VERB(AUTH, auth, STATES_ANY, ARGUMENT_OPTIONAL, "")
VERB(QUIT, quit, STATES_ANY, ARGUMENT_NONE, "QUIT")
