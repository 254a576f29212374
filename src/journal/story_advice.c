/* What can be done about a rule's answer, by the facts in its condition: the advice that its sender
 * can be given, and what is for who runs this host to do. It never says that a message was wanted.
 */
#include "journal/story_impl.h"

/* By the fact, or the beginning of its name. */
static const struct {
    const char *fact;
    const char *say;
} advice[] = {
    {"client.name",
     "Its sender: give the client's address a name in reverse DNS (PTR) that leads back to "
     "that address."},
    {"helo.mine", "Its sender: have the mail server greet with its own name."},
    {"helo.form",
     "Its sender: have the mail server greet with its full host name, like mail.example.org."},
    {"helo.resolves",
     "Its sender: have the mail server greet with a name that the DNS has an address for."},
    {"sender.exists",
     "Its sender: give the domain of the sender address an MX record or an address, or "
     "correct the sender address."},
    {"sender.null_mx",
     "Its sender: use a sender address that can be answered. The DNS says of this one's "
     "domain (MX 0 .) that it takes no mail."},
    {"spf", "Its sender: send by a host that the SPF record of the sender address's domain allows, "
            "or have "
            "that record allow the client's address."},
    {"dkim",
     "Its sender: have the message signed by DKIM for the domain in its From field, and nothing of "
     "it changed afterwards."},
    {"dmarc",
     "Its sender: make SPF pass for a sender address of the domain in From, or have that domain "
     "sign the message by DKIM, and nothing of it changed afterwards."},
    {"header.missing",
     "Its sender: write the header fields that RFC 5322 asks for, From and Date."},
    {"identity.returned",
     "Its sender: let the mail server try again, as it does by itself (RFC 5321 4.5.4.1); a "
     "program "
     "that tries once has to hand its mail to one. You: name recipients who cannot wait in the "
     "table impatient."},
    {"client.banned", "You: end the ban by `gatepost unban`, and name hosts that are never to be "
                      "banned in the table "
                      "trusted."},
    {"client.harvester", "Its sender: take recipients who are not there any more off the list."},
    {"client.forwarder",
     "You: where the client forwards mail that your recipients want from there, name it "
     "in the table forwarders."},
    {"arc.trusted",
     "You: where it comes by a mailing list or forwarder that seals by ARC and that you trust, "
     "name its domain in the table sealers."},
};

/* Does the tree of what would have to differ have that fact? */
static bool has_fact(const json_t *needs, const char *fact)
{
    const size_t n = strlen(fact);
    const char *name;
    json_t *value;
    const json_t *part;
    size_t i;

    json_object_foreach(json_object_get(needs, "values"), name, value)
    {
        if (strncmp(name, fact, n) == 0 && (name[n] == '\0' || name[n] == '(')) {
            return true;
        }
    }
    json_array_foreach(json_object_get(needs, "any"), i, part)
    {
        if (has_fact(part, fact)) {
            return true;
        }
    }
    json_array_foreach(json_object_get(needs, "all"), i, part)
    {
        if (has_fact(part, fact)) {
            return true;
        }
    }
    return false;
}

json_t *advice_tell(const json_t *differ)
{
    const json_t *needs = json_object_get(differ, "needs");
    json_t *ret = json_array();

    for (size_t i = 0; needs != NULL && i < sizeof(advice) / sizeof(advice[0]); i++) {
        if (has_fact(needs, advice[i].fact)) {
            (void)json_array_append_new(ret, json_string(advice[i].say));
        }
    }
    return ret;
}
