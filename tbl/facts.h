/* Every fact: FACT(ident, name, type, arity, phase, scope, cost, keeping, prose).
 *
 * One row is the evaluator's, the checker's, the decision record's and the manual's. `ident` names the
 * function fact_ident that computes it, and of a RESULT the words ident_words (src/fact). `arity`: how
 * many strings it takes. `phase`: the first in which it can be known. `scope`: how long it is
 * remembered. `cost`: what asking may take, cheap ones are asked first. `keeping`: LIVE facts are read
 * anew each time, the others once in their scope. */

/* ---- the connection (src/fact/fact_client.c) ---- */
FACT(client_ip, "client.ip", ADDRESS, 0, CONNECT, CONNECTION, FREE, REMEMBERED,
     "The client's address; behind a configured proxy the one its PROXY header names.")
FACT(client_port, "client.port", NUMBER, 0, CONNECT, CONNECTION, FREE, REMEMBERED,
     "The client's port.")
FACT(client_early, "client.early", BOOL, 0, CONNECT, CONNECTION, FREE, LIVE,
     "The client spoke before it was greeted.")
FACT(client_unpipelined, "client.unpipelined", BOOL, 0, HELO, CONNECTION, FREE, LIVE,
     "The client sent commands ahead of a reply it must wait for (RFC 2920): behind EHLO, HELO, DATA, "
     "STARTTLS, BDAT LAST, VRFY, EXPN, NOOP or QUIT, or behind anything after HELO.")
FACT(client_sessions, "client.sessions", NUMBER, 0, CONNECT, CONNECTION, MEMORY, LIVE,
     "Sessions of this client address just now over all workers, this one and waiting ones included.")
FACT(client_network_sessions, "client.network_sessions", NUMBER, 0, CONNECT, CONNECTION, MEMORY, LIVE,
     "The same of the client's network: the /24 of an IPv4, the /64 of an IPv6 address.")
FACT(client_forwarder, "client.forwarder", BOOL, 0, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The client is in the table `forwarders`, by its address or by its confirmed name: it relays mail for "
     "your recipients, and is not to blame for what it relays.")
FACT(client_origin, "client.origin", ADDRESS, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The host that the message is judged by. Of a forwarder the one that it had the message from, as its "
     "Received field says, passing over other forwarders and private addresses; unknown when that field does "
     "not tell. Of any other client its own address.")
FACT(client_banned, "client.banned", BOOL, 0, CONNECT, CONNECTION, MEMORY, REMEMBERED,
     "A rule has banned the client's address, and the time is not over.")
FACT(listener, "listener", TEXT, 0, CONNECT, CONNECTION, FREE, REMEMBERED,
     "Where the client connected, as `listen` has it: \"0.0.0.0:25\".")
FACT(time_hour, "time.hour", NUMBER, 0, CONNECT, CONNECTION, FREE, LIVE,
     "Hour of the day in the host's time zone, 0 to 23.")

/* ---- its names, and lists of addresses (src/fact/fact_names.c, fact_lists.c) ---- */
FACT(client_ptr, "client.ptr", SET, 0, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The client's names by reverse DNS, in lower case; of more than ten the first ten in alphabetical "
     "order. Empty when it has none. Anybody can give his address any name: `client.name` is confirmed.")
FACT(client_name, "client.name", TEXT, 0, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The first of these names that leads back to the client's address; \"\" when none does. Unknown "
     "when a look-up failed and no name was confirmed.")
FACT(dnsbl, "dnsbl", BOOL, 1, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The client's address is on that DNS list: `dnsbl(\"zen.example.net\")`, or with a filter of "
     "answers as Postfix has it: `dnsbl(\"zen.example.net=127.0.0.[2..11]\")`. Unknown when the list "
     "cannot be asked, or is not well.")
FACT(dnsbl_answers, "dnsbl.answers", SET, 1, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The list's answers for the client's address: \"127.0.0.2\" and so on; those that the filter lets "
     "pass. Empty when it is not listed.")
FACT(dnsbl_reason, "dnsbl.reason", TEXT, 1, CONNECT, CONNECTION, DNS, REMEMBERED,
     "Why the client's address is listed, in the list's words (TXT), at most 200 octets of them; \"\" when "
     "it is not listed, or the list does not say.")
