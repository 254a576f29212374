/* What is counted: COUNTER(name, prose).
 *
 * Each worker counts for itself, from its start, in a struct counters (base/counters.h); the sums of
 * all workers since the master's start are what `gatepost status` shows. Only ever grows. One row is
 * struct member, figure and manual. */
COUNTER(connections, "Connections accepted from the network, those that are sent away at once too.")
COUNTER(early_talkers, "Clients that spoke before their greeting.")
COUNTER(greeted, "Clients that were greeted.")
COUNTER(asked_ahead, "Clients about whom the DNS was asked before they were greeted.")
COUNTER(queued, "Clients that waited for a place among the sessions.")
COUNTER(tls_sessions, "STARTTLS handshakes with clients that succeeded.")
COUNTER(tls_failures, "STARTTLS handshakes with clients that failed.")
COUNTER(transactions, "Transactions begun by MAIL.")

COUNTER(rcpt_accepted, "RCPT commands answered 2xx.")
COUNTER(rcpt_refused, "RCPT commands answered 5xx.")
COUNTER(rcpt_deferred, "RCPT commands answered 4xx.")
COUNTER(rcpt_apart,
        "Of these, recipients that are to come in another transaction, so that each has its answer.")
COUNTER(rcpt_unasked,
        "Recipients answered without the next hop: by a list, a database, another server, or by what it "
        "said a few minutes ago.")
COUNTER(rcpt_known_before,
        "Recipients that the next hop could not be asked about, but had known before.")
COUNTER(facts_unknown,
        "Facts that rules asked for and that could not be found out; `unknown(FACT)` says what happens then.")
COUNTER(memory_changes, "Changes of what is remembered that were kept.")
COUNTER(memory_lost, "Changes of what is remembered that could not be kept.")
COUNTER(memory_evicted, "Records of the memory that made room for others.")
COUNTER(patterns_stopped,
        "Regular expressions given up for taking too long, or for a text of more than 64 KiB: the "
        "comparison was unknown.")
COUNTER(inspected, "Messages that an inspector has taken apart.")
COUNTER(inspector_deaths, "Messages of which an inspector died, or that it did not answer.")
COUNTER(not_inspected,
        "Messages that were not taken apart because one had died of them, because none had time, or could be "
        "asked.")
COUNTER(octets_received, "Octets of messages that came in, kept or not.")

COUNTER(accepted, "Transactions whose message was answered 250.")
COUNTER(refused_connect, "Connections refused before EHLO.")
COUNTER(refused_helo, "Connections refused after EHLO and before any transaction.")
COUNTER(refused_mail, "Transactions refused at MAIL.")
COUNTER(refused_rcpt, "Transactions whose every recipient was refused.")
COUNTER(refused_data, "Transactions refused while the message came in.")
COUNTER(refused_message, "Messages refused for what they are.")
COUNTER(refused_commit, "Messages refused by the next hop.")
COUNTER(deferred, "Transactions, and connections without one, that were answered 4xx.")
COUNTER(gone, "Transactions whose client went away before the commit: nobody got the message.")
COUNTER(ended, "Connections that ended without a transaction, and without a refusal by the policy or for a limit.")

COUNTER(spool_memory_452, "Messages answered 452 for `limit spool_memory`.")
COUNTER(spool_file_452,
        "Messages answered 452 because the spool's disk was full, or no descriptor was left.")
COUNTER(hop_wants,
        "Connections to next hops that could not be made for want of descriptors or memory of our own.")

COUNTER(draining_421, "Clients told 421 because the worker was ending.")
COUNTER(server_full_421,
        "Clients told 421 for `limit sessions` or `limit lobby`, or for want of descriptors.")
COUNTER(make_room_421, "Clients told 421 for `limit full_idle_time`.")
COUNTER(no_descriptor_421, "Connections turned away with 421 because no descriptor at all was left.")
COUNTER(client_full_421, "Clients told 421 for `limit client_sessions`.")
COUNTER(network_full_421, "Clients told 421 for `limit network_sessions`.")
COUNTER(client_rate_421, "Clients told 421 for `limit client_rate`.")
COUNTER(network_rate_421, "Clients told 421 for `limit network_rate`.")
COUNTER(no_memory_421, "Clients told 421 for want of memory.")
COUNTER(idle_421, "Clients told 421 for `limit idle_time`.")
COUNTER(session_time_421, "Clients told 421 for `limit session_time`.")
COUNTER(slow_421, "Clients told 421 for `limit data_rate`.")
COUNTER(commands_421, "Clients told 421 for `limit commands`.")
COUNTER(errors_421, "Clients told 421 for `limit errors`.")

COUNTER(commits, "Messages of which the last piece was sent to a next hop, or a Maildir; one for each leg.")
COUNTER(commits_settled, "Of these: the answer came, and the ledger was written or given up.")
COUNTER(commits_unknown,
        "Of these: what became of it cannot be known. A retry may bring a second copy.")
COUNTER(late_answers, "Answers of next hops that came after the client was told 451.")
COUNTER(ledger_failed,
        "Messages answered 250 though the ledger could not be written. A retry may bring a second copy.")
COUNTER(ledger_suppressed,
        "Recipients to whom a retry was not delivered, because an earlier try had been.")
COUNTER(in_doubt_451, "Messages put off because they were being delivered already.")

COUNTER(hop_connections, "Connections made to next hops.")
COUNTER(hop_failures, "Connections to next hops that could not be made, and transactions that came to nothing there.")
COUNTER(hop_failovers, "Transactions that went on to another next hop of their route.")
COUNTER(hop_waits, "Transactions that waited because all connections to the next hop were in use.")
COUNTER(hop_busy_451, "Of these: in vain, for all of `limit connect_time`.")
COUNTER(hop_lent, "Connections that transactions lent to others while their clients took their time, or had "
        "to wait.")
COUNTER(hop_tls, "Connections made to next hops over TLS.")
COUNTER(hop_tls_resumed, "Of these, those that went on from an earlier session.")
COUNTER(hop_clear, "Connections to next hops that are in the clear though TLS was wanted.")
COUNTER(hop_tls_required,
        "Connections to next hops given up because TLS was required and could not be had.")

COUNTER(dns_asked, "Questions to the DNS.")
COUNTER(dns_cached, "Questions answered by what an earlier one had brought.")
COUNTER(dns_joined, "Questions answered by one that was under way already.")
COUNTER(dns_failed, "Questions to the DNS that were answered SERVFAIL, or with nothing that can be used or believed.")
COUNTER(dns_timed_out, "Questions to the DNS without an answer within `limit dns_time`.")
