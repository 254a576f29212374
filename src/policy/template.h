/* Texts with facts in them: "listed by %{dnsbl.zone}". "%{NAME}" or "%{NAME(PARAMETER)}" stands for
 * the fact's text, "%%" for "%". */
#pragma once

#include "fact/fact.h"

struct template_part {
    struct slice literal;       /* in front of the fact */
    const struct fact_use *use; /* NULL: none follows */
};

struct text_template {
    const struct template_part *parts;
    size_t count;
};

/* Octets that one fact, and the whole text, may come to. */
#define TEMPLATE_FACT_MOST  ((size_t)200)
#define TEMPLATE_WHOLE_MOST ((size_t)1000)

/* Fills in, in e->arena (a template without facts is not copied). Whatever a fact holds becomes
 * printable ASCII in one line. Facts that would have to be asked for and cost something stand as
 * "unknown": the policy asks for those of a rule that fires before. */
struct slice template_fill(const struct text_template *t, const struct evidence *e);
