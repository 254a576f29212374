/* What a rule can do: ACTION(ident, name, ends the phase, phases, synopsis, prose).
 *
 * `phases` are those in which it may stand. */
ACTION(PASS, "pass", true, PHASES_ALL, "pass",
       "Ends this phase. The next ones are judged by their own rules.")
ACTION(TRUST, "trust", true, PHASES_ALL, "trust [all]",
       "Ends this phase and all further ones through rcpt; message rules still run, unless it says "
       "all. Lifts neither routing nor limits nor loop checks.")
ACTION(DEFER, "defer", true, PHASES_ALL, "defer [now] [CODE ENHANCED] TEXT",
       "Asks the client to try again later: 451 4.7.1, or 450, 451, 452, 455 or now 421 with an enhanced "
       "code of class 4. Decided at connect, helo or mail it is answered to each RCPT; with now at "
       "once, instead of the greeting with 421 alone.")
ACTION(REJECT, "reject", true, PHASES_ALL, "reject [now] [CODE ENHANCED] TEXT",
       "Refuses for good: 550 5.7.1, or 521, 550 to 554 or 556 with an enhanced code of class 5. "
       "Decided at connect, helo or mail it is answered to each RCPT; with now at once, instead of the "
       "greeting with 554 alone.")
ACTION(DROP, "drop", true, PHASES_ALL, "drop [CODE ENHANCED] TEXT | drop silent",
       "Says 421 4.7.0, or 421, 521, 550 or 554 with an enhanced code of that class (instead of the "
       "greeting not 550), and closes the connection; silent closes without a word.")
ACTION(JUNK, "junk", true, PHASES_RCPT_ON, "junk",
       "Accepts the message and puts it into the recipient's junk folder: of a Maildir route its folder "
       "\"Junk\", of an LMTP one with a junk_detail that address. Beside that it marks the message, for a "
       "server behind that sorts by that mark.")
ACTION(WAIT, "wait", false, PHASES_BEFORE_MESSAGE, "wait DURATION",
       "Delays this phase's reply; rules after it run when the time is over. The longest wait of a "
       "phase counts: at most 120 s before the greeting, 30 s for any later reply, 300 s a "
       "connection.")
ACTION(DOUBT, "doubt", false, PHASES_ALL, "doubt NUMBER TEXT",
       "Adds a number from -1000 to 1000 to the doubt of the connection (connect, helo), the transaction "
       "(mail), the recipient (rcpt) or the message, and its text to %{why}.")
ACTION(MARK, "mark", false, PHASES_ALL, "mark [FIELD]",
       "Adds a header field to the message, \"X-Spam-Flag: YES\" unless given in at most 200 octets. At "
       "rcpt it takes effect when all recipients of the message are marked so.")
ACTION(BAN, "ban", false, PHASES_ALL, "ban DURATION",
       "From now on, for at most 3650 d, client.banned holds for the client's address (its /64 for IPv6). "
       "Answers nothing and ends nothing.")
