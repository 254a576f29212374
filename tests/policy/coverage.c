/* Which rules of a policy's file have fired in some case: those of the phase message, of which a
 * case that nobody wrote would go unnoticed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "golden.h"

/* The file's rule, or another's? */
static bool is_of(const struct coverage *c, const struct rule *rule)
{
    const size_t n = strlen(c->file);
    return strncmp(rule->where, c->file, n) == 0 && rule->where[n] == ':';
}

static struct covered *find(struct coverage *c, const char *label)
{
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(c->rules[i].label, label) == 0) {
            return &c->rules[i];
        }
    }
    return NULL;
}

static void add_rules(struct coverage *c, const struct policy *policy)
{
    const struct policy_phase *phase = &policy->phases[PHASE_MESSAGE];
    for (size_t i = 0; i < phase->count; i++) {
        const struct rule *rule = phase->rules[i];
        if (is_of(c, rule) && find(c, rule->label) == NULL) {
            c->rules = xrealloc(c->rules, (c->count + 1) * sizeof *c->rules);
            c->rules[c->count++] = (struct covered){.label = xstrdup(rule->label)};
        }
    }
}

static void note_fired(struct coverage *c, const json_t *object, const char *key)
{
    const json_t *label;
    size_t i;
    json_array_foreach(json_object_get(object, key), i, label)
    {
        struct covered *rule = find(c, json_string_value(label));
        if (rule != NULL) {
            rule->fired = true;
        }
    }
}

static void note_decision(void *arg, const json_t *line)
{
    const json_t *recipient;
    size_t i;
    note_fired(arg, line, "fired");
    note_fired(arg, line, "observed");
    json_array_foreach(json_object_get(line, "recipients"), i, recipient)
    {
        note_fired(arg, recipient, "fired");
        note_fired(arg, recipient, "observed");
    }
}

void coverage_note(struct coverage *c, struct run *r)
{
    if (c->file != NULL) {
        add_rules(c, r->house->policy);
        each_decision(r, note_decision, c);
    }
}

bool coverage_tell(const struct coverage *c)
{
    bool good = c->file == NULL || c->count > 0;
    for (size_t i = 0; i < c->count; i++) {
        if (!c->rules[i].fired) {
            printf("# no case has %s fire\n", c->rules[i].label);
            good = false;
        }
    }
    return good;
}

void coverage_free(struct coverage *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->rules[i].label);
    }
    free(c->rules);
}