FACT(dnswl, "dnswl", BOOL, 1, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The client's address is on that list of good senders; otherwise as `dnsbl`.")

/* ---- what the client says of itself (src/fact/fact_helo.c) ---- */
FACT(tls, "tls", BOOL, 0, HELO, CONNECTION, FREE, REMEMBERED, "The connection uses TLS.")
FACT(tls_version, "tls.version", TEXT, 0, HELO, CONNECTION, FREE, REMEMBERED,
     "\"TLSv1.3\" and the like; \"\" without TLS.")
FACT(helo, "helo", TEXT, 0, HELO, CONNECTION, FREE, REMEMBERED,
     "The name given with EHLO or HELO.")
FACT(helo_form, "helo.form", RESULT, 0, HELO, CONNECTION, FREE, REMEMBERED,
     "What that name is: domain (with a dot), label (without one), literal ([192.0.2.1]), address (the "
     "same without brackets) or invalid (no host name by RFC 5321, though an underscore is let pass). A "
     "dot at the end does not count.")
FACT(helo_mine, "helo.mine", BOOL, 0, HELO, CONNECTION, FREE, REMEMBERED,
     "The client claims to be this host: our hostname, or the address it connected to.")
FACT(helo_resolves, "helo.resolves", BOOL, 0, HELO, CONNECTION, DNS, REMEMBERED,
     "The name given with EHLO or HELO has an address (A or AAAA), or is an address literal.")
FACT(helo_matches, "helo.matches", BOOL, 0, HELO, CONNECTION, DNS, REMEMBERED,
     "One of these addresses is the client's.")
FACT(dnsbl_helo, "dnsbl.helo", BOOL, 1, HELO, CONNECTION, DNS, REMEMBERED,
     "The name given with EHLO or HELO is on that DNS list of domains; otherwise as `dnsbl`.")

/* ---- the envelope (src/fact/fact_envelope.c) ---- */
FACT(sender, "sender", TEXT, 0, MAIL, TRANSACTION, FREE, REMEMBERED,
     "The reverse-path's mailbox; \"\" for <>.")
FACT(sender_domain, "sender.domain", TEXT, 0, MAIL, TRANSACTION, FREE, REMEMBERED,
     "Its domain; \"\" for <>.")
FACT(sender_null, "sender.null", BOOL, 0, MAIL, TRANSACTION, FREE, REMEMBERED,
     "The reverse-path is <>: a delivery status notification, a callout or the like.")
FACT(sender_mine, "sender.mine", BOOL, 0, MAIL, TRANSACTION, FREE, REMEMBERED,
     "There is a route for the sender's domain (one for all domains does not count).")
FACT(sender_exists, "sender.exists", BOOL, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "The sender's domain is there to answer to: one of its MX records (of the first ten) leads to an "
     "address, or it has none and an address of its own (RFC 5321 5.1). True as well for <>, for an address literal, and for a null "
     "MX, which `sender.null_mx` tells.")
FACT(sender_null_mx, "sender.null_mx", BOOL, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "The sender's domain says that it takes no mail (RFC 7505), so that nobody there could be answered.")
FACT(dnsbl_sender, "dnsbl.sender", BOOL, 1, MAIL, TRANSACTION, DNS, REMEMBERED,
     "The sender's domain is on that DNS list of domains; otherwise as `dnsbl`.")
FACT(spf_helo, "spf.helo", RESULT, 0, HELO, CONNECTION, DNS, REMEMBERED,
     "SPF for the name in EHLO (RFC 7208 2.3).")
FACT(spf, "spf", RESULT, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "SPF for the sender's domain, or the name in EHLO where the sender is <> (RFC 7208 2.4). temperror is no "
     "unknown but a result: the DNS did not answer. Of a forwarder's mail unknown until the message is there, "
     "then that of `client.origin`: none where the forwarder does not tell that, temperror where it could not be "
     "looked up whether the client is one.")
FACT(spf_domain, "spf.domain", TEXT, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "The domain whose record was asked for.")
FACT(spf_mechanism, "spf.mechanism", TEXT, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "The term of the record that decided, as it is written there (\"-all\"); \"default\" where none matched, "
     "\"\" where there is no record.")
FACT(spf_explanation, "spf.explanation", TEXT, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "What the domain has to say to a fail (exp=), in printable ASCII; \"\" where it says nothing.")
FACT(spf_problem, "spf.problem", TEXT, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "Why it is temperror or permerror, in a few words; else \"\".")
FACT(size_declared, "size.declared", SIZE, 0, MAIL, TRANSACTION, FREE, REMEMBERED,
     "What MAIL declared by SIZE; 0 when it did not.")
FACT(rcpt, "rcpt", TEXT, 0, RCPT, RECIPIENT, FREE, REMEMBERED, "The recipient's mailbox.")
FACT(rcpt_domain, "rcpt.domain", TEXT, 0, RCPT, RECIPIENT, FREE, REMEMBERED, "Its domain.")
FACT(rcpt_known, "rcpt.known", BOOL, 0, RCPT, RECIPIENT, NETWORK, REMEMBERED,
     "The next hop knows the recipient. False only on 5.1.1, 5.1.10 or a bare 550, or when a list named by "
     "`recipients` does not have it; any other refusal leaves it true. A hop that cannot be asked leaves it "
     "true for a recipient that it has known within a day; otherwise no answer is unknown.")
FACT(rcpt_answer, "rcpt.answer", TEXT, 0, RCPT, RECIPIENT, NETWORK, REMEMBERED,
     "The refusal of this recipient, code first: the next hop's in its own words, or ours where a list does "
     "not have him; \"\" for a yes.")
FACT(route_accept_all, "route.accept_all", BOOL, 0, RCPT, RECIPIENT, NETWORK, REMEMBERED,
     "The next hop accepts any address of the recipient's domain, so that its yes says nothing and "
     "`rcpt.known` is always true. Found out with a random address, and kept for a day; false where a list "
     "or database names the recipients, unknown when the hop cannot be asked.")
FACT(rcpt_count, "rcpt.count", NUMBER, 0, MAIL, TRANSACTION, FREE, LIVE,
     "Recipients accepted in this transaction so far.")
FACT(rcpt_failures, "rcpt.failures", NUMBER, 0, CONNECT, CONNECTION, FREE, LIVE,
     "Recipients refused 5xx in this session so far.")

/* ---- the message (src/fact/fact_message.c) ---- */
FACT(size, "size", SIZE, 0, MESSAGE, TRANSACTION, FREE, REMEMBERED, "Octets of the message.")
FACT(header, "header", TEXT, 1, MESSAGE, TRANSACTION, CONTENT, REMEMBERED,
     "The first field of that name, unfolded and otherwise as written; \"\" when there is none.")
FACT(header_count, "header.count", NUMBER, 1, MESSAGE, TRANSACTION, CONTENT, REMEMBERED,
     "How many fields of that name the message has.")
FACT(header_missing, "header.missing", BOOL, 1, MESSAGE, TRANSACTION, CONTENT, REMEMBERED,
     "The message has no field of that name.")
FACT(received_count, "received.count", NUMBER, 0, MESSAGE, TRANSACTION, FREE, REMEMBERED,
     "Received fields: hosts the message has passed.")
FACT(message_longest_line, "message.longest_line", NUMBER, 0, MESSAGE, TRANSACTION, FREE, REMEMBERED,
     "Octets of its longest line without CRLF; RFC 5322 allows 998.")
FACT(message_binary, "message.binary", BOOL, 0, MESSAGE, TRANSACTION, FREE, REMEMBERED,
     "It holds a bare CR or LF, which only BDAT can carry.")

FACT(dnsbl_from, "dnsbl.from", BOOL, 1, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The domain of the message's From field is on that DNS list of domains; where it has several "
     "authors, that of one of the first four. Otherwise as `dnsbl`.")
/* ---- what the sender's domain authorises (src/fact/fact_sender.c) ---- */
FACT(dkim, "dkim", RESULT, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The best result among the DKIM signatures of domains that are aligned with the author's (RFC 9989); none "
     "when there is no such signature.")
FACT(dkim_domains, "dkim.domains", SET, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The domains (d=) of the DKIM signatures that pass, aligned or not.")
FACT(dkim_results, "dkim.results", SET, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "What became of each signature, with the cause: \"example.org=fail (the body was changed)\".")
FACT(arc, "arc", RESULT, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "Validation of the message's ARC chain (RFC 8617): none, pass or fail; temperror where a key could not be "
     "looked up.")
FACT(arc_sealers, "arc.sealers", SET, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The domains that sealed a chain that passes, the last one first.")
FACT(arc_trusted, "arc.trusted", BOOL, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The chain passes, its newest signature signs From, and a sealer vouches for the message: one in the table "
     "`sealers`, all after it being "
     "there too, says that DMARC passed where it got the message; or, where it does not speak of DMARC, that "
     "SPF or DKIM passed for a domain aligned with the author's.")
FACT(dmarc, "dmarc", RESULT, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "DMARC for the author's domain (RFC 9989). Of a header over 256 KiB what fails in its readable part fails, "
     "and whatever else is permerror.")
FACT(dmarc_policy, "dmarc.policy", RESULT, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "What that domain asks for where DMARC fails, by p, sp or np, whichever applies; a step lower "
     "when the domain is testing (t=y).")
FACT(dmarc_domain, "dmarc.domain", TEXT, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "Where that record was found; \"\" where there is none.")
FACT(from_domain, "from.domain", TEXT, 0, MESSAGE, TRANSACTION, CONTENT, REMEMBERED,
     "The author's domain, by the From field; \"\" when there is none, or it names authors of several domains.")

/* ---- the weighing (src/fact/fact_doubt.c) ---- */
FACT(doubt, "doubt", NUMBER, 0, CONNECT, RECIPIENT, FREE, LIVE,
     "Sum of the `doubt` rules that have fired for the connection, the transaction and the recipient; "
     "at message, the lowest recipient's.")
FACT(why, "why", TEXT, 0, CONNECT, RECIPIENT, FREE, LIVE,
     "The texts of these rules, \"; \" between them.")
