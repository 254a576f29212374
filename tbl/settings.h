/* Limits: SETTING(name, kind, standard, min, max, prose).
 *
 * Written `limit name value` in the configuration. Kinds: COUNT a number, SIZE octets with an
 * optional K, M or G, TIME a number with us, ms, s, m, h or d. One row is struct member, parser,
 * check and manual. */
SETTING(
    command_line, SIZE, 2048, 576, 16384,
    "Longest command line with its CRLF; longer ones are read to their end and answered 500 5.5.2.")
SETTING(path, SIZE, 256, 256, 4096,
        "Longest reverse-path or forward-path with its brackets; 501 5.1.7 or 5.1.3 above it.")
SETTING(recipients, COUNT, 1000, 100, 20000,
        "Recipients of one transaction; further ones get 452 4.5.3.")
SETTING(
    message_size, SIZE, 52428800, 65536, 10737418240,
    "Largest message, announced by SIZE. Declared above it: 552 5.3.4 at MAIL; really above it: "
    "the rest is read and dropped, then 552 5.3.4.")
SETTING(received, COUNT, 100, 5, 1000,
        "Received fields before a message is taken to be in a loop: 554 5.4.6.")
SETTING(
    commands, COUNT, 500, 20, 1000000,
    "Commands in one session that neither advance a transaction nor follow an accepted message; "
    "421 4.7.0 and the end of the session above it.")
SETTING(errors, COUNT, 20, 1, 100000,
        "Commands answered 5xx for syntax or order in one session; 421 4.7.0 and the end above it.")
SETTING(session_time, TIME, 3600000000, 60000000, 86400000000,
        "Longest session; 421 4.4.2 at its end, but never in the middle of a commit.")
SETTING(idle_time, TIME, 300000000, 1000000, 3600000000,
        "Longest wait for a whole command, or for the next octets of a message; 421 4.4.2.")
SETTING(data_rate, SIZE, 100, 0, 1048576,
        "Lowest mean rate of a message in octets a second, measured after its first minute; "
        "421 4.4.2 below it, 0 for no such limit.")
SETTING(sessions, COUNT, 10000, 1, 1000000,
        "Greeted sessions at a time over all workers. Further clients wait for a place, those of networks "
        "with few sessions first; no network has more than are left. The last sixteenth is for clients "
        "that a connect rule trusts.")
SETTING(shed_time, TIME, 60000000, 0, 120000000,
        "How long a client waits for a place; then 421 4.3.2.")
SETTING(full_idle_time, TIME, 30000000, 1000000, 3600000000,
        "While others wait for a place, a session whose client has kept us waiting for commands so long since "
        "its greeting or its last message may be told 421 4.3.2, but not one that a rule trusts.")
SETTING(lobby, COUNT, 100000, 1, 10000000,
        "Clients at a time that wait for the greeting, over all workers; further ones get 421 4.3.2. So do "
        "those for whom a worker would need the last eighth of its descriptors.")
SETTING(client_sessions, COUNT, 100, 1, 1000000,
        "Sessions at a time of one client address over all workers, waiting ones included; further ones "
        "get 421 4.7.0. Like the next three limits it does not hold for clients that a connect rule "
        "trusts.")
SETTING(network_sessions, COUNT, 2000, 0, 1000000,
        "The same for a network, the /24 of an IPv4 or the /64 of an IPv6 address; 0 for no such limit.")
SETTING(client_rate, COUNT, 0, 0, 1000000,
        "Connections a minute of one client address over all workers, so many of them at once; further "
        "ones get 421 4.7.0; 0 for no such limit.")
SETTING(network_rate, COUNT, 0, 0, 10000000, "The same for a network; 0 for no such limit.")
SETTING(spool_memory, SIZE, 268435456, 1048576, 1099511627776,
        "Memory for messages in each worker, and for their headers once more where their signatures are "
        "wanted. When it is nearly used up clients are slowed, then "
        "given 452 4.3.1.")
SETTING(
    message_memory, SIZE, 262144, 16384, 1073741824,
    "Octets of one message kept in memory; the rest goes to an unlinked file in the spool folder.")
SETTING(spool_wait, TIME, 30000000, 0, 300000000,
        "How long a client is slowed for want of spool memory before 452 4.3.1.")
SETTING(
    drain_time, TIME, 60000000, 0, 3600000000,
    "After SIGTERM: time for open transactions to end; then 421 4.3.2. An open commit is always "
    "waited for.")
SETTING(reload_time, TIME, 600000000, 0, 86400000000,
        "After a reload: how long sessions of the configuration before may go on; then they are ended as "
        "after SIGTERM.")
SETTING(hang_time, TIME, 60000000, 1000000, 3600000000,
        "A worker, or the clerk, that does nothing at all for so long, though it has to, is killed and "
        "replaced.")
SETTING(connect_time, TIME, 30000000, 1000000, 300000000,
        "Time to reach a next hop and get its greeting and EHLO reply.")
SETTING(hop_reply_time, TIME, 60000000, 1000000, 300000000,
        "Time for a next hop's reply to MAIL, RCPT, DATA or RSET.")
SETTING(hand_over_time, TIME, 120000000, 1000000, 600000000,
        "Time to send a message to the next hop up to its final dot.")
SETTING(
    answer_time, TIME, 300000000, 1000000, 630000000,
    "Time for the next hop's answer to the final dot; then the client is told 451 4.4.2 while the "
    "answer is still waited for, up to 10 1/2 minutes in all.")
