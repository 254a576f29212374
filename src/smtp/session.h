/* The state of one SMTP session, for the files of src/smtp.
 *
 * See the head of session.c for the life of a session. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "parse/header.h"
#include "parse/smtp_address.h"
#include "parse/smtp_data.h"
#include "policy/course.h"
#include "route/answer.h"
#include "rt/once.h"
#include "smtp/bans.h"
#include "smtp/server.h"

/* Where the conversation stands; tbl/verbs.h says which verbs are in order. */
enum session_state {
    STATE_NEW = 1,      /* no HELO or EHLO yet */
    STATE_READY = 2,    /* greeted, no transaction */
    STATE_MAIL = 4,     /* MAIL accepted, no recipient yet */
    STATE_RCPT = 8,     /* at least one recipient */
    STATE_CHUNK = 16,   /* at least one BDAT chunk */
    STATE_REFUSED = 32, /* greeted with 554 (RFC 5321 3.1): only QUIT is left */
};
#define STATES_ANY  31

#define INPUT_BLOCK ((size_t)16384)

/* Octets from the client. The block is borrowed from the server while there are any. */
struct input {
    char *block; /* NULL when nothing is buffered */
    size_t start;
    size_t end;
    size_t scanned;  /* from start: holds no CRLF */
    uint64_t total;  /* octets ever read from the stream */
    bool bare;       /* a bare LF was seen in the unfinished line */
    bool discarding; /* the unfinished line is too long */
    bool bdat;       /* and what is gone of it has the word BDAT */
};

/* The reply to RCPT for one recipient, and how it came about. */
struct recipient_record {
    struct slice mailbox;
    struct answer answer;       /* code 0: the session ended before there was one */
    struct ruling *ruling;      /* NULL when the policy was not asked */
    struct slice facts;         /* that were looked at for it: fact_memo_pack */
    struct decision_facts live; /* facts of the connection that change, as they were then; of the
                                   transaction's arena, uses NULL: none was asked for */
    usec_t at;                  /* when RCPT came */
    bool unpipelined;           /* as client.unpipelined was when it was judged */
};

/* The recipient that RCPT has just named, and what the next hop says of it: asked by a fact, or
 * else when the rules have been walked, once. */
struct asked_recipient {
    const struct conf_route *route;
    struct slice mailbox;
    struct slice local_part; /* unquoted */
    struct slice domain;
    struct dsn_rcpt dsn;
    struct answer answer;
    struct once once;
    int result; /* delivery_ask's */
};

struct transaction {
    struct envelope envelope;
    struct message message;
    struct data_decoder decoder;
    struct header_counter header;
    struct recipient_record **records; /* every RCPT, accepted or not */
    size_t record_count;
    size_t record_cap;
    uint64_t message_octets; /* taken in, kept or not */
    usec_t began;
    usec_t data_at;              /* DATA, or the first BDAT; 0: not yet */
    usec_t received;             /* the message was there; 0: not yet */
    usec_t data_began;           /* moved on by what we let the client wait */
    unsigned failures_before;    /* rcpt.failures when it began */
    unsigned unknown_recipients; /* of its recipients; and how many are traps */
    unsigned traps;
    struct answer verdict; /* on MAIL or the message, if it came to one; else code 0 */
    enum receive_failure {
        RECEIVE_OK,
        RECEIVE_SIZE,
        RECEIVE_MEMORY,
        RECEIVE_FILE,
    } failure;
    bool spooling; /* the spool and the digest are in use */
    bool judged;   /* the message's rules were walked */
    struct inspected inspected;
    struct once header_once;
    int header_error;
    struct slice header_text; /* for facts, once one has asked */
};

