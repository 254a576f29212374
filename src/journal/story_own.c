/* Why we give a reply of our own, and what would have to differ: a sentence for each negative row
 * of tbl/replies.h. */
#include "journal/story_impl.h"
#include "route/answer.h"

#define LIMIT(name) "It is `limit " name "` of the configuration that was reached."
#define ALREADY     "The client did not follow the protocol; its own log shows what it sent."

static const char *const reasons[] = {
    [REPLY_DRAINING] =
        "Gatepost was ending or being restarted. A client that comes back is served.",
    [REPLY_SERVER_FULL] = "All places were taken for the whole of `limit shed_time`: see `limit "
                          "sessions` and `limit lobby`, and `gatepost status`.",
    [REPLY_NO_DESCRIPTOR] =
        "The process had no descriptor left: the soft limit of open files is too "
        "low for so many clients.",
    [REPLY_MAKE_ROOM] = "The client kept a place and said nothing while others waited for one: see "
                        "`limit full_idle_time`.",
    [REPLY_CLIENT_FULL] = "The client's address had as many sessions as one address may have: see "
                          "`limit client_sessions`. A connect rule that trusts it lifts this.",
    [REPLY_NETWORK_FULL] = "The client's network had as many sessions as one network may have: see "
                           "`limit network_sessions`. A connect rule that trusts it lifts this.",
    [REPLY_CLIENT_RATE] = "The client's address came too often: see `limit client_rate`. A connect "
                          "rule that trusts it lifts this.",
    [REPLY_NETWORK_RATE] =
        "The client's network came too often: see `limit network_rate`. A connect "
        "rule that trusts it lifts this.",
    [REPLY_NO_MEMORY] = "The host was short of memory.",
    [REPLY_IDLE] = "The client said nothing for all of `limit idle_time`.",
    [REPLY_SESSION_TIME] = "The session lasted longer than `limit session_time`.",
    [REPLY_SLOW] = "The message came in more slowly than `limit data_rate` allows.",
    [REPLY_COMMANDS] =
        "The client gave more commands without a message than `limit commands` allows.",
    [REPLY_ERRORS] = "The client made more errors than `limit errors` allows.",
    [REPLY_BAD_LINE] = ALREADY,
    [REPLY_LONG_LINE] = LIMIT("command_line"),
    [REPLY_UNKNOWN_VERB] = ALREADY,
    [REPLY_NOT_OFFERED] = ALREADY,
    [REPLY_NEEDS_ARGUMENT] = ALREADY,
    [REPLY_NO_ARGUMENT] = ALREADY,
    [REPLY_BAD_HELO] = "The name behind EHLO or HELO was empty, or no text that can be a name.",
    [REPLY_BAD_SENDER] = "MAIL did not name a reverse-path that RFC 5321 allows.",
    [REPLY_BAD_RCPT] = "RCPT did not name a forward-path that RFC 5321 allows.",
    [REPLY_LONG_SENDER] = LIMIT("path"),
    [REPLY_LONG_RCPT] = LIMIT("path"),
    [REPLY_BAD_PARAM] = ALREADY,
    [REPLY_UNKNOWN_PARAM] = "The client used an extension that was not offered to it.",
    [REPLY_NEEDS_UTF8] = "The address has characters beyond ASCII, and MAIL did not say SMTPUTF8.",
    [REPLY_BAD_BDAT] = ALREADY,
    [REPLY_NEEDS_HELO] = ALREADY,
    [REPLY_NEEDS_MAIL] = ALREADY,
    [REPLY_NEEDS_RCPT] = ALREADY,
    [REPLY_NO_RCPT] = "No recipient had been accepted: the reasons are with the recipients.",
    [REPLY_NESTED_MAIL] = ALREADY,
    [REPLY_IN_CHUNKS] = ALREADY,
    [REPLY_ORDER] = ALREADY,
    [REPLY_REFUSED] = "The client had been refused already, and went on all the same.",
    [REPLY_TLS_ALREADY] = ALREADY,
    [REPLY_NO_ROUTE] =
        "No `route` of the configuration is for the recipient's domain. With one, the "
        "next hop would have been asked about the recipient.",
    [REPLY_NO_MAILBOX] =
        "There is no such mailbox: neither the list, the database or the server that "
        "`recipients` names, nor the folder of the Maildir, has it.",
    [REPLY_NO_LIST] = "What `recipients` names could not be asked. The client will try again.",
    [REPLY_RELAY_TRICK] =
        "The address asks for relaying by a route of its own, by \"%\" or by \"!\". "
        "No rule can allow that; the plain address would have been looked at.",
    [REPLY_MANY_RCPT] = "The transaction had as many recipients as `limit recipients` allows. The "
                        "client sends the rest in a further one.",
    [REPLY_OTHER_POLICY] =
        "A rule trusts this recipient so far that message rules are not for it, and "
        "those of the transaction are under them, or the other way about. The client "
        "sends it in a transaction of its own.",
    [REPLY_ISOLATED] =
        "At an earlier try the answers for this recipient and for others differed. The "
        "client sends it in a transaction of its own, so that each has its answer.",
    [REPLY_SIZE_DECLARED] =
        "The message has more octets than `limit message_size` allows, by what MAIL "
        "declared or by what came.",
    [REPLY_LOOP] =
        "The message has more Received fields than `limit received` allows: it goes in a "
        "circle between servers.",
    [REPLY_BARE] =
        "The message has a CR or LF alone in it, which servers read differently: a way to "
        "smuggle mail (RFC 5321 2.3.8). Its sender's software has to end lines in CRLF.",
    [REPLY_NUL] =
        "The message has an octet of zero in it, which no mail may have (RFC 5321 4.5.2).",
    [REPLY_FORGED] =
        "The message has Authentication-Results fields in our name in more than 500 places. "
        "Only we may write such fields, and we remove them, but none with so many can be honest.",
    [REPLY_SPOOL_MEMORY] =
        "Messages that came in at the time needed more than `limit spool_memory`. "
        "The client will try again.",
    [REPLY_SPOOL_FAILED] =
        "The folder of `spool` could not take the message: its disk is full, or it "
        "fails. The client will try again.",
    [REPLY_IN_DOUBT] =
        "The same message was being delivered already, or its delivery was in doubt. "
        "When the client tries again, either it is known to be delivered and is not "
        "delivered twice, or it is delivered then.",
    [REPLY_MARKS_FULL] =
        "More messages were under way than can be kept in mind. The client will try "
        "again.",
    [REPLY_NO_ANSWER] =
        "The next hop had all of the message and did not answer within `limit "
        "answer_time`. Its answer is waited for without the client; when that comes "
        "back after a yes, it is told so and nothing is delivered twice.",
    [REPLY_UNKNOWN_OUTCOME] =
        "The connection to the next hop broke after all of the message was sent "
        "and before it answered: it may have the message. When the client tries "
        "again a second copy may come; the next hop's log has the first.",
    [REPLY_HOP_UNREACHABLE] = "No next hop of the route could be asked. The client will try again.",
    [REPLY_HOP_NO_DNS] =
        "The next hop's name could not be looked up: the DNS servers did not answer. "
        "The client will try again.",
    [REPLY_HOP_NO_NAME] = "The next hop's name, as `route` has it, is not known to the DNS.",
    [REPLY_HOP_BUSY] = "All connections that the next hop may have were in use for all of `limit "
                       "connect_time`. The client will try again.",
    [REPLY_HOP_FAILED] =
        "The next hop was lost before it had all of the message. The client will try "
        "again.",
    [REPLY_HOP_NO_UTF8] = "The next hop does not offer SMTPUTF8, which the message needs.",
    [REPLY_HOP_NO_8BIT] = "The next hop does not offer 8BITMIME, which the message needs.",
    [REPLY_HOP_SIZE] = "The next hop's own SIZE is below the message's.",
    [REPLY_HOP_BARE] =
        "The message came by BDAT and has a bare CR or LF, and the next hop does not "
        "offer CHUNKING, by which alone that can be handed on.",
    [REPLY_HOP_NO_DSN] = "The client asked for DSN, which the next hop offered when the client was "
                         "greeted and no longer does.",
    [REPLY_PARTLY] = "Some recipients were served and others were not. The client tries again, and "
                     "whoever has the message does not get it twice.",
};

const char *own_reason(uint16_t code, struct slice enhanced, struct slice text)
{
    const int name = reply_find(code, enhanced, text);

    return name >= 0 && (size_t)name < sizeof(reasons) / sizeof(reasons[0]) ? reasons[name] : NULL;
}