SETTING(auth_time, TIME, 20000000, 1000000, 60000000,
        "Time for each of SPF, DKIM, ARC and DMARC; what is not there then is temperror.")
SETTING(hop_connections, COUNT, 50, 1, 10000,
        "Connections to one next hop at a time of each worker. When all are in use a session waits its "
        "turn, for `limit connect_time` at most, then gets 451 4.4.5. Those that a rule at rcpt has made "
        "wait come last.")
SETTING(recipient_yes_time, TIME, 86400000000, 0, 2592000000000,
        "How long a next hop's yes to a recipient is remembered. It counts only while that hop cannot "
        "be asked; 0: never.")
SETTING(recipient_no_time, TIME, 300000000, 0, 86400000000,
        "How long its \"no such mailbox\" is given in its place, without asking again; 0: not at all.")
SETTING(accept_all_time, TIME, 86400000000, 0, 2592000000000,
        "How long it is remembered whether a next hop accepts any address of a domain; 0: it is not found "
        "out.")
SETTING(hop_idle_connections, COUNT, 20, 0, 1000,
        "Connections to one next hop that each worker keeps for further messages.")
SETTING(hop_idle_time, TIME, 60000000, 0, 300000000, "How long such a connection is kept unused.")
SETTING(hop_probe_time, TIME, 20000000, 0, 300000000,
        "How often a kept connection is asked with NOOP whether it is still there; 0 for never.")
SETTING(hop_messages, COUNT, 100, 1, 100000,
        "Messages on one connection to a next hop before it is renewed.")
SETTING(hop_errors, COUNT, 8, 1, 10000,
        "Refusals on one connection to a next hop before it is renewed.")
SETTING(hop_retry_time, TIME, 30000000, 1000000, 3600000000,
        "Longest wait before a next hop that is down is tried again: after 1s at first, then after "
        "twice as long each time.")
SETTING(dns_time, TIME, 5000000, 100000, 60000000,
        "Time for one question to the DNS. What has no answer by then is unknown; the answer is still "
        "taken note of when it comes.")
SETTING(dns_cache, SIZE, 8388608, 65536, 4294967296,
        "Memory in each worker for answers of the DNS that are at hand at once; those that were not asked "
        "for the longest time make room.")
SETTING(journal_age, TIME, 2592000000000, 3600000000, 315360000000000,
        "How long decisions are kept in the journal.")
SETTING(journal_size, SIZE, 1073741824, 1048576, 1099511627776,
        "How large the journal may become; then the oldest decisions make room.")
SETTING(memory_size, SIZE, 268435456, 16777216, 1099511627776,
        "How large what is remembered of others may become on disk; then what is least worth keeping makes "
        "room.")
SETTING(memory_half_life, TIME, 2592000000000, 3600000000, 315360000000000,
        "After so long what somebody did counts half.")
SETTING(deferral_time, TIME, 60000000, 0, 86400000000,
        "How soon a client that a rule has deferred may come back so that it counts (RFC 6647).")
SETTING(deferral_window, TIME, 86400000000, 60000000, 2592000000000,
        "How late it may come back.")
SETTING(returned_time, TIME, 3110400000000, 86400000000, 31536000000000,
        "How long one that came back is known for it, since its last accepted message.")
SETTING(harvest_recipients, COUNT, 20, 1, 1000000,
        "Unknown recipients that a client may try in an hour, and its network four times as many, before "
        "`client.harvester` holds.")
SETTING(inspect_time, TIME, 20000000, 100000, 300000000,
        "Time for an inspector to take a message apart; what is not found out by then is unknown. One that "
        "goes on all the same is killed.")
SETTING(inspect_memory, SIZE, 1073741824, 268435456, 1099511627776,
        "Memory that one inspector may have, for a message and all that is unpacked of it.")
SETTING(inspect_depth, COUNT, 30, 2, 200,
        "How deep a message is taken apart: parts within parts, messages within messages, archives within "
        "archives. Where one of these limits is reached, `inspect.limits` says so.")
SETTING(inspect_parts, COUNT, 1000, 10, 100000, "Parts of a message that are looked at.")
SETTING(inspect_fields, COUNT, 2000, 100, 100000, "Header fields of one part that are looked at.")
SETTING(inspect_decoded, SIZE, 268435456, 1048576, 10737418240,
        "Octets that decoding and unpacking a message may make, in all.")
SETTING(inspect_members, COUNT, 10000, 10, 1000000, "Members of archives that are looked at, in all.")
SETTING(inspect_ratio, COUNT, 250, 10, 100000,
        "How many times its own octets an archive may unpack to, from the first megabyte on.")
SETTING(virus_time, TIME, 40000000, 100000, 300000000,
        "Time for clamd to look at a message, the wait for a free connection included. What it has not said by "
        "then is unknown.")
SETTING(spam_time, TIME, 40000000, 100000, 300000000,
        "The same for rspamd and SpamAssassin.")
SETTING(scan_connections, COUNT, 10, 1, 1000,
        "Messages that each worker gives to one scanner at a time; further ones wait.")
SETTING(scan_size, SIZE, 2097152, 65536, 10737418240,
        "Largest message that rspamd and SpamAssassin are asked about; what they would say of a larger one is "
        "unknown. clamd gets every message, and has a limit of its own.")
SETTING(scan_memory_time, TIME, 300000000, 0, 86400000000,
        "How long what a scanner said of a message is taken for one with the same octets, which for rspamd and "
        "SpamAssassin must have the same client and envelope, too; 0: each is scanned.")