struct session {
    struct list link; /* in server->sessions */
    struct smtp_server *server;
    struct stream *stream;
    struct scope *scope;    /* the session's */
    struct scope *idle;     /* around a wait for a command outside a transaction, or NULL */
    struct scope *awaiting; /* around any wait for a command, or NULL */
    usec_t awaiting_since;
    usec_t kept_waiting; /* by such waits that are over, since the greeting or the last message */
    struct arena arena;  /* as long as the connection */
    struct arena helo_arena; /* until the next EHLO: its name, and what the policy says to it */
    struct input input;
    struct buf out;
    struct addr client;
    struct addr local;
    bool counted;    /* in the gate */
    bool unrecorded; /* a proxy's own connection */
    enum session_state state;
    enum session_phase phase; /* set by session_enter */
    struct slice helo;
    bool esmtp;
    bool dsn; /* was offered in the reply to the last EHLO */
    bool tls;
    bool quit;  /* close when the replies are out */
    bool mute;  /* half a reply may be on its way: nothing can be said any more */
    bool ended; /* close now: the client is gone, or a 421 was said */
    struct slice tls_text;
    usec_t began;
    usec_t early_at;       /* as the guest's */
    usec_t greeted_at;     /* 0: not yet */
    usec_t helo_at;        /* of the last one; 0: none yet */
    unsigned transactions; /* begun in this session: the id's middle number */
    unsigned decided;      /* transactions with a decision line */
    unsigned commands;     /* that advanced nothing */
    unsigned errors;
    enum reply_name told_error; /* the last that answered one, of the transaction if there is one;
                                   REPLY_OK: none */
    unsigned naming;    /* the transaction that replies name: its number, or 0 outside one */
    unsigned recipient; /* the RCPT being answered, for the id in its reply; 0 outside */
    char id[DECISION_ID_LEN + 1];
    struct delivery *delivery;
    struct digest_stream *digest;
    struct transaction txn;
    struct answer last_refusal;    /* our last words, which ended the session */
    const struct rule *dropped_by; /* without a word */
    struct answer refused_now;     /* by the policy, with `now`, before there was a transaction */

    /* What the policy knows and has said; judge.c. */
    struct evidence evidence;
    struct course course;
    struct policy_run connect_run;
    struct asked_recipient asked;
    usec_t waited;               /* by `wait` rules, in the whole connection */
    bool slowed;                 /* by one of them at RCPT: delivery_slow, from then on */
    enum phase unpipelined_from; /* the first phase that sees client.unpipelined; or PHASE_COUNT */
    bool connect_judged;
    bool must_be_last; /* the command under way ends a group (RFC 2920) */

    /* Ledger entries whose 250 the client has not shown to have got; see session.c. */
    struct ledger_ref *unconfirmed;
    size_t unconfirmed_count;
    uint64_t confirming_offset; /* a command that begins here or later shows it */
    bool quit_seen;
};

/* ---- session.c ---- */
struct guest;
/* Makes a session of a guest, whose stream it takes over; `judged`: the connect rules are through.
 * 0, or -ENOMEM and nothing has changed. */
int session_begin(const struct guest *g, bool judged);
/* Counts the session as being in that phase from now on. */
void session_enter(struct session *s, enum session_phase phase);
/* After a 250 for a message: its ledger entries wait for the client's next sign of life. Called
 * when the reply has been queued, flushes it. */
void session_await_confirmation(struct session *s, const struct ledger_ref *refs, size_t count);
/* Our answer to errors of the client's line: 0, or a negative errno that ends the session. Decides
 * by the reason whether a 421 is still due. */
void session_end_by(struct session *s, int error);
/* Says a 421 that ends the session, also when its scope is cancelled. */
void session_goodbye(struct session *s, enum reply_name name);
void session_goodbye_with(struct session *s, const struct answer *a);
/* Ends the session without a word. */
void session_vanish(struct session *s, const struct rule *rule);
/* Notes whether the client has sent more than it may behind the command under way. */
void session_look_ahead(struct session *s);

/* Around a wait that ends when the client goes away: client_watch_end gives `result`, or
 * -ECONNRESET and the like where it was that which ended it. */
struct client_watch {
    struct scope scope;
};
void client_watch_begin(struct session *s, struct client_watch *w);
int client_watch_end(struct session *s, struct client_watch *w, int result);
/* What the conversation lacks before a message can come: EHLO, MAIL or a recipient. */
enum reply_name session_missing_step(const struct session *s);
/* Counts a command that advances nothing; false when that was one too many and the session ends. */
bool session_count_talk(struct session *s);

/* ---- input.c ---- */
enum line_kind { LINE_COMMAND, LINE_BAD, LINE_LONG, LINE_BDAT /* bad or long, and BDAT in it */ };

/* The next command line without its CRLF, valid until the next call; queued replies are flushed
 * before it waits. Returns enum line_kind, or a negative errno, or -ENODATA at the end of input. */
int input_line(struct session *s, usec_t deadline, struct slice *ret);

/* Is one of the words BDAT? Control characters part words, too. */
bool input_names_bdat(struct slice text);

/* Makes at least one octet available in s->input: 0, a negative errno or -ENODATA. */
int input_fill(struct session *s, usec_t deadline);
void input_take(struct session *s, size_t n);
/* Drops what is buffered and gives the block back. */
void input_drop(struct session *s);

/* Takes in what has arrived, when nothing is buffered; never waits. */
void input_look(struct session *s);

/* ---- reply.c ---- */
/* Appends the reply's lines to `out`, with the decision id where it is negative: `transaction` and
 * `recipient` are its further numbers (recipient 0: none). */
void reply_format(struct buf *out, const struct answer *a, const char *id, unsigned transaction,
                  unsigned recipient);
/* Queues a reply; negative ones get the decision id. */
void reply(struct session *s, enum reply_name name);
void reply_with(struct session *s, const struct answer *a);
/* Queues a multi-line reply made of lines separated by '\n'. */
void reply_lines(struct session *s, uint16_t code, struct slice lines);
/* Sends what is queued: 0 or a negative errno. */
int reply_flush(struct session *s);
/* Replies with a syntax or order error and counts it. */
void reply_error(struct session *s, enum reply_name name);

/* ---- transaction.c ---- */
void transaction_begin(struct session *s, const struct envelope *e);
void transaction_record(struct session *s, const struct recipient_record *r);
/* Forgets everything about it (RSET, EHLO, the end of a message). Writes the decision first where a
 * transaction was open and none was written: it ended without a message. */
void transaction_end(struct session *s);

/* ---- decide.c ---- */
/* The decision line of the open transaction. */
void decide_transaction(struct session *s, const char *phase, const char *verdict,
                        const struct answer *a, const char *note);
/* Of a MAIL that was refused, or of a connection that had no transaction. */
void decide_mail_refused(struct session *s, const struct envelope *e, const struct answer *a);
/* Of a guest that ended in the lobby; answer NULL: without a word. */
void decide_guest(const struct guest *g, const char *id, const struct answer *a, const char *note);
void decide_connection(struct session *s, const struct answer *a, const char *note);

/* ---- receive.c ---- */
void receive_begin(struct session *s, bool by_bdat);
/* Reads a DATA body to its end: 0 or a negative errno. */
int receive_data(struct session *s);
/* Reads one chunk of `size` octets, keeping them or not: 0 or a negative errno. */
int receive_chunk(struct session *s, uint64_t size, bool wanted);
/* The message is complete: fills in what was noticed. */
void receive_end(struct session *s);

/* ---- evidence.c ---- */
extern const struct evidence_ops guest_evidence_ops;   /* owner: the server */
extern const struct evidence_ops session_evidence_ops; /* owner: the session */
/* Asks the next hop about s->asked, once: 0 with s->asked.answer, or a negative errno. */
int session_ask_hop(struct session *s);

/* ---- judge.c ---- */
enum judged {
    JUDGED_GO_ON,  /* as if there were no policy; a pending verdict may be noted */
    JUDGED_ANSWER, /* the command is answered with *ret */
    JUDGED_ENDED,  /* the session is over, all is said */
};

struct answer answer_of(const struct fired *f);
/* Asks again, and so remembers, what was asked of a guest. */
struct guest_memo;
void recall_asked(const struct guest_memo *g, const struct policy *p, const struct evidence *e);
/* Do the rules trust the client, as far as they were walked? */
bool judge_trusts(const struct session *s);
void judge_arrival(struct session *s, const struct guest *g, bool judged);
enum judged judge_connect(struct session *s, struct answer *ret);
enum judged judge_helo(struct session *s, struct answer *ret);
/* Forgets the name and all that came of it. */
void judge_forget_helo(struct session *s);
enum judged judge_mail(struct session *s, struct answer *ret);
/* Fills in r's ruling and memo. */
enum judged judge_rcpt(struct session *s, const struct smtp_path *path, struct recipient_record *r,
                       struct answer *ret);
enum judged judge_message(struct session *s, struct answer *ret);
void judge_forget_transaction(struct session *s);
/* Tells the delivery whose message is junk: the recipient's by his own rules, or everybody's. */
void judge_junk(struct session *s);
/* The header fields that the message is marked with, CRLF behind each. */
void judge_marks(const struct session *s, struct buf *fields);

/* ---- sender_report.c ---- */
/* Is the message to say what was found out about the sender's domain? */
bool sender_report_wanted(const struct session *s);
/* Finds out what no rule has asked for. 0, or as client_watch_end. */
int sender_report_check(struct session *s);
/* Appends the fields that say it, CRLF behind each; behind sender_report_check. */
void sender_report_write(struct session *s, struct buf *fields);

/* ---- message_phase.c ---- */
/* The message is complete: judge it, hand it over, answer, end the transaction. */
void message_phase(struct session *s);
/* Has what was received so far earned a refusal by itself? */
bool message_receive_refusal(struct session *s, struct answer *ret);
/* The "with" keyword for Received and the decision. */
const char *message_protocol(const struct session *s);

/* ---- the verbs ---- */
#define VERB(name, handler, states, argument, counts, group, synopsis)                             \
    void cmd_##handler(struct session *s, struct slice argument_text);
#include "tbl/verbs.h"
#undef VERB
